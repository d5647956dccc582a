"""Leaky neurons with conductances that jump and decay, solved from event to event by Taylor series.

Between two events of a unit  C dV/dt = C (E - V) / tau + I + g+ (E+ - V) + g- (E- - V),  where g+ and g-
decay exponentially. V is an entire function of time, so its series needs no control of an error: the last of
``TERMS`` terms over ``REACH`` is below the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, final

from .solution import Cell, Wire, event_driven

REACH = 0.5
"""How far a series goes, ms."""
TERMS = 20
FURTHER = 4
"""How many series a unit looks ahead for a crossing."""


class Kinetics(NamedTuple):
    """Of conductances of positive and of negative weights: ms, mV."""

    tau_plus: float
    tau_minus: float
    reversal_plus: float
    reversal_minus: float


@final
class Unit:
    """A unit between two events: its voltage and conductances at ``at``.

    Args:
        cell: What it is.
        kinetics: What its synapses are.
        current: Into it, pA.
        voltage: Its voltage at 0, mV.
    """

    def __init__(self, cell: Cell, kinetics: Kinetics, current: float, voltage: float) -> None:
        self.cell, self.kinetics, self.current = cell, kinetics, current
        self.v, self.g, self.at, self.free = voltage, [0.0, 0.0], 0.0, -math.inf
        self._look()

    def to(self, t: float) -> None:
        """Go on to ``t``, with no event between."""
        self._decay(max(self.at, min(self.free, t)))
        while self.at < t:
            h = min(REACH, t - self.at)
            self.v = _value(self._series(), h)
            self._decay(t if h < REACH else self.at + h)

    def come(self) -> bool:
        """Be at :attr:`next`; whether it is a crossing, and not only as far as the unit had looked."""
        if not self.crosses:
            self._look()
            return False
        return True

    def spike(self, t: float) -> None:
        """Be reset at ``t``, where the state is that of ``t``."""
        self.v, self.free = self.cell.reset, t + self.cell.refractory
        self._look()

    def receive(self, weights: Sequence[float]) -> bool:
        """Take what arrives now; no conductance makes a voltage jump over a threshold."""
        for weight in weights:
            self.g[weight < 0] += abs(weight)
        self._look()
        return False

    def _decay(self, t: float) -> None:
        h = t - self.at
        self.g[0] *= math.exp(-h / self.kinetics.tau_plus)
        self.g[1] *= math.exp(-h / self.kinetics.tau_minus)
        self.at = t

    def _series(self) -> list[float]:
        """The coefficients of V in powers of the time from ``at``."""
        cell, kinetics = self.cell, self.kinetics
        plus, minus = self.g[0] / cell.C, self.g[1] / cell.C
        into = cell.rest / cell.tau + self.current / cell.C
        leak, v = [1.0 / cell.tau + plus + minus], [self.v]
        for k in range(TERMS):
            pushed = plus * kinetics.reversal_plus + minus * kinetics.reversal_minus
            drawn = math.fsum(a * b for a, b in zip(leak, reversed(v), strict=True))
            v.append(((into if k == 0 else 0.0) + pushed - drawn) / (k + 1))
            plus *= -1.0 / (kinetics.tau_plus * (k + 1))
            minus *= -1.0 / (kinetics.tau_minus * (k + 1))
            leak.append(plus + minus)
        return v

    def _look(self) -> None:
        """Find the next crossing, if it is near: :attr:`next`, and whether it ``crosses`` there."""
        kept = self.v, self.g.copy(), self.at
        self._decay(max(self.at, self.free))
        self.crosses = False
        for _ in range(FURTHER):
            series = self._series()
            found = _rise(series, self.cell.threshold)
            if found is not None:
                self.next, self.crosses = self.at + found, True
                break
            self.v = _value(series, REACH)
            self._decay(self.at + REACH)
        else:
            self.next = self.at
        self.v, self.g, self.at = kept


def _value(series: Sequence[float], h: float) -> float:
    total = 0.0
    for each in reversed(series):
        total = total * h + each
    return total


def _rise(series: Sequence[float], level: float) -> float | None:
    """When a series that begins below a level first comes to it, within its reach."""
    slope = [k * each for k, each in enumerate(series)][1:]
    # Within half a ms these units turn once at most.
    high = REACH
    if _value(slope, 0.0) > 0 > _value(slope, REACH):
        high = _between(slope, 0.0, REACH, falling=True)
    below = [series[0] - level, *series[1:]]
    if _value(below, high) < 0:
        return None
    return _between(below, 0.0, high, falling=False)


def _between(series: Sequence[float], low: float, high: float, *, falling: bool) -> float:
    """The zero of a series between two times at which it has two signs."""
    for _ in range(70):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if (_value(series, middle) < 0) == falling else (middle, high)
    return high


def by_series(
    cell: Cell,
    kinetics: Kinetics,
    currents: Sequence[float],
    start: Sequence[float],
    wires: Sequence[Wire],
    end: float,
) -> list[tuple[float, int]]:
    """All spikes, as (ms, unit), in order.

    Args:
        cell: What all units are.
        kinetics: What all synapses are; weights are in nS, of inhibitory ones with a minus.
        currents: Into each unit, pA.
        start: The voltage of each unit, mV.
        wires: The synapses.
        end: Until when, ms.
    """
    units = [Unit(cell, kinetics, *each) for each in zip(currents, start, strict=True)]
    return event_driven(units, wires, end)
