"""Maps: models with one iteration a step, of which dt is no part."""

from __future__ import annotations

from hypothesis import strategies as st

from ..profiles import Profile
from ..property import prop
from .case import NeuronCase
from .cases import runs
from .courses import LEVELS, Course, course, require_same_courses
from .needs import DISCRETE
from .subject import NeuronSubject


def iterations(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """Runs of a map, by number of iterations."""
    return runs(subject, profile, steps=(12, 18, 40), courses=LEVELS)


@prop(
    "neuron",
    "a-map-takes-no-dt",
    "numerics",
    cases=iterations,
    share=0.5,
    needs=(DISCRETE,),
    why="what is called a map is not asked to converge as dt falls, so dt must be no part of it",
)
def a_map_is_the_same_whatever_dt(subject: NeuronSubject, case: NeuronCase) -> None:
    """A map goes through the same states, to the bit, whatever the length of a step is said to be."""
    made = case.neuron(subject.model)
    data = case.data(made)
    whole = course(made, data)
    for factor in (0.5, 2.0):
        other = course(case.neuron(subject.model, dt=made.dt * factor), data)
        count = _comparable(subject, whole)
        require_same_courses(
            _first(whole, count),
            _first(other, count),
            f"so many iterations with dt = {made.dt:g} ms, and with dt = {made.dt * factor:g} ms",
        )


def _comparable(subject: NeuronSubject, run: Course) -> int:
    """How many steps do not hang on dt: a refractory period is a time, so up to the first spike with one."""
    if subject.refractory:
        for step, outputs in enumerate(run.outputs):
            if "spiked" in outputs and bool(outputs["spiked"].any()):
                return step + 1
    return len(run.outputs) + 1


def _first(run: Course, count: int) -> Course:
    if count > len(run.outputs):
        return run
    return Course(run.outputs[:count], "")
