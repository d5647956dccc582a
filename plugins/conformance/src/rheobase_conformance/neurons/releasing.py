"""Release: what a model does as a refractory period ends is done, is something, and lets the unit go."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from rheobase.errors import NonFiniteStateError, RheobaseError
from torch import Tensor

from ..profiles import Profile
from ..property import prop
from ..vacuous import vacuous
from ..violation import violated
from .case import NeuronCase, within
from .cases import can_be_made, rounded
from .effects import apart, awake
from .needs import OWN_STEPS, RELEASE, SPIKES
from .probing import feed, pulled, spikes_in
from .subject import NeuronSubject

STRENGTHS = (2.0, 5.0, 20.0)
"""The inputs of these runs, in multiples of the rheobase: one for each unit."""

HOLD = 5
"""The refractory period of these runs, in steps, where the model's domain has that."""

STEPS = (60, 600)
"""The fewest and the most steps of a run; it lasts for three latencies and holds."""

AGAIN = 8
"""How many releases in a row that are spikes, against the input, count as endless."""


@prop(
    "neuron",
    "release-is-asked",
    "contract",
    needs=(SPIKES, RELEASE, OWN_STEPS),
    why="a jump that is to come as the refractory period ends, and never comes, is another model",
)
def a_refractory_period_has_an_end_by_default(subject: NeuronSubject) -> None:
    """By its own tau_ref and dt a model with a release has a refractory period, at whose end it is asked."""
    neuron = NeuronCase(dt=subject.dt).neuron(subject.model)
    period = float(neuron.tau_ref.detach().min())
    if round(period / neuron.dt) < 1:
        violated(
            f"tau_ref is {period:g} ms by default, no whole step of dt = {neuron.dt:g} ms: on the grid the "
            "period has no end, and release is never asked; give tau_ref a default of a step or more"
        )


def _bases(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """The model with its defaults."""
    return st.builds(
        lambda seed: NeuronCase(units=len(STRENGTHS), dt=subject.dt, seed=seed), st.integers(0, 99)
    )


@prop(
    "neuron",
    "release-has-effect",
    "contract",
    cases=_bases,
    needs=(SPIKES, RELEASE, OWN_STEPS),
    share=0.25,
    why="a release that gives states the values that they have is none, and no number ends the run",
)
def a_release_gives_other_numbers(subject: NeuronSubject, case: NeuronCase) -> None:
    """As a period ends, release gives finite numbers, of which some are others than those before it."""
    asked = effect = False
    for params in _settings(subject, case.units):
        neuron = case.neuron(subject.model, **params)
        data = feed(subject, neuron, STRENGTHS)
        # To the end of the run, also where an effect is seen: a period must have come to its end.
        for rest in _holds(subject, neuron, data):
            asked = True
            effect = effect or apart(*_around(subject, neuron, rest))
        if effect:
            return
    if not asked:
        vacuous("no spike comes within the run")
    violated(
        "in every refractory period of the runs, with the defaults and with other values for parameters that "
        "are zero, release gives the states the values that they have; a held one has what reset gave it"
    )


@prop(
    "neuron",
    "release-lets-go",
    "numerics",
    cases=_bases,
    needs=(SPIKES, RELEASE, OWN_STEPS),
    share=0.25,
    why="a release that is a spike each time fires for ever after the first one, whatever comes in",
)
def a_release_is_not_a_spike_for_ever(subject: NeuronSubject, case: NeuronCase) -> None:
    """A unit that has spiked, and is driven the other way, does not spike at the end of each period."""
    neuron = case.neuron(subject.model, **_settings(subject, case.units)[0])
    backward = feed(subject, neuron, [-each for each in STRENGTHS])
    if next(_holds(subject, neuron, feed(subject, neuron, STRENGTHS)), None) is None:
        vacuous("no spike comes within the run")
    whole = _whole(neuron)
    row, since = torch.zeros_like(whole), torch.zeros_like(whole)
    try:
        for _ in range((AGAIN + 2) * int(whole.max())):
            since += 1
            fired = spikes_in(neuron(backward), neuron)
            row = torch.where(fired, torch.where(since == whole, row + 1, 0), row)
            since = torch.where(fired, 0, since)
    except RheobaseError:
        return
    if bool((row >= AGAIN).any()):
        unit = int((row >= AGAIN).nonzero()[0])
        violated(
            f"driven the other way, by {STRENGTHS[unit]:g} times its rheobase, a unit that has spiked spikes "
            f"again {int(row[unit])} times in a row, each time as its refractory period of "
            f"{float(neuron.tau_ref.expand(case.units)[unit]):g} ms ends; a release must lead below the "
            "threshold, or from there to below it"
        )


def _settings(subject: NeuronSubject, units: int) -> list[dict[str, Any]]:
    """A period of some steps, with the defaults, and with what is zero by default at other values."""
    period = rounded(HOLD * subject.dt)
    held = {"tau_ref": period} if within(subject.schema.parameters["tau_ref"], period) else {}
    every = [held, *({**held, **awake(subject, sign)} for sign in (1.0, -1.0))]
    return [each for place, each in enumerate(every) if not place or can_be_made(subject, each, units)]


def _whole(neuron: Any) -> Tensor:
    steps = torch.round(neuron.tau_ref.detach().to(torch.float64) / neuron.dt)
    return steps.to(torch.int64).expand(neuron.num_units)


def _holds(subject: NeuronSubject, neuron: Any, data: Any) -> Any:
    """Run it; after each step in which units are held, the mask of those."""
    whole = _whole(neuron)
    left = torch.zeros_like(whole)
    length = 3.0 * ((subject.latency or 0.0) / neuron.dt + float(whole.max()))
    for step in range(min(max(round(length), STEPS[0]), STEPS[1])):
        ends = left == 1
        try:
            fired = spikes_in(neuron(data), neuron)
        except NonFiniteStateError as error:
            if bool(ends.any()):
                violated(f"in step {step} a refractory period ends, and with it comes no number: {error}")
            return
        except RheobaseError:
            return
        left = torch.where(fired, whole, (left - 1).clamp(min=0))
        if bool((left > 0).any()):
            yield left > 0


def _around(subject: NeuronSubject, neuron: Any, who: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The states of some units that release names, as they are and as it gives them."""
    states = pulled(neuron)
    parts = [part.to(neuron.dtype) for part in states.unbind(0)]
    named = subject.model.release(subject.schema.pack_state(*parts), neuron.params)
    before = dict(zip(subject.schema.states, states, strict=True))
    after = {
        name: torch.as_tensor(value, dtype=torch.float64).detach().expand(len(who))[who]
        for name, value in named.items()
    }
    return {name: before[name][who] for name in after}, after
