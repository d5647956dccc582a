"""Spike trains of a forward of a model's own: all-or-none events, reported where the states jump."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from rheobase.errors import RheobaseError
from torch import Tensor

from ..property import prop
from ..vacuous import vacuous
from ..violation import require, violated
from .case import NeuronCase
from .driven import double_neurons
from .events import OWN_FORWARD
from .needs import CONTINUOUS, DETERMINISTIC, SPIKES
from .probing import feed, spikes_in, trajectory
from .subject import NeuronSubject

STRENGTHS = (1.5, 3.0, 10.0, 30.0)
"""The input of these runs, in multiples of the rheobase."""

PULSES, DIVISIONS = (1.2, 1.5), (1, 2, 4, 16)
"""Those of the pulse, so weak that spikes of a fast model too are apart in the shortest steps."""

LEAST, MOST = 40, 200
"""The steps of a run in the model's own dt."""


def _length(subject: NeuronSubject) -> int:
    """How many steps of its own a driven model has several spikes in."""
    latency = subject.latency or 0.0
    return min(max(round(4.0 * latency / subject.dt), LEAST), MOST)


@prop(
    "neuron",
    "spikes-end",
    "numerics",
    cases=double_neurons,
    needs=(SPIKES, OWN_FORWARD, DETERMINISTIC, CONTINUOUS),
    why="spiked is an event: where it lasts, one spike counts as many, and as more the shorter the steps are",
)
def a_spike_does_not_last(subject: NeuronSubject, case: NeuronCase) -> None:
    """After a pulse, spikes in one step after the other do not become more as dt falls."""
    subject.rheobase()
    told: list[Tensor] = []
    growing = torch.ones(2 * len(PULSES), dtype=torch.bool)
    for division, more in zip(DIVISIONS, (0.0, 1.6, 1.6, 2.5), strict=True):
        counts = _lasting(subject, case, division)
        if counts is None and not told:
            vacuous("its runs end early, of which others tell")
        if counts is None:
            return
        # Twice as many in half of the step, less one at each end; the last is a quarter of the one before.
        growing &= (counts >= 3) & (counts >= more * (told[-1] if told else counts))
        told.append(counts)
        if not bool(growing.any()):
            return
    unit = int(growing.nonzero()[0])
    ended = (
        "that ends with the first spike" if unit >= len(PULSES) else "that ends later than the first spike"
    )
    violated(
        f"after a pulse of {PULSES[unit % len(PULSES)]:g} times the rheobase {ended}, without input, spikes "
        f"follow each other from step to step, {', '.join(str(int(each[unit])) for each in told)} times in "
        f"steps of {', '.join(f'{subject.dt / division:g}' for division in DIVISIONS)} ms; an event is "
        "reported by one step, and the next one after g was below zero"
    )


def _lasting(subject: NeuronSubject, case: NeuronCase, division: int) -> Tensor | None:
    """Steps with a spike right after a step with one, of each unit, in the silence after its pulse."""
    neuron = case.neuron(subject.model, num_units=2 * len(PULSES), dt=subject.dt / division)
    steps = _length(subject) * division
    strengths = torch.tensor(PULSES, dtype=torch.float64).repeat(2)
    short = torch.arange(len(strengths)) >= len(PULSES)
    seen = torch.zeros(len(strengths), dtype=torch.bool)
    last, counts = seen, torch.zeros(len(strengths), dtype=torch.int64)
    silent, data = seen, feed(subject, neuron, strengths)
    try:
        for step in range(2 * steps):
            now = (seen & short) | (step >= steps)
            if not now.equal(silent):
                silent, data = now, feed(subject, neuron, strengths.where(~now, 0.0))
            spiked = spikes_in(neuron(data), neuron)
            counts += spiked & last & silent
            last, seen = spiked, seen | spiked
    except RheobaseError:
        return None
    return counts


