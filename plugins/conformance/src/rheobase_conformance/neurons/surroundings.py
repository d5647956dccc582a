"""Surroundings: what else goes on in the process is no part of a model."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ..property import prop
from ..violation import require, violated
from .case import NeuronCase
from .courses import Course, course, first_parting, moving, require_same_courses
from .needs import DECLARED, DETERMINISTIC, STOCHASTIC
from .running import seeded
from .subject import NeuronSubject


@contextmanager
def kept_random_state() -> Iterator[None]:
    """Leave the global random numbers of torch, numpy and Python as they were."""
    states = _global_states()
    try:
        yield
    finally:
        torch.set_rng_state(states["torch"])
        np.random.set_state(states["numpy"])  # noqa: NPY002
        random.setstate(states["random"])


# numpy's legacy generator is the global one, which is what is looked at here.
def _global_states() -> dict[str, Any]:
    return {
        "torch": torch.get_rng_state(),
        "numpy": np.random.get_state(),  # noqa: NPY002
        "random": random.getstate(),
    }


def _seed_all(seed: int) -> None:
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    random.seed(seed)


def _moved(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Whose global random state changed."""
    one, other = before["numpy"], after["numpy"]
    numpy_same = np.array_equal(one[1], other[1]) and one[2:] == other[2:]
    return [
        name
        for name, kept in (
            ("torch", torch.equal(before["torch"], after["torch"])),
            ("numpy", numpy_same),
            ("Python's random", before["random"] == after["random"]),
        )
        if not kept
    ]


@prop(
    "neuron",
    "global-random-state-untouched",
    "independence",
    cases=moving,
    share=0.5,
    why="a model that draws from or seeds the global generators changes everybody else's random numbers",
)
def making_and_running_leave_global_random_state_alone(subject: NeuronSubject, case: NeuronCase) -> None:
    """Making and running a neuron leaves the global random state of torch, numpy and Python as it was."""
    with kept_random_state():
        # Not a state that a model would give it by a seed of its own.
        _seed_all(918_273_645)
        before = _global_states()
        neuron = case.neuron(subject.model)
        course(neuron, case.data(neuron))
        neuron.reset_state()
        moved = _moved(before, _global_states())
    require(
        not moved,
        f"the global random state of {' and '.join(moved)} changed; a model that draws random numbers "
        "declares stochastic = True and draws them from neuron.generator",
    )


@prop(
    "neuron",
    "global-random-state-unused",
    "independence",
    cases=moving,
    share=0.5,
    why="results that depend on the global seed change with every import that draws a number",
)
def global_seeds_do_not_matter(subject: NeuronSubject, case: NeuronCase) -> None:
    """A run is the same whatever the global seeds of torch, numpy and Python are."""
    found = []
    with kept_random_state():
        for seed in (1, 2):
            _seed_all(seed)
            neuron = case.neuron(subject.model)
            found.append(course(neuron, case.data(neuron)))
    require_same_courses(found[0], found[1], "a run under the global seeds 1 and 2")


@prop(
    "neuron",
    "seed-decides",
    "independence",
    cases=moving,
    needs=(STOCHASTIC,),
    why="trials that all draw the same numbers are one trial",
)
def a_stochastic_model_follows_its_seed(subject: NeuronSubject, case: NeuronCase) -> None:
    """The seed decides a stochastic model's run: another seed, another run."""
    if any(_follows(subject, each) for each in _louder(subject, case)):
        return
    violated(
        f"runs with the seeds {case.seed}, {case.seed + 1} and {case.seed + 2} are equal to the bit, and so "
        "are the generators after them; declare what is drawn as a Draw, or draw with "
        "generator=self.generator, and never seed it within the model"
    )


def _louder(subject: NeuronSubject, case: NeuronCase) -> Iterator[NeuronCase]:
    """The case; a longer and stronger run, for models that draw at spikes; and one with noise switched on."""
    yield case
    drive = {name: tuple(10.0 * level for level in levels) for name, levels in case.drive.items()}
    yield replace(case, steps=300)
    yield replace(case, steps=300, drive=drive)
    silent = {name: 1.0 for name, value in subject.defaults.items() if value == 0.0}
    domains = {name: subject.schema.parameters[name].domain for name in silent}
    able = {
        name: value
        for name, value in silent.items()
        if bool(domains[name].contains(torch.tensor([value])).all())
    }
    if able:
        yield replace(case, params={**able, **case.params})


