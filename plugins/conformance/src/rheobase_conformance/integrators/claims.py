"""The claims of an integrator's spec, each measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from hypothesis import strategies as st
from rheobase.errors import StructureError
from torch import Tensor

from ..profiles import Profile
from ..property import Need, prop
from ..subject import IntegratorSubject
from ..violation import require, violated
from .case import IntegratorCase
from .problems import COUPLED, REFUSED
from .stepping import ADAPTIVE, ORDER, ROUNDING, SMALLEST, advanced, end_by, mean_error, order_of, problems

SHORT = 0.3
"""How far a measured order may fall short of the claimed one."""

COUNTS = {1: (8, 16, 32, 64, 128), 2: (8, 16, 32, 64, 128), 3: (6, 12, 24, 48, 96), 4: (5, 10, 20, 40, 80)}
"""Order -> numbers of steps: errors of the leading term alone, above rounding."""
FINE = {
    1: (32, 64, 128, 256, 512),
    2: (16, 32, 64, 128, 256, 512),
    3: (12, 24, 48, 96, 192, 384),
    4: (10, 20, 40, 80, 160, 320),
    5: (12, 24, 48, 96, 192),
}
"""The same where those are not conclusive."""

STAGES = Need(lambda subject: subject.claims.stages > 0, "it claims no number of stages")
DENSE = Need(
    lambda subject: subject.claims.dense_order is not None, "it claims no values between the ends of a step"
)
EMBEDDED = Need(
    lambda subject: subject.claims.embedded_order is not None, "it claims no solution to judge its error by"
)
NARROW = Need(lambda subject: subject.claims.field != "general", "it claims to take every field")


def coupled(subject: IntegratorSubject, profile: Profile) -> st.SearchStrategy[IntegratorCase]:
    """The problems by which the order is judged."""
    return problems(subject, profile, names=COUPLED[subject.claims.field], units=(2,))


@prop(
    "integrator",
    "order-as-claimed",
    "components",
    cases=coupled,
    needs=(ORDER,),
    why="a method of order 4 that is of order 1 on coupled equations is no better than Euler's",
)
def the_order_is_the_one_claimed(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """On smooth problems whose variables are coupled the error falls with the order that is claimed."""
    claim = subject.claims.order
    told = []
    for table in (COUNTS, FINE):
        counts = table.get(claim, (3, 6, 12, 24, 48) if table is COUNTS else (4, 8, 16, 32, 64, 128))
        errors = _errors(subject, case, counts)
        measured = order_of(counts[: len(errors)], errors, floor=SMALLEST)
        if measured.order is None or measured.order >= claim - SHORT:
            return
        told.append(measured)
    violated(
        f"on {case.problem!r} the measured order is {told[-1].order:.2f}, and {claim} is claimed; steps and "
        f"errors at the end: {told[-1].told}"
    )


def _errors(subject: IntegratorSubject, case: IntegratorCase, counts: Sequence[int]) -> list[float]:
    """The errors at the end, by so many steps; two of rounding only, where the first two are."""
    exact, errors = case.exact(case.t0 + case.what.end), []
    for count in counts:
        errors.append(mean_error(end_by(subject, case, count), exact))
        if len(errors) == 2 and max(errors) <= ROUNDING:
            break
    return errors


@prop(
    "integrator",
    "order-with-time",
    "components",
    cases=lambda subject, profile: problems(subject, profile, names=("driven", "forced"), units=(2,)),
    needs=(
        ORDER,
        Need(lambda subject: subject.claims.field != "linear", "it claims field='linear', not of time"),
    ),
    share=0.5,
    why="input that changes with time is the rule; a stage at the wrong time costs the order",
)
def the_order_holds_where_the_field_looks_at_the_time(
    subject: IntegratorSubject, case: IntegratorCase
) -> None:
    """With a field that depends on time, from t0 = 1.25 ms on, the error falls with the order claimed."""
    the_order_is_the_one_claimed(subject, case)


@prop(
    "integrator",
    "refuses-what-it-cannot-solve",
    "components",
    cases=lambda subject, profile: st.builds(
        IntegratorCase,
        problem=st.sampled_from(REFUSED[subject.claims.field]),
        seed=st.integers(0, 99),
    ),
    needs=(NARROW,),
    share=1.5,
    why="an exact method on a field that it is not exact for gives numbers that look like results",
)
def fields_beyond_the_claim_are_refused(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """A field beyond the claim, nonlinear or dependent on time, is refused by a StructureError."""
    try:
        found = subject.make().advance(case.field(), case.start(), case.t0, case.t0 + case.dt)
    except StructureError:
        return
    violated(
        f"it claims field={subject.claims.field!r}, and solved {case.problem!r}, which is not: "
        f"{found.y.tolist()}; it must raise a StructureError (rheobase.linear and "
        "rheobase.conditionally_linear tell such fields)"
    )


def _evaluations(subject: IntegratorSubject, steps: int) -> int:
    """How often a field is evaluated in so many steps."""
    calls = 0

    def field(t: Any, y: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return torch.stack([-1.0 * y[0]])

    h, y, kept = 0.0625, torch.ones(1, 1, dtype=torch.float64), None
    if subject.claims.adaptive:
        advanced(subject.with_step(h), field, y, 0.0, h * steps)
    else:
        method = subject.make()
        for step in range(steps):
            y, kept, *_ = advanced(method, field, y, h * step, h * (step + 1), carry=kept)
    return calls


@prop(
    "integrator",
    "stages-as-claimed",
    "components",
    needs=(STAGES,),
    why="the evaluations of a step are its cost, by which methods are compared",
)
def the_stages_are_those_claimed(subject: IntegratorSubject) -> None:
    """A step evaluates the field as often as is claimed, one less where the last is the next one's first."""
    claims = subject.claims
    counted = (_evaluations(subject, 10) - _evaluations(subject, 5)) / 5
    expected = claims.stages - (1 if claims.fsal else 0)
    require(
        counted == expected,
        f"a step evaluates the field {counted:g} times; stages={claims.stages} and fsal={claims.fsal} claim "
        f"{expected}",
    )


