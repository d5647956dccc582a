"""Integrators that are wrong in one way. Most are Heun's method, or a pair that judges it by Euler's."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch
from rheobase import Advance, Integrator, IntegratorSpec

FAULTS = {
    "EulerAsSecondOrder": "order-as-claimed",
    "WrongWeight": "order-as-claimed",
    "OneAfterTheOther": "order-as-claimed",
    "StagesAtOneTime": "time-is-used",
    "TimeFromZero": "time-is-used",
    "StepOfItsOwn": "two-steps-are-one-way",
    "InPlace": "arguments-are-not-changed",
    "SharedWorkspace": "arguments-are-not-changed",
    "Remembers": "no-memory",
    "SlopeUnderAnotherName": "carry-is-a-hint",
    "SlopeAcrossHolds": "holds-end",
    "Single": "state-keeps-shape-and-type",
    "FlattensTheBatch": "state-keeps-shape-and-type",
    "MissingNumbersAreZero": "nan-is-told",
    "MoreStagesThanClaimed": "stages-as-claimed",
    "CutFromTheGraph": "gradients-as-claimed",
    "FrozenInput": "time-is-used",
    "OneStepForAllUnits": "units-know-nothing-of-each-other",
    "MeanOverUnits": "tolerance-holds-for-each-unit",
    "DeafToTolerance": "error-follows-tolerance",
    "GivesUpInSilence": "hard-problems-are-solved-or-refused",
    "TakesAnyField": "refuses-what-it-cannot-solve",
    "SpikesAtTheEnd": "stops-at-crossings",
    "MeanStep": "units-have-own-times",
    "Jitters": "no-memory",
    "HoldsAFunction": "copies-are-alike",
    "NumbersOnly": "times-may-be-tensors",
    "ClockAsStep": "time-translation",
    "CalledOneAfterTheOther": "call-is-advance",
    "EstimateOfLowOrder": "work-as-the-error-estimate",
    "StraightBetween": "values-between-as-claimed",
    "ErrorOfNothing": "claims-fit-each-other",
    "WrongOrderInSpec": "spec-and-object-agree",
    "WrongFieldInSpec": "spec-and-object-agree",
    "LocatesInSpecOnly": "spec-and-object-agree",
    "SwallowsSettings": "unknown-settings-are-refused",
    "NeedsASetting": "made-without-settings",
    "OneForAll": "made-without-settings",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""


class _Heun(Integrator):
    order = 2

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        h = t1 - t0
        k1 = field(t0, y)
        return Advance(y + 0.5 * h * (k1 + field(t1, y + h * k1)))


class OneAfterTheOther(Integrator):
    """The classical rule for each variable by itself, while the others stand: of order 1 on coupled ones."""

    order = 4

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        h, rows = t1 - t0, list(y.unbind(0))
        for index in range(len(rows)):

            def alone(t: Any, row: Any, index: int = index) -> Any:
                return field(t, torch.stack([*rows[:index], row, *rows[index + 1 :]]))[index]

            row = rows[index]
            k1 = alone(t0, row)
            k2 = alone(t0 + 0.5 * h, row + 0.5 * h * k1)
            k3 = alone(t0 + 0.5 * h, row + 0.5 * h * k2)
            k4 = alone(t1, row + h * k3)
            rows[index] = row + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
        return Advance(torch.stack(rows))


class EulerAsSecondOrder(Integrator):
    """Euler's method, which claims order 2."""

    order = 2

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        return Advance(y + (t1 - t0) * field(t0, y))


class WrongWeight(Integrator):
    """The classical rule with 1/5 for the first 1/6."""

    order = 4

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        h = t1 - t0
        k1 = field(t0, y)
        k2 = field(t0 + 0.5 * h, y + 0.5 * h * k1)
        k3 = field(t0 + 0.5 * h, y + 0.5 * h * k2)
        k4 = field(t1, y + h * k3)
        return Advance(y + h * (k1 / 5.0 + k2 / 3.0 + k3 / 3.0 + k4 / 6.0))


class StagesAtOneTime(Integrator):
    """The classical rule, with all stages at the time of the start: right where nothing looks at it."""

    order = 4

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        h = t1 - t0
        k1 = field(t0, y)
        k2 = field(t0, y + 0.5 * h * k1)
        k3 = field(t0, y + 0.5 * h * k2)
        k4 = field(t0, y + h * k3)
        return Advance(y + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4))


class TimeFromZero(_Heun):
    """The field is asked as if each step began at zero."""

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        return super().advance(field, y, 0.0 * t0, t1 - t0)


