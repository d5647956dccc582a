"""Strategies for the cases of rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from ..drawing import drawn_by
from ..profiles import Profile
from .case import RuleCase, asked
from .subject import CHOICES, RuleSubject

SHAPES = (
    (7, 5, False),
    (6, 6, True),
    (6, 6, False),
    (40, 30, False),
    (30, 30, True),
    (1, 1, True),
    (3, 90, False),
)
"""Sources, targets, and whether they are one population."""
ONE_POPULATION = tuple(shape for shape in SHAPES if shape[2])


def populations(
    subject: RuleSubject,
    profile: Profile,
    *,
    shapes: Sequence[tuple[int, int, bool]] = SHAPES,
    **fixed: Any,
) -> st.SearchStrategy[RuleCase]:
    """Populations with which the rule goes through, and values that it takes there.

    Args:
        subject: The rule.
        profile: How much is tried.
        shapes: The populations.
        **fixed: Values of parameters that are not chosen.
    """
    taken = [case for shape in shapes for case in going(subject, shape, **fixed)]
    if not taken:
        subject.refuses_all()

    def draw_populations(draw: st.DrawFn) -> RuleCase:
        case = draw(st.sampled_from(taken))
        return replace(case, seed=draw(st.integers(0, 99)))

    return drawn_by(draw_populations)


def going(subject: RuleSubject, shape: tuple[int, int, bool], **fixed: Any) -> list[RuleCase]:
    """The cases of one shape that the rule takes, without positions, or else with them."""
    free = [name for name in CHOICES if subject.takes(name) and name not in fixed]
    choices = [{}, *({name: value} for name in free for value in (False, True))]
    found = []
    for located in (False, True):
        for chosen in choices:
            case = RuleCase(*shape, located=located, parameters={**chosen, **fixed})

            def call(settings: dict[str, Any], case: RuleCase = case) -> Any:
                return asked(subject, replace(case, parameters={**settings, **case.parameters}))

            key = (shape, located, *sorted(case.parameters.items()))
            found += [
                replace(case, parameters={**each, **case.parameters}) for each in subject.fitting(key, call)
            ]
        if found:
            break
    return found