@dataclass(frozen=True)
class _Train:
    """One state of one unit in a driven run.

    Attributes:
        changes: By how much each step moves it, ``[steps]``.
        spiked: Which steps report a spike, ``[steps]``.
    """

    changes: Tensor
    spiked: Tensor

    def jump(self, later: int) -> float | None:
        """By how much it jumps in the steps that are so many before those of spikes; None: by no one size."""
        places = self.spiked.nonzero().squeeze(1) - later
        places = places[places >= 0]
        if len(places) < 2:
            return None
        sizes = self.changes[places]
        usual = float(self.changes.abs().median())
        middle = float(sizes.median())
        alike = bool(((sizes - middle).abs() <= NEAR * abs(middle)).all())
        return middle if alike and abs(middle) > JUMP * usual else None

    def jumps(self, size: float) -> Tensor:
        """The steps in which it jumps by that much."""
        return (self.changes - size).abs() <= NEAR * abs(size)


NEAR = 0.2
"""By what part jumps of one kind may differ."""

JUMP = 5.0
"""How many times a jump is as large as what most steps do."""


@prop(
    "neuron",
    "spikes-come-with-their-jumps",
    "numerics",
    cases=double_neurons,
    needs=(SPIKES, OWN_FORWARD, DETERMINISTIC, CONTINUOUS),
    why="a reset without its spike is a spike lost, and one before it a spike that comes late",
)
def a_jump_has_its_spike_in_the_same_step(subject: NeuronSubject, case: NeuronCase) -> None:
    """Where spikes come with a jump of a state, each such jump has its spike, and in the same step."""
    subject.rheobase()
    coarse, fine = (list(_trains(subject, case, division)) for division in (1, 4))
    if not any(train.jump(later) for _, _, train in coarse for later in (0, 1, 2)):
        vacuous("no state jumps where it spikes, or its runs end early")
    alone = {name: train for name, unit, train in coarse if unit == len(STRENGTHS)}
    for (name, unit, one), (_, _, other) in zip(coarse, fine, strict=False):
        if unit == len(STRENGTHS):
            continue
        for later in (1, 2):
            size, again = one.jump(later), other.jump(later)
            if one.jump(0) is not None or size is None or again is None:
                continue
            # What takes a time, as an upstroke does, is spread over more steps where they are shorter.
            require(
                abs(size - again) > NEAR * abs(size),
                f"under {STRENGTHS[unit]:g} times the rheobase {name} jumps by {size:.4g} {later} "
                f"step{'s' if later > 1 else ''} before each spike is reported, also with a quarter of dt = "
                f"{subject.dt:g} ms; a spike is reported by the step of its crossing",
            )
        size, again = one.jump(0), other.jump(0)
        if size is None or again is None or abs(size - again) > NEAR * abs(size):
            continue
        if bool((alone[name].jumps(size) & ~alone[name].spiked).any()):
            continue  # It jumps so without any input and without spikes, as the phase of a clock does.
        for train, dt in ((one, subject.dt), (other, subject.dt / 4)):
            lost = train.jumps(size) & ~train.spiked
            if bool(lost.any()):
                violated(
                    f"under {STRENGTHS[unit]:g} times the rheobase {name} jumps by {size:.4g} in the "
                    f"{int(train.spiked.sum())} steps of dt = {dt:g} ms that report a spike, and in "
                    f"{int(lost.sum())} that report none, the first of them step {int(lost.nonzero()[0])}; "
                    "each event is a spike"
                )


def _trains(subject: NeuronSubject, case: NeuronCase, division: int) -> Iterator[tuple[str, int, _Train]]:
    """The trains of each state, under each strength and, last, without input."""
    neuron = case.neuron(subject.model, num_units=len(STRENGTHS) + 1, dt=subject.dt / division)
    data = feed(subject, neuron, (*STRENGTHS, 0.0))
    try:
        run = trajectory(neuron, data, 2 * _length(subject) * division)
    except RheobaseError:
        return
    changes = run.states[1:] - run.states[:-1]
    for place, name in enumerate(subject.schema.states):
        for unit in range(len(STRENGTHS) + 1):
            yield name, unit, _Train(changes[:, place, unit], run.spiked[:, unit])
