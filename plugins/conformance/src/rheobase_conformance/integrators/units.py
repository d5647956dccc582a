"""Units side by side: none knows of another, whatever becomes of it."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from ..profiles import Profile
from ..property import Need, prop
from ..subject import IntegratorSubject
from ..violation import require
from .case import IntegratorCase
from .problems import PROBLEMS
from .stepping import advanced, problems, ulps

APART = Need(
    lambda subject: subject.claims.per_unit or not subject.claims.adaptive,
    "it claims no step for each unit (per_unit=False): units share their steps",
)
STEPS = 4
"""Steps of a run."""


def crowds(subject: IntegratorSubject, profile: Profile) -> st.SearchStrategy[IntegratorCase]:
    """Units side by side, also in a batch."""
    return problems(
        subject,
        profile,
        names=("turning", "mutual", "rotation", "chain", "kaps"),
        dts=(0.25, 0.125, 0.5),
        units=(6, 4, 9),
        batches=((), (2,)),
    )


def _run(subject: IntegratorSubject, case: IntegratorCase, rates: Tensor, y: Tensor) -> tuple[Tensor, int]:
    """The state after some steps, and how often the field was evaluated."""
    calls, field = 0, case.what.field_of(rates)

    def counted(t: Any, y: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return field(t, y)

    method, kept = subject.quick(), None
    for step in range(STEPS):
        y, kept, *_ = advanced(method, counted, y, step * case.dt, (step + 1) * case.dt, carry=kept)
    return y, calls


@prop(
    "integrator",
    "units-know-nothing-of-each-other",
    "components",
    cases=crowds,
    needs=(APART,),
    why="a unit that gets another result among others cannot be simulated in an ensemble",
)
def units_know_nothing_of_each_other(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """A unit gets what it gets alone: in a crowd, permuted, and beside one that is twenty times faster."""
    rates, y = case.rates(), case.start()
    whole, calls = _run(subject, case, rates, y)
    size = torch.maximum(y.abs().amax(dim=0), whole.abs().amax(dim=0))
    allowed = 4.0 * max(calls, STEPS)

    def compare(what: str, found: Tensor, expected: Tensor, sizes: Tensor) -> None:
        far = ulps(found, expected, sizes)
        require(
            far <= allowed,
            f"{what} {found.tolist()}, and among {case.units} {expected.tolist()}: {far:.3g} units of "
            "the last "
            f"place apart after {STEPS} steps of {case.dt} ms, and 4 for each evaluation are allowed, "
            f"{allowed:g}",
        )

    for unit in (0, case.units - 1):
        alone, _ = _run(subject, case, rates[..., unit : unit + 1], y[..., unit : unit + 1])
        compare(f"unit {unit} alone gets", alone, whole[..., unit : unit + 1], size[..., unit : unit + 1])
    order = torch.arange(case.units - 1, -1, -1)
    turned, _ = _run(subject, case, rates[..., order], y[..., order])
    compare("the units in reverse order get", turned[..., order], whole, size)
    if case.batch:
        row, _ = _run(subject, case, rates[1], y[:, 1])
        compare("row 1 of the batch alone gets", row, whole[:, 1], size[1])
    fast = rates.clone()
    fast[..., 1] = 20.0
    others = torch.arange(case.units) != 1
    if bool(torch.isfinite(PROBLEMS[case.problem].field_of(fast)(0.0, y)).all()):
        beside, _ = _run_loosely(subject, case, fast, y)
        compare(
            "beside a fast unit the others get", beside[..., others], whole[..., others], size[..., others]
        )


def _run_loosely(
    subject: IntegratorSubject, case: IntegratorCase, rates: Tensor, y: Tensor
) -> tuple[Tensor, int]:
    """The same where a unit may well fail: it is marked."""
    field, method, kept = case.what.field_of(rates), subject.quick(), None
    method.on_failure = "mark"
    for step in range(STEPS):
        y, kept, *_ = method.advance(field, y, step * case.dt, (step + 1) * case.dt, carry=kept)
    return y, 0


@prop(
    "integrator",
    "carry-is-a-hint",
    "components",
    cases=lambda subject, profile: problems(
        subject, profile, names=("turning", "mutual", "rotation"), units=(3,), dts=(0.25, 0.125)
    ),
    why="between two steps a unit may be reset by a spike, or kicked: the carry is then of another state",
)
def what_is_carried_is_a_hint(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """After a state was changed from outside the carry does no harm, and its slope is the one at the end."""
    method, field, y, dt = subject.quick(), case.field(), case.start(), case.dt
    before = advanced(method, field, y, 0.0, dt)
    if before.carry is not None and "slope" in before.carry:
        slope, own = before.carry["slope"], field(dt, before.y)
        apart = (slope - own).abs().max().item()
        require(
            apart <= 1e-3 * (1e-3 + own.abs().max().item()),
            f"carry['slope'] is {slope.tolist()}; the derivatives at the end are {own.tolist()}",
        )
    # A reset of one unit to where it began, and of another to half of where it is.
    kicked = before.y.clone()
    kicked[:, 0], kicked[:, 1] = y[:, 0], 0.5 * kicked[:, 1]
    with_hints = advanced(method, field, kicked, dt, 2.0 * dt, carry=before.hints).y
    without = advanced(method, field, kicked, dt, 2.0 * dt).y
    moved = (without - kicked).abs().max().item()
    finer = kicked
    for part in range(16):
        finer = advanced(method, field, finer, dt * (1 + part / 16), dt * (1 + (part + 1) / 16)).y
    error = (without - finer).abs().max().item()
    apart = (with_hints - without).abs().max().item()
    require(
        apart <= 10.0 * error + 1e-4 * moved,
        f"after a unit was reset the step with what was carried gives {with_hints.tolist()}, and without "
        f"{without.tolist()}; its own error is about {error:.2e}. Keep in the carry to which state it "
        "belongs",
    )