@prop(
    "integrator",
    "error-follows-tolerance",
    "components",
    cases=lambda subject, profile: problems(
        subject,
        profile,
        names=("kaps", "turning", "rotation", "forced", "mutual", "chain"),
        units=(2,),
    ),
    needs=(ADAPTIVE,),
    why="the tolerance is all that a user can say about the error: one that does nothing is a promise broken",
)
def the_error_follows_the_tolerance(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """The error at the end of one long step stays within bounds of the tolerance, and falls with it."""
    require(
        bool(subject.settings & {"rtol", "atol"}),
        f"it claims adaptive=True and takes neither rtol nor atol (its settings: "
        f"{', '.join(sorted(subject.settings)) or 'none'})",
    )
    span = 2.0 * case.what.end
    tolerances = (1e-3, 1e-5, 1e-7) if subject.claims.order >= 4 else (1e-3, 1e-4, 1e-5)
    errors = []
    for tolerance in tolerances:
        method = subject.with_tolerance(tolerance)
        y = advanced(method, case.field(), case.start(), case.t0, case.t0 + span).y
        errors.append((y - case.exact(case.t0 + span)).abs().max().item())
    told = ", ".join(f"{one:g}: {error:.2e}" for one, error in zip(tolerances, errors, strict=True))
    for tolerance, error in zip(tolerances, errors, strict=True):
        require(
            error <= 1000.0 * tolerance,
            f"after {span} ms of {case.problem!r} the error is {error:.2e} with rtol and atol {tolerance:g}; "
            f"tolerances and errors: {told}",
        )
    # Over so many decades that one lucky error does not matter: with a method of order 1 that adds up what
    # it errs the error still falls by half as many.
    least = (tolerances[0] / tolerances[2]) ** 0.35
    require(
        errors[2] <= max(errors[0] / least, tolerances[2] / 100.0),
        f"on {case.problem!r} the error does not fall with the tolerance; tolerances and errors: {told}",
    )


@prop(
    "integrator",
    "work-as-the-error-estimate",
    "components",
    needs=(ADAPTIVE, EMBEDDED),
    why="the estimate decides the steps: with one of lower order than claimed they are far too many",
)
def the_work_grows_as_the_embedded_order_says(subject: IntegratorSubject) -> None:
    """As the tolerance falls, the steps grow as with an error estimate of the order that is claimed."""
    claim = subject.claims.embedded_order
    calls = 0
    case = IntegratorCase("rotation", units=1)
    field = case.field()

    def counted(t: Any, y: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return field(t, y)

    work = []
    tolerances = (1e-3, 1e-6) if subject.claims.order >= 4 else (1e-2, 1e-4)
    for tolerance in tolerances:
        calls = 0
        advanced(subject.with_tolerance(tolerance), counted, case.start(), 0.0, 12.0)
        work.append(calls)
    growth = math.log(work[1] / work[0]) / math.log(tolerances[0] / tolerances[1])
    measured = 1.0 / growth - 1.0 if growth > 0 else float("inf")
    # A control of the error by unit of time, and not of step, has one less; short runs blur the rest.
    require(
        claim is not None and measured >= claim - 1.4,
        f"{work[0]} evaluations with the tolerance {tolerances[0]:g} and {work[1]} with "
        f"{tolerances[1]:g} are "
        f"those of an error estimate of order {measured:.1f}; embedded_order={claim} is claimed",
    )


@prop(
    "integrator",
    "values-between-as-claimed",
    "components",
    cases=lambda subject, profile: problems(
        subject, profile, names=("turning", "kaps", "rotation"), units=(2,)
    ),
    needs=(DENSE,),
    share=0.5,
    why="values between the ends of steps are used for recording and for plots",
)
def the_values_between_are_of_the_order_claimed(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """``trajectory`` gives values between the ends of a step, of the order that is claimed."""
    claim = subject.claims.dense_order or 0
    parts = torch.tensor([0.13, 0.4, 0.55, 0.86, 1.0], dtype=torch.float64)
    errors, steps = [], (0.2, 0.1, 0.05, 0.025)
    for h in steps:
        method: Any = subject.with_step(h)
        require(
            hasattr(method, "trajectory"),
            f"it claims dense_order={claim}, and has no method trajectory(field, y, times, t0=None)",
        )
        found = method.trajectory(case.field(), case.start(), h * parts, t0=0.0)
        exact = torch.stack([case.exact(h * part) for part in parts.tolist()])
        require(
            isinstance(found, Tensor) and found.shape == exact.shape,
            f"trajectory gave {getattr(found, 'shape', type(found))}; it must be [times, D, units]",
        )
        errors.append(mean_error(found, exact))
    # Within one step the error is one order higher than over a path.
    measured = order_of(steps, errors, floor=1e-14)
    require(
        measured.order is None or measured.order >= claim + 1 - SHORT,
        f"the error within a step falls with order {measured.order}, and dense_order={claim} claims "
        f"{claim + 1}; "
        f"steps (ms) and errors: {measured.told}",
    )
