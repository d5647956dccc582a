"""Sound integrators: published methods, and ways to control an error that could be taken for wrong."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch
from rheobase import Advance, Integrator, IntegratorSpec

SOUND = [
    "Ralston",
    "ImplicitMidpoint",
    "Fehlberg5",
    "RosenbrockEuler",
    "InBlocks",
    "LoopsOnTheClock",
    "HeunEuler",
    "HeunEulerByMeanSquare",
    "HeunEulerByTheLarger",
    "HeunEulerTogether",
    "Fehlberg45",
]
DEAR = [
    "ImplicitMidpoint",
    "Fehlberg5",
    "RosenbrockEuler",
    "LoopsOnTheClock",
    "HeunEuler",
    "HeunEulerByMeanSquare",
    "HeunEulerByTheLarger",
    "HeunEulerTogether",
    "Fehlberg45",
]


class Ralston(Integrator):
    """Ralston's method (1962)."""

    order = 2

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        h = t1 - t0
        k1 = field(t0, y)
        k2 = field(t0 + 2.0 / 3.0 * h, y + 2.0 / 3.0 * h * k1)
        return Advance(y + h * (0.25 * k1 + 0.75 * k2))


class ImplicitMidpoint(Integrator):
    """The implicit midpoint rule, its equation solved by repetition."""

    order = 2

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        h = t1 - t0
        slope = field(t0, y)
        for _ in range(40):
            slope = field(t0 + 0.5 * h, y + 0.5 * h * slope)
        return Advance(y + h * slope)


NODES = (0.0, 1 / 4, 3 / 8, 12 / 13, 1.0, 1 / 2)
ROWS = (
    (),
    (1 / 4,),
    (3 / 32, 9 / 32),
    (1932 / 2197, -7200 / 2197, 7296 / 2197),
    (439 / 216, -8.0, 3680 / 513, -845 / 4104),
    (-8 / 27, 2.0, -3544 / 2565, 1859 / 4104, -11 / 40),
)
FIFTH = (16 / 135, 0.0, 6656 / 12825, 28561 / 56430, -9 / 50, 2 / 55)
FOURTH = (25 / 216, 0.0, 1408 / 2565, 2197 / 4104, -1 / 5, 0.0)


def _fehlberg(field: Any, y: Any, t: Any, h: Any) -> tuple[Any, Any]:
    """A step of order 5 (Fehlberg 1969), and its difference from that of order 4."""
    slopes: list[Any] = []
    for node, row in zip(NODES, ROWS, strict=True):
        ahead = sum((weight * slope for weight, slope in zip(row, slopes, strict=True)), 0.0 * y)
        slopes.append(field(t + node * h, y + h * ahead))
    fifth, fourth = (
        h * sum(weight * slope for weight, slope in zip(weights, slopes, strict=True))
        for weights in (FIFTH, FOURTH)
    )
    return y + fifth, fifth - fourth


class Fehlberg5(Integrator):
    """The solution of order 5 of Fehlberg's pair."""

    order = 5

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        return Advance(_fehlberg(field, y, t0, t1 - t0)[0])


class RosenbrockEuler(Integrator):
    """Order 2 by one linear equation for each unit; the Jacobian and the slope in time are differences."""

    order = 2

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        gamma, far = 1.0 - 0.5**0.5, 1e-6
        h = torch.as_tensor(t1 - t0, dtype=y.dtype).expand(y.shape[1:])
        k = field(t0, y)
        columns = []
        for index in range(len(y)):
            by = torch.zeros_like(y)
            by[index] = far
            columns.append((field(t0, y + by) - field(t0, y - by)) / (2.0 * far))
        jacobian = torch.stack(columns, dim=1).movedim((0, 1), (-2, -1))
        in_time = (field(t0 + far, y) - k) / far
        matrix = torch.eye(len(y), dtype=y.dtype) - gamma * h[..., None, None] * jacobian

        def solved(right: Any) -> Any:
            return torch.linalg.solve(matrix, right.movedim(0, -1)[..., None])[..., 0].movedim(-1, 0)

        k1 = solved(k + gamma * h * in_time)
        k2 = solved(field(t0 + h, y + h * k1) - 2.0 * k1 - gamma * h * in_time)
        return Advance(y + h * (1.5 * k1 + 0.5 * k2))


class InBlocks(Integrator):
    """Heun's method for 64 units at a time; the last block is as short as it must be."""

    order = 2

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        h = t1 - t0
        k1 = field(t0, y)
        ahead = y + h * k1
        k2 = field(t1, ahead)
        step = torch.as_tensor(0.5 * h, dtype=y.dtype).expand(y.shape[1:])
        parts = zip(*(each.split(64, dim=-1) for each in (y, step, k1, k2)), strict=True)
        return Advance(torch.cat([one + part * (first + last) for one, part, first, last in parts], dim=-1))


