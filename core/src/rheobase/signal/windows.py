"""Stimuli that are constant within windows of time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

from .description import Windows
from .stimulus import Described
from .timing import Closed, check_closed
from .values import Current, check_current, check_number, check_same_width, check_windows


@final
@dataclass(frozen=True, eq=False)
class Levels(Described):
    """Several windows, each with a current of its own: I(t) = amplitude_k in window k, else base.

    The amplitude replaces the base, it does not add to it. Where windows overlap, the first counts.

    Args:
        levels: The windows: ``(start, stop, amplitude)`` in ms, ms, pA; an amplitude may be a tensor
            ``[units]``, a stop may be ``inf``.
        base: The current outside the windows, in pA. Default 0.
        closed: Which ends belong to a window. ``"left"``, the default: start <= t < stop. ``"neither"``:
            start < t < stop, as in Izhikevich's published programs; or ``"right"`` or ``"both"``.
            Here t is the time at which a step starts.

    Raises:
        StimulusError: If a window does not stop after its start, or a current cannot be used.

    Example:
        >>> from rheobase import stimulus
        >>> two = stimulus.Levels(((1.0, 2.0, 10.0), (3.0, 5.0, -0.5)), base=-2.0)
        >>> two.rows(0, 6, dt=1.0, num_units=1).flatten()
        tensor([-2.0000, 10.0000, -2.0000, -0.5000, -0.5000, -2.0000])
    """

    levels: tuple[tuple[float, float, Current], ...]
    base: Current = 0.0
    closed: Closed = "left"

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", check_windows(self, "levels", self.levels, 3))
        check_current(self, "base", self.base)
        check_closed(self, self.closed)
        amplitudes = {f"levels[{k}].amplitude": level[2] for k, level in enumerate(self.levels)}
        check_same_width(self, base=self.base, **amplitudes)

    @property
    def description(self) -> Windows:
        """See :class:`Described`."""
        levels = tuple((((start, stop),), amplitude) for start, stop, amplitude in self.levels)
        return Windows(levels, self.base, self.closed)


@final
@dataclass(frozen=True, eq=False)
class Pulses(Described):
    """The same current in several windows: I(t) = amplitude inside a window, else base.

    Args:
        amplitude: The current inside, in pA; a number or a tensor ``[units]``. It replaces the base.
        windows: ``(start, stop)`` in ms, one for each pulse.
        base: The current outside, in pA. Default 0.
        closed: Which ends belong to a window, as in :class:`Levels`. Default ``"left"``:
            start <= t < stop.

    Raises:
        StimulusError: If a window does not stop after its start, or a current cannot be used.

    Example:
        >>> from rheobase import stimulus
        >>> stimulus.Pulses(5.0, ((1.0, 2.0), (3.0, 5.0))).rows(0, 6, dt=1.0, num_units=1).flatten()
        tensor([0., 5., 0., 5., 5., 0.])
    """

    amplitude: Current
    windows: tuple[tuple[float, float], ...]
    base: Current = 0.0
    closed: Closed = "left"

    def __post_init__(self) -> None:
        object.__setattr__(self, "windows", check_windows(self, "windows", self.windows, 2))
        check_current(self, "amplitude", self.amplitude)
        check_current(self, "base", self.base)
        check_closed(self, self.closed)
        check_same_width(self, amplitude=self.amplitude, base=self.base)

    @property
    def description(self) -> Windows:
        """See :class:`Described`."""
        return Windows(((self.windows, self.amplitude),), self.base, self.closed)


@final
@dataclass(frozen=True, eq=False)
class Step(Described):
    """One pulse: I(t) = amplitude for start <= t < stop, else base.

    Args:
        amplitude: The current inside, in pA; a number or a tensor ``[units]``. It replaces the base.
        start: When it starts, in ms. Default 0.
        stop: When it stops, in ms. Default infinity.
        base: The current outside, in pA. Default 0.
        closed: Which ends belong to it, as in :class:`Levels`. Default ``"left"``.

    Raises:
        StimulusError: If it does not stop after its start, or a current cannot be used.

    Example:
        >>> from rheobase import stimulus
        >>> stimulus.Step(300.0, start=0.2, stop=0.4).rows(0, 5, dt=0.1, num_units=1).flatten()
        tensor([  0.,   0., 300., 300.,   0.])
    """

    amplitude: Current
    start: float = 0.0
    stop: float = math.inf
    base: Current = 0.0
    closed: Closed = "left"

    def __post_init__(self) -> None:
        check_number(self, "start", self.start)
        check_number(self, "stop", self.stop, above=self.start, infinite=True)
        check_current(self, "amplitude", self.amplitude)
        check_current(self, "base", self.base)
        check_closed(self, self.closed)
        check_same_width(self, amplitude=self.amplitude, base=self.base)

    @property
    def description(self) -> Windows:
        """See :class:`Described`."""
        return Windows(((((self.start, self.stop),), self.amplitude),), self.base, self.closed)
