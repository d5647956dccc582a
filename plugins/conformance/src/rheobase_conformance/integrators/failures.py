"""The failures of an integration: told, and never silent."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from rheobase import Integrator
from rheobase.errors import IntegrationError
from torch import Tensor

from ..property import Need, prop
from ..subject import IntegratorSubject
from ..violation import require, violated
from .case import IntegratorCase
from .problems import pole
from .stepping import ADAPTIVE, problems, slack


@prop(
    "integrator",
    "nan-is-told",
    "components",
    cases=lambda subject, profile: problems(
        subject, profile, names=("rotation", "decay", "chain"), units=(3, 2)
    ),
    share=0.5,
    why="a model that leaves the range where it is defined must stop the run, and not look like a result",
)
def a_derivative_that_is_no_number_is_told(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """A unit whose derivative is NaN is an IntegrationError by default, and never a finite state."""
    field = case.what.field_of(_ill(case))
    y = case.start()
    equations = tuple((lambda x, index=index: field(0.0, x)[index]) for index in range(len(y)))
    try:
        found = subject.make()(tuple(y.unbind(0)), equations, dt=case.dt)
    except IntegrationError:
        return
    violated(
        f"the derivative of unit 1 is NaN, and a step gave {torch.stack(list(found)).tolist()}; it must "
        "raise an "
        "IntegrationError: leave the NaN in the state, or give a status"
    )


def _ill(case: IntegratorCase) -> Tensor:
    rates = case.rates()
    rates[..., 1] = torch.nan
    return rates


@prop(
    "integrator",
    "failed-units-are-marked-alone",
    "components",
    cases=lambda subject, profile: problems(
        subject, profile, names=("rotation", "decay", "chain"), units=(3, 2)
    ),
    share=0.5,
    why="one ill unit among thousands must neither spoil the others nor pass for a healthy one",
)
def who_fails_is_marked_and_the_others_go_on(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """With on_failure="mark" a unit that fails is NaN, and the others get what they get without it."""
    y, t1 = case.start(), case.dt
    healthy = subject.make().advance(case.field(), y, 0.0, t1).y
    method = _marking(subject)
    try:
        result = method.advance(case.what.field_of(_ill(case)), y, 0.0, t1)
    except IntegrationError as error:
        require(
            subject.claims.adaptive and not subject.claims.per_unit,
            f"on_failure='mark', and a unit that fails raised {type(error).__name__}: {error}",
        )
        return
    ill = result.y[:, 1]
    require(
        not bool(ill.isfinite().all()), f"the derivative of unit 1 is NaN, and its state is {ill.tolist()}"
    )
    if result.status is not None:
        status = result.status.expand(y.shape[1:])
        require(int(status[1]) != 0, f"unit 1 failed, and its status is 0: {status.tolist()}")
    others = [unit for unit in range(case.units) if unit != 1]
    ok = result.status is None or bool((result.status.expand(y.shape[1:])[others] == 0).all())
    if not ok:
        # Who shares its steps may fail together, if that is told.
        require(
            subject.claims.adaptive and not subject.claims.per_unit,
            f"unit 1 failed, and the others are marked too: {result.status}",
        )
        return
    apart = (result.y[:, others] - healthy[:, others]).abs().nan_to_num(nan=torch.inf).max().item()
    require(
        apart <= slack(subject),
        f"beside a unit that fails the others get {result.y[:, others].tolist()} and without it "
        f"{healthy[:, others].tolist()}; they go on to t1 = {t1} ms, or have a status of their own",
    )


def _marking(subject: IntegratorSubject) -> Integrator:
    method = subject.make()
    method.on_failure = "mark"
    return method


@prop(
    "integrator",
    "hard-problems-are-solved-or-refused",
    "components",
    cases=lambda subject, profile: st.builds(
        IntegratorCase,
        problem=st.sampled_from(["decay", "stiff"]),  # "decay": y' = r y^2 in its place
        units=st.just(2),
        seed=st.integers(0, 99),
    ),
    needs=(
        ADAPTIVE,
        Need(lambda subject: subject.claims.field == "general", "it claims to take no such field"),
    ),
    share=0.5,
    why="a method that gives up in silence returns a state of another time, and says that it went well",
)
def hard_problems_are_solved_or_refused(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """A stiff problem is solved or refused, and one without a solution is refused: never a wrong number."""
    y, method = case.start(), _marking(subject)
    field: Any = case.field() if case.problem == "stiff" else pole(case.rates())
    span = 0.5 if case.problem == "stiff" else 4.0
    try:
        result = method.advance(field, y, 0.0, span)
    except IntegrationError:
        return
    for unit in range(case.units):
        if result.status is not None and int(result.status.expand(y.shape[1:])[unit]) != 0:
            require(
                not bool(result.y[:, unit].isfinite().any()),
                f"unit {unit} has the status {int(result.status[unit])}, and a state that looks like one: "
                f"{result.y[:, unit].tolist()}; it must be NaN",
            )
            continue
        found = result.y[:, unit]
        if not bool(found.isfinite().all()):
            continue
        if case.problem != "stiff":
            violated(
                f"y' = r y^2 from y(0) = 1 has no solution beyond {1.0 / float(case.rates()[unit]):.3g} "
                "ms; at "
                f"{span} ms unit {unit} is {found.tolist()}, and nothing was told"
            )
        exact = case.exact(span)[:, unit]
        error = (found - exact).abs().max().item()
        require(
            error <= 1e-2,
            f"y' = -1000 r (y - cos t) - sin t from y(0) = 1: after {span} ms unit {unit} is "
            f"{found.tolist()}, must "
            f"be {exact.tolist()}, and nothing was told; give a status (MAX_STEPS) where steps do not "
            "suffice",
        )
