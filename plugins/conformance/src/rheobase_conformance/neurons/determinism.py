"""Determinism: the same run is the same, wherever, whenever and however often it is made."""

from __future__ import annotations

from typing import Any

import torch
from rheobase.errors import IntegrationError

from ..property import prop
from ..vacuous import vacuous
from ..violation import require, violated
from .case import NeuronCase
from .courses import Course, course, moving, put, require_same_courses, spikes_by_step
from .needs import NO_DRAWS
from .running import parting, same, seeded
from .subject import NeuronSubject


@prop(
    "neuron",
    "same-run-same-result",
    "independence",
    cases=moving,
    why="a result that cannot be had again cannot be checked",
)
def two_equal_runs_are_equal_at_every_step(subject: NeuronSubject, case: NeuronCase) -> None:
    """Two neurons made alike and driven alike give the same, to the bit, at every step."""
    one, other = case.neuron(subject.model), case.neuron(subject.model)
    data = case.data(one)
    require_same_courses(course(one, data), course(other, data), "two neurons made and driven alike")


@prop(
    "neuron",
    "run-again",
    "independence",
    cases=moving,
    share=0.5,
    why="what a neuron remembers beyond a reset makes the second trial another experiment",
)
def a_run_after_a_reset_is_the_first_run(subject: NeuronSubject, case: NeuronCase) -> None:
    """After ``reset_state()``, and with its seed given anew, a neuron does what it did at first."""
    neuron = case.neuron(subject.model)
    data = case.data(neuron)
    first = course(neuron, data)
    # What a reset may draw, it drew when the neuron was made, before it was given the seed of the run.
    seeded(neuron, torch.Generator().initial_seed())
    neuron.reset_state()
    seeded(neuron, case.seed)
    require_same_courses(first, course(neuron, data), "a run and the same run after reset_state()")


@prop(
    "neuron",
    "run-splits",
    "independence",
    cases=moving,
    share=0.5,
    why="a run that is stopped and gone on with must be the run that was not stopped",
)
def a_run_of_2t_is_two_runs_of_t(subject: NeuronSubject, case: NeuronCase) -> None:
    """Two runs of T, one after the other, are one run of 2 T."""
    from rheobase import simulate

    whole, parts = case.neuron(subject.model), case.neuron(subject.model)
    data = case.data(whole)
    expected = course(whole, data)
    middle = len(data) // 2
    if len(expected.outputs) <= middle:
        vacuous("the run ends in a named error before its middle")
    first = _first(case.stimulus(parts), middle)
    simulate(parts, first, record=parts.loggable_props, backend="eager", progress=False)
    require(
        parts.simulation_step == middle,
        f"after {middle} steps by simulate the clock says {parts.simulation_step}",
    )
    rest = Course(expected.outputs[middle:], expected.ended)
    require_same_courses(rest, course(parts, data[middle:]), "a run in one, and one in two parts")


@prop(
    "neuron",
    "forward-equals-simulate",
    "independence",
    cases=moving,
    share=0.5,
    why="whoever steps a neuron and whoever simulates it must see one model",
)
def steps_by_forward_are_those_of_simulate(subject: NeuronSubject, case: NeuronCase) -> None:
    """``simulate`` records what ``forward`` returns, to the bit, and both advance the clock by each step."""
    from rheobase import simulate

    stepped, simulated = case.neuron(subject.model), case.neuron(subject.model)
    done = course(stepped, case.data(stepped))
    names = [name for name in simulated.loggable_props if name != "spiked"]
    spiking = len(names) < len(simulated.loggable_props)
    wanted = names + (["spikes"] if spiking else [])
    try:
        recording = simulate(
            simulated, case.stimulus(simulated), record=wanted, backend="eager", progress=False
        )
    except IntegrationError as error:
        if not done.ended:
            violated(f"simulate raised {type(error).__name__}, and stepping by forward raised nothing")
        return
    if done.ended:
        violated(f"stepping by forward ended in {done.ended}, and simulate raised nothing")
    for neuron, by in ((stepped, "forward"), (simulated, "simulate")):
        require(
            neuron.simulation_step == case.steps,
            f"after {case.steps} steps by {by} the clock says {neuron.simulation_step}",
        )
    for name in names:
        for step, outputs in enumerate(done.outputs):
            seen = recording.traces[name][step]
            if name in outputs and not same(outputs[name], seen):
                apart = parting(name, outputs[name], seen)
                violated(f"forward and simulate: {apart} in step {step}; they must be equal to the bit")
    if spiking:
        _require_same_spikes(done, recording.spikes, stepped.dt)


def _require_same_spikes(done: Course, spikes: Any, dt: float) -> None:
    """The spikes of a recording are those that the steps reported, each at the end of its step."""
    shape = (len(done.outputs), *done.outputs[0]["spiked"].shape)
    found = spikes_by_step(spikes, dt, shape, "simulate")
    for step, outputs in enumerate(done.outputs):
        if not bool((outputs["spiked"] == found[step]).all()):
            violated(
                f"step {step}: forward reports the spikes {outputs['spiked'].tolist()}, and simulate "
                f"records {found[step].tolist()}"
            )


@prop(
    "neuron",
    "time-translation",
    "independence",
    cases=moving,
    needs=(NO_DRAWS,),
    share=0.5,
    why="a model's equations have no clock: what it does must not depend on when it is asked",
)
def a_run_that_starts_later_is_the_same(subject: NeuronSubject, case: NeuronCase) -> None:
    """From the same state, a run that starts at a later time gives the same, to the bit."""
    fresh = case.neuron(subject.model)
    data = case.data(fresh)
    expected = course(fresh, data)
    for start in (1, 1002):
        neuron = case.neuron(subject.model)
        neuron.get_buffer("step_count").fill_(start)
        found = course(neuron, data)
        require_same_courses(expected, found, f"a run from step 0 of the clock, and one from step {start}")
    if not subject.at_rest or subject.own_forward or subject.stochastic:
        return
    neuron = case.neuron(subject.model)
    initial = {name: getattr(neuron, name).clone() for name in neuron.schema.states}
    still = course(neuron, [_silence(each) for each in data[:5]])
    if still.ended or any(bool(each["spiked"].any()) for each in still.outputs if "spiked" in each):
        return
    put(neuron, initial)
    require_same_courses(expected, course(neuron, data), "a run at once, and one after five silent steps")


def _silence(given: Any) -> Any:
    return {} if isinstance(given, dict) else torch.zeros_like(given)


def _first(stimulus: Any, steps: int) -> Any:
    if isinstance(stimulus, dict):
        return {name: values[:steps] for name, values in stimulus.items()}
    return stimulus[:steps]
