"""Stimuli that are constant within windows of time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from .signal import Signal
from .stimulus import Stimulus
from .timing import Closed, check_closed, window_steps
from .values import (
    Current,
    check_current,
    check_number,
    check_same_width,
    check_windows,
    row_of,
    width_of,
)


@final
@dataclass(frozen=True, eq=False)
class Levels(Stimulus):
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
        values = row_of(self.base, dtype=dtype, device=device).expand(count, -1)
        for start, stop, amplitude in reversed(self.levels):
            inside = _inside(((start, stop),), self.closed, first, count, dt, device)
            values = torch.where(inside, row_of(amplitude, dtype=dtype, device=device), values)
        return values

    def signal(self) -> Signal:
        """See :meth:`Stimulus.signal`."""
        return _signal(self.levels, self.base)

    @property
    def width(self) -> int:
        """See :attr:`Stimulus.width`."""
        return width_of(self.base, *(level[2] for level in self.levels))


@final
@dataclass(frozen=True, eq=False)
class Pulses(Stimulus):
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
        inside = _inside(self.windows, self.closed, first, count, dt, device)
        high = row_of(self.amplitude, dtype=dtype, device=device)
        return torch.where(inside, high, row_of(self.base, dtype=dtype, device=device))

    def signal(self) -> Signal:
        """See :meth:`Stimulus.signal`."""
        return _signal([(start, stop, self.amplitude) for start, stop in self.windows], self.base)

    @property
    def width(self) -> int:
        """See :attr:`Stimulus.width`."""
        return width_of(self.amplitude, self.base)


@final
@dataclass(frozen=True, eq=False)
class Step(Stimulus):
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
        inside = _inside(((self.start, self.stop),), self.closed, first, count, dt, device)
        high = row_of(self.amplitude, dtype=dtype, device=device)
        return torch.where(inside, high, row_of(self.base, dtype=dtype, device=device))

    def signal(self) -> Signal:
        """See :meth:`Stimulus.signal`."""
        return _signal([(self.start, self.stop, self.amplitude)], self.base)

    @property
    def width(self) -> int:
        """See :attr:`Stimulus.width`."""
        return width_of(self.amplitude, self.base)


def _signal(levels: Sequence[tuple[float, float, Current]], base: Current) -> Signal:
    """The signal of windows, each with its amplitude; the first that holds a time counts there."""
    edges = sorted({float(edge) for start, stop, _ in levels for edge in (start, stop) if edge < math.inf})
    found = [
        next((amplitude for start, stop, amplitude in levels if start <= edge < stop), base) for edge in edges
    ]
    return Signal.levels(edges, found, before=base)


def _inside(
    windows: tuple[tuple[float, float], ...],
    closed: str,
    first: int,
    count: int,
    dt: float,
    device: torch.device | None,
) -> Tensor:
    """Which of the steps start inside a window, a boolean tensor [count, 1]."""
    steps = torch.arange(first, first + count, device=device)[:, None]
    inside = torch.zeros_like(steps, dtype=torch.bool)
    for start, stop in windows:
        begin, end = window_steps(start, stop, dt, closed)
        inside |= (steps >= begin) & (steps < end)
    return inside