class LoopsOnTheClock(Integrator):
    """Heun's method in four steps, by a clock that is added up in float64."""

    order = 2

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        shape = y.shape[1:]
        t, end = (torch.as_tensor(each, dtype=torch.float64).expand(shape) for each in (t0, t1))
        longest = (end - t) / 4.0
        while bool((t < end).any()):
            h = torch.minimum(end - t, longest)
            step = h.to(y.dtype)
            k1 = field(t, y)
            y = torch.where(h > 0, y + 0.5 * step * (k1 + field(t + h, y + step * k1)), y)
            t = torch.where(h == end - t, end, t + h)
        return Advance(y if y.requires_grad else y.clone())


class HeunEuler(Integrator):
    """Heun's method judged by Euler's, each unit by the largest error of its variables, with own steps."""

    order = 2
    adaptive = True

    def __init__(
        self,
        rtol: float = 1e-4,
        atol: float = 1e-6,
        max_steps: int = 20_000,
        fixed_step: float | None = None,
    ) -> None:
        self.rtol, self.atol, self.max_steps, self.fixed_step = rtol, atol, max_steps, fixed_step

    def step(self, field: Any, y: Any, t: Any, h: Any) -> tuple[Any, Any]:
        k1 = field(t, y)
        euler = y + h * k1
        heun = y + 0.5 * h * (k1 + field(t + h, euler))
        return heun, heun - euler

    def ratio(self, error: Any, size: Any) -> Any:
        """The error of each unit in units of what is allowed."""
        return (error.abs() / (self.atol + self.rtol * size)).amax(dim=0)

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        span = torch.as_tensor(t1 - t0, dtype=y.dtype).expand(y.shape[1:])
        left, wanted = span.detach().clone(), torch.full_like(span, 0.05)
        if self.fixed_step is not None:
            wanted = torch.full_like(span, self.fixed_step)
        for _ in range(self.max_steps):
            if not bool((left > 0).any()):
                return Advance(y + 0.0 * y)
            parts = (left / wanted * (1.0 - 1e-9)).ceil().clamp(min=1.0)
            h = left / parts
            new, error = self.step(field, y, t0 + (span - left), h)
            ratio = self.ratio(error.detach(), torch.maximum(y.abs(), new.abs()).detach())
            # A unit that is not finite goes on to the end.
            taken = ~(ratio > 1.0) if self.fixed_step is None else torch.ones_like(left, dtype=torch.bool)
            taken = taken & (left > 0)
            y = torch.where(taken, new, y)
            left = torch.where(taken, torch.where(parts == 1.0, 0.0, left - h), left)
            if self.fixed_step is None:
                factor = (0.9 * ratio.clamp(min=1e-9) ** -0.5).nan_to_num(nan=4.0).clamp(0.2, 4.0)
                wanted = torch.where(left > 0, h * factor, wanted)
        raise rb.errors.MaxStepsError(f"{type(self).__name__}: {self.max_steps} steps did not suffice")


class HeunEulerByMeanSquare(HeunEuler):
    """The error of a unit is the root of the mean square over its variables (Hairer, Norsett and Wanner)."""

    def ratio(self, error: Any, size: Any) -> Any:
        return (error / (self.atol + self.rtol * size)).square().mean(dim=0).sqrt()


class HeunEulerByTheLarger(HeunEuler):
    """The larger one of both tolerances is allowed."""

    def ratio(self, error: Any, size: Any) -> Any:
        return (error.abs() / (self.rtol * size).clamp(min=self.atol)).amax(dim=0)


class HeunEulerTogether(HeunEuler):
    """All units take the steps of the worst of them."""

    def ratio(self, error: Any, size: Any) -> Any:
        worst = super().ratio(error, size)
        return worst.amax().expand(worst.shape)


class Fehlberg45(HeunEuler):
    """Fehlberg's pair, which goes on with order 5."""

    order = 5

    def step(self, field: Any, y: Any, t: Any, h: Any) -> tuple[Any, Any]:
        return _fehlberg(field, y, t, h)


def _spec(name: str, **claims: Any) -> IntegratorSpec:
    return IntegratorSpec("zoo", f"sound_methods:{name}", **claims)


SPECS = {
    "Ralston": _spec("Ralston", order=2, stages=2),
    "Fehlberg5": _spec("Fehlberg5", order=5, stages=6),
    "HeunEuler": _spec(
        "HeunEuler", order=2, adaptive=True, per_unit=True, embedded_order=1, differentiable="discrete"
    ),
    "HeunEulerByMeanSquare": _spec(
        "HeunEulerByMeanSquare",
        order=2,
        adaptive=True,
        per_unit=True,
        embedded_order=1,
        differentiable="discrete",
    ),
    "HeunEulerByTheLarger": _spec(
        "HeunEulerByTheLarger",
        order=2,
        adaptive=True,
        per_unit=True,
        embedded_order=1,
        differentiable="discrete",
    ),
    "HeunEulerTogether": _spec(
        "HeunEulerTogether", order=2, adaptive=True, embedded_order=1, differentiable="discrete"
    ),
    # Where spikes are located by the base an adaptive method sees slopes that end at the threshold.
    "Fehlberg45": _spec(
        "Fehlberg45",
        order=5,
        event_order=2,
        adaptive=True,
        per_unit=True,
        embedded_order=4,
        differentiable="discrete",
    ),
}
"""What is claimed of those whose own words do not say it all."""
