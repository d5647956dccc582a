"""What a stimulus is; the one that does not change, and the sum of several."""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from ..errors import StimulusError, shown
from .description import Description, Grid, Windows
from .signal import Signal
from .timing import whole_steps
from .values import Current, check_current, is_number


class Stimulus(abc.ABC):
    """A current over time, in pA: a pure function of the step's number.

    Step n starts at t = n dt, and the value at its start holds for the whole of it. Rows depend on
    n, dt and the number of units alone, so that a run that goes on after another receives what one
    long run would have received.

    A stimulus of your own defines :meth:`rows`, and the properties where they differ.

    Example:
        >>> import torch
        >>> from rheobase import stimulus
        >>> class Sawtooth(stimulus.Stimulus):
        ...     def rows(self, first, count, dt, num_units, *, dtype=torch.float32, device=None):
        ...         n = torch.arange(first, first + count, device=device)
        ...         return (n * dt % 10.0).to(dtype)[:, None]
        >>> Sawtooth().rows(9, 3, 1.0, num_units=1).flatten()
        tensor([9., 0., 1.])
    """

    __slots__ = ()

    @abc.abstractmethod
    def rows(
        self,
        first: int,
        count: int,
        dt: float,
        num_units: int,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | None = None,
    ) -> Tensor:
        """The currents of the steps ``first <= n < first + count``.

        Args:
            first: The number of the first step, counted from the neuron's reset.
            count: How many steps.
            dt: The time step in ms.
            num_units: The number of units that will receive it.
            dtype: The type of the result.
            device: Where the result lies; None: the CPU.

        Returns:
            A tensor ``[count, 1]``, the same for every unit, or ``[count, num_units]``, in pA; where the
            stimulus has a batch, ``[count, *batch, 1 or num_units]``.
        """

    @property
    def width(self) -> int:
        """The number of units it is made for; 1 where it serves any number. Default 1."""
        return 1

    @property
    def constant(self) -> bool:
        """Whether every row is the same. Default False."""
        return False

    @property
    def duration(self) -> float:
        """How long it lasts, in ms. Default infinity."""
        return math.inf

    def steps(self, dt: float) -> int | None:
        """How many whole steps of dt it lasts; None for one without an end, the default."""
        return None

    def signal(self) -> Signal:
        """The current as a signal, which changes within steps too: where it jumps, not at the next step.

        What it is at an instant of a jump itself makes no difference, so neither does ``closed``.

        Raises:
            StimulusError: If it is defined for whole steps of dt alone, such as noise.

        Example:
            >>> from rheobase import stimulus
            >>> stimulus.Step(300.0, start=0.25, stop=0.4).signal().breakpoints
            (0.25, 0.4)
        """
        raise StimulusError(
            f"{type(self).__name__} is defined for whole steps of dt alone, so it has no signal; give the "
            "stimulus itself, which is held within each step"
        )

    def __add__(self, other: object) -> Sum:
        """The sum of two stimuli, or of a stimulus and a constant number in pA."""
        if isinstance(other, Stimulus):
            return Sum((*_parts(self), *_parts(other)))
        if is_number(other):
            return Sum((*_parts(self), Constant(float(other))))  # type: ignore[arg-type]
        return NotImplemented

    def __radd__(self, other: object) -> Stimulus:
        """The same the other way; 0, with which Python's ``sum`` begins, adds nothing."""
        return self if is_number(other) and other == 0 else self + other


class Described(Stimulus):
    """A stimulus of this package: it says what it is made of, and all else is derived from that."""

    __slots__ = ()

    @property
    @abc.abstractmethod
    def description(self) -> Description:
        """What it is made of."""

    def rows(
        self,
        first: int,
        count: int,
        dt: float,
        num_units: int,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | None = None,
    ) -> Tensor:
        """See :meth:`Stimulus.rows`."""
        return self.description.sample(Grid(first, count, dt, dtype, device))

    def signal(self) -> Signal:
        """See :meth:`Stimulus.signal`."""
        return self.description.signal()

    @property
    def width(self) -> int:
        """See :attr:`Stimulus.width`."""
        return self.description.width

    @property
    def constant(self) -> bool:
        """See :attr:`Stimulus.constant`."""
        return self.description.constant

    @property
    def duration(self) -> float:
        """See :attr:`Stimulus.duration`."""
        length = self.description.length
        return math.inf if length is None else length[0] * length[1]

    def steps(self, dt: float) -> int | None:
        """See :meth:`Stimulus.steps`."""
        length = self.description.length
        return None if length is None else whole_steps(length[0], dt, length[1])