class StepOfItsOwn(_Heun):
    """Every step is of 0.1 ms, whatever is asked for."""

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        return super().advance(field, y, t0, t0 + 0.1)


class InPlace(_Heun):
    """The new state is written over the old one."""

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        new = super().advance(field, y, t0, t1).y
        if y.requires_grad or new.requires_grad:
            return Advance(new)
        return Advance(y.copy_(new))


class SharedWorkspace(_Heun):
    """The result lies in memory that the next step writes into."""

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        new = super().advance(field, y, t0, t1).y
        kept = getattr(self, "kept", None)
        if kept is None or kept.shape != new.shape or kept.dtype != new.dtype or new.requires_grad:
            self.kept = new
            return Advance(new)
        return Advance(kept.copy_(new))


class Remembers(Integrator):
    """Adams-Bashforth of order 2, which keeps the last slope in itself and not in the carry."""

    order = 1

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        slope = field(t0, y)
        last = getattr(self, "last", None)
        last = slope if last is None or last.shape != slope.shape else last
        self.last = slope.detach()
        return Advance(y + (t1 - t0) * (1.5 * slope - 0.5 * last))


class SlopeUnderAnotherName(Integrator):
    """The last slope is carried, and used again although the state was reset in between."""

    order = 2

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        h = t1 - t0
        k1 = field(t0, y) if carry is None else torch.stack([carry[f"last{i}"] for i in range(len(y))])
        new = y + 0.5 * h * (k1 + field(t1, y + h * k1))
        end = field(t1, new)
        return Advance(new, {f"last{index}": row for index, row in enumerate(end)})


class SlopeAcrossHolds(Integrator):
    """The last slope is kept for the state that it was taken at, which a hold leaves as it is.

    The classical rule, judged by its inner stages.
    """

    order = 4
    adaptive = True

    def __init__(self, rtol: float = 1e-4, atol: float = 1e-4, fixed_step: float | None = None) -> None:
        self.rtol, self.atol, self.fixed_step = rtol, atol, fixed_step

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        span = torch.as_tensor(t1 - t0, dtype=y.dtype).expand(y.shape[1:])
        part, k1 = torch.zeros_like(span), field(t0, y)
        if carry is not None:
            rows = range(len(y))
            same = torch.stack([carry[f"at{i}"] for i in rows]) == y
            k1 = torch.where(same.all(dim=0), torch.stack([carry[f"last{i}"] for i in rows]), k1)
        step = torch.full_like(span, 0.5)
        if self.fixed_step is not None:
            step = (self.fixed_step / span.clamp(min=1e-300)).clamp(max=1.0)
        for _ in range(6000):
            if bool((part >= 1.0).all()):
                break
            now = torch.minimum(step, 1.0 - part)
            h, t = now * span, t0 + part * span
            k2 = field(t + 0.5 * h, y + 0.5 * h * k1)
            k3 = field(t + 0.5 * h, y + 0.5 * h * k2)
            k4 = field(t + h, y + h * k3)
            new = y + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
            size = (h * (k3 - k2)).detach().abs() / (self.atol + self.rtol * new.abs().detach())
            size = size.amax(dim=0)
            # A unit that is not finite goes on to the end.
            taken = ~(size > 1.0) if self.fixed_step is None else torch.ones_like(size, dtype=torch.bool)
            y = torch.where(taken, new, y)
            k1 = torch.where(taken, field(t + h, new), k1)
            part = torch.where(taken, torch.where(now < step, 1.0, part + now), part)
            if self.fixed_step is None:
                step = step * (0.9 / size.clamp(min=1e-12) ** 0.5).nan_to_num(nan=4.0).clamp(0.2, 4.0)
        else:
            raise rb.errors.MaxStepsError(f"{type(self).__name__}: 6000 steps did not suffice")
        kept = {f"at{index}": row for index, row in enumerate(y)}
        return Advance(y, {**kept, **{f"last{index}": row for index, row in enumerate(k1)}})


class Single(_Heun):
    """The state is computed and given in float32."""

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        return Advance(super().advance(field, y, t0, t1).y.float())


class FlattensTheBatch(_Heun):
    """The batch is lost: the state comes back as [D, batch * units]."""

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        return Advance(super().advance(field, y, t0, t1).y.reshape(len(y), -1))


class MissingNumbersAreZero(_Heun):
    """What is no number becomes zero."""

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        return Advance(super().advance(field, y, t0, t1).y.nan_to_num(nan=0.0))


