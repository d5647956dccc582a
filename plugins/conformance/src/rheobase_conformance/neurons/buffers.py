"""State: what a neuron keeps, and where; saved, copied, reset."""

from __future__ import annotations

import copy
import pickle
import sys
from dataclasses import replace
from typing import Any

from ..property import Need, prop
from ..violation import require, violated
from .case import NeuronCase
from .going import go, moved, options_of, saved, strong
from .running import require_same_runs, same, seeded
from .subject import NeuronSubject


def _importable(subject: Any) -> bool:
    found: Any = sys.modules.get(subject.model.__module__)
    for part in subject.model.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is subject.model


IMPORTABLE = Need(_importable, "the class cannot be imported by its name, which is how pickle finds it")


@prop(
    "neuron",
    "saved-and-loaded-in-mid-run",
    "state",
    cases=strong,
    share=0.5,
    why="a run that goes on from a file must be the run that was saved: states, parameters and counters",
)
def the_state_dict_has_all(subject: NeuronSubject, case: NeuronCase) -> None:
    """A neuron made anew, with other parameters, that loads the ``state_dict`` goes on to the bit."""
    neuron: Any = case.neuron(subject.model)
    data = case.data(neuron)
    middle = len(data) // 2
    go(neuron, data[:middle])
    content = saved(neuron)
    fresh: Any = replace(case, params=options_of(subject, case)).neuron(subject.model, **moved(subject, case))
    try:
        fresh.load_state_dict(content)
    except Exception as error:
        violated(
            f"after {middle} steps a neuron made by create cannot load the state_dict: "
            f"{type(error).__name__}: {error}"
        )
    what = f"a neuron that goes on after {middle} steps, and one made anew that loaded its state_dict"
    require_same_runs(go(neuron, data[middle:]), go(fresh, data[middle:]), what)


@prop(
    "neuron",
    "copied-in-mid-run",
    "state",
    cases=strong,
    share=0.5,
    why="a copy that shares a counter, or still reads its original's parameters, is no copy",
)
def a_deep_copy_goes_on_alike(subject: NeuronSubject, case: NeuronCase) -> None:
    """A deep copy made in mid-run goes on to the bit, and shares nothing with its original."""
    neuron: Any = case.neuron(subject.model)
    data = case.data(neuron)
    middle = len(data) // 2
    go(neuron, data[:middle])
    twin, early = copy.deepcopy(neuron), copy.deepcopy(neuron)
    before = saved(twin)
    expected = go(neuron, data[middle:])
    # What happens to the original later must not show in its copies.
    for name, value in moved(subject, case).items():
        setattr(neuron, name, value)
    _unchanged(before, twin, "its original went on")
    what = f"a neuron that goes on after {middle} steps, and a deep copy of it"
    require_same_runs(expected, go(twin, data[middle:]), what)
    require_same_runs(expected, go(early, data[middle:]), f"{what}, made beside another")


def _unchanged(before: dict[str, Any], neuron: Any, when: str) -> None:
    after = saved(neuron)
    for name, value in before.items():
        require(name in after and same(value, after[name]), f"{name} of a copy changed when {when}")


@prop(
    "neuron",
    "pickled-in-mid-run",
    "state",
    needs=(IMPORTABLE,),
    cases=strong,
    share=0.5,
    why="other processes receive a neuron in this way",
)
def a_pickled_neuron_goes_on_alike(subject: NeuronSubject, case: NeuronCase) -> None:
    """A neuron pickled in mid-run and read again goes on to the bit."""
    neuron: Any = case.neuron(subject.model)
    data = case.data(neuron)
    middle = len(data) // 2
    go(neuron, data[:middle])
    try:
        twin = pickle.loads(pickle.dumps(neuron))
    except Exception as error:
        violated(f"after {middle} steps it cannot be pickled and read: {type(error).__name__}: {error}")
    what = f"a neuron that goes on after {middle} steps, and one that was pickled then"
    require_same_runs(go(neuron, data[middle:]), go(twin, data[middle:]), what)


@prop(
    "neuron",
    "reset-begins-anew",
    "state",
    cases=strong,
    share=0.5,
    why="what a reset leaves behind leaks from one trial into the next",
)
def a_reset_brings_back_the_first_run(subject: NeuronSubject, case: NeuronCase) -> None:
    """``reset_state`` brings back the first run, to the bit, and lets go of its batch and its clock."""
    neuron: Any = case.neuron(subject.model)
    data = case.data(neuron)
    shapes = {name: getattr(neuron, name).shape for name in subject.schema.states}
    expected = go(neuron, data)
    neuron.reset_state()
    require(neuron.simulation_step == 0, f"after reset_state the clock says {neuron.simulation_step} steps")
    for name, shape in shapes.items():
        now = list(getattr(neuron, name).shape)
        require(
            now == list(shape), f"after reset_state {name} has the shape {now}; it began with {list(shape)}"
        )
    seeded(neuron, case.seed)
    require_same_runs(expected, go(neuron, data), "a first run, and one after reset_state")
    if case.batch:
        neuron.reset_state()
        single = replace(case, batch=())
        for name, value in (go(neuron, single.data(neuron)[:1]) or [{}])[0].items():
            shape = list(value.shape)
            require(
                shape[:1] == [case.units],
                f"after reset_state, a step without batch gives {name} of the shape {shape}",
            )


@prop(
    "neuron",
    "clock-counts-steps",
    "state",
    cases=strong,
    share=0.5,
    why="times of spikes, stimuli and refractory periods are read from it",
)
def the_clock_counts_steps(subject: NeuronSubject, case: NeuronCase) -> None:
    """``simulation_step`` is the number of steps, and ``time`` that times dt."""
    neuron: Any = case.neuron(subject.model)
    dt = neuron.dt
    steps = len(go(neuron, case.data(neuron)[:5]))
    require(
        neuron.simulation_step == steps, f"after {steps} steps simulation_step is {neuron.simulation_step}"
    )
    require(neuron.dt == dt, f"dt was {dt} ms and is {neuron.dt} ms after {steps} steps")
    require(neuron.time == steps * dt, f"after {steps} steps of {dt} ms the time is {neuron.time} ms")
