"""What an aggregator claims holds for all inputs: none and negative ones, large and small, few and many."""

from __future__ import annotations

from ..property import Need, prop
from ..subject import AggregatorSubject
from ..violation import violated
from .algebra import (
    groups_of_inputs_do_not_matter,
    the_identity_changes_nothing,
    the_order_of_inputs_does_not_matter,
)
from .case import AggregatorCase
from .cases import ALIKE, inputs, refused, result_of, with_all_values
from .ranges import EITHER, MANY

SHAPES = (((3,),) * MANY, *ALIKE[:3], ((3,),) * 7)

CLAIMS = Need(
    lambda subject: (
        subject.claims.commutative or subject.claims.associative or subject.claims.identity is not None
    ),
    "it claims neither commutativity nor associativity nor an identity",
)


@prop(
    "aggregator",
    "claims-hold-for-all-values",
    "components",
    cases=lambda subject, profile: inputs(subject, profile, shapes=SHAPES, alike=True),
    needs=(CLAIMS,),
    share=0.5,
    why="inputs are silent, inhibitory, or as large as their unit makes them, and come from many sources",
)
def claims_hold_for_all_values(subject: AggregatorSubject, case: AggregatorCase) -> None:
    """What is claimed holds for up to twelve inputs, which are zero, negative, tiny or large."""
    for each in with_all_values(case, either=True):
        _judge(subject, each)


def _judge(subject: AggregatorSubject, case: AggregatorCase) -> None:
    given, names, claims = case.inputs(), case.names(), subject.claims
    if refused(subject, given, names) is not None:
        return
    found = result_of(subject, given, names)
    if not bool(found.isfinite().all()):
        # vacuous: a rule may be for rates only; but who claims that inputs can be grouped, or left out, says
        # nothing of such a limit.
        limited = case.values in EITHER and names is None and case.scale == 1.0
        if limited and (claims.associative or claims.identity is not None):
            violated(
                f"{case.values} inputs {[each.tolist() for each in given]} give {found.tolist()}, where it "
                f"claims associative={claims.associative} and identity={claims.identity}; refuse them by an "
                "InputError, or give a number"
            )
        return
    if claims.commutative:
        the_order_of_inputs_does_not_matter(subject, case)
    if claims.associative:
        groups_of_inputs_do_not_matter(subject, case)
    if claims.identity is not None:
        the_identity_changes_nothing(subject, case)