class MoreStagesThanClaimed(_Heun):
    """Two stages are claimed, and the field is evaluated three times."""

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        field(t0, y)
        return super().advance(field, y, t0, t1)


class CutFromTheGraph(_Heun):
    """The first stage is detached, so that the gradient is wrong and not missing."""

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        h = t1 - t0
        k1 = field(t0, y).detach()
        return Advance(y + 0.5 * h * (k1 + field(t1, y + h * k1)))


class FrozenInput(_Heun):
    """Midpoint in the state, with the time at the start."""

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        h = t1 - t0
        return Advance(y + h * field(t0, y + 0.5 * h * field(t0, y)))


class _Pair(Integrator):
    """Heun's method judged by Euler's, with one step for all units."""

    order = 2
    adaptive = True
    most = 6000

    def __init__(self, rtol: float = 1e-4, atol: float = 1e-4, fixed_step: float | None = None) -> None:
        self.rtol, self.atol, self.fixed_step = rtol, atol, fixed_step

    def worst(self, error: Any) -> float:
        return float(error.max())

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        span = torch.as_tensor(t1 - t0, dtype=y.dtype).expand(y.shape[1:])
        start, part, step = t0, 0.0, 0.1
        if self.fixed_step is not None and float(span.max()) > 0:
            step = self.fixed_step / float(span.max())
        for _ in range(self.most):
            if part >= 1.0 - 1e-12:
                break
            step = min(step, 1.0 - part)
            h, t = step * span, start + part * span
            k1 = field(t, y)
            euler = y + h * k1
            heun = y + 0.5 * h * (k1 + field(t + h, euler))
            allowed = self.atol + self.rtol * torch.maximum(y.abs(), heun.abs()).detach()
            size = self.worst((heun - euler).detach().abs() / allowed)
            if self.fixed_step is None and size != size:
                raise rb.errors.NonFiniteStateError(f"{type(self).__name__}: not finite for some unit")
            if self.fixed_step is not None or size <= 1.0:
                y, part = heun, part + step
            if self.fixed_step is None:
                step = max(step * min(4.0, max(0.2, 0.9 / max(size, 1e-12) ** 0.5)), 1e-7)
        else:
            return self.given_up(y)
        return Advance(y)

    def given_up(self, y: Any) -> Advance:
        raise rb.errors.MaxStepsError(f"{type(self).__name__}: {self.most} steps did not suffice")


class OneStepForAllUnits(_Pair):
    """A step for each unit is claimed, and the worst unit decides for all."""


class MeanOverUnits(_Pair):
    """The error is averaged over units: a busy one among quiet ones is wrong."""

    def worst(self, error: Any) -> float:
        return float(error.square().mean().sqrt())


class DeafToTolerance(_Pair):
    """The tolerances are taken, and not used."""

    def __init__(self, rtol: float = 1e-4, atol: float = 1e-4, fixed_step: float | None = None) -> None:
        super().__init__(1e-3, 1e-3, fixed_step)


class GivesUpInSilence(_Pair):
    """After 60 steps it returns what it has, as if the end were reached."""

    most = 60

    def given_up(self, y: Any) -> Advance:
        return Advance(y)


class TakesAnyField(Integrator):
    """The exact solution of y' = b y + a with the rate at the start: claims linear, and takes anything."""

    order = 1
    field = "linear"

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        h = t1 - t0
        part = 1e-3
        return Advance(y + h * (field(t0, y) + field(t0, y + part * field(t0, y)) - field(t0, y)))


class SpikesAtTheEnd(rb.EventIntegrator):
    """It finds who crosses, and lets the unit go on to the end of the step."""

    order = 2

    def advance(
        self, field: Any, y: Any, t0: Any, t1: Any, *, event: Any = None, carry: Any = None
    ) -> Advance:
        h = t1 - t0
        k1 = field(t0, y)
        new = y + 0.5 * h * (k1 + field(t1, y + h * k1))
        if event is None:
            return Advance(new)
        hit, _ = event.check(event.armed, y, k1, new, field(t1, new), h)
        return Advance(new, crossed=hit & (event.gap(new) >= 0))


class MeanStep(_Heun):
    """Units with times of their own all get the mean of them."""

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        if isinstance(t1, torch.Tensor):
            t1 = t0 + (t1 - t0).mean()
        return super().advance(field, y, t0, t1)


class Jitters(_Heun):
    """A random number is drawn at each step, from torch's own."""

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        torch.rand(())
        return super().advance(field, y, t0, t1)


