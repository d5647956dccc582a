"""Runs a network of pulses in Brian2: from standard input to standard output, in JSON.

Three conventions of Brian2 are another, and are given to it here as ours:

- A spike has the time of its step's start: one step is added.
- The step of the spike counts in the refractory period: it is one step longer here.
- A jump is made after thresholds are looked at. Here synapses come before; so a spike is taken up in the step
  after its own, and the delay is one step shorter.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def run(given: dict[str, Any]) -> list[tuple[int, int]]:
    """The spikes, as (number of the step's end, unit), in order."""
    import brian2 as b2

    b2.prefs.codegen.target = "numpy"
    dt = given["dt"]
    b2.defaultclock.dt = dt * b2.ms
    cells = b2.NeuronGroup(
        len(given["currents"]),
        "dv/dt = (rest - v + drive) / tau : 1 (unless refractory)\ndrive : 1",
        threshold=f"v >= {given['threshold']}",
        reset=f"v = {given['reset']}",
        refractory=(given["refractory"] + given["late"] * dt) * b2.ms,
        method="exact",
        namespace={"rest": given["rest"], "tau": given["tau"] * b2.ms},
    )
    leak = given["C"] / given["tau"]
    cells.v, cells.drive = given["start"], [each / leak for each in given["currents"]]
    synapses = b2.Synapses(cells, cells, "w : 1", on_pre="v_post += w")
    synapses.connect(i=given["source"], j=given["target"])
    synapses.w = given["weight"]
    synapses.delay = [(each - given["late"]) * dt for each in given["steps"]] * b2.ms
    monitor = b2.SpikeMonitor(cells)
    whole = b2.Network(cells, synapses, monitor)
    if given["late"]:
        whole.schedule = ["start", "groups", "synapses", "thresholds", "resets", "end"]
    whole.run(given["duration"] * dt * b2.ms)
    found = zip(monitor.t / b2.ms, monitor.i, strict=True)
    return sorted((round(float(time) / dt) + 1, int(unit)) for time, unit in found)


if __name__ == "__main__":
    print("\n" + json.dumps(run(json.load(sys.stdin))))
