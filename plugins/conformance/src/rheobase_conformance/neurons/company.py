"""Company: units that differ in every parameter, and whose sleeping parts are awake, are still alone."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import torch
from hypothesis import strategies as st

from ..drawing import drawn_by
from ..profiles import Profile
from ..property import prop
from .case import NeuronCase, within
from .cases import PERCENTS, can_be_made, rounded, runs
from .courses import LEVELS
from .effects import awake
from .functions import DEFINED, is_alone
from .independence import require_same_row, require_same_units
from .needs import DETERMINISTIC, PARAMETERS
from .points import Points
from .subject import NeuronSubject

SIGNS = (1.0, -1.0)

RANKS = ((2, 1, 3), (1, 2, 2, 2), (2, 1, 1, 1, 2))
"""Batches of more dimensions than two."""


def mixed(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """Short runs in which each unit has its own value of every parameter, none of them zero throughout."""

    def draw_mixed(draw: st.DrawFn) -> NeuronCase:
        case = draw(runs(subject, profile, units=(5, 3), steps=(12, 24), courses=LEVELS, vary=False))
        sign, places = draw(st.sampled_from(SIGNS)), draw(st.permutations(range(len(PERCENTS))))
        return replace(case, params={**case.params, **_of_each_unit(subject, case.units, sign, places)})

    return drawn_by(draw_mixed)


def _of_each_unit(
    subject: NeuronSubject, units: int, sign: float, places: Any
) -> dict[str, tuple[float, ...]]:
    """A value of each parameter for each unit; those that cannot be made so are left as they are."""
    base = {**{name: value for name, value in subject.defaults.items() if value}, **awake(subject, sign)}
    found: dict[str, tuple[float, ...]] = {}
    for row, (name, value) in enumerate(base.items()):
        declared = subject.schema.parameters[name]
        if name == "tau_ref" or not isinstance(declared.default, float):
            continue  # One is counted in steps; the others follow.
        parts = [PERCENTS[places[(row + 3 * unit) % len(places)]] for unit in range(units)]
        each = tuple(rounded(value * (1 + part / 100)) for part in parts)
        if all(within(declared, one) for one in each) and can_be_made(subject, {**found, name: each}, units):
            found[name] = each
    return found


@prop(
    "neuron",
    "functions-in-mixed-company",
    "contract",
    cases=mixed,
    share=0.25,
    needs=(DEFINED, PARAMETERS),
    why="what couples units may sleep behind a parameter of zero, or show only where they differ",
)
def the_functions_treat_different_units_alone(subject: NeuronSubject, case: NeuronCase) -> None:
    """What the functions give for a unit is its own where units differ in every parameter, none zero."""
    points = Points(subject, case)
    last = len(points.states) - 1
    for place, other in itertools.permutations(sorted({0, last // 2, last}), 2):
        for unit in (0, case.units - 1):
            is_alone(points, unit, place, other)


@prop(
    "neuron",
    "unit-in-mixed-company",
    "independence",
    cases=mixed,
    share=0.25,
    needs=(DETERMINISTIC, PARAMETERS),
    why="what couples units may sleep behind a parameter of zero, or show only where they differ",
)
def a_unit_among_different_ones_does_what_it_does_alone(subject: NeuronSubject, case: NeuronCase) -> None:
    """A unit does what it does alone where units differ in every parameter, none of which is zero."""
    index = torch.tensor([case.units - 1])
    require_same_units(
        subject, case, index, f"unit {case.units - 1} of {case.units} different ones, and the same unit alone"
    )


def ranked(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """Runs in batches of many dimensions."""
    return runs(subject, profile, batches=RANKS, steps=(12, 18), courses=LEVELS)


@prop(
    "neuron",
    "batch-of-any-rank",
    "independence",
    cases=ranked,
    share=0.4,
    needs=(DETERMINISTIC,),
    level="full",
    why="a sweep over several quantities has a dimension for each",
)
def a_row_of_a_batch_of_many_dimensions_is_that_row_alone(subject: NeuronSubject, case: NeuronCase) -> None:
    """A row of a batch of three to five dimensions gives what it gives without the others."""
    require_same_row(subject, case, -1)
