"""Events: a spike is a crossing of the threshold, and a crossing a spike."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from rheobase.errors import RheobaseError
from torch import Tensor

from ..profiles import Profile
from ..property import Need, prop
from ..vacuous import vacuous
from ..violation import violated
from .case import NeuronCase
from .cases import runs
from .needs import DETERMINISTIC, OWN_STEPS, RESET, SPIKES, THRESHOLD, VOLTAGE
from .probing import after_reset, feed, gap, pulled, silence, spikes_in, trajectory
from .subject import NeuronSubject


@prop(
    "neuron",
    "starts-below-threshold",
    "numerics",
    needs=(SPIKES,),
    why="a unit that starts above its threshold is not armed, and misses its first spike",
)
def the_initial_state_is_below_threshold(subject: NeuronSubject) -> None:
    """The default initial state has g < 0, and no spike comes before a first step."""
    neuron = NeuronCase(dt=subject.dt).neuron(subject.model)
    if bool((neuron.spiked != 0).any()):
        violated("spiked is 1 before the first step; it must be 0")
    if subject.has_threshold:
        g = float(gap(subject, neuron, pulled(neuron))[0])
        if not g < 0:
            violated(f"g is {g:g} at the default initial state; it must be below zero")


def event_runs(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """Runs full of events, in double precision."""
    more: dict[str, Any] = {}
    if not subject.sizes.rheobase[subject.sizes.main]:
        # Its scale moves it visibly, and may lie far below its threshold.
        more["courses"] = ((300.0, 0.0, 100.0), (3000.0,), (30.0, -30.0), (0.0,))
    return runs(subject, profile, steps=(24, 60), units=(5, 3), dtypes=("float64",), **more)


@prop(
    "neuron",
    "spikes-are-crossings",
    "numerics",
    cases=event_runs,
    needs=(THRESHOLD, DETERMINISTIC),
    why="a spike that is late, doubled or missed shifts all that hangs on it",
)
def a_spike_is_reported_in_the_step_of_its_crossing(subject: NeuronSubject, case: NeuronCase) -> None:
    """A unit that a step leaves above threshold spiked in it if it was below before; else it did not."""
    neuron = case.neuron(subject.model)
    below = gap(subject, neuron, pulled(neuron)) < 0
    resting = torch.zeros(case.units, dtype=torch.int64)
    crossed = False
    for step, each in enumerate(case.data(neuron)):
        try:
            spiked = spikes_in(neuron(each), neuron)
        except RheobaseError:
            break
        g = gap(subject, neuron, pulled(neuron))
        margin = 1e-9 * pulled(neuron).abs().amax(dim=0)
        crossed |= bool((spiked | (g >= 0)).any())
        missed = below & (g > margin) & ~spiked & (resting == 0)
        doubled = ~below & spiked & (resting == 0)
        if bool((missed | doubled).any()):
            unit = int((missed | doubled).nonzero()[0])
            was = "below" if bool(below[unit]) else "above"
            violated(
                f"step {step} (event={case.event!r}) of unit {unit}: it was {was} its threshold, g is "
                f"{float(g[unit]):g} "
                f"after the step, and spiked is {int(spiked[unit])}; a spike is armed and g >= 0, reported "
                "by the step of "
                "the crossing, once"
            )
        resting = (resting - 1).clamp(min=0)
        if subject.refractory:
            resting = torch.where(spiked, _whole(neuron), resting)
        below = g < 0
        # At the threshold, to rounding, either is right.
        if bool((g.abs() <= margin).any()):
            break
    if not crossed:
        vacuous("no unit came to its threshold, and none spiked")


def _whole(neuron: Any) -> Tensor:
    return torch.round(neuron.tau_ref.detach().double() / neuron.dt).to(torch.int64)


NO_UPDATE = Need(
    lambda s: not s.has_update, "the model has an update, which looks for spikes at the end of a step only"
)


def kicks(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """Neurons that a kick is given to."""
    return runs(subject, profile, units=(1,), courses=((0.0,),), steps=(5,), events=("crossing",))


@prop(
    "neuron",
    "a-kick-spikes-once",
    "numerics",
    cases=kicks,
    needs=(THRESHOLD, OWN_STEPS, NO_UPDATE, VOLTAGE),
    why="input as kicks of the voltage must count, and count once",
)
def a_kick_above_threshold_gives_one_spike_in_the_next_step(subject: NeuronSubject, case: NeuronCase) -> None:
    """A kick above threshold gives a spike in the next step; a unit made above threshold gives none."""
    case = case.of_one_unit()
    sizes = [sign * 2.0**power for power in range(-20, 40) for sign in (1.0, -1.0)]
    search = case.neuron(subject.model, num_units=len(sizes), dtype=torch.float64)
    states = pulled(search)
    place = list(subject.schema.states).index("voltage")
    states[place] += torch.tensor(sizes, dtype=torch.float64)
    declared = subject.schema.states["voltage"].domain.contains(states[place])
    reaches = ((gap(subject, search, states) >= 0) & declared).nonzero().squeeze(1)
    if not len(reaches):
        vacuous("no kick of the voltage takes it to its threshold")
    size = sizes[int(reaches[0])]
    neuron = case.neuron(subject.model)
    if not bool((gap(subject, neuron, pulled(neuron)) < 0).all()):
        vacuous("it is above its threshold from the start with these parameters")
    quiet = silence(subject, neuron)
    neuron.inject(size)
    above = float(neuron.voltage[0])
    if not bool((gap(subject, neuron, pulled(neuron)) >= 0).all()):
        vacuous("the kick does not take it to its threshold in the type of the case")
    try:
        first = spikes_in(neuron(quiet), neuron)
    except RheobaseError:
        vacuous("the step after a kick ends in a named error")
    if not bool(first.all()):
        violated(
            f"a kick of {size:g} to {above:g}, above threshold, gave no spike in the next step; it must "
            "give one"
        )
    made = case.neuron(subject.model, voltage=above)
    if bool((gap(subject, made, pulled(made)) < 0).any()):
        return
    try:
        second = spikes_in(made(silence(subject, made)), made)
    except RheobaseError:
        return  # Above its threshold a model may explode.
    if bool(second.any()):
        violated(
            f"a unit that starts at {above:g}, above threshold, spiked in its first step; it is not armed"
        )


def spiking_runs(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """Neurons in double precision that an input makes spike slowly."""
    return runs(
        subject,
        profile,
        units=(1,),
        courses=((1.0,),),
        steps=(1,),
        dtypes=("float64",),
        events=("step", "crossing"),
    )


STRENGTHS = (1.5, 2.0, 3.0, 6.0)

OWN_FORWARD = Need(
    lambda s: s.own_forward, "its steps are the declared ones, which another property judges whole"
)


@prop(
    "neuron",
    "reset-as-declared",
    "numerics",
    cases=spiking_runs,
    share=0.5,
    needs=(SPIKES, RESET, DETERMINISTIC, OWN_FORWARD),
    why="a state that a spike should move, and does not, makes another model",
)
def after_a_spike_the_states_are_those_of_reset(subject: NeuronSubject, case: NeuronCase) -> None:
    """In the step of a spike, states that reset sets have its values, and those that it moves go as far."""
    subject.rheobase()
    case = case.of_one_unit()
    neuron = case.neuron(subject.model, num_units=len(STRENGTHS))
    latency = subject.latency or 0.0
    steps = min(max(round(1.1 * latency / neuron.dt), 20), 80)
    try:
        run = trajectory(neuron, feed(subject, neuron, STRENGTHS), steps)
    except RheobaseError:
        vacuous("the run ends in a named error")
    changes = run.states[1:] - run.states[:-1]
    judged = False
    for unit in range(len(STRENGTHS)):
        when = run.spiked[:, unit].nonzero().squeeze(1)
        if not len(when) or int(when[0]) < 3:
            continue
        _judge_reset(subject, neuron, run.states, changes, int(when[0]), unit)
        judged = True
    if not judged:
        vacuous("no spike comes within the run, after its first steps")


def _judge_reset(
    subject: NeuronSubject, neuron: Any, states: Tensor, changes: Tensor, step: int, unit: int
) -> None:
    """The first spike of a unit: before it, its states moved smoothly."""
    before = states[step]
    other = states[max(step - 3, 0)]
    named, again = (after_reset(subject, neuron, each) for each in (before, other))
    for place, name in enumerate(subject.schema.states):
        if name not in named:
            continue
        start, end = float(states[step, place, unit]), float(states[step + 1, place, unit])
        target, second = float(named[name][unit]), float(again[name][unit])
        early = float(other[place, unit])
        size = max(abs(start), abs(end), abs(target))
        usual = float(changes[max(step - 4, 0) : step, place, unit].abs().max())
        if target == second and start != early:
            if not abs(end - target) <= 1e-9 * size:
                violated(
                    f"unit {unit} spiked in step {step}: {name} is {end:.10g} after it, and reset sets it to "
                    f"{target:.10g}"
                )
            continue
        jump, same = target - start, second - early
        # A jump of one size wherever it begins; what the step itself adds is small beside it.
        lone = abs(jump - same) <= 1e-9 * size and abs(jump) > 20 * usual + 1e-9 * size
        if lone and not abs(end - start - jump) <= 0.5 * abs(jump):
            violated(
                f"unit {unit} spiked in step {step}: {name} moves by {end - start:.10g}, from {start:.10g}, "
                f"and reset moves it by {jump:.10g}; before, it moved by at most {usual:.3g} in a step"
            )