@final
@dataclass(frozen=True, eq=False)
class Sum(Stimulus):
    """Several stimuli at once: I(t) = I_1(t) + I_2(t) + ...; written ``first + second``.

    It lasts as long as the shortest of them.

    Args:
        parts: The stimuli.

    Raises:
        StimulusError: If there is none, or if they are made for different numbers of units.

    Example:
        >>> from rheobase import stimulus
        >>> both = stimulus.Constant(100.0) + stimulus.Step(50.0, start=0.2)
        >>> both.rows(0, 4, dt=0.1, num_units=1).flatten()
        tensor([100., 100., 150., 150.])
    """

    parts: tuple[Stimulus, ...]

    def __post_init__(self) -> None:
        if not self.parts or not all(isinstance(part, Stimulus) for part in self.parts):
            raise StimulusError(f"Sum(parts={shown(self.parts)}) cannot be used; give one stimulus or more")
        widths = {part.width for part in self.parts} - {1}
        if len(widths) > 1:
            raise StimulusError(
                f"stimuli for {' and for '.join(map(str, sorted(widths)))} units cannot be added; "
                "give each one value for all units, or all of them the same number of units"
            )

    def rows(
        self,
        first: int,
        count: int,
        dt: float,
        num_units: int,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | None = None,
    ) -> Tensor:
        """See :meth:`Stimulus.rows`."""
        parts = [part.rows(first, count, dt, num_units, dtype=dtype, device=device) for part in self.parts]
        depth = max(part.dim() for part in parts)
        # Of those without a batch a row is the same for each of it.
        parts = [part.reshape(count, *[1] * (depth - part.dim()), *part.shape[1:]) for part in parts]
        return sum(parts[1:], parts[0])

    def signal(self) -> Signal:
        """See :meth:`Stimulus.signal`."""
        first, *others = (part.signal() for part in self.parts)
        return sum(others, first)

    @property
    def width(self) -> int:
        """See :attr:`Stimulus.width`."""
        return max(part.width for part in self.parts)

    @property
    def constant(self) -> bool:
        """See :attr:`Stimulus.constant`."""
        return all(part.constant for part in self.parts)

    @property
    def duration(self) -> float:
        """See :attr:`Stimulus.duration`."""
        return min(part.duration for part in self.parts)

    def steps(self, dt: float) -> int | None:
        """See :meth:`Stimulus.steps`."""
        limits = [limit for part in self.parts if (limit := part.steps(dt)) is not None]
        return min(limits, default=None)


def _parts(stimulus: Stimulus) -> tuple[Stimulus, ...]:
    return stimulus.parts if isinstance(stimulus, Sum) else (stimulus,)


@final
@dataclass(frozen=True, eq=False)
class Constant(Described):
    """The same current for ever: I(t) = amplitude.

    Args:
        amplitude: The current in pA; a number, or a tensor ``[units]``, or with a batch ``[*batch, units]``
            or ``[*batch, 1]``: that is how a batch of constants is told from rows, one for each step.

    Raises:
        StimulusError: If the amplitude is not finite or not real.

    Example:
        >>> from rheobase import stimulus
        >>> stimulus.Constant(200.0).rows(0, 2, dt=0.1, num_units=5)
        tensor([[200.],
                [200.]])
        >>> import torch
        >>> import rheobase as rb
        >>> neuron = rb.create("analog", num_units=3)
        >>> batch = stimulus.Constant(torch.tensor([[1.0], [2.0]]))
        >>> rb.simulate(neuron, batch, duration=0.5, record="voltage").traces["voltage"].shape
        torch.Size([5, 2, 3])
    """

    amplitude: Current

    def __post_init__(self) -> None:
        check_current(self, "amplitude", self.amplitude, batch=True)

    @property
    def description(self) -> Windows:
        """See :class:`Described`; with a batch rows are ``[count, *batch, 1 or units]``."""
        return Windows((), self.amplitude)
