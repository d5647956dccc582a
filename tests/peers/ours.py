"""A network of plain numbers as one of Rheobase's, and the programs beside it."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import rheobase as rb
import torch

from .conductances import Kinetics, by_series
from .networks import EXCITATORY
from .solution import Cell, Wire, by_closed_forms

Spikes = list[tuple[int, int]]
"""(number of the step's end, unit), in order."""


def double(values: Iterable[float]) -> torch.Tensor:
    return torch.tensor(list(values), dtype=torch.float64)


def _synapse(given: dict[str, Any], sign: str) -> Any:
    if given["kind"] == "delta":
        return rb.synapse("delta")
    tau = given[f"tau_{sign}"]
    if given["kind"] == "exp":
        return rb.synapse("exponential", tau=tau)
    return rb.synapse("conductance-exponential", tau=tau, reversal=given[f"reversal_{sign}"])


def populations(given: dict[str, Any]) -> dict[str, range]:
    """Its units by population: the excitatory and the inhibitory ones of the large network."""
    units = len(given["start"])
    if units < EXCITATORY:
        return {"cells": range(units)}
    return {"E": range(EXCITATORY), "I": range(EXCITATORY, units)}


def composed(given: dict[str, Any], integrator: Any, event: str) -> rb.Network:
    """The network, in float64."""
    net, parts = rb.Network(), populations(given)
    cell = {"tau_mem": given["tau"], "leak_gl": given["C"] / given["tau"], "volt_rest": given["rest"]}
    cell |= {"volt_thresh": given["threshold"], "volt_reset": given["reset"], "tau_ref": given["refractory"]}
    for name, units in parts.items():
        start = double(given["start"][i] for i in units)
        common = {"dtype": torch.float64, "dt": given["dt"], "integrator": integrator, "event": event}
        net.add(name, rb.create("lif", len(units), voltage=start, **common, **cell))
    all_wires = list(zip(given["source"], given["target"], given["weight"], given["steps"], strict=True))
    for sender, sources in parts.items():
        for receiver, targets in parts.items():
            for sign in ("plus", "minus"):
                wires = [
                    (sources.index(i), targets.index(j), weight, steps)
                    for i, j, weight, steps in all_wires
                    if i in sources and j in targets and (weight > 0) == (sign == "plus")
                ]
                if not wires:
                    continue
                source, target, weights, delays = zip(*wires, strict=True)
                weight = double(weights)
                net.connect(
                    sender,
                    receiver,
                    (list(source), list(target)),
                    _synapse(given, sign),
                    weight=weight.abs() if given["kind"] == "cond" else weight,
                    delay=double(each * given["dt"] for each in delays),
                    identifier=f"{sender}->{receiver} {sign}",
                )
    return net


def run(given: dict[str, Any], integrator: Any, event: str, steps: int) -> list[tuple[float, int]]:
    """The spikes of a run, as (ms, unit), in order."""
    net, parts = composed(given, integrator, event), populations(given)
    drive = {name: double(given["currents"][i] for i in units) for name, units in parts.items()}
    recording = rb.simulate(net, drive, duration=steps * given["dt"])
    found: list[tuple[float, int]] = []
    for name, units in parts.items():
        spikes = recording[name].spikes
        found += zip(spikes.times.tolist(), (spikes.units + units.start).tolist(), strict=True)
    return sorted(found)


def on_grid(given: dict[str, Any], integrator: str, event: str, steps: int) -> Spikes:
    """The spikes of a run on the grid."""
    return sorted((round(t / given["dt"]), i) for t, i in run(given, integrator, event, steps))


def solved(given: dict[str, Any], steps: int) -> list[tuple[float, int]]:
    """The spikes of the solution from event to event."""
    cell = Cell(*(given[name] for name in ("tau", "C", "rest", "threshold", "reset", "refractory")))
    delays = [each * given["dt"] for each in given["steps"]]
    wires = [
        Wire(*each) for each in zip(given["source"], given["target"], given["weight"], delays, strict=True)
    ]
    start = given["currents"], given["start"], wires, steps * given["dt"]
    if given["kind"] == "cond":
        return by_series(cell, Kinetics(*(given[name] for name in Kinetics._fields)), *start)
    decays = () if given["kind"] == "delta" else (given["tau_plus"], given["tau_minus"])
    return by_closed_forms(cell, *start, decays)


def farthest(found: list[tuple[float, int]], truth: list[tuple[float, int]]) -> float:
    """How far a spike is from its own in the truth, ms, the most of all; of trains with as many each."""
    by_unit = [sorted(each, key=lambda spike: (spike[1], spike[0])) for each in (found, truth)]
    assert [i for _, i in by_unit[0]] == [i for _, i in by_unit[1]]
    return max(abs(a - b) for (a, _), (b, _) in zip(by_unit[0], by_unit[1], strict=True))


def digest(spikes: Spikes) -> str:
    return hashlib.blake2b(json.dumps(spikes).encode(), digest_size=8).hexdigest()


# --- other programs -------------------------------------------------------------------------------------


@functools.cache
def interpreter(program: str) -> str | None:
    """The Python that has another simulator: that of NEST_PYTHON or BRIAN2_PYTHON, or this one."""
    python = os.environ.get(f"{program.upper()}_PYTHON", sys.executable)
    asked = subprocess.run([python, "-c", f"import {program}"], capture_output=True, check=False, timeout=120)
    return python if asked.returncode == 0 else None


def elsewhere(program: str, given: dict[str, Any], steps: int, **more: Any) -> Spikes:
    """The spikes of the same network in NEST or Brian2; skips where it is not there."""
    return printed(program, f"run_{program}.py", given=json.dumps({**given, "duration": steps, **more}))


def printed(program: str, script: str, *arguments: str, given: str | None = None) -> Spikes:
    """The spikes that a script of this folder prints, run where a simulator is; skips where it is not."""
    python = interpreter(program)
    if python is None:
        pytest.skip(f"there is no {program}; give {program.upper()}_PYTHON, a Python that has it")
    ran = subprocess.run(
        [python, str(Path(__file__).with_name(script)), *arguments],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
    )
    assert ran.returncode == 0, ran.stderr
    return [(step, unit) for step, unit in json.loads(ran.stdout.strip().splitlines()[-1])]
