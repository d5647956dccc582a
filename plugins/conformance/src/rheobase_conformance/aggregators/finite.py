"""Inputs that are numbers give a number, or are refused."""

from __future__ import annotations

from dataclasses import replace

from ..property import prop
from ..subject import AggregatorSubject
from ..violation import require
from .case import AggregatorCase
from .cases import ALIKE, SHAPES, inputs, refused, result_of, with_all_values
from .ranges import EITHER, MANY

MODERATE = {"float64": 1e150, "float32": 1e19}
"""Beyond the root of the largest number a result may well be on its way to infinity."""
LOW, HALVINGS = 1e-3, 40
"""From which part of the usual values on an overflow is looked for, and how often the way is halved."""


@prop(
    "aggregator",
    "finite-inputs-give-finite-results",
    "components",
    cases=lambda subject, profile: inputs(subject, profile, shapes=(*ALIKE[:2], *SHAPES, ((3,),) * MANY)),
    why="before the first spike all inputs are zero; and a current in pA is soon a large number",
)
def finite_inputs_give_finite_results(subject: AggregatorSubject, case: AggregatorCase) -> None:
    """Inputs that are zero, tiny or large give a finite result, or are refused by an InputError."""
    for each in with_all_values(case):
        _judge(subject, each)


def _judge(subject: AggregatorSubject, case: AggregatorCase) -> None:
    if _largest(subject, case) is not None:
        return
    given = [each.tolist() for each in case.inputs()]
    found = result_of(subject, case.inputs(), case.names()).tolist()
    if case.scale <= 1.0 and case.values != "mixed":
        # vacuous: a rule for rates may know nothing of negative numbers.
        require(
            case.values in EITHER,
            f"the inputs {given}, with the identifiers {case.names()}, give {found}; give a finite number, "
            "or refuse them by an InputError",
        )
        return
    low, high = LOW, case.scale
    below = _largest(subject, replace(case, scale=low))
    if below is None:
        return
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        seen = _largest(subject, replace(case, scale=middle))
        if seen is None:
            high = middle
        else:
            low, below = middle, seen
    require(
        below > MODERATE[case.dtype],
        f"the inputs {given} give {found}; {low / case.scale:.3g} times these give at most {below:.3g}, and "
        "a little more does not: something on the way to the result overflows, where the result does not",
    )


def _largest(subject: AggregatorSubject, case: AggregatorCase) -> float | None:
    """The largest of a result; None where it is not finite. Zero where the inputs are refused."""
    given, names = case.inputs(), case.names()
    if refused(subject, given, names) is not None:
        return 0.0
    found = result_of(subject, given, names)
    return found.abs().max().item() if bool(found.isfinite().all()) else None
