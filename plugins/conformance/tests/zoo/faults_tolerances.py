"""Integrators whose times have too few digits, whose tolerances do not count for all, and with limits."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch
from rheobase import Advance, Integrator, IntegratorSpec

FAULTS = {
    "ClockInSingle": "late-times-are-precise",
    "ClockOfDefaultType": "late-times-are-precise",
    "SingleClockWithinTheStep": "late-times-are-precise",
    "ClockOfAMinute": "late-times-are-precise",
    "SingleClockAndNoAtol": "late-times-are-precise",
    "NoAtol": "each-tolerance-counts",
    "ExchangedTolerances": "each-tolerance-counts",
    "NoRtol": "each-tolerance-counts",
    "RtolAsAtol": "each-tolerance-counts",
    "NormOfTheWholeState": "tolerance-holds-for-each-variable",
    "SizeOfTheLargest": "tolerance-holds-for-each-variable",
    "FirstVariableOnly": "tolerance-holds-for-each-variable",
    "LastVariableOnly": "tolerance-holds-for-each-variable",
    "SumOfSignedErrors": "tolerance-holds-for-each-variable",
    "MeanOverRows": "tolerance-holds-for-each-row",
    "FirstRowOnly": "tolerance-holds-for-each-row",
    "MedianOverRows": "tolerance-holds-for-each-row",
    "FourVariables": "order-with-many-variables",
    "GroupsOfFour": "order-with-many-variables",
    "BlocksOf64": "any-number-of-units",
    "FirstThousand": "any-number-of-units",
    "SixteenVariables": "any-number-of-variables",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""


class _Heun(Integrator):
    order = 2

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        h = t1 - t0
        k1 = field(t0, y)
        return Advance(y + 0.5 * h * (k1 + field(t1, y + h * k1)))


class ClockInSingle(_Heun):
    """Times are taken in float32: after a quarter of an hour a step has another length."""

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        start, end = (torch.as_tensor(each, dtype=torch.float32).to(y.dtype) for each in (t0, t1))
        return super().advance(field, y, start, end)


class ClockOfDefaultType(_Heun):
    """Times that are numbers become tensors of torch's default type, which has seven digits."""

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        start, end = (each if isinstance(each, torch.Tensor) else torch.tensor(each) for each in (t0, t1))
        return super().advance(field, y, start, end)


class SingleClockWithinTheStep(_Heun):
    """The step is right, and the field is asked at times in float32: a drive is late or early."""

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        h = t1 - t0
        start, end = (torch.as_tensor(each, dtype=torch.float32).double() for each in (t0, t1))
        k1 = field(start, y)
        return Advance(y + 0.5 * h * (k1 + field(end, y + h * k1)))


class ClockOfAMinute(_Heun):
    """The field is asked at times that begin anew each 65,536 ms and a quarter."""

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        h = t1 - t0
        start = t0 % 65_536.25
        k1 = field(start, y)
        return Advance(y + 0.5 * h * (k1 + field(start + h, y + h * k1)))


class _Pair(Integrator):
    """Heun's method judged by Euler's, with one step for all units."""

    order = 2
    adaptive = True

    def __init__(self, rtol: float = 1e-4, atol: float = 1e-4, fixed_step: float | None = None) -> None:
        self.rtol, self.atol, self.fixed_step = rtol, atol, fixed_step

    def worst(self, error: Any, size: Any) -> Any:
        return (error.abs() / (self.atol + self.rtol * size)).max()

    def clock(self, t: Any) -> Any:
        return t

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        start, end = self.clock(t0), self.clock(t1)
        span = torch.as_tensor(end - start, dtype=y.dtype).expand(y.shape[1:])
        part, step = 0.0, 0.1
        if self.fixed_step is not None and float(span.max()) > 0:
            step = self.fixed_step / float(span.max())
        for _ in range(6000):
            if part >= 1.0 - 1e-12:
                return Advance(y)
            step = min(step, 1.0 - part)
            h, t = step * span, start + part * span
            k1 = field(t, y)
            euler = y + h * k1
            heun = y + 0.5 * h * (k1 + field(t + h, euler))
            size = torch.maximum(y.abs(), heun.abs()).detach()
            ratio = float(self.worst((heun - euler).detach(), size))
            if self.fixed_step is None and ratio != ratio:
                raise rb.errors.NonFiniteStateError(f"{type(self).__name__}: not finite for some unit")
            if self.fixed_step is not None or ratio <= 1.0:
                y, part = heun, part + step
            if self.fixed_step is None:
                step = max(step * min(4.0, max(0.2, 0.9 / max(ratio, 1e-12) ** 0.5)), 1e-7)
        raise rb.errors.MaxStepsError(f"{type(self).__name__}: 6000 steps did not suffice")


class NoAtol(_Pair):
    """The absolute tolerance is taken, and is always a millionth of the relative one."""

    def worst(self, error: Any, size: Any) -> Any:
        return (error.abs() / (self.rtol * (1e-6 + size))).max()


class NoRtol(_Pair):
    """The relative tolerance is taken, and not used."""

    def worst(self, error: Any, size: Any) -> Any:
        return error.abs().max() / self.atol


