"""The tolerances of an adaptive integrator: each counts, for every variable, row and unit."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from rheobase.errors import IntegrationError
from torch import Tensor

from ..profiles import Profile
from ..property import Need, prop
from ..subject import IntegratorSubject
from ..violation import require
from .case import IntegratorCase
from .stepping import ADAPTIVE, FACTORY, FieldLike, advanced, problems

BOTH = Need(lambda subject: {"rtol", "atol"} <= subject.settings, "it does not take both rtol and atol")
MIDDLE = 100.0
"""Around which a point turns at a distance of one: a relative tolerance is so many times an absolute one."""
LOOSE = 0.1
FEWER = 0.8
"""The part of the evaluations that a tolerance a hundred times as large leaves, at most: 0.56 of order 8."""


def _one_rotation(subject: IntegratorSubject, profile: Profile) -> st.SearchStrategy[IntegratorCase]:
    return st.builds(IntegratorCase, problem=st.just("rotation"), units=st.just(1), seed=st.integers(0, 99))


@prop(
    "integrator",
    "each-tolerance-counts",
    "components",
    cases=_one_rotation,
    needs=(ADAPTIVE, FACTORY, BOTH),
    share=0.25,
    why="gates between 0 and 1 need another tolerance than millivolts: who can set two goes by both",
)
def each_tolerance_counts(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """A larger atol alone saves evaluations, and so does a larger rtol, by the size of the state."""
    tight, atol, rtol = (1e-9, 1e-5, 1e-5) if subject.claims.order >= 4 else (1e-6, 1e-3, 1e-4)
    asked = {
        "both": {"rtol": tight, "atol": tight},
        "atol": {"rtol": tight, "atol": atol},
        "rtol": {"rtol": rtol, "atol": tight},
        "neither": {"rtol": LOOSE, "atol": LOOSE},
    }
    counts = {name: _evaluations(subject, case, settings) for name, settings in asked.items()}
    told = "; ".join(
        f"rtol={each['rtol']:g}, atol={each['atol']:g}: {counts[name]}" for name, each in asked.items()
    )
    require(
        counts["atol"] <= max(FEWER * counts["both"], counts["neither"]),
        f"atol has no effect; evaluations for a state near {MIDDLE:g} that turns at a distance of 1: {told}",
    )
    require(
        # A method may have a longest step.
        counts["rtol"] <= max(FEWER * counts["atol"], counts["neither"]),
        f"rtol has less effect than the size of the state gives it; evaluations for a state near {MIDDLE:g} "
        f"that turns at a distance of 1: {told}",
    )


def _evaluations(subject: IntegratorSubject, case: IntegratorCase, settings: dict[str, float]) -> int:
    calls, turning = 0, case.field()

    def field(t: Any, y: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return turning(t, y - MIDDLE)

    try:
        advanced(subject.make(**settings), field, case.start() + MIDDLE, 0.0, 12.0)
    except IntegrationError:
        return calls  # too many for it
    return calls


QUIET = (1000.0, 0.0)
"""What the variables are that stand still."""
BESIDE = 8
"""How many stand still beside those that move: a root of the mean square over all is three times smaller."""
ROWS, CROWD = 2_000, 10_000
"""Quiet rows or units beside a busy one: a mean over so many units makes its error 100 times smaller."""


@prop(
    "integrator",
    "tolerance-holds-for-each-variable",
    "components",
    cases=lambda subject, profile: problems(
        subject, profile, names=("logistic", "rotation", "turning"), units=(2,)
    ),
    needs=(ADAPTIVE, FACTORY),
    share=0.5,
    why="a gate between 0 and 1 beside a voltage of -70 mV must be as right as it is alone",
)
def the_tolerance_holds_for_each_variable(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """Variables are as right beside others that are large and stand still as they are alone, in any place."""
    tolerance, span = _tolerance(subject), 2.0 * case.what.end
    start, moving, exact = case.start(), case.field(), case.exact(2.0 * case.what.end)
    alone = advanced(subject.with_tolerance(tolerance), moving, start, 0.0, span).y
    for quiet in QUIET:
        for before in (0, BESIDE, BESIDE // 2):
            y = torch.full((BESIDE + len(start), case.units), quiet, dtype=start.dtype)
            y[before : before + len(start)] = start
            field = _beside(moving, before, len(start))
            found = advanced(subject.with_tolerance(tolerance), field, y, 0.0, span).y
            _require_as_right(
                f"with {before} variables before and {BESIDE - before} after it, which stay {quiet:g}",
                found[before : before + len(start)],
                alone,
                exact,
                tolerance,
            )


def _beside(moving: FieldLike, before: int, count: int) -> FieldLike:
    def field(t: Any, y: Tensor) -> Tensor:
        still = 0.0 * y
        return torch.cat([still[:before], moving(t, y[before : before + count]), still[before + count :]])

    return field


@prop(
    "integrator",
    "tolerance-holds-for-each-row",
    "components",
    cases=_one_rotation,
    needs=(ADAPTIVE, FACTORY),
    share=0.25,
    why="an error that is averaged over a batch is wrong for the busy row, and nothing tells",
)
def the_tolerance_holds_for_each_row(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """A busy row of a batch is as right among many quiet ones as it is alone."""
    tolerance, span = _tolerance(subject), 3.0
    alone = advanced(subject.with_tolerance(tolerance), case.field(), case.start(), 0.0, span).y
    rates = torch.full((ROWS, 2, 1), 0.01, dtype=torch.float64)
    y = torch.zeros(2, ROWS, 2, 1, dtype=torch.float64)
    row = case.seed % ROWS
    rates[row, 1], y[:, row, 1] = case.rates(), case.start()
    found = advanced(subject.with_tolerance(tolerance), case.what.field_of(rates), y, 0.0, span).y
    _require_as_right(
        f"in row {[row, 1]} of a batch {[ROWS, 2]} whose others stand still",
        found[:, row, 1],
        alone,
        case.exact(span),
        tolerance,
    )


@prop(
    "integrator",
    "tolerance-holds-for-each-unit",
    "components",
    cases=_one_rotation,
    needs=(ADAPTIVE, FACTORY),
    share=0.25,
    why="an error that is averaged over units is wrong for the busy one, and nothing tells",
)
def the_tolerance_holds_for_each_unit(subject: IntegratorSubject, case: IntegratorCase) -> None:
    """A busy unit among many quiet ones is as right as it is alone."""
    tolerance, span = _tolerance(subject), 3.0
    method = subject.with_tolerance(tolerance)
    rates, y = case.rates(), case.start()
    alone = advanced(method, case.field(), y, 0.0, span).y
    many = torch.cat([rates, torch.full((CROWD,), 0.01, dtype=torch.float64)])
    states = torch.cat([y, torch.zeros(2, CROWD, dtype=torch.float64)], dim=1)
    found = advanced(method, case.what.field_of(many), states, 0.0, span).y[:, :1]
    _require_as_right(f"beside {CROWD} units that stand still", found, alone, case.exact(span), tolerance)


def _tolerance(subject: IntegratorSubject) -> float:
    return 1e-5 if subject.claims.order >= 4 else 1e-4


def _require_as_right(where: str, found: Tensor, alone: Tensor, exact: Tensor, tolerance: float) -> None:
    """Refuse an error of more than four times that of the same alone: a mean square over a few is three."""
    errors = [(each - exact).abs().max().item() for each in (alone, found)]
    require(
        errors[1] <= 4.0 * errors[0] + tolerance,
        f"the error is {errors[0]:.2e} alone, and {errors[1]:.2e} {where} (tolerance {tolerance:g}); each "
        "variable of each unit is to be judged by its own error and its own size",
    )
