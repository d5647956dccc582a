"""Runs the networks of cuba.py and coba.py in Brian2: from a file of arrays to standard output, in JSON.

Two conventions of Brian2 are another, and are given to it here as ours; see run_brian2.py. When thresholds
are looked at is none of them: a spike changes what a synapse keeps, which moves no voltage before the next
step.
"""

from __future__ import annotations

import json
import sys
from typing import Any

# By the kind of network: tau dv/dt in mV, and what a spike adds.
KINDS = {
    "cuba": ("-(v + 49.0) + ge + gi", {"e": "ge_post += 1.62", "i": "gi_post -= 9.0"}),
    "coba": (
        "-(v + 60.0) + (ge * (0.0 - v) + gi * (-80.0 - v)) / 10.0",
        {"e": "ge_post += 6.0", "i": "gi_post += 67.0"},
    ),
}


def run(kind: str, given: Any, steps: int) -> list[tuple[int, int]]:
    """The spikes, as (number of the step's end, unit), in order."""
    import brian2 as b2

    b2.prefs.codegen.target = "numpy"
    dt = 0.1
    b2.defaultclock.dt = dt * b2.ms
    slope, jumps = KINDS[kind]
    cells = b2.NeuronGroup(
        len(given["voltage"]),
        f"""
        dv/dt = ({slope}) / (20 * ms) : 1 (unless refractory)
        dge/dt = -ge / (5 * ms) : 1
        dgi/dt = -gi / (10 * ms) : 1
        """,
        threshold="v >= -50.0",
        reset="v = -60.0",
        refractory=(5.0 + dt) * b2.ms,
        method="rk4",
    )
    cells.v, cells.ge, cells.gi = given["voltage"], given["excitation"], given["inhibition"]
    parts = [cells]
    for sign, jump in jumps.items():
        synapses = b2.Synapses(cells, cells, on_pre=jump, delay=dt * b2.ms)
        synapses.connect(i=given[f"source_{sign}"], j=given[f"target_{sign}"])
        parts.append(synapses)
    monitor = b2.SpikeMonitor(cells)
    b2.Network(*parts, monitor).run(steps * dt * b2.ms)
    found = zip(monitor.t / b2.ms, monitor.i, strict=True)
    return sorted((round(float(time) / dt) + 1, int(unit)) for time, unit in found)


if __name__ == "__main__":
    import numpy as np

    print("\n" + json.dumps(run(sys.argv[1], np.load(sys.argv[2]), int(sys.argv[3]))))