class HoldsAFunction(_Heun):
    """It keeps a lambda, which cannot be pickled."""

    def __init__(self) -> None:
        self.half = lambda x: 0.5 * x


class NumbersOnly(_Heun):
    """Times must be numbers: units cannot have their own."""

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        return super().advance(field, y, float(t0), float(t1))


class ClockAsStep(_Heun):
    """The step is as long as the clock says, as if it always began at zero."""

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        h = t1
        k1 = field(t0, y)
        return Advance(y + 0.5 * h * (k1 + field(t1, y + h * k1)))


class CalledOneAfterTheOther(_Heun):
    """Called by the reference API it solves one equation after the other."""

    def __call__(self, x: Any, equation: Any, *, dt: Any = 0.1, t: Any = 0.0, **kwargs: Any) -> Any:
        if isinstance(x, torch.Tensor):
            return super().__call__(x, equation, dt=dt, t=t, **kwargs)
        rows = list(x)
        for index, one in enumerate(equation):
            now = tuple(rows)
            k1 = one(now, **kwargs)
            ahead = tuple(row + dt * k1 if place == index else row for place, row in enumerate(now))
            rows[index] = rows[index] + 0.5 * dt * (k1 + one(ahead, **kwargs))
        return tuple(rows)


class EstimateOfLowOrder(_Pair):
    """An error estimate of order 4 is claimed, and it is of order 1."""


class StraightBetween(_Pair):
    """Values between the ends of a step lie on a straight line, and are claimed to be of order 3."""

    def trajectory(self, field: Any, y: Any, times: Any, *, t0: Any = None) -> Any:
        start, end = float(times[0]) if t0 is None else t0, float(times[-1])
        last = self.advance(field, y, start, end).y
        parts = (times - start) / (end - start)
        return torch.stack([y + part * (last - y) for part in parts])


class ErrorOfNothing(_Heun):
    """An error estimate is claimed, and no steps of its own."""


class WrongOrderInSpec(_Heun):
    """The spec claims order 3."""


class WrongFieldInSpec(_Heun):
    """The spec claims linear fields only."""


class LocatesInSpecOnly(_Heun):
    """The spec claims located events."""


class SwallowsSettings(_Heun):
    """Any setting is taken, also a misspelt one."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings


class NeedsASetting(_Heun):
    """It cannot be made without one."""

    def __init__(self, step: float) -> None:
        self.step = step


class OneForAll(_Heun):
    """All users get one object, whose on_failure is set by the last of them."""

    _only: Any = None

    def __new__(cls) -> Any:
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only


def _spec(name: str, **claims: Any) -> IntegratorSpec:
    return IntegratorSpec("zoo", f"faults_integrators:{name}", **{"order": 2, **claims})


SPECS = {
    "OneAfterTheOther": _spec("OneAfterTheOther", order=4),
    "WrongWeight": _spec("WrongWeight", order=4),
    "StagesAtOneTime": _spec("StagesAtOneTime", order=4),
    "Remembers": _spec("Remembers", order=1),
    "MoreStagesThanClaimed": _spec("MoreStagesThanClaimed", stages=2),
    "SlopeAcrossHolds": _spec("SlopeAcrossHolds", order=4, adaptive=True, per_unit=True, embedded_order=2),
    "OneStepForAllUnits": _spec("OneStepForAllUnits", adaptive=True, per_unit=True, embedded_order=1),
    "MeanOverUnits": _spec("MeanOverUnits", adaptive=True, embedded_order=1),
    "DeafToTolerance": _spec("DeafToTolerance", adaptive=True, embedded_order=1),
    "GivesUpInSilence": _spec("GivesUpInSilence", adaptive=True, embedded_order=1),
    "TakesAnyField": _spec("TakesAnyField", order=1, field="linear"),
    "SpikesAtTheEnd": _spec("SpikesAtTheEnd", events="located", event_order=2),
    "EstimateOfLowOrder": _spec("EstimateOfLowOrder", adaptive=True, embedded_order=4),
    "StraightBetween": _spec("StraightBetween", adaptive=True, embedded_order=1, dense_order=3),
    "ErrorOfNothing": _spec("ErrorOfNothing", embedded_order=1),
    "WrongOrderInSpec": _spec("WrongOrderInSpec", order=3),
    "WrongFieldInSpec": _spec("WrongFieldInSpec", field="linear"),
    "LocatesInSpecOnly": _spec("LocatesInSpecOnly", events="located"),
}
"""What is claimed of those whose own words do not say it all."""
