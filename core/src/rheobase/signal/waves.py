"""Stimuli that change smoothly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import final

import torch
from torch import Tensor

from .description import Curve
from .stimulus import Described
from .values import Current, check_current, check_number, check_same_width


@final
@dataclass(frozen=True, eq=False)
class Ramp(Described):
    """A current that rises at a constant rate: I(t) = base + slope (t - start) for start <= t < stop.

    Before it starts the current is the base. After it stops it keeps its last value
    base + slope (stop - start), or, with ``hold=False``, goes back to the base.

    Args:
        slope: The rate in pA per ms; a number or a tensor ``[units]``; it may be negative.
        start: When it starts, in ms. Default 0.
        stop: When it stops, in ms. Default infinity.
        base: The current before it, in pA. Default 0.
        hold: Whether the last value is held. Default True.

    Raises:
        StimulusError: If it does not stop after its start, or a current cannot be used.

    Example:
        >>> from rheobase import stimulus
        >>> stimulus.Ramp(10.0, start=1.0, stop=3.0).rows(0, 5, dt=1.0, num_units=1).flatten()
        tensor([ 0.,  0., 10., 20., 20.])
        >>> stimulus.Ramp(10.0, start=1.0, stop=3.0, hold=False).rows(0, 5, dt=1.0, num_units=1).flatten()
        tensor([ 0.,  0., 10.,  0.,  0.])
    """

    slope: Current
    start: float = 0.0
    stop: float = math.inf
    base: Current = 0.0
    hold: bool = True

    def __post_init__(self) -> None:
        check_current(self, "slope", self.slope)
        check_number(self, "start", self.start)
        check_number(self, "stop", self.stop, above=self.start, infinite=True)
        check_current(self, "base", self.base)
        check_same_width(self, slope=self.slope, base=self.base)

    @property
    def description(self) -> Curve:
        """See :class:`Described`."""
        function = partial(_ramp, self.start, self.stop, self.hold)
        values = (self.slope, self.base)
        if self.hold:
            return Curve(function, values, kinks=(self.start, self.stop))
        return Curve(function, values, kinks=(self.start,), jumps=(self.stop,))


def _ramp(start: float, stop: float, hold: bool, t: Tensor, slope: Current, base: Current) -> Tensor:
    elapsed = t.clamp(start, stop) - start
    if not hold:
        elapsed = torch.where(t < stop, elapsed, 0.0)
    return torch.as_tensor(base + slope * elapsed)


@final
@dataclass(frozen=True, eq=False)
class Sine(Described):
    """A sine wave: I(t) = offset + amplitude sin(2 pi frequency t / 1000 + phase), with t in ms.

    Args:
        amplitude: The amplitude in pA; a number or a tensor ``[units]``.
        frequency: The frequency in Hz; a number or a tensor ``[units]``.
        phase: The phase at t = 0 in radians; a number or a tensor ``[units]``. Default 0.
        offset: The mean current in pA; a number or a tensor ``[units]``. Default 0.

    Raises:
        StimulusError: If one of them is not finite or not real.

    Example:
        >>> from rheobase import stimulus
        >>> wave = stimulus.Sine(100.0, frequency=10.0, offset=50.0)     # a period of 100 ms
        >>> wave.rows(0, 3, dt=25.0, num_units=1).flatten().round()
        tensor([ 50., 150.,  50.])
    """

    amplitude: Current
    frequency: Current
    phase: Current = 0.0
    offset: Current = 0.0

    def __post_init__(self) -> None:
        for name in ("amplitude", "frequency", "phase", "offset"):
            check_current(self, name, getattr(self, name))
        check_same_width(
            self,
            amplitude=self.amplitude,
            frequency=self.frequency,
            phase=self.phase,
            offset=self.offset,
        )

    @property
    def description(self) -> Curve:
        """See :class:`Described`."""
        return Curve(_sine, (self.amplitude, self.frequency, self.phase, self.offset), unit=1000.0)


def _sine(t: Tensor, amplitude: Current, frequency: Current, phase: Current, offset: Current) -> Tensor:
    return torch.as_tensor(offset + amplitude * torch.sin(2.0 * math.pi * frequency * t + phase))


def _double(value: Current) -> Current:
    # A time without dimensions would become float32 beside a tensor of float32.
    return value.double() if isinstance(value, Tensor) else value