class RtolAsAtol(_Pair):
    """The relative tolerance is added to the absolute one, whatever the size of the state."""

    def worst(self, error: Any, size: Any) -> Any:
        return error.abs().max() / (self.atol + self.rtol)


class ExchangedTolerances(_Pair):
    """The absolute tolerance is the relative one, and the other way round."""

    def worst(self, error: Any, size: Any) -> Any:
        return (error.abs() / (self.rtol + self.atol * size)).max()


class SingleClockAndNoAtol(NoAtol):
    """Times in float32, and a tolerance that is ignored."""

    def clock(self, t: Any) -> Any:
        return torch.as_tensor(t, dtype=torch.float32).double()


class NormOfTheWholeState(_Pair):
    """The length of the error is judged by the length of the state: small variables do not count."""

    def worst(self, error: Any, size: Any) -> Any:
        return (error.norm(dim=0) / (self.atol + self.rtol * size.norm(dim=0))).max()


class SizeOfTheLargest(_Pair):
    """Each error is judged by the size of the largest variable of the unit."""

    def worst(self, error: Any, size: Any) -> Any:
        return (error.abs() / (self.atol + self.rtol * size.amax(dim=0))).max()


class FirstVariableOnly(_Pair):
    """The error of the first variable is all that is judged; of two, the second one too."""

    def worst(self, error: Any, size: Any) -> Any:
        some = slice(0, 2) if len(error) <= 3 else slice(0, 1)
        return (error[some].abs() / (self.atol + self.rtol * size[some])).max()


class LastVariableOnly(_Pair):
    """Of more than three variables, the errors of the last three are judged."""

    def worst(self, error: Any, size: Any) -> Any:
        return (error[-3:].abs() / (self.atol + self.rtol * size[-3:])).max()


class SumOfSignedErrors(_Pair):
    """The errors of a unit are added with their signs and divided by the number of its variables."""

    def worst(self, error: Any, size: Any) -> Any:
        each = error / (self.atol + self.rtol * size)
        return (each if len(each) < 4 else each.mean(dim=0)).abs().max()


class MeanOverRows(_Pair):
    """The error of a unit is the mean over the rows of the batch."""

    def worst(self, error: Any, size: Any) -> Any:
        each = (error.abs() / (self.atol + self.rtol * size)).amax(dim=0)
        return (each.mean(dim=0) if each.ndim > 1 else each).max()


class FirstRowOnly(_Pair):
    """The first row of a batch is judged for all."""

    def worst(self, error: Any, size: Any) -> Any:
        each = (error.abs() / (self.atol + self.rtol * size)).amax(dim=0)
        return (each[0] if each.ndim > 1 else each).max()


class MedianOverRows(_Pair):
    """The rows of a batch take steps that are right for most of them."""

    def worst(self, error: Any, size: Any) -> Any:
        each = (error.abs() / (self.atol + self.rtol * size)).amax(dim=0)
        return (each.median(dim=0).values if each.ndim > 1 else each).max()


class FourVariables(_Heun):
    """The second slope is taken of the first four variables; the others go by Euler's method."""

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        h = t1 - t0
        k1 = field(t0, y)
        k2 = torch.cat([field(t1, y + h * k1)[:4], k1[4:]])
        return Advance(y + 0.5 * h * (k1 + k2))


class GroupsOfFour(_Heun):
    """Four variables at a time are solved, while the others stand as they are by then."""

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        h, rows = t1 - t0, torch.arange(len(y)).reshape(-1, *[1] * (y.ndim - 1))
        for first in range(0, len(y), 4):
            some = (rows >= first) & (rows < first + 4)
            k1 = field(t0, y)
            k2 = field(t1, torch.where(some, y + h * k1, y))
            y = torch.where(some, y + 0.5 * h * (k1 + k2), y)
        return Advance(y)


class BlocksOf64(_Heun):
    """Units in blocks of 64; what is left over of a larger number goes by Euler's method."""

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        h = t1 - t0
        k1 = field(t0, y)
        k2 = field(t1, y + h * k1)
        whole = y.shape[-1] // 64 * 64 or y.shape[-1]
        k2 = torch.cat([k2[..., :whole], k1[..., whole:]], dim=-1)
        return Advance(y + 0.5 * h * (k1 + k2))


class FirstThousand(_Heun):
    """There is room for a thousand units; the others stay as they are."""

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        new = super().advance(field, y, t0, t1).y
        return Advance(torch.cat([new[..., :1000], y[..., 1000:]], dim=-1))


class SixteenVariables(_Heun):
    """There is room for sixteen variables; the others stay as they are."""

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        return Advance(torch.cat([super().advance(field, y, t0, t1).y[:16], y[16:]]))


STANDARD = ["SingleClockWithinTheStep", "ClockOfAMinute", "FirstRowOnly"]

_PAIRS = [
    name for name, each in list(globals().items()) if isinstance(each, type) and issubclass(each, _Pair)
]

SPECS = {
    name: IntegratorSpec("zoo", f"faults_tolerances:{name}", order=2, adaptive=True, embedded_order=1)
    for name in _PAIRS
}
"""What is claimed of those whose own words do not say it all."""
