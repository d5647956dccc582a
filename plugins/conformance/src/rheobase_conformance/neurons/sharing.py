"""State: what belongs to whom. Inputs, outputs and what a user gives are not the neuron's."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from torch import Tensor

from ..property import prop
from ..violation import require, violated
from .case import NeuronCase
from .going import brief, each_tensor, go, require_unchanged, saved
from .received import REFUSALS, sources
from .running import copied, require_same_runs, same
from .subject import NeuronSubject


@prop(
    "neuron",
    "inputs-are-left-alone",
    "state",
    cases=brief,
    share=0.5,
    why="one input may serve many neurons, and the next step",
)
def inputs_are_not_changed(subject: NeuronSubject, case: NeuronCase) -> None:
    """A step changes none of the tensors that it is given, alone or in a list."""
    neuron: Any = case.neuron(subject.model)
    data = case.data(neuron)
    for step, given in enumerate(data):
        before = [tensor.clone() for tensor in each_tensor(given)]
        if not go(neuron, [given]):
            break
        _kept(before, given, f"step {step}")
    if subject.own_forward:
        return  # it says itself whether it takes lists
    neuron = case.neuron(subject.model)
    listed, names = sources(data[0])
    before = [tensor.clone() for tensor in each_tensor(listed)]
    try:
        neuron(listed, names)
    except REFUSALS:
        return
    _kept(before, listed, "a step on a list of three inputs")


def _kept(before: list[Tensor], given: Any, what: str) -> None:
    after = each_tensor(given)
    require(len(before) == len(after), f"{what} changed the list of {len(before)} inputs to {len(after)}")
    for old, new in zip(before, after, strict=True):
        if not same(old, new):
            violated(f"{what} changed its input from {old.tolist()} to {new.tolist()}")


@prop(
    "neuron",
    "outputs-are-copies",
    "state",
    cases=brief,
    share=0.5,
    why="outputs that change later make every recording one of the last step",
)
def outputs_are_not_the_neurons_own(subject: NeuronSubject, case: NeuronCase) -> None:
    """What a step gave is not changed by later steps, and changing it does not change the neuron."""
    neuron: Any = case.neuron(subject.model)
    data = case.data(neuron)
    expected = go(case.neuron(subject.model), data)
    given, then, seen = [], [], []
    for each in data[: len(expected)]:
        out = neuron(each)
        given.append(out)
        then.append(copied(out))
    for step, (out, before) in enumerate(zip(given, then, strict=True)):
        for name, value in out.items():
            require(
                same(value.detach(), before[name]),
                f"{name} of step {step} was {before[name].reshape(-1)[:3].tolist()} and is "
                f"{value.reshape(-1)[:3].tolist()} after {len(given)} steps: it is the neuron's own tensor",
            )
    neuron = case.neuron(subject.model)
    for each in data[: len(expected)]:
        out = neuron(each)
        seen.append(copied(out))
        for value in out.values():
            with suppress(RuntimeError):  # an expanded tensor refuses it
                value.fill_(0)
    require_same_runs(expected, seen, "a run, and one whose outputs are overwritten by who received them")


@prop(
    "neuron",
    "given-tensors-are-copied",
    "state",
    cases=brief,
    share=0.5,
    why="a tensor that a user goes on using must not change the neuron behind its back",
)
def what_is_given_is_copied(subject: NeuronSubject, case: NeuronCase) -> None:
    """Who gave a tensor as parameter, initial state or input may overwrite it; the neuron does not change."""
    model: Any = NeuronCase(units=case.units, dtype=case.dtype).neuron(subject.model)
    names = [*subject.schema.parameters, *subject.schema.states]
    values = {name: getattr(model, name).detach().clone().expand(case.units).contiguous() for name in names}
    neuron: Any = case.neuron(subject.model, **values)
    before = saved(neuron)
    _overwrite(values.values())
    require_unchanged(before, neuron, "a tensor that was given to create was overwritten")
    for name in subject.schema.parameters:
        value = getattr(neuron, name).detach().clone()
        setattr(neuron, name, value)
        _overwrite([value])
    require_unchanged(before, neuron, "a tensor that was assigned as parameter was overwritten")
    data = case.data(neuron)[0]
    if go(neuron, [data]):
        before = saved(neuron)
        _overwrite(each_tensor(data))
        require_unchanged(before, neuron, "the input of the last step was overwritten")


def _overwrite(tensors: Any) -> None:
    for tensor in tensors:
        tensor.fill_(-1234.5)
