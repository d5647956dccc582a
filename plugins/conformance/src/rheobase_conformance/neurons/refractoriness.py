"""Refractoriness: who has spiked rests for exactly the time that is declared."""

from __future__ import annotations

import math
from typing import Any

import torch
from hypothesis import strategies as st
from rheobase.errors import EventModeError, RheobaseError
from torch import Tensor

from ..drawing import drawn_by
from ..profiles import Profile
from ..property import prop
from ..vacuous import vacuous
from ..violation import violated
from .case import NeuronCase
from .cases import rounded
from .needs import DETERMINISTIC, OWN_STEPS, REFRACTORY, SPIKES, THRESHOLD
from .probing import feed, pulled, spikes_in
from .subject import NeuronSubject

STEPS = (3.0, 7.0, 2.4, 0.0, 1.0, 2.6, 12.0)
"""Refractory periods in steps. Three steps of 0.1 ms are 0.3 ms, and 0.3 / 0.1 is 2.9999999999999996."""

STRENGTH = 50.0


def periods(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """The model with its defaults, but for the refractory period, which each unit has its own of."""

    def draw(draw_from: st.DrawFn) -> NeuronCase:
        return NeuronCase(
            params={"tau_ref": _periods(subject)},
            units=len(_periods(subject)),
            dt=subject.dt,
            dtype=draw_from(st.sampled_from(["float64", "float32"])),
            event=draw_from(st.sampled_from(["crossing", "step"])) if subject.has_threshold else "crossing",
            seed=draw_from(st.integers(0, 99)),
        )

    return drawn_by(draw)


def _periods(subject: NeuronSubject) -> tuple[float, ...]:
    made = torch.tensor([rounded(steps * subject.dt) for steps in STEPS], dtype=torch.float64)
    inside = subject.schema.parameters["tau_ref"].domain.contains(made)
    return tuple(made[inside].tolist()) or (subject.defaults["tau_ref"],)


@prop(
    "neuron",
    "refractory-period-exact",
    "numerics",
    cases=periods,
    share=0.5,
    needs=(SPIKES, REFRACTORY),
    why="a period that is off by one step, by rounding or by truncation, changes every rate",
)
def the_refractory_period_lasts_exactly_as_declared(subject: NeuronSubject, case: NeuronCase) -> None:
    """For round(tau_ref / dt) steps after a spike the held states stand still and no spike comes."""
    neuron = case.neuron(subject.model)
    whole = torch.round(torch.tensor(case.params["tau_ref"], dtype=torch.float64) / neuron.dt).to(torch.int64)
    subject.rheobase()
    names = list(subject.schema.states)
    held = torch.tensor([name in subject.schema.held for name in names])
    rest = torch.zeros(case.units, dtype=torch.int64)
    since = torch.full((case.units,), -1)
    # In its last step a release may give the held states new values.
    last = int(callable(getattr(subject.model, "release", None)))
    forward, backward = (
        feed(subject, neuron, [STRENGTH] * case.units),
        feed(subject, neuron, [-STRENGTH] * case.units),
    )
    for _ in range(36):
        # Refractory units are driven the other way: what holds them must hold on either side.
        data = _chosen(rest > 1, backward, forward)
        start = pulled(neuron)
        slopes = _slopes(subject, neuron, data)
        try:
            spiked = spikes_in(neuron(data), neuron)
        except RheobaseError:
            break
        moved = pulled(neuron) != start
        wrong = (moved & held.unsqueeze(1) & (rest > last) & ~spiked).any(dim=0)
        early = spiked & (rest > 1)
        if bool((wrong | early).any()):
            unit = int((wrong | early).nonzero()[0])
            what = (
                "spiked again"
                if bool(early[unit])
                else "moved "
                + ", ".join(
                    name
                    for name, row, is_held in zip(names, moved[:, unit], held, strict=True)
                    if bool(row & is_held)
                )
            )
            violated(
                f"tau_ref = {case.params['tau_ref'][unit]:g} ms, dt = {neuron.dt:g} ms: "
                f"{int(since[unit]) + 1} steps after "
                f"its spike the unit {what}, driven by {STRENGTH:g} times its rheobase, to either side; it "
                "must rest "
                f"for {int(whole[unit])} whole steps"
            )
        late = (rest == 0) & (since == whole) & (whole > 0) & ~spiked & held.any()
        late &= ~(moved & held.unsqueeze(1)).any(dim=0) & _would_move(slopes, start, neuron.dt, held)
        if bool(late.any()):
            unit = int(late.nonzero()[0])
            violated(
                f"tau_ref = {case.params['tau_ref'][unit]:g} ms, dt = {neuron.dt:g} ms: after "
                f"{int(whole[unit])} steps of "
                "rest the unit still stands, though its derivatives are not zero; its period must be over"
            )
        free = (rest > 1) & ~moved & ~held.unsqueeze(1) & _moves(slopes, start, neuron.dt) & ~spiked
        if slopes is not None and bool(free.any()):
            place, unit = (int(value) for value in free.nonzero()[0])
            violated(
                f"{names[place]} stands still in the refractory period, {int(since[unit]) + 1} steps after "
                "a spike; it "
                f"is not among the held states ({', '.join(subject.schema.held) or 'none'}), and its "
                "derivative is "
                f"{float(slopes[place, unit]):.4g} per ms"
            )
        rest = torch.where(spiked, whole, (rest - 1).clamp(min=0))
        since = torch.where(spiked, 0, torch.where(since >= 0, since + 1, since))
    if not bool((since >= 0).any()):
        vacuous("no spike comes within the run")


def _chosen(who: Tensor, one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return {name: torch.where(who, one[name], other[name]) for name in one}
    return torch.where(who, one, other)


def _slopes(subject: NeuronSubject, neuron: Any, data: Any) -> Tensor | None:
    """The declared derivatives, ``[states, units]``; None where there are none to go by."""
    if not subject.has_derivatives or subject.stochastic or subject.has_update:
        return None
    schema = subject.schema
    parts = [getattr(neuron, name).detach() for name in schema.states]
    try:
        named = subject.model.derivatives(
            schema.pack_state(*parts),
            neuron.params,
            neuron.prepare(data),
        )
    except RheobaseError:
        return None
    made = [
        torch.as_tensor(named[name], dtype=torch.float64).expand(parts[0].shape) for name in schema.states
    ]
    return torch.stack(made).detach()


def _moves(slopes: Tensor | None, states: Tensor, dt: float) -> Tensor:
    """Which states must move visibly in a step, by the declared derivatives."""
    if slopes is None:
        return torch.zeros_like(states, dtype=torch.bool)
    return (slopes * dt).abs() > 1e-3 * states.abs() + 1e-30


def _would_move(slopes: Tensor | None, states: Tensor, dt: float, held: Tensor) -> Tensor:
    return (_moves(slopes, states, dt) & held.unsqueeze(1)).any(dim=0)


def located_neurons(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """The model with located spikes; each unit has a refractory period of its own."""
    few = tuple(period for period in _periods(subject) if period > 0)[:4]
    if not few:
        few = (subject.defaults["tau_ref"],)
    return st.just(NeuronCase(params={"tau_ref": few}, units=len(few), dt=subject.dt, event="located"))


@prop(
    "neuron",
    "refractory-period-exact-in-time",
    "numerics",
    cases=located_neurons,
    needs=(THRESHOLD, REFRACTORY, OWN_STEPS, DETERMINISTIC),
    why="spikes at times of their own must keep the refractory period to their own digits",
)
def located_spikes_are_a_refractory_period_apart(subject: NeuronSubject, case: NeuronCase) -> None:
    """With event="located" two spikes of a unit are at least tau_ref apart, to 1e-9 ms."""
    subject.rheobase()
    neuron = case.neuron(subject.model)
    # So strong that the time from the end of the period to the next spike hides nothing.
    data = feed(subject, neuron, [300.0] * case.units)
    last, pairs = [-math.inf] * case.units, 0
    for step in range(10):
        try:
            times = neuron(data)["spike_times"].reshape(case.units, -1)
        except (EventModeError, RheobaseError):
            break  # Where the model makes its own step, none can be located.
        for unit, period in enumerate(case.params["tau_ref"]):
            for time in times[unit][times[unit].isfinite()].tolist():
                if time - last[unit] < period - 1e-9:
                    violated(
                        f"tau_ref = {period:g} ms: spikes at {last[unit]:.12g} and {time:.12g} ms (step "
                        f"{step}), "
                        f"{time - last[unit]:.12g} ms apart"
                    )
                pairs += math.isfinite(last[unit])
                last[unit] = time
    if not pairs:
        vacuous("no unit has two located spikes within the run")
