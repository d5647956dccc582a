"""Independence: units, batches and neurons have nothing to do with each other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from hypothesis import strategies as st
from rheobase.spi import BESIDE
from torch import Tensor

from ..profiles import Profile
from ..property import prop
from ..violation import require, violated
from .case import NeuronCase
from .cases import runs
from .courses import LEVELS, STEPS, Course, course, each_tensor, moving, picked, require_same_courses, tensors
from .needs import DETERMINISTIC, DRAWS
from .rounding import require_same_up_to_rounding
from .running import same
from .subject import NeuronSubject

_BESIDE = (*BESIDE, "spiked")
"""What a batch has rows of beside the states."""


def _ensembles(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    return runs(subject, profile, units=(5, 2, 3), steps=STEPS, courses=LEVELS)


def _batches(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    batches = ((3,), (2, 2), (1,))
    return runs(subject, profile, batches=batches, steps=STEPS, courses=LEVELS)


@prop(
    "neuron",
    "units-permuted",
    "independence",
    cases=_ensembles,
    needs=(DETERMINISTIC,),
    why="a unit's number is a name, and no part of the model",
)
def permuted_units_give_permuted_results(subject: NeuronSubject, case: NeuronCase) -> None:
    """Units in another order, with their parameters and inputs, do the same in that order."""
    # Turned round, and the first two exchanged: no unit keeps its neighbours on their sides.
    index = torch.arange(case.units).flip(0)
    if case.units > 2:
        index[:2] = index[:2].flip(0)
    require_same_units(subject, case, index, "units, and the same units in another order")


@prop(
    "neuron",
    "unit-alone",
    "independence",
    cases=_ensembles,
    needs=(DETERMINISTIC,),
    why="units that know of each other make results depend on what else is simulated",
)
def a_unit_alone_does_what_it_does_in_an_ensemble(subject: NeuronSubject, case: NeuronCase) -> None:
    """A unit by itself does what the same unit does in an ensemble."""
    index = torch.tensor([case.units - 1])
    require_same_units(
        subject, case, index, f"unit {case.units - 1} of {case.units}, and the same unit alone"
    )


@prop(
    "neuron",
    "draws-counted",
    "independence",
    cases=_ensembles,
    needs=(DRAWS,),
    share=0.5,
    why="a unit that draws otherwise in company cannot be looked into alone",
)
def units_draw_what_they_would_in_smaller_company(subject: NeuronSubject, case: NeuronCase) -> None:
    """The first units of an ensemble, and the first row of a batch, draw what they do without the others."""
    first = torch.arange(case.units - 1)
    whole = case.neuron(subject.model)
    some = replace(case, params=picked(case.params, first), units=len(first)).neuron(subject.model)
    for name in subject.schema.states:
        one, other = getattr(whole, name)[first], getattr(some, name)
        if not torch.allclose(one, other, rtol=1e-6 if case.dtype == "float32" else 1e-12, atol=0.0):
            violated(
                f"the initial {name} of {len(first)} units is {other.tolist()}, and of these units among "
                f"{case.units} {one.tolist()}; a unit must draw its own"
            )
    require_same_units(subject, case, first, f"{case.units - 1} of {case.units} units, and these alone")
    require_same_row(subject, replace(case, batch=(3,)), 0)


def require_same_units(
    subject: NeuronSubject, case: NeuronCase, index: Tensor, what: str, *, free: bool = True
) -> None:
    """Refuse units that do not by themselves, in the order of an index, what they do among all of a case.

    With ``free=False`` each step is compared by itself, so that one that is wrong is seen at once.
    """
    model = subject.model
    some = replace(case, params=picked(case.params, index), units=len(index))
    larger = {name: value for name, value in case.params.items() if not isinstance(value, tuple)}
    one_more = replace(case, params=larger, units=case.units + 1)
    require_same_up_to_rounding(
        lambda: case.neuron(model),
        lambda: some.neuron(model),
        case.data(case.neuron(model)),
        lambda value: value[..., index],
        what,
        free=free,
        changed=lambda neuron: _by_unit(neuron, one_more.neuron(model)),
    )


@prop(
    "neuron",
    "batch-row",
    "independence",
    cases=_batches,
    needs=(DETERMINISTIC,),
    why="the rows of a batch are different experiments",
)
def a_row_of_a_batch_is_that_row_alone(subject: NeuronSubject, case: NeuronCase) -> None:
    """A row of a batch gives what it gives without the others."""
    require_same_row(subject, case, -1)


def require_same_row(subject: NeuronSubject, case: NeuronCase, place: int) -> None:
    """Refuse a row of a batch, the first (0) or last (-1), that does otherwise without the others."""
    model = subject.model
    alone = replace(case, batch=())
    rank = len(case.batch)

    def row(value: Tensor) -> Tensor:
        if value.ndim <= rank:
            return value
        return value.reshape(-1, *value.shape[rank:])[place]

    require_same_up_to_rounding(
        lambda: case.neuron(model),
        lambda: alone.neuron(model),
        case.data(case.neuron(model)),
        row,
        f"the {'last' if place else 'first'} row of a batch {list(case.batch)}, and the same row without the "
        "others",
        changed=lambda neuron: {*neuron.schema.states, *_BESIDE},
    )


def _by_unit(neuron: Any, larger: Any) -> set[str]:
    """The buffers with a value for each unit: those that have one more in a neuron with one unit more."""
    mine, others = tensors(neuron), tensors(larger)
    parameters = neuron.schema.parameters
    grown = {
        name
        for name, value in mine.items()
        if value.ndim and name in others and others[name].shape[-1:] == (value.shape[-1] + 1,)
    }
    # The larger neuron has one value of each parameter.
    return grown | {name for name, value in mine.items() if name in parameters and value.ndim}


@prop(
    "neuron",
    "instances-apart",
    "independence",
    cases=moving,
    why="two neurons that share anything make each other's results depend on who was stepped first",
)
def two_neurons_share_nothing(subject: NeuronSubject, case: NeuronCase) -> None:
    """Two neurons stepped in turns do what each does alone; what one is given does not reach the other."""
    model = subject.model
    lone = case.neuron(model)
    data = case.data(lone)
    others = [each_tensor(each, lambda value: 0.5 * value) for each in data]
    expected = course(lone, data)
    first, second = case.neuron(model), case.neuron(model)
    shared = [
        name
        for name, value in first.named_buffers()
        if name in (*subject.schema.states, *subject.schema.parameters, *_BESIDE)
        and value.data_ptr() == second.get_buffer(name).data_ptr()
    ]
    require(not shared, f"two neurons share the memory of {', '.join(shared)}; each must have its own")
    kept = {name: getattr(first, name).clone() for name in subject.schema.parameters}
    turns = [Course([], ""), Course([], "")]
    for step in range(len(data)):
        for place, (neuron, mine) in enumerate(((first, data), (second, others))):
            if not turns[place].ended:
                one = course(neuron, [mine[step]])
                turns[place] = Course([*turns[place].outputs, *one.outputs], one.ended)
    require_same_courses(expected, turns[0], "a neuron by itself, and in turns with another")
    for name in kept:
        value = float(getattr(second, name).reshape(-1)[0]) * 1.01
        if bool(subject.schema.parameters[name].domain.contains(torch.tensor([value])).all()):
            setattr(second, name, value)
    for name, value in kept.items():
        if not same(value, getattr(first, name)):
            violated(f"{name} of one neuron changed when that of another was assigned")
