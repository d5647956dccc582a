"""Sound integrators: nothing may be said against them."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch
from rheobase import Advance, EventIntegrator, Integrator, IntegratorSpec

SOUND = [
    "Heun",
    "Symplectic",
    "Implicit",
    "Doubling",
    "Locating",
    "FromSlope",
    "AdamsBashforth",
    "OfNoOrder",
]
DEAR = ["Implicit"]


class Heun(Integrator):
    """Heun's method."""

    order = 2

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        h = t1 - t0
        k1 = field(t0, y)
        return Advance(y + 0.5 * h * (k1 + field(t1, y + h * k1)))


class Symplectic(Integrator):
    """Each variable by Euler's method, with those before it as they are by now: of order 1, and claims it."""

    order = 1

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        rows = list(y.unbind(0))
        for index in range(len(rows)):
            rows[index] = rows[index] + (t1 - t0) * field(t0, torch.stack(rows))[index]
        return Advance(torch.stack(rows))


class Implicit(Integrator):
    """The trapezoidal rule, its equation solved by repetition; awkward, and right for steps that are "
    "short."""

    order = 2

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        h = t1 - t0
        k1 = field(t0, y)
        new = y + h * k1
        for _ in range(40):
            new = y + 0.5 * h * (k1 + field(t1, new))
        return Advance(new)


class Doubling(Integrator):
    """Heun's method, each step also taken as two halves, with one step for all units and the worst error."""

    order = 2
    adaptive = True

    def __init__(
        self,
        rtol: float = 1e-5,
        atol: float = 1e-6,
        max_steps: int = 5000,
        fixed_step: float | None = None,
    ) -> None:
        self.rtol, self.atol, self.max_steps, self.fixed_step = rtol, atol, max_steps, fixed_step

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        heun = Heun()
        span = torch.as_tensor(t1 - t0, dtype=y.dtype).expand(y.shape[1:])
        longest = float(span.max())
        if longest == 0.0:
            return Advance(y + 0.0 * y)
        part, step = 0.0, (self.fixed_step or min(0.1, longest)) / longest
        for _ in range(self.max_steps):
            if part >= 1.0 - 1e-12:
                return Advance(y)
            step = min(step, 1.0 - part)
            a, b, c = (t0 + (part + share * step) * span for share in (0.0, 0.5, 1.0))
            whole = heun.advance(field, y, a, c).y
            if self.fixed_step is not None:
                y, part = whole, part + step
                continue
            halves = heun.advance(field, heun.advance(field, y, a, b).y, b, c).y
            allowed = self.atol + self.rtol * torch.maximum(y.abs(), halves.abs()).detach()
            worst = ((whole - halves).detach().abs() / allowed).max().item() / 3.0
            if not worst < 1e12:
                raise rb.errors.NonFiniteStateError(
                    f"Doubling: the state is not finite, for units at t > {t0}"
                )
            if worst <= 1.0:
                y, part = halves, part + step
            step *= min(3.0, max(0.2, 0.9 / max(worst, 1e-9) ** (1.0 / 3.0)))
        raise rb.errors.MaxStepsError(
            f"Doubling: {self.max_steps} steps did not suffice; raise rtol and atol"
        )


class Locating(EventIntegrator):
    """Heun's method, which finds crossings by shorter steps of its own."""

    order = 2

    def advance(
        self, field: Any, y: Any, t0: Any, t1: Any, *, event: Any = None, carry: Any = None
    ) -> Advance:
        shape = y.shape[1:]
        h = torch.as_tensor(t1 - t0, dtype=y.dtype).expand(shape)
        k1 = field(t0, y)

        def step(s: Any) -> Any:
            return y + 0.5 * s * (k1 + field(t0 + s, y + s * k1))

        new = step(h)
        if event is None:
            return Advance(torch.where(h > 0, new, y))
        hit, _ = event.check(event.armed, y, k1, new, field(t0 + h, new), h)
        hit = hit & (h > 0)
        if not bool(hit.any()):
            return Advance(torch.where(h > 0, new, y))
        # All units go along; a part of them would do.
        found = rb.locate(step, event, y, new, h)
        hit = hit & found.found
        s = torch.where(hit, found.s, h)
        end = torch.where(hit, found.y, torch.where(h > 0, new, y))
        return Advance(end, t=torch.where(hit, t0 + s, t1 + 0.0 * s), crossed=hit)


class FromSlope(Integrator):
    """The rule of three slopes of Bogacki and Shampine, the last of which is carried: first same as last."""

    order = 3

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        h = t1 - t0
        k1 = carry["slope"] if carry is not None and "slope" in carry else field(t0, y)
        k2 = field(t0 + 0.5 * h, y + 0.5 * h * k1)
        k3 = field(t0 + 0.75 * h, y + 0.75 * h * k2)
        new = y + h * (2.0 / 9.0 * k1 + 1.0 / 3.0 * k2 + 4.0 / 9.0 * k3)
        return Advance(new, {"slope": field(t1, new)})


class AdamsBashforth(Integrator):
    """Of order 2 by the slope of the step before, where the state and the step are those of that time."""

    order = 2

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        h = torch.as_tensor(t1 - t0, dtype=y.dtype).expand(y.shape[1:])
        k1 = field(t0, y)
        heun = y + 0.5 * h * (k1 + field(t1, y + h * k1))
        new = heun
        if carry is not None and "end0" in carry:
            ends = torch.stack([carry[f"end{index}"] for index in range(len(y))])
            befores = torch.stack([carry[f"before{index}"] for index in range(len(y))])
            fresh = (ends == y).all(dim=0) & ((carry["h"] - h).abs() <= 1e-9 * h)
            new = torch.where(fresh, y + h * (1.5 * k1 - 0.5 * befores), heun)
        kept = {"h": h.detach()}
        for index in range(len(y)):
            kept |= {f"end{index}": new[index].detach(), f"before{index}": k1[index]}
        return Advance(new, kept)


class OfNoOrder(Integrator):
    """Euler's method, of which nothing is claimed."""

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        return Advance(y + (t1 - t0) * field(t0, y))


def _spec(name: str, **claims: Any) -> IntegratorSpec:
    return IntegratorSpec("zoo", f"sound_integrators:{name}", **claims)


SPECS = {
    "Heun": _spec("Heun", order=2, stages=2),
    "Doubling": _spec("Doubling", order=2, adaptive=True, embedded_order=2),
    "Locating": _spec("Locating", order=2, events="located", event_order=2),
    "FromSlope": _spec("FromSlope", order=3, stages=4, fsal=True),
    "AdamsBashforth": _spec("AdamsBashforth", order=2, stages=2, differentiable="discrete"),
}
"""What is claimed of those whose own words do not say it all."""