def _follows(subject: NeuronSubject, case: NeuronCase) -> bool:
    """Whether another seed gives another run; or, where it does not, the generator was drawn from."""
    ends, courses = [], []
    for seed in (case.seed, case.seed + 1, case.seed + 2):
        neuron = case.neuron(subject.model)
        seeded(neuron, seed)
        fresh = neuron.generator.get_state() if subject.has_generator else torch.zeros(0)
        courses.append(course(neuron, case.data(neuron)))
        after = neuron.generator.get_state() if subject.has_generator else fresh
        ends.append((after, torch.equal(fresh, after)))
    if any(first_parting(courses[0], other) for other in courses[1:]):
        return True
    # Noise of size zero: numbers are drawn, from where the seed put the generator, and do nothing.
    return not ends[0][1] and not torch.equal(ends[0][0], ends[1][0])


@prop(
    "neuron",
    "modes-of-torch-ignored",
    "independence",
    cases=moving,
    share=0.5,
    why="a neuron has no training: what it does when it is trained and when it is used must be one model",
)
def training_and_gradient_modes_do_not_matter(subject: NeuronSubject, case: NeuronCase) -> None:
    """``eval()``, ``no_grad`` and ``inference_mode`` change no result."""
    plain = case.neuron(subject.model)
    data = case.data(plain)
    expected = course(plain, data)

    def other(mode: bool, how: Any) -> Course:
        neuron = case.neuron(subject.model).train(mode)
        with how():
            return course(neuron, data)

    found = other(False, torch.inference_mode)
    if first_parting(expected, found):
        # Which of the two it is.
        require_same_courses(
            expected, other(False, torch.enable_grad), "a run after train() and after eval()"
        )
        require_same_courses(expected, other(True, torch.no_grad), "a run, and one under torch.no_grad()")
        require_same_courses(expected, found, "a run, and one after eval() under torch.inference_mode()")


@prop(
    "neuron",
    "default-dtype-ignored",
    "independence",
    cases=moving,
    needs=(DETERMINISTIC,),
    share=0.5,
    why="the neuron's dtype is its own: a constant that follows torch's default is 0.1 here and 0.1f there",
)
def the_default_dtype_does_not_matter(subject: NeuronSubject, case: NeuronCase) -> None:
    """A run is the same whatever ``torch.get_default_dtype()`` is."""
    found = []
    before = torch.get_default_dtype()
    try:
        for dtype in (torch.float32, torch.float64):
            torch.set_default_dtype(dtype)
            neuron = case.neuron(subject.model)
            found.append(course(neuron, case.data(neuron)))
    finally:
        torch.set_default_dtype(before)
    require_same_courses(found[0], found[1], "a run under the default dtypes float32 and float64")


@prop(
    "neuron",
    "threads-ignored",
    "independence",
    cases=moving,
    share=0.5,
    why="a result that depends on the machine's cores cannot be had on another machine",
)
def the_number_of_threads_does_not_matter(subject: NeuronSubject, case: NeuronCase) -> None:
    """A run is the same with one thread and with two."""
    found = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            neuron = case.neuron(subject.model)
            found.append(course(neuron, case.data(neuron)))
    finally:
        torch.set_num_threads(before)
    require_same_courses(found[0], found[1], "a run with one thread and with two")


@prop(
    "neuron",
    "names-in-any-order",
    "independence",
    cases=moving,
    needs=(DECLARED,),
    share=0.5,
    why="names say what a value is; a mapping's order says nothing",
)
def the_order_of_names_does_not_matter(subject: NeuronSubject, case: NeuronCase) -> None:
    """Parameters and inputs mean the same in whatever order they are named."""
    params = {**subject.defaults, **case.params}
    one = replace(case, params=params).neuron(subject.model)
    other = replace(case, params=dict(reversed(params.items()))).neuron(subject.model)
    data = case.data(one)
    turned = [dict(reversed(each.items())) if isinstance(each, dict) else each for each in data]
    expected, found = course(one, data), course(other, turned)
    require_same_courses(expected, found, "a run, and one with parameters and inputs named in reverse order")
