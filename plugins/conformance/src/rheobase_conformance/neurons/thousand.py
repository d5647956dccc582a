"""Large and long: a thousand units, and two thousand steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from hypothesis import strategies as st

from ..profiles import Profile
from ..property import prop
from ..vacuous import vacuous
from ..violation import require, violated
from .case import NeuronCase
from .cases import rounded
from .courses import Course, course, first_parting, put, require_same_courses
from .independence import require_same_units
from .needs import AT_REST, DETERMINISTIC
from .rounding import ULPS, allowed
from .running import declared_state
from .shaking import shaken
from .subject import NeuronSubject

UNITS, STEPS = 1000, 2000

LEVELS = (3.0, 0.0, 10.0, 0.3, 1.0, -1.0, 5.0)
"""The input of the long run, each for an equal part of it, in multiples of the size that moves the model."""

ALONE = (0, 255, 256, 511, 513, 999)
"""The units that are run without the others: the first, the last, and some about the sizes of blocks."""

AFTER = 60
"""How many steps are compared after a long run."""

_TRIES = 4


def large(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """One long run of many units."""
    return st.just(_long(subject, UNITS))


def long(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """One long run of a few units."""
    return st.just(_long(subject, 3))


def _long(subject: NeuronSubject, units: int) -> NeuronCase:
    drive = {
        name: tuple(rounded(level * subject.sizes.scale[name]) for level in LEVELS) for name in subject.inputs
    }
    return NeuronCase(drive=drive, units=units, steps=STEPS, dt=subject.dt, seed=1)


@prop(
    "neuron",
    "unit-among-a-thousand",
    "independence",
    cases=large,
    needs=(DETERMINISTIC,),
    level="full",
    why="blocks, indices and counters are right for the few units of a test, and used for many",
)
def a_unit_among_a_thousand_does_what_it_does_alone(subject: NeuronSubject, case: NeuronCase) -> None:
    """Units of a thousand do in two thousand steps what they do without the others."""
    told = f"units {', '.join(map(str, ALONE))} of {case.units}, and these alone"
    require_same_units(subject, case, torch.tensor(ALONE), told, free=False)


@prop(
    "neuron",
    "the-same-after-many-steps",
    "independence",
    cases=long,
    needs=(DETERMINISTIC,),
    level="full",
    why="what a neuron keeps beside its state, or a module for all of them, shows late, and spoils long runs",
)
def a_long_run_leaves_nothing_behind_but_the_state(subject: NeuronSubject, case: NeuronCase) -> None:
    """After two thousand steps a copy by ``state_dict`` goes on alike, and a new neuron begins as before."""
    neuron = case.neuron(subject.model)
    data = case.data(neuron)
    first = course(neuron, data[:AFTER])
    rest = course(neuron, data[AFTER:])
    if first.ended or rest.ended:
        vacuous("it does not bear so long a run")
    other = case.neuron(subject.model)
    again = course(other, data[:AFTER])
    require_same_courses(first, again, f"a new neuron, before {STEPS} steps of another and after")
    other.load_state_dict(neuron.state_dict())
    one, two = course(neuron, data[:AFTER]), course(other, data[:AFTER])
    require_same_courses(one, two, f"a neuron after {STEPS} steps, and one with its state_dict")


@prop(
    "neuron",
    "the-same-later",
    "independence",
    cases=long,
    needs=(AT_REST, DETERMINISTIC),
    level="full",
    why="a model at rest knows no time: what it does may not hang on how long it rested",
)
def a_model_that_rested_does_what_it_does_at_once(subject: NeuronSubject, case: NeuronCase) -> None:
    """After two thousand steps at rest, without input, a model does what a new one does."""
    brief = replace(case, steps=AFTER)
    fresh, rested = (case.neuron(subject.model) for _ in range(2))
    data, quiet = brief.data(fresh), replace(case, drive={}).data(rested)
    start = declared_state(fresh)
    expected = course(fresh, data)
    if course(rested, quiet).ended:
        vacuous("it does not bear so long a rest")
    for name, value in start.items():
        size = value.abs() + subject.sizes.excursion.get(name, 0.0)
        if bool(((getattr(rested, name).detach() - value).abs() > 1e-9 * size).any()):
            vacuous("it does not rest where it is declared to")
    put(rested, start)
    found = course(rested, data)
    if first_parting(expected, found):
        _require_close(subject, brief, expected, found)


def _require_close(subject: NeuronSubject, case: NeuronCase, one: Course, other: Course) -> None:
    """Refuse courses that differ by more than what rounding in every step makes of one of them."""
    near = []
    for number in range(_TRIES):
        neuron: Any = case.neuron(subject.model)
        near.append(shaken(neuron, case.data(neuron), 4.0 * ULPS, number))
    for step, (wanted, found) in enumerate(zip(one.outputs, other.outputs, strict=False)):
        by = [each[step] for each in near if step < len(each)]
        if len(by) < len(near) or any(
            bool((each["spiked"] != wanted["spiked"]).any()) for each in by if "spiked" in each
        ):
            return  # Rounding decides a spike.
        for name, value in wanted.items():
            if name == "spike_times":
                continue
            room = allowed(value, [each[name] for each in by]) if value.is_floating_point() else 0
            wrong = (value - found[name]).abs() > room
            if bool(wrong.any()):
                where = tuple(wrong.nonzero()[0].tolist())
                violated(
                    f"{name} of unit {where[-1]} is {found[name][where].item()!r} in step {step} after "
                    f"{STEPS} steps at rest, and {value[where].item()!r} at once"
                )
    require(
        one.ended == other.ended,
        f"after {STEPS} steps at rest the run ends by {other.ended or 'nothing'}, and at once by "
        f"{one.ended or 'nothing'}",
    )
