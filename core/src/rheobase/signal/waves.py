"""Stimuli that change smoothly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from .signal import Signal
from .stimulus import Stimulus
from .timing import steps_before
from .values import Current, check_current, check_number, check_same_width, row_of, width_of


@final
@dataclass(frozen=True, eq=False)
class Ramp(Stimulus):
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
        steps = torch.arange(first, first + count)[:, None]
        elapsed = (steps.double() * dt).clamp(self.start, self.stop) - self.start
        if not self.hold:
            elapsed = elapsed.where(steps < steps_before(self.stop, dt, including=False), 0.0)
        # In float64 until the end, so that a long ramp is as exact as a short one.
        slope, base = (row_of(v, dtype=torch.float64, device=None) for v in (self.slope, self.base))
        return (base.cpu() + slope.cpu() * elapsed).to(dtype=dtype, device=device)

    def signal(self) -> Signal:
        """See :meth:`Stimulus.signal`."""
        return Signal(self._at, [edge for edge in (self.start, self.stop) if edge < math.inf])

    def _at(self, t: Tensor) -> Tensor:
        elapsed = t.clamp(self.start, self.stop) - self.start
        if not self.hold:
            elapsed = torch.where(t < self.stop, elapsed, 0.0)
        return torch.as_tensor(_double(self.base) + _double(self.slope) * elapsed)

    @property
    def width(self) -> int:
        """See :attr:`Stimulus.width`."""
        return width_of(self.slope, self.base)


@final
@dataclass(frozen=True, eq=False)
class Sine(Stimulus):
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
        times = torch.arange(first, first + count, dtype=torch.float64)[:, None] * (dt / 1000.0)
        amplitude, frequency, phase, offset = (
            row_of(value, dtype=torch.float64, device=None).cpu()
            for value in (self.amplitude, self.frequency, self.phase, self.offset)
        )
        values = offset + amplitude * torch.sin(2.0 * math.pi * frequency * times + phase)
        return values.to(dtype=dtype, device=device)

    def signal(self) -> Signal:
        """See :meth:`Stimulus.signal`."""
        return Signal(self._at)

    def _at(self, t: Tensor) -> Tensor:
        amplitude, frequency, phase, offset = map(
            _double, (self.amplitude, self.frequency, self.phase, self.offset)
        )
        rate = 2.0 * math.pi / 1000.0 * frequency
        return torch.as_tensor(offset + amplitude * torch.sin(rate * t + phase))

    @property
    def width(self) -> int:
        """See :attr:`Stimulus.width`."""
        return width_of(self.amplitude, self.frequency, self.phase, self.offset)


def _double(value: Current) -> Current:
    # A time without dimensions would become float32 beside a tensor of float32.
    return value.double() if isinstance(value, Tensor) else value
