"""What signals are made of: functions of time, joined by rules, for all units or for some.

A function is asked on the clock that it was written for, however long that clock has run: the time of a
step is added to its origin in float64, and the segment between two breakpoints is chosen there.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, final

import torch
from torch import Tensor

from ..errors import InputError, RheobaseError

EPS = 2.0**-52

Rule = Callable[[list[Tensor], Any], Tensor]
"""How the values of several parts at a time combine into one: ``rule(values, t)``."""


class Body(Protocol):
    """What :class:`~rheobase.Signal` asks of its parts; all of it is pure."""

    @property
    def steady(self) -> bool:
        """Whether the value is constant between breakpoints."""

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """Where value or slope jump."""

    def value(self, t: float | Tensor) -> Tensor:
        """The value at a time, or at a time for each unit."""

    def cuts(self, t0: float, t1: float) -> list[float]:
        """The breakpoints between two times, without those that are one of the two but for rounding."""

    def slack(self, t0: float, t1: float) -> float:
        """By how much two times within t0 to t1 may differ and mean the same instant."""

    def shifted(self, t0: float) -> Body:
        """The same on a clock that starts at ``t0``."""

    def around(self, t: float) -> Body:
        """The same without breakpoints: as it is on the segment that holds ``t``."""


@final
@dataclass(frozen=True, eq=False)
class Source:
    """A function of time, smooth between its breakpoints.

    Args:
        function: Takes a float64 tensor of times, 0-dimensional or ``[*batch, units]``.
        times: The breakpoints on the function's own clock, increasing.
        steady: Whether the function is constant between them.
        origin: What the function's clock shows at t = 0.
        low: The function is not asked before this time of its own clock.
        high: Nor after this one.
    """

    function: Callable[[Tensor], Any]
    times: tuple[float, ...] = ()
    steady: bool = False
    origin: float = 0.0
    low: float = -math.inf
    high: float = math.inf

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """See :class:`Body`."""
        return tuple(time - self.origin for time in self.times)

    def value(self, t: float | Tensor) -> Tensor:
        """See :class:`Body`."""
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

    def cuts(self, t0: float, t1: float) -> list[float]:
        """See :class:`Body`."""
        slack = self.slack(t0, t1)
        first = bisect_right(self.times, self.origin + t0 + slack)
        last = bisect_left(self.times, self.origin + t1 - slack)
        return [time - self.origin for time in self.times[first:last]]

    def slack(self, t0: float, t1: float) -> float:
        """See :class:`Body`."""
        # Each of the two, n dt and k sample_dt, is rounded twice: by 2 eps of its size at most.
        rounding = 4.0 * EPS * max(abs(self.origin + t0), abs(self.origin + t1))
        return min(rounding, 0.25 * (t1 - t0))

    def shifted(self, t0: float) -> Source:
        """See :class:`Body`."""
        return replace(self, origin=self.origin + t0)

    def around(self, t: float) -> Source:
        """See :class:`Body`."""
        if not self.times:
            return self
        place = bisect_right(self.times, self.origin + t)
        low = self.times[place - 1] if place else self.low
        high = math.nextafter(self.times[place], -math.inf) if place < len(self.times) else self.high
        return replace(self, times=(), low=low, high=high)


@final
@dataclass(frozen=True, eq=False)
class Joint:
    """Several parts, and the rule that makes one value of theirs.

    Args:
        parts: At least one.
        rule: Takes the values of the parts, and the time.
    """

    parts: tuple[Body, ...]
    rule: Rule

    @property
    def steady(self) -> bool:
        """See :class:`Body`."""
        return all(part.steady for part in self.parts)

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """See :class:`Body`."""
        return tuple(sorted({time for part in self.parts for time in part.breakpoints}))

    def value(self, t: float | Tensor) -> Tensor:
        """See :class:`Body`."""
        return self.rule([part.value(t) for part in self.parts], t)

    def cuts(self, t0: float, t1: float) -> list[float]:
        """See :class:`Body`."""
        return sorted({time for part in self.parts for time in part.cuts(t0, t1)})

    def slack(self, t0: float, t1: float) -> float:
        """See :class:`Body`."""
        return max(part.slack(t0, t1) for part in self.parts)

    def shifted(self, t0: float) -> Joint:
        """See :class:`Body`."""
        return Joint(tuple(part.shifted(t0) for part in self.parts), self.rule)

    def around(self, t: float) -> Joint:
        """See :class:`Body`."""
        return Joint(tuple(part.around(t) for part in self.parts), self.rule)


@final
@dataclass(frozen=True, eq=False)
class Taken:
    """Some units of a signal.

    Args:
        body: The signal for all units.
        who: Their places in the flattened ``[*batch, units]``: int64 ``[n]``, or a slice.
        shape: ``[*batch, units]``.
    """

    body: Body
    who: Any
    shape: torch.Size

    @property
    def steady(self) -> bool:
        """See :class:`Body`."""
        return self.body.steady

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """See :class:`Body`."""
        return self.body.breakpoints

    def value(self, t: float | Tensor) -> Tensor:
        """See :class:`Body`; ``t`` is one time, or ``[n]``."""
        if not isinstance(t, Tensor) or t.ndim == 0:
            return self._of(self.body.value(t))
        if t.numel() == 0:
            return torch.zeros_like(t)
        some = float(t.detach().reshape(-1)[0])
        if self.body.value(some).numel() == 1:
            return self.body.value(t)  # the same function for every unit
        # The function knows its units by their places: the others are asked for any time.
        places = torch.arange(self.shape.numel(), device=t.device)[self.who]
        times = torch.full((self.shape.numel(),), some, dtype=torch.float64, device=t.device)
        times = times.index_copy(0, places, t.to(torch.float64).expand(len(places)))
        return self._of(self.body.value(times.view(self.shape)))

    def cuts(self, t0: float, t1: float) -> list[float]:
        """See :class:`Body`."""
        return self.body.cuts(t0, t1)

    def slack(self, t0: float, t1: float) -> float:
        """See :class:`Body`."""
        return self.body.slack(t0, t1)

    def shifted(self, t0: float) -> Taken:
        """See :class:`Body`."""
        return Taken(self.body.shifted(t0), self.who, self.shape)

    def around(self, t: float) -> Taken:
        """See :class:`Body`."""
        return Taken(self.body.around(t), self.who, self.shape)

    def _of(self, value: Tensor) -> Tensor:
        if value.numel() == 1:
            return value.reshape(1)
        return torch.broadcast_to(value, self.shape).reshape(-1)[self.who]


def as_value(value: Any) -> Tensor:
    """What a function of time gave, as a tensor.

    Raises:
        InputError: If it is neither a real number nor a tensor of floating-point numbers.
    """
    if isinstance(value, Tensor) and value.is_floating_point():
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return torch.tensor(float(value), dtype=torch.float64)
    what = f"a tensor of {value.dtype}" if isinstance(value, Tensor) else f"{type(value).__name__}"
    raise InputError(
        f"a signal's function gave {what}; it must give a number or a tensor of floating-point numbers, "
        "the current in pA"
    )
