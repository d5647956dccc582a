"""Networks made by arithmetic, as plain numbers that any simulator can be given."""

from __future__ import annotations

from typing import Any

DT = 0.1  # ms
CELL = {"tau": 20.0, "C": 200.0, "rest": -65.0, "threshold": -50.0, "reset": -60.0, "refractory": 2.0}
"""Of all units: ms, pF, mV, mV, mV, ms. So the leak is 10 nS, and 150 pA reach the threshold."""
KINETICS = {"tau_plus": 3.0, "tau_minus": 8.0, "reversal_plus": 0.0, "reversal_minus": -80.0}
"""Of synapses: time constants and reversal potentials of positive and negative weights, ms and mV."""


def network(kind: str, currents: list[float], start: list[float], wires: list[Any]) -> dict[str, Any]:
    """A network in plain numbers.

    Args:
        kind: What a weight is: ``"delta"`` mV, ``"exp"`` pA, ``"cond"`` nS, of a negative one without sign.
        currents: Into each unit, pA.
        start: The voltage of each unit, mV.
        wires: Source, target, weight and delay in steps of each synapse.
    """
    named = dict(
        zip(("source", "target", "weight", "steps"), map(list, zip(*wires, strict=True)), strict=True)
    )
    return {"kind": kind, "dt": DT, "currents": currents, "start": start, **CELL, **KINETICS, **named}


def two() -> dict[str, Any]:
    """Two units that send pulses to each other, one of which excites and one inhibits."""
    return network("delta", [210.0, 140.0], [-65.0, -65.0], [(0, 1, 4.3, 13), (1, 0, -3.1, 7)])


def ring() -> dict[str, Any]:
    """Three units in a ring, with pulses of different delays."""
    wires = [(0, 1, 2.7, 3), (1, 2, 4.4, 17), (2, 0, 6.1, 31)]
    return network("delta", [200.0, 170.0, 120.0], [-65.0, -60.0, -55.0], wires)


EXCITATORY, UNITS = 80, 100
SCALE = {"delta": (0.11, -0.57), "exp": (14.3, -47.9), "cond": (0.31, -1.9)}
"""The least weight of an excitatory and of an inhibitory synapse; the largest is five times as much."""


def hundred(kind: str) -> dict[str, Any]:
    """80 excitatory and 20 inhibitory units, each of which sends to ten, with delays of 0.1 to 2 ms."""
    wires = []
    for i in range(UNITS):
        for k in range(10):
            target = (7 * i + 13 * k + 3 * i * k + 1) % UNITS
            size = SCALE[kind][i >= EXCITATORY] * (1 + (5 * i + 3 * k) % 5)
            wires.append((i, target, size, 1 + (3 * i + 7 * k) % 20))
    currents = [130.0 + 0.7 * (37 * i % UNITS) for i in range(UNITS)]
    start = [-65.0 + 0.149 * (29 * i % UNITS) for i in range(UNITS)]
    return network(kind, currents, start, wires)
