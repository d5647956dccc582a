"""Steps of an integrator, and what they are held against."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from hypothesis import strategies as st
from rheobase import Advance, Integrator
from torch import Tensor

from ..drawing import drawn_by
from ..profiles import Profile
from ..property import Need
from ..subject import IntegratorSubject
from ..violation import require, violated
from .case import IntegratorCase
from .problems import COUPLED, PROBLEMS

FieldLike = Callable[[Any, Tensor], Tensor]
ROUNDING = 1e-12
"""What rounding may do over some hundred steps of numbers about one, in float64."""
SMALLEST = 1e-9
"""Errors below this, of numbers about one, are no errors to take an order from: a method may take its
coefficients by differences, or stop an iteration, at some 1e-11."""

ORDER = Need(lambda subject: subject.claims.order > 0, "it claims no order")
ADAPTIVE = Need(lambda subject: subject.claims.adaptive, "it claims no steps of its own (adaptive=False)")
FACTORY = Need(lambda subject: not subject.is_object, "it was given as an object, which takes no settings")


def problems(
    subject: IntegratorSubject,
    profile: Profile,
    *,
    names: Sequence[str] | None = None,
    dts: Sequence[float] = (0.125, 0.25, 0.03125),
    units: Sequence[int] = (3, 1, 5),
    batches: Sequence[tuple[int, ...]] = ((),),
    dtypes: Sequence[str] = ("float64",),
) -> st.SearchStrategy[IntegratorCase]:
    """Problems that it claims to take. The first of each choice is what is tried first.

    Args:
        subject: The integrator.
        profile: How much is tried.
        names: The problems; all that order is judged by, by default.
        dts: The steps, ms: sums of powers of two, so that times are exact.
        units: The numbers of units.
        batches: The batch dimensions.
        dtypes: The floating-point types.
    """
    claim = subject.claims.field
    taken = [name for name in (names or COUPLED[claim]) if PROBLEMS[name].taken_by(claim)]

    def draw_problem(draw: st.DrawFn) -> IntegratorCase:
        name = draw(st.sampled_from(taken))
        return IntegratorCase(
            problem=name,
            dt=draw(st.sampled_from(list(dts))),
            t0=1.25 if PROBLEMS[name].timed else 0.0,
            units=draw(st.sampled_from(list(units))),
            batch=draw(st.sampled_from(list(batches))),
            dtype=draw(st.sampled_from(list(dtypes))),
            seed=draw(st.integers(0, 99)),
        )

    return drawn_by(draw_problem)


def advanced(method: Integrator, field: FieldLike, y: Tensor, t0: Any, t1: Any, **more: Any) -> Advance:
    """What a step gives; a unit that fails is a violation."""
    result = method.advance(field, y, t0, t1, **more)
    require(
        isinstance(result, Advance),
        f"advance gave {type(result).__name__}; it must give a rheobase.Advance",
    )
    require(
        isinstance(result.y, Tensor) and result.y.shape == y.shape,
        f"advance gave a state {_shape(result.y)} for one of the shape {list(y.shape)}; it must keep it",
    )
    if result.status is not None and bool((result.status != 0).any()):
        violated(f"units failed on a smooth problem: status {result.status.tolist()} from t = {t0} to {t1}")
    return result


def _shape(value: Any) -> str:
    return (
        f"of the shape {list(value.shape)}"
        if isinstance(value, Tensor)
        else f"of type {type(value).__name__}"
    )


def followed(method: Integrator, case: IntegratorCase, steps: int, *, carry: bool = True) -> Tensor:
    """The state after so many steps of a case, each a call."""
    y, kept, field = case.start(), None, case.field()
    for step in range(steps):
        t0 = case.t0 + step * case.dt
        result = advanced(method, field, y, t0, case.t0 + (step + 1) * case.dt, carry=kept)
        y, kept = result.y, result.carry if carry else None
    return y


def end_by(subject: IntegratorSubject, case: IntegratorCase, steps: int) -> Tensor:
    """The state at the end of a problem, by so many equal steps of the method."""
    span = case.what.end
    h = span / steps
    if subject.claims.adaptive:
        method = subject.with_step(h)
        return advanced(method, case.field(), case.start(), case.t0, case.t0 + span).y
    method, y, kept, field = subject.make(), case.start(), None, case.field()
    for step in range(steps):
        # The last slope that is carried belongs to where the state is: nobody touched it.
        y, kept, *_ = advanced(method, field, y, case.t0 + step * h, case.t0 + (step + 1) * h, carry=kept)
    return y


def mean_error(y: Tensor, exact: Tensor) -> float:
    """The root of the mean square of the errors: unlike the largest, it cannot jump as the step falls."""
    return math.sqrt(float((y.double() - exact).square().mean()))


class Orders(NamedTuple):
    """How fast errors fall.

    Attributes:
        order: The measured order; None: there is no error but rounding.
        told: What was measured, for a message.
    """

    order: float | None
    told: str


def order_of(steps: Sequence[Any], errors: Sequence[float], floor: float = 1e-12) -> Orders:
    """The order with which errors fall as the step is halved, judged where two halvings agree.

    Args:
        steps: What each error belongs to, for the message; each with half the step of the one before.
        errors: The errors.
        floor: Errors below this are not of the method's order, and tell nothing.

    Example:
        >>> round(order_of((8, 16, 32, 64), (4.5e-4, 1.1e-4, 2.7e-5, 6.7e-6)).order, 1)
        2.0
    """
    told = ", ".join(f"{step}: {error:.2e}" for step, error in zip(steps, errors, strict=True))
    if not all(math.isfinite(error) for error in errors):
        return Orders(-math.inf, told)
    clear = [error for error in errors if error > floor]
    if len(clear) < 2:
        return Orders(None, told)
    # Errors of rounding grow with the number of steps: only what comes before the first counts.
    first = next((place for place, error in enumerate(errors) if error <= floor), len(errors))
    clear = list(errors[:first])
    if len(clear) < 2:
        return Orders(None if errors[-1] <= max(100 * ROUNDING, floor) else -math.inf, told)
    slopes = [math.log2(one / two) for one, two in itertools.pairwise(clear)]
    agreed = [place for place in range(1, len(slopes)) if abs(slopes[place] - slopes[place - 1]) < 0.15]
    last = agreed[-1] if agreed else len(slopes) - 1
    # Slopes go to the order linearly in the step: twice the last less the one before is the limit.
    limit = 2.0 * slopes[last] - slopes[last - 1] if last else slopes[last]
    return Orders(max(slopes[last], limit) if abs(limit - slopes[last]) < 0.5 else slopes[last], told)


def ulps(one: Tensor, other: Tensor, size: Tensor) -> float:
    """How far apart two results are, in units of the last place of numbers of a size; NaN is as NaN."""
    eps = torch.finfo(one.dtype).eps
    apart = (one - other).abs() / (eps * torch.maximum(size.abs(), one.abs()).clamp(min=1e-3))
    apart = torch.where(one.isnan() & other.isnan(), 0.0, apart)
    return float(apart.nan_to_num(nan=math.inf).max()) if apart.numel() else 0.0


def slack(subject: IntegratorSubject) -> float:
    """How far two results of one method may be apart that differ by rounding: it moves its own steps."""
    return 1e-3 if subject.claims.adaptive else 1e-11
