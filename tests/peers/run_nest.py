"""Runs a network of plain numbers in NEST: from standard input to standard output, in JSON.

NEST's spikes, like ours, are at the ends of steps: of the first one at 1.
"""

from __future__ import annotations

import json
import sys
from typing import Any

MODELS = {"delta": "iaf_psc_delta", "exp": "iaf_psc_exp", "cond": "iaf_cond_exp"}


def run(given: dict[str, Any]) -> list[tuple[int, int]]:
    """The spikes, as (number of the step's end, unit), in order."""
    import nest

    nest.set_verbosity("M_ERROR")
    nest.ResetKernel()
    nest.resolution = given["dt"]
    kind = given["kind"]
    values = {"E_L": given["rest"], "C_m": given["C"], "V_th": given["threshold"], "V_reset": given["reset"]}
    values["t_ref"] = given["refractory"]
    if kind == "cond":
        values |= {"g_L": given["C"] / given["tau"], "E_ex": given["reversal_plus"]}
        values |= {"E_in": given["reversal_minus"]}
    else:
        values["tau_m"] = given["tau"]
    if kind != "delta":
        values |= {"tau_syn_ex": given["tau_plus"], "tau_syn_in": given["tau_minus"]}
    cells = nest.Create(MODELS[kind], len(given["currents"]), params=values)
    cells.I_e, cells.V_m = given["currents"], given["start"]
    first = cells[0].global_id
    nest.Connect(
        [first + each for each in given["source"]],
        [first + each for each in given["target"]],
        "one_to_one",
        {"weight": given["weight"], "delay": [round(each * given["dt"], 6) for each in given["steps"]]},
    )
    recorder = nest.Create("spike_recorder")
    nest.Connect(cells, recorder)
    steps = given["duration"]
    nest.Simulate((steps + 10) * given["dt"])
    events = recorder.events
    found = zip(events["times"], events["senders"], strict=True)
    spikes = sorted((round(time / given["dt"]), int(unit) - first) for time, unit in found)
    return [each for each in spikes if each[0] <= steps]


if __name__ == "__main__":
    print("\n" + json.dumps(run(json.load(sys.stdin))))
