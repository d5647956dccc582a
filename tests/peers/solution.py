"""Leaky neurons with pulses or exponential currents, solved from event to event by closed forms."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol, final

NEAR = 1e-9
"""Arrivals so near to each other are one; what is so near to the end of a refractory period is lost; ms."""


class Wire(NamedTuple):
    """A synapse: its weight in mV or pA, its delay in ms."""

    source: int
    target: int
    weight: float
    delay: float


class Cell(NamedTuple):
    """What all units are: ms, pF, mV, mV, mV, ms."""

    tau: float
    C: float
    rest: float
    threshold: float
    reset: float
    refractory: float


@final
class Unit:
    """A unit between two events: its voltage at ``at``, and the currents that decay from there.

    Args:
        cell: What it is.
        current: Into it, pA.
        voltage: Its voltage at 0.
        decays: The time constants of its synaptic currents, ms; none: weights are pulses of the voltage.
    """

    def __init__(self, cell: Cell, current: float, voltage: float, decays: Sequence[float]) -> None:
        self.cell, self.goal, self.decays = cell, cell.rest + current * cell.tau / cell.C, tuple(decays)
        self.v, self.currents, self.at, self.free = voltage, [0.0] * len(decays), 0.0, -math.inf
        self.next = self._crossing()

    def voltage(self, t: float, start: float, v: float, currents: Sequence[float]) -> float:
        """The voltage at ``t`` of a unit that moves freely from ``start`` on."""
        tau, h = self.cell.tau, t - start
        slow = math.exp(-h / tau)
        driven = sum(
            each * tau * decay / (self.cell.C * (tau - decay)) * (slow - math.exp(-h / decay))
            for each, decay in zip(currents, self.decays, strict=True)
        )
        return self.goal + (v - self.goal) * slow + driven

    def _left(self, t: float) -> list[float]:
        """The currents at ``t``."""
        pairs = zip(self.currents, self.decays, strict=True)
        return [each * math.exp(-(t - self.at) / decay) for each, decay in pairs]

    def to(self, t: float) -> None:
        """Go on to ``t``, with no event between."""
        start = max(self.at, min(self.free, t))
        left = self._left(start)
        v = self.v if t <= start else self.voltage(t, start, self.v, left)
        self.v, self.currents, self.at = v, self._left(t), t

    def come(self) -> bool:
        """Be at :attr:`next`, which is a crossing."""
        return True

    def spike(self, t: float) -> None:
        """Be reset at ``t``, where the state is that of ``t``."""
        self.v, self.free = self.cell.reset, t + self.cell.refractory
        self.next = self._crossing()

    def receive(self, weights: Sequence[float]) -> bool:
        """Take what arrives now; whether that is a spike."""
        if self.decays:
            for weight in weights:
                self.currents[weight < 0] += weight
        elif self.at > self.free + NEAR:
            self.v += sum(weights)
        self.next = self._crossing()
        return self.v >= self.cell.threshold

    def _crossing(self) -> float:
        """When the unit crosses its threshold, if nothing more arrives; infinite: never."""
        cell, start = self.cell, max(self.at, self.free)
        rates, sizes = [0.0, 1.0 / cell.tau], [self.goal - cell.threshold, self.v - self.goal]
        for each, decay in zip(self._left(start), self.decays, strict=True):
            size = each * cell.tau * decay / (cell.C * (cell.tau - decay))
            sizes[1] += size
            rates, sizes = [*rates, 1.0 / decay], [*sizes, -size]
        if sum(sizes) >= 0:
            return start
        # Below at the start: the first zero is a crossing from below.
        return start + next(iter(_zeros(sizes, rates)), math.inf)


_FAR = 1000.0
"""Longer than anything goes on by itself, ms."""


def _zeros(sizes: Sequence[float], rates: Sequence[float]) -> list[float]:
    """All zeros of a sum of exponentials c e^(-r s) in (0, 1 s], by Rolle's theorem: f e^(r s) with one r
    of them is monotone between the zeros of its derivative, which is a sum of one less."""
    terms = [(c, r) for c, r in zip(sizes, rates, strict=True) if c]
    if len(terms) < 2:
        return []
    last = terms[0][1]
    turns = _zeros([-c * (r - last) for c, r in terms[1:]], [r - last for _, r in terms[1:]])
    found = []
    for low, high in pairwise([0.0, *turns, _FAR]):
        rises = _sum(terms, high) > 0
        if rises == (_sum(terms, low) > 0):
            continue
        for _ in range(80):
            middle = 0.5 * (low + high)
            low, high = (low, middle) if (_sum(terms, middle) > 0) == rises else (middle, high)
        found.append(high)
    return found


def _sum(terms: Sequence[tuple[float, float]], s: float) -> float:
    return math.fsum(c * math.exp(-r * s) for c, r in terms)


def by_closed_forms(
    cell: Cell,
    currents: Sequence[float],
    start: Sequence[float],
    wires: Sequence[Wire],
    end: float,
    decays: Sequence[float] = (),
) -> list[tuple[float, int]]:
    """All spikes, as (ms, unit), in order.

    Args:
        cell: What all units are.
        currents: Into each unit, pA.
        start: The voltage of each unit, mV.
        wires: The synapses.
        end: Until when, ms.
        decays: The time constants of currents, of positive and of negative weights; none: weights are pulses.
    """
    units = [Unit(cell, *each, decays) for each in zip(currents, start, strict=True)]
    return event_driven(units, wires, end)


class Moving(Protocol):
    """A unit that is solved from event to event.

    Attributes:
        next: When it does something by itself, ms; infinite: never.
    """

    next: float

    def to(self, t: float) -> None:
        """Go on to ``t``, with no event between."""

    def come(self) -> bool:
        """Be at :attr:`next`; whether it crosses its threshold there."""

    def spike(self, t: float) -> None:
        """Be reset at ``t``."""

    def receive(self, weights: Sequence[float]) -> bool:
        """Take what arrives now; whether that is a spike."""


def event_driven(units: Sequence[Moving], wires: Sequence[Wire], end: float) -> list[tuple[float, int]]:
    """All spikes, as (ms, unit), in order.

    Args:
        units: The units, at 0.
        wires: The synapses.
        end: Until when, ms.
    """
    outgoing: dict[int, list[Wire]] = {}
    for wire in wires:
        outgoing.setdefault(wire.source, []).append(wire)
    arrivals: list[tuple[float, int, float]] = []
    spikes: list[tuple[float, int]] = []

    def spike(i: int, t: float) -> None:
        spikes.append((t, i))
        units[i].spike(t)
        for wire in outgoing.get(i, ()):
            heapq.heappush(arrivals, (t + wire.delay, wire.target, wire.weight))

    while True:
        first = min(range(len(units)), key=lambda i: units[i].next)
        t = units[first].next
        if min(t, arrivals[0][0] if arrivals else math.inf) > end:
            return spikes
        if arrivals and arrivals[0][0] <= t:
            t, i, weight = heapq.heappop(arrivals)
            together, others = [weight], []
            while arrivals and arrivals[0][0] - t <= NEAR:
                other = heapq.heappop(arrivals)
                if other[1] == i:
                    together.append(other[2])
                else:
                    others.append(other)
            for each in others:
                heapq.heappush(arrivals, each)
            units[i].to(t)
            if units[i].receive(together):
                spike(i, t)
        else:
            units[first].to(t)
            if units[first].come():
                spike(first, t)
