"""What signals are made of: functions of time, combined by rules, for all units or for some.

A function is asked on the clock that it was written for, however long that clock has run: the time of a
step is added to its origin in float64, and the segment between two breakpoints is chosen there.
"""

from __future__ import annotations

import abc
import math
import operator
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, final

import torch
from torch import Tensor

from ..errors import InputError, RheobaseError

EPS = 2.0**-52

Rule = Callable[[list[Tensor], Any], Tensor]
"""How the values of several parts at a time combine into one: ``rule(values, t)``."""


class Waveform(abc.ABC):
    """What :class:`~rheobase.Signal` asks of its parts; all of it is pure."""

    # What is made of other waveforms jumps where they do: it says what its parts are, how it is made of such,
    # and what its value is.

    __slots__ = ()

    parts: tuple[Waveform, ...]

    @abc.abstractmethod
    def value(self, t: float | Tensor) -> Tensor:
        """The value at a time, or at a time for each unit."""

    @abc.abstractmethod
    def of(self, parts: tuple[Waveform, ...]) -> Waveform:
        """The same, made of other parts."""

    @property
    def steady(self) -> bool:
        """Whether the value is constant between breakpoints."""
        for part in self.parts:  # noqa: SIM110 - asked in every step
            if not part.steady:
                return False
        return True

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """Where value or slope jump."""
        return tuple(sorted({time for part in self.parts for time in part.breakpoints}))

    def cuts(self, t0: float, t1: float) -> list[float]:
        """The breakpoints between two times, without those that are one of the two but for rounding."""
        if len(self.parts) == 1:
            return self.parts[0].cuts(t0, t1)
        return sorted({time for part in self.parts for time in part.cuts(t0, t1)})

    def slack(self, t0: float, t1: float) -> float:
        """By how much two times within t0 to t1 may differ and mean the same instant."""
        return max(part.slack(t0, t1) for part in self.parts)

    def shifted(self, t0: float) -> Waveform:
        """The same on a clock that starts at ``t0``."""
        return self.of(tuple([part.shifted(t0) for part in self.parts]))

    def segment_at(self, t: float) -> Waveform:
        """The same without breakpoints: as it is on the segment that holds ``t``; itself if it has none."""
        smooth = tuple([part.segment_at(t) for part in self.parts])
        return self if all(map(operator.is_, smooth, self.parts)) else self.of(smooth)


@final
@dataclass(frozen=True, eq=False)
class FunctionWaveform(Waveform):
    """A function of time, smooth between its breakpoints."""

    # Takes a float64 tensor of times, 0-dimensional or ``[*batch, units]``.
    function: Callable[[Tensor], Any]
    # The breakpoints on the function's own clock, increasing.
    times: tuple[float, ...] = ()
    # Whether the function is constant between them.
    steady: bool = False
    # What the function's clock shows at t = 0.
    origin: float = 0.0
    # The function is not asked before ``low`` of its own clock, nor after ``high``.
    low: float = -math.inf
    high: float = math.inf

    @property
    def breakpoints(self) -> tuple[float, ...]:
        return tuple(time - self.origin for time in self.times)

    def value(self, t: float | Tensor) -> Tensor:
        if not isinstance(t, Tensor):
            own = torch.tensor(min(max(t + self.origin, self.low), self.high), dtype=torch.float64)
            return as_value(self.function(own))
        own = (t.to(torch.float64) + self.origin).clamp(self.low, self.high)
        if own.ndim == 0:
            return as_value(self.function(own))
        try:
            return as_value(self.function(own))
        except RheobaseError:
            raise
        except (TypeError, ValueError, RuntimeError) as error:
            raise InputError(
                f"a signal's function cannot be asked for the times of several units, {list(own.shape)}: "
                f"{error}; write it in torch's functions, with torch.where in place of if, so that it "
                "takes a tensor of times and gives a value for each"
            ) from error

    def of(self, parts: tuple[Waveform, ...]) -> Waveform:
        return self

    def cuts(self, t0: float, t1: float) -> list[float]:
        if not self.times:
            return []
        slack = self.slack(t0, t1)
        # Breakpoints at an end of the interval, but for rounding, cut nothing off.
        first = bisect_right(self.times, self.origin + t0 + slack)
        last = bisect_left(self.times, self.origin + t1 - slack)
        return [time - self.origin for time in self.times[first:last]]

    def slack(self, t0: float, t1: float) -> float:
        # Each of the two, n dt and k sample_dt, is rounded twice: by 2 eps of its size at most.
        rounding = 4.0 * EPS * max(abs(self.origin + t0), abs(self.origin + t1))
        return min(rounding, 0.25 * (t1 - t0))

    def shifted(self, t0: float) -> FunctionWaveform:
        # The origin moves and the breakpoints stay: they are never rounded anew.
        return replace(self, origin=self.origin + t0)

    def segment_at(self, t: float) -> FunctionWaveform:
        if not self.times:
            return self
        place = bisect_right(self.times, self.origin + t)
        low = self.times[place - 1] if place else self.low
        # The last number before the next breakpoint: there the function gives the limit from the left.
        high = math.nextafter(self.times[place], -math.inf) if place < len(self.times) else self.high
        return replace(self, times=(), low=low, high=high)


@final
@dataclass(frozen=True, eq=False)
class Combined(Waveform):
    """Several waveforms, and the rule that makes one value of theirs."""

    parts: tuple[Waveform, ...]
    rule: Rule

    def value(self, t: float | Tensor) -> Tensor:
        return self.rule([part.value(t) for part in self.parts], t)

    def of(self, parts: tuple[Waveform, ...]) -> Combined:
        return Combined(parts, self.rule)


@final
@dataclass(frozen=True, eq=False)
class UnitSubset(Waveform):
    """Some units of a waveform: places in the flattened ``[*batch, units]``, int64 ``[n]`` or a slice."""

    parts: tuple[Waveform, ...]
    who: Any
    shape: torch.Size

    def value(self, t: float | Tensor) -> Tensor:
        """The value at one time, or at times ``[n]``."""
        (whole,) = self.parts
        if not isinstance(t, Tensor) or t.ndim == 0:
            return self._some(whole.value(t))
        if t.numel() == 0:
            return torch.zeros_like(t)
        any_time = float(t.detach().reshape(-1)[0])
        if whole.value(any_time).numel() == 1:
            return whole.value(t)  # the same function for every unit
        # The function knows its units by their places: the others are asked for any time.
        places = torch.arange(self.shape.numel(), device=t.device)[self.who]
        times = torch.full((self.shape.numel(),), any_time, dtype=torch.float64, device=t.device)
        times = times.index_copy(0, places, t.to(torch.float64).expand(len(places)))
        return self._some(whole.value(times.view(self.shape)))

    def of(self, parts: tuple[Waveform, ...]) -> UnitSubset:
        return UnitSubset(parts, self.who, self.shape)

    def _some(self, value: Tensor) -> Tensor:
        if value.numel() == 1:
            return value.reshape(1)
        return torch.broadcast_to(value, self.shape).reshape(-1)[self.who]


def as_value(value: Any) -> Tensor:
    """What a function of time gave, as a tensor of floating-point numbers."""
    if isinstance(value, Tensor) and value.is_floating_point():
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return torch.tensor(float(value), dtype=torch.float64)
    what = f"a tensor of {value.dtype}" if isinstance(value, Tensor) else f"{type(value).__name__}"
    raise InputError(
        f"a signal's function gave {what}; it must give a number or a tensor of floating-point numbers, "
        "the current in pA"
    )
