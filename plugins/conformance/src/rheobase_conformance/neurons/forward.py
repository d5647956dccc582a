"""A forward of a model's own: it hears all that it is given, and gives what it keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from hypothesis import strategies as st
from rheobase.errors import RheobaseError

from ..profiles import Profile
from ..property import Need, prop
from ..vacuous import vacuous
from ..violation import require, violated
from .case import NeuronCase
from .cases import runs
from .courses import LEVELS, Course, course, first_parting
from .driven import double_neurons
from .events import OWN_FORWARD
from .received import REFUSALS, sources, takes_input
from .subject import NeuronSubject

INPUTS = Need(
    lambda s: s.schema.declared and bool(s.schema.inputs), "the model declares no inputs: it has the one"
)


def several_steps(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """Runs with spikes, in a batch and without."""
    return runs(subject, profile, batches=((2,), ()), steps=(60, 24), courses=LEVELS)


@prop(
    "neuron",
    "forward-heeds-the-aggregator",
    "contract",
    cases=double_neurons,
    needs=(OWN_FORWARD,),
    why="who chooses how sources combine, and names them, is not heard, and no error says so",
)
def a_list_goes_through_the_aggregator_with_its_names(subject: NeuronSubject, case: NeuronCase) -> None:
    """A list of inputs goes through the aggregator that the neuron was made with, with its identifiers."""
    if not takes_input(subject):
        vacuous("it does nothing with its input")
    heard: list[tuple[int, Any]] = []

    def listening(inputs: Any, identifiers: Any = None) -> Any:
        heard.append((len(inputs), None if identifiers is None else list(identifiers)))
        return sum(inputs)

    neuron = case.neuron(subject.model, num_units=2, aggregator=listening)
    drive = {name: (subject.sizes.scale[name],) for name in subject.inputs}
    (data,) = NeuronCase(drive=drive, units=2, steps=1).data(neuron)
    given, identifiers = sources(data)
    try:
        neuron(given, identifiers)
    except REFUSALS:
        vacuous("it refuses sources that it does not know")
    names = next(iter(identifiers.values())) if isinstance(identifiers, Mapping) else identifiers
    require(
        bool(heard),
        f"given a list of {len(names)} inputs, it never calls the aggregator that create was given; use "
        "self.prepare(data, identifiers), which does",
    )
    for count, seen in heard:
        if count == len(names) and seen != names:
            violated(
                f"given a list of {len(names)} inputs with the identifiers {names}, it calls the aggregator "
                f"with the identifiers {seen}; pass them on: self.prepare(data, identifiers)"
            )


FACTORS = (1.0, 30.0, -1.0, -30.0, 1000.0)
"""An input, in multiples of the size that moves the model."""

SHORT, LONG = 60, 500
"""The steps of runs, and of those of an input that changes nothing in as many."""


@prop(
    "neuron",
    "forward-heeds-each-input",
    "contract",
    cases=double_neurons,
    needs=(OWN_FORWARD, INPUTS),
    why="an input that is declared, taken and dropped is silence that nobody asked for",
)
def each_declared_input_changes_something(subject: NeuronSubject, case: NeuronCase) -> None:
    """Each declared input changes some output of a run, alone or beside the others."""
    for name in subject.inputs:
        heard = any(_is_heard(subject, case, name, beside, FACTORS, SHORT) for beside in (0.0, 1.0, 10.0))
        # It may come late.
        if not heard and not _is_heard(subject, case, name, 1.0, (30.0,), LONG):
            violated(
                f"the input {name!r} changes no output of {LONG} steps, at {', '.join(map(str, FACTORS))} "
                "times the size that moves the model, whatever the others are; heed it in forward, or drop it"
            )


def _is_heard(
    subject: NeuronSubject, case: NeuronCase, name: str, beside: float, factors: Sequence[float], steps: int
) -> bool:
    """Whether a run with the input differs from one without, the others at so many times their sizes."""
    ends = []
    for own in (0.0, *factors):
        drive = {each: (beside * subject.sizes.scale[each],) for each in subject.inputs}
        drive[name] = (own * subject.sizes.scale[name],)
        drawn = NeuronCase(drive=drive, units=2, steps=steps, dt=case.dt, seed=case.seed)
        neuron = drawn.neuron(subject.model)
        ends.append(course(neuron, drawn.data(neuron)))
    given = ("input", *subject.inputs)
    outputs = [[{key: step[key] for key in step if key not in given} for step in end.outputs] for end in ends]
    first = Course(outputs[0], ends[0].ended)
    return any(
        bool(first_parting(first, Course(other, end.ended)))
        for other, end in zip(outputs[1:], ends[1:], strict=True)
    )


@prop(
    "neuron",
    "forward-gives-what-it-keeps",
    "contract",
    cases=several_steps,
    share=0.25,
    needs=(OWN_FORWARD,),
    why="a recording of other values than the next step begins with is of another model",
)
def what_a_step_gives_is_what_the_neuron_has_after_it(subject: NeuronSubject, case: NeuronCase) -> None:
    """In each step, those of spikes too, states, ``spiked`` and the clock are those after the step."""
    neuron: Any = case.neuron(subject.model)
    for step, data in enumerate(case.data(neuron)):
        began = float(neuron.time)
        try:
            out = neuron(data)
        except RheobaseError:
            if step == 0:
                vacuous("the first step ends in a named error")
            return
        for name in (*subject.schema.states, "spiked"):
            if name not in out:
                continue
            kept = getattr(neuron, name).detach()
            given = out[name].detach()
            if not torch.equal(kept.expand_as(given) if kept.ndim <= given.ndim else kept, given):
                violated(
                    f"step {step} gives {name} = {given.reshape(-1)[:3].tolist()}, and the neuron has "
                    f"{kept.reshape(-1)[:3].tolist()} after it"
                )
        went = float(neuron.time) - began
        require(
            abs(went - neuron.dt) <= 1e-6 * neuron.dt * max(1, step),
            f"step {step} takes the clock on by {went:g} ms, and dt is {neuron.dt:g} ms",
        )
