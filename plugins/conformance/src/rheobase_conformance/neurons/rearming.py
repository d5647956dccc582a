"""Resets: they put a unit below its threshold, where its next spike begins."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import torch
from hypothesis import strategies as st
from rheobase.errors import RheobaseError
from torch import Tensor

from ..profiles import Profile
from ..property import prop
from ..vacuous import vacuous
from ..violation import violated
from .case import NeuronCase
from .driven import plain_neurons
from .needs import RESET, THRESHOLD
from .oracle import Oracle
from .outputs import BOUNDED
from .probing import after_reset, feed, gap, plain, pulled, spikes_in
from .subject import NeuronSubject

STRENGTHS = (1.5, 2.0, 3.0)
"""The inputs of these runs, in multiples of the rheobase: none is so strong that it need block a model."""

MOST = 400
"""The steps of a run at most; one ends as soon as each unit has spiked and is below its threshold again."""

FALLS = 0.05
"""The part of g by which one that still falls must do so in half of the time seen, to be waited for."""

FINER = 64
"""how many times shorter the steps are that show whether a unit falls at once, such as from the threshold."""


@prop(
    "neuron",
    "reset-rearms",
    "numerics",
    cases=plain_neurons,
    share=0.25,
    needs=(THRESHOLD, RESET),
    why="a unit that is left above its threshold is not armed, and has spiked for the last time",
)
def a_reset_leads_below_the_threshold(subject: NeuronSubject, case: NeuronCase) -> None:
    """At 1.5 to 3 times the rheobase a spike leaves g < 0, or g falls below 0 after it."""
    main = subject.sizes.main
    latency = subject.latency
    probe = plain(case, subject, 1)
    if not after_reset(subject, probe, pulled(probe)):
        vacuous("its reset names no state")
    # What spikes without an input is left to itself.
    found = STRENGTHS if subject.sizes.rheobase[main] is not None else (0.0,)
    most = MOST if latency is None else min(MOST, max(20, round(4.0 * latency / probe.dt)))
    for strengths in (found, *((each,) for each in found)):
        seen = _watched(subject, plain(case, subject, len(strengths)), strengths, most)
        if strengths == found and not seen.error and not bool((seen.first >= 0).any()):
            vacuous("at 1.5 to 3 times its rheobase it does not spike within the run")
        for unit in range(len(strengths)):
            _judge(subject, case, seen, unit, strengths[unit])
        if not seen.error:
            return
        # Where the strongest fails the others are still to be seen, each by itself.


class _Seen(NamedTuple):
    """A run, up to an error or until each unit has spiked and is armed again.

    Attributes:
        g: After each step, ``[steps, units]``.
        first: The step of each unit's first spike; -1: it has none.
        after: The states that this spike left, ``[states, units]``.
        dt: The step, ms.
        error: What ended it; empty: nothing did.
    """

    g: Tensor
    first: Tensor
    after: Tensor
    dt: float
    error: str


def _watched(subject: NeuronSubject, neuron: Any, strengths: tuple[float, ...], most: int) -> _Seen:
    units = len(strengths)
    data = feed(subject, neuron, strengths)
    first, armed = torch.full((units,), -1), torch.zeros(units, dtype=torch.bool)
    after, rows, error = pulled(neuron), [], ""
    # A unit that spikes late is seen as long as one that does so early.
    for step in range(2 * most):
        try:
            fired = spikes_in(neuron(data), neuron)
        except RheobaseError as raised:
            error = f"{type(raised).__name__}: {raised}"
            break
        states = pulled(neuron)
        rows.append(gap(subject, neuron, states))
        new = fired & (first < 0)
        first = torch.where(new, step, first)
        after = torch.where(new, states, after)
        armed |= (first >= 0) & (rows[-1] < 0)
        if bool(armed.all()) or (step >= most and not bool(((first >= 0) & ~armed).any())):
            break
    return _Seen(torch.stack(rows) if rows else torch.zeros(0, units), first, after, neuron.dt, error)


def _judge(subject: NeuronSubject, case: NeuronCase, seen: _Seen, unit: int, strength: float) -> None:
    step = int(seen.first[unit])
    if step < 0:
        return
    since = seen.g[step:, unit]
    if bool((since < 0).any()) or not bool(since.isfinite().all()):
        return
    middle, end = float(since[len(since) // 2]), float(since[-1])
    if not seen.error and (end < (1.0 - FALLS) * middle or len(since) < 10):
        return  # It still falls, and nobody can say how far.
    if _falls_at_once(subject, case, seen.after[:, unit], strength) or _is_a_mark(
        subject, case, seen.after[:, unit], strength
    ):
        return
    after = ", ".join(
        f"{name} {float(value):.6g}"
        for name, value in zip(subject.schema.states, seen.after[:, unit], strict=True)
    )
    goes_on = (
        f"the run ends by {seen.error}"
        if seen.error
        else f"in {(len(since) - 1) * seen.dt:g} ms it does not fall below it"
    )
    driven = f"{subject.sizes.main} at {strength:g} times its rheobase" if strength else "without input"
    violated(
        f"{driven}: the spike in step {step} leaves {after}, where g is {float(since[0]):g}, and {goes_on} "
        f"(event={case.event!r}); a reset must lead below the threshold, else the unit is never armed again"
    )


def _falls_at_once(subject: NeuronSubject, case: NeuronCase, states: Tensor, strength: float) -> bool:
    """Whether g falls below zero right after the spike, in short steps: the grid may pass over it."""
    try:
        neuron = _standing(subject, case, states)
        data = feed(subject, neuron, (strength,))
        for _ in range(FINER):
            neuron(data)
            if bool((gap(subject, neuron, pulled(neuron)) < 0).any()):
                return True
    except RheobaseError:
        pass
    return False


def _standing(subject: NeuronSubject, case: NeuronCase, states: Tensor) -> Any:
    """A unit in double precision in these states, with short steps."""
    given = dict(zip(subject.schema.states, states.tolist(), strict=True))
    return plain(case, subject, 1, dtype=torch.float64, dt=(case.dt or subject.dt) / FINER, **given)


def _is_a_mark(subject: NeuronSubject, case: NeuronCase, states: Tensor, strength: float) -> bool:
    """Whether what the reset sets counts for nothing else: neither for g, nor for how other states go on."""
    neuron = case.neuron(subject.model, num_units=1, dtype=torch.float64)
    here = states.unsqueeze(1)
    named = after_reset(subject, neuron, here)
    there = here.clone()
    for place, name in enumerate(subject.schema.states):
        if name in named:
            there[place] += subject.sizes.excursion.get(name, 0.0) + 0.01 * here[place].abs() + 1e-6
    if bool((gap(subject, neuron, here) != gap(subject, neuron, there)).any()):
        return False
    if subject.own_forward:
        return True
    data = neuron.prepare(feed(subject, neuron, (strength,)))
    oracle = Oracle(subject, neuron)
    one, other = (oracle.moved(list(each.unbind(0)), data) for each in (here, there))
    return all(
        bool(a == b)
        for name, a, b in zip(subject.schema.states, one, other, strict=True)
        if name not in named
    )


MANY = {"smoke": 200, "standard": 600, "full": 3000}
"""The steps of a run with many resets, by profile."""

AGAIN = (2.0, 5.0, 10.0)
"""Its inputs, in multiples of the rheobase."""


def _many(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    return st.just(NeuronCase(dt=subject.dt, steps=MANY[profile.name]))


@prop(
    "neuron",
    "many-resets-keep-the-domains",
    "numerics",
    cases=_many,
    needs=(THRESHOLD, RESET, BOUNDED),
    why="what each spike moves by a little is out of its domain after as many as an hour brings",
)
def states_stay_in_their_domains_through_many_resets(subject: NeuronSubject, case: NeuronCase) -> None:
    """Through as many spikes as a long run has, states stay in their declared domains, to 1%."""
    subject.rheobase()
    left = _left(subject, case)
    # An explicit method may overshoot where it is driven hard; only what shorter steps confirm counts.
    if left is not None:
        short = replace(case, dt=(case.dt or subject.dt) / 4, steps=4 * (left.step + 1))
        left = _left(subject, short) and left
    if left is not None:
        state = subject.schema.states[left.name]
        violated(
            f"{subject.sizes.main} at {left.strength:g} times its rheobase: the state {left.name!r} is "
            f"{left.value:.6g} {state.unit} in step {left.step}, after {left.spikes} spikes; it is declared "
            f"{state.range_text}"
        )


class _Left(NamedTuple):
    """Where a state left its domain."""

    name: str
    value: float
    strength: float
    step: int
    spikes: int


def _left(subject: NeuronSubject, case: NeuronCase) -> _Left | None:
    """The first state that leaves its domain by more than 1%; None: none does."""
    neuron = plain(case, subject, len(AGAIN))
    data = feed(subject, neuron, AGAIN)
    spikes = torch.zeros(len(AGAIN), dtype=torch.int64)
    largest = pulled(neuron).abs()
    for step in range(case.steps):
        try:
            spikes += spikes_in(neuron(data), neuron)
        except RheobaseError:
            return None
        states = pulled(neuron)
        largest = torch.maximum(largest, states.abs())
        for row, (name, declared) in enumerate(subject.schema.states.items()):
            low, high = declared.domain.lowest, declared.domain.highest
            width = high - low if low is not None and high is not None else largest[row]
            below = states[row] < low - 0.01 * width if low is not None else torch.zeros_like(spikes)
            above = states[row] > high + 0.01 * width if high is not None else torch.zeros_like(spikes)
            # Who has not spiked has not been reset: other properties judge its equations.
            bad = (below.bool() | above.bool()) & (spikes > 0)
            if bool(bad.any()):
                unit = int(bad.nonzero()[0])
                return _Left(name, float(states[row, unit]), AGAIN[unit], step, int(spikes[unit]))
    return None
