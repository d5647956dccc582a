"""What a stimulus is made of: windows, a function of time, or samples, with a length.

Each is described once. As a signal it is asked for any time; on the grid of a run it is sampled at the times
n dt, where times and boundaries are compared as integers (:mod:`~rheobase.signal.timing`).
"""

from __future__ import annotations

import abc
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, final

import torch
from torch import Tensor

from ..errors import StimulusError
from .signal import Signal
from .timing import held_indices, steps_before, window_steps
from .values import Current, row_of, width_of
from .waveform import FunctionWaveform


class Grid(NamedTuple):
    """The steps ``first <= n < first + number``, which start at n dt, and the tensors that are asked for."""

    first: int
    number: int
    dt: float
    dtype: torch.dtype
    device: torch.device | None


class Description(abc.ABC):
    """A current over time, pA, and how long it lasts."""

    @property
    @abc.abstractmethod
    def width(self) -> int:
        """The number of units it is made for; 1 where it serves any number."""

    @abc.abstractmethod
    def sample(self, grid: Grid) -> Tensor:
        """The values where steps start, ``[count, width]``, or with a batch ``[count, *batch, width]``."""

    @abc.abstractmethod
    def signal(self) -> Signal:
        """The same for any time."""

    @property
    def constant(self) -> bool:
        """Whether it never changes."""
        return False

    @property
    def length(self) -> tuple[int, float] | None:
        """How many intervals it lasts, and how long each is, ms; None: it has no end."""
        return None


@final
@dataclass(frozen=True, eq=False)
class Windows(Description):
    """Currents that are constant within windows; where windows overlap, the first counts."""

    # The windows of each amplitude, ms: ``((start, stop), ...), amplitude``.
    levels: tuple[tuple[tuple[tuple[float, float], ...], Current], ...]
    # The current outside.
    base: Current
    # Which ends belong to a window; of a signal it makes no difference.
    closed: str = "left"

    @property
    def width(self) -> int:
        return width_of(self.base, *[amplitude for _, amplitude in self.levels])

    @property
    def constant(self) -> bool:
        return not self.levels

    def sample(self, grid: Grid) -> Tensor:
        first, count, dt, dtype, device = grid
        row = row_of(self.base, dtype=dtype, device=device)
        values = row.expand(count, *row.shape)
        # From the last to the first, which so overwrites the others where they overlap.
        for windows, amplitude in reversed(self.levels):
            inside = torch.zeros(count, 1, dtype=torch.bool, device=device)
            for start, stop in windows:
                begin, end = window_steps(start, stop, dt, self.closed)
                inside[max(0, begin - first) : max(0, end - first)] = True
            values = torch.where(inside, row_of(amplitude, dtype=dtype, device=device), values)
        return values

    def signal(self) -> Signal:
        if isinstance(self.base, Tensor) and self.base.dim() > 1:  # a batch, and no windows
            return Signal.of(FunctionWaveform(partial(_always, self.base), (), steady=True))
        windows = [(*window, amplitude) for each, amplitude in self.levels for window in each]
        edges = sorted({float(edge) for *window, _ in windows for edge in window if edge < math.inf})
        found = [
            next((amplitude for start, stop, amplitude in windows if start <= edge < stop), self.base)
            for edge in edges
        ]
        return Signal.levels(edges, found, before=self.base)


def _always(amplitude: Tensor, t: Tensor) -> Tensor:
    return amplitude


@final
@dataclass(frozen=True, eq=False)
class Curve(Description):
    """A function of time, which is smooth but at some times."""

    # ``function(t, *values)``, in float64, so that late times are as exact as early ones. It stands by
    # itself, so that it can be pickled.
    function: Callable[..., Tensor]
    values: tuple[Current, ...]
    # Where its slope jumps, ms.
    kinks: tuple[float, ...] = ()
    # Where it jumps itself, ms. There it gives the value that holds from there on.
    jumps: tuple[float, ...] = ()
    # The unit of t, in ms.
    unit: float = 1.0

    @property
    def width(self) -> int:
        return width_of(*self.values)

    def sample(self, grid: Grid) -> Tensor:
        steps = torch.arange(grid.first, grid.first + grid.number)[:, None]
        times = steps.double() * (grid.dt / self.unit)
        for jump in self.jumps:
            # The product n dt may be rounded to the other side of the jump; a kink looks the same from both.
            before = steps < steps_before(jump, grid.dt, including=False)
            edge = jump / self.unit
            below = times.clamp(max=math.nextafter(edge, -math.inf))
            times = torch.where(before, below, times.clamp(min=edge))
        values = [row_of(value, dtype=torch.float64, device=None).cpu() for value in self.values]
        return self.function(times, *values).to(dtype=grid.dtype, device=grid.device)

    def signal(self) -> Signal:
        edges = sorted(edge for edge in (*self.kinks, *self.jumps) if edge < math.inf)
        return Signal(self._at, edges)

    def _at(self, t: Tensor) -> Tensor:
        # A time without dimensions would become float32 beside a tensor of float32.
        values = [value.double() if isinstance(value, Tensor) else value for value in self.values]
        return self.function(t if self.unit == 1.0 else t / self.unit, *values)


@final
@dataclass(frozen=True, eq=False)
class Held(Description):
    """Samples ``[n, width]`` at equal intervals, each held until the next; it ends where they end."""

    values: Tensor
    sample_dt: float
    _largest: Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # The largest value tells at each call whether all fit into a type, without a pass over them.
        largest = torch.stack(torch.aminmax(self.values.detach())).abs().max()
        object.__setattr__(self, "_largest", largest)

    @property
    def width(self) -> int:
        return int(self.values.shape[1])

    @property
    def length(self) -> tuple[int, float]:
        return len(self.values), self.sample_dt

    def sample(self, grid: Grid) -> Tensor:
        first, count, dt, dtype, device = grid
        if torch.isinf(self._largest.to(dtype)):
            self._refuse(dtype)
        indices = held_indices(first, count, dt, self.sample_dt)
        if count and indices[-1] >= len(self.values):
            last = first + count - 1
            raise StimulusError(
                f"the stimulus has {len(self.values)} samples of {self.sample_dt:g} ms and lasts "
                f"{len(self.values) * self.sample_dt:g} ms; step {last} at {last * dt:g} ms "
                "lies beyond them; give a shorter duration"
            )
        # Selected before they are converted: a run of few steps converts few.
        return self.values[torch.from_numpy(indices).to(self.values.device)].to(dtype=dtype, device=device)

    def _refuse(self, dtype: torch.dtype) -> None:
        """Name the first value that is beyond a type."""
        sample, column = torch.isinf(self.values.detach().to(dtype)).nonzero()[0].tolist()
        raise StimulusError(
            f"sample {sample} of column {column} of the stimulus is {self.values[sample, column].item():g}, "
            f"beyond what {str(dtype).removeprefix('torch.')} holds; scale it, or create the model with "
            "dtype=torch.float64"
        )

    def signal(self) -> Signal:
        # Products, not a running sum: each is rounded once.
        times = [index * self.sample_dt for index in range(len(self.values))]
        values = self.values if self.width > 1 else self.values[:, 0]
        return Signal.levels(times, values, until=len(self.values) * self.sample_dt)
