"""4,000 units joined by currents and by conductances, spike for spike as in Brian2 (see test_trains.py).

Benchmarks 2 and 1 of Brette et al. (2007), after Vogels and Abbott (2005): the rates of a draw of who is
connected are its own, so it is the trains that are compared, on one list of synapses.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rheobase as rb
import torch

from .ours import Spikes, digest, printed

EXCITATORY, UNITS = 3200, 4000
CELL = {"tau_mem": 20.0, "leak_gl": 10.0, "volt_thresh": -50.0, "volt_reset": -60.0, "tau_ref": 5.0}
REST = {"cuba": -49.0, "coba": -60.0}
SYNAPSES: dict[str, dict[str, tuple[Any, float]]] = {
    "cuba": {
        "e": (lambda **start: rb.synapse("exponential", tau=5.0), 16.2),
        "i": (lambda **start: rb.synapse("exponential", tau=10.0), -90.0),
    },
    "coba": {
        "e": (functools.partial(rb.synapse, "conductance-exponential", tau=5.0, reversal=0.0), 6.0),
        "i": (functools.partial(rb.synapse, "conductance-exponential", tau=10.0, reversal=-80.0), 67.0),
    },
}
BEGIN = {"cuba": (100, 130, "efacdd9fc9d5273e"), "coba": (100, 632, "f5e4014e4e9e0df5")}
"""So many steps, and by Brian2 2.9.0 the number of spikes in them, and their digest."""


def arrays(kind: str) -> dict[str, np.ndarray]:
    """Who is connected, and the states at the beginning."""
    drawn = np.random.default_rng(5)
    source, target = np.nonzero(drawn.random((UNITS, UNITS), dtype=np.float32) < 0.02)
    excites = source < EXCITATORY
    conductances = kind == "coba"
    normal = {name: drawn.standard_normal(UNITS) for name in ("voltage", "excitation", "inhibition")}
    # No voltage begins above the threshold: whether that is a spike is another convention.
    return {
        "source_e": source[excites],
        "target_e": target[excites],
        "source_i": source[~excites],
        "target_i": target[~excites],
        "voltage": np.minimum(-65.0 + 5.0 * normal["voltage"], -50.5)
        if conductances
        else drawn.uniform(-60.0, -50.5, UNITS),
        "excitation": conductances * np.maximum(40.0 + 15.0 * normal["excitation"], 0.0),
        "inhibition": conductances * np.maximum(200.0 + 120.0 * normal["inhibition"], 0.0),
    }


def ours(kind: str, given: dict[str, np.ndarray], steps: int, backend: str) -> Spikes:
    parts = {"E": slice(0, EXCITATORY), "I": slice(EXCITATORY, UNITS)}
    net = rb.Network()
    cells: dict[str, Any] = {**CELL, "volt_rest": REST[kind], "dt": 0.1, "event": "step"}
    for name, units in parts.items():
        start = torch.from_numpy(given["voltage"][units])
        net.add(name, rb.create("lif", len(start), voltage=start, dtype=torch.float64, **cells))
    for sender, sign, state in (("E", "e", "excitation"), ("I", "i", "inhibition")):
        source, target = (torch.from_numpy(given[f"{end}_{sign}"]) for end in ("source", "target"))
        make, weight = SYNAPSES[kind][sign]
        for receiver, units in parts.items():
            here = (target >= units.start) & (target < units.stop)
            who = source[here] - parts[sender].start, target[here] - units.start
            synapse = make(conductance=torch.from_numpy(given[state][units]))
            net.connect(sender, receiver, who, synapse, weight=weight, delay=0.1)
    recording = rb.simulate(net, duration=steps * 0.1, backend=backend)
    return sorted(
        (round(time / 0.1), unit + units.start)
        for name, units in parts.items()
        for time, unit in zip(
            recording[name].spikes.times.tolist(), recording[name].spikes.units.tolist(), strict=True
        )
    )


def by_brian2(kind: str, given: dict[str, np.ndarray], steps: int, folder: Path) -> Spikes:
    np.savez(folder / "given.npz", **given)  # type: ignore[arg-type]
    return printed("brian2", "run_brian2_large.py", kind, str(folder / "given.npz"), str(steps))


@pytest.mark.parametrize("kind", BEGIN)
def test_it_begins_as_brian2s(kind: str) -> None:
    steps, *expected = BEGIN[kind]
    spikes = ours(kind, arrays(kind), steps, "eager")
    assert [len(spikes), digest(spikes)] == expected


@pytest.mark.parametrize("kind", BEGIN)
def test_the_figures_are_brian2s(kind: str, tmp_path: Path) -> None:
    steps, *expected = BEGIN[kind]
    spikes = by_brian2(kind, arrays(kind), steps, tmp_path)
    assert [len(spikes), digest(spikes)] == expected


@pytest.mark.by_hand
@pytest.mark.parametrize("backend", ["eager", "fused"])
@pytest.mark.parametrize("kind", BEGIN)
def test_every_spike_of_a_second_is_brian2s(kind: str, backend: str, tmp_path: Path) -> None:
    given = arrays(kind)
    expected = by_brian2(kind, given, 10_000, tmp_path)
    # Some draws fall silent, and these do not.
    last = [unit for step, unit in expected if step > 9_000]
    assert len(last) / UNITS / 0.1 > 4.0
    assert ours(kind, given, 10_000, backend) == expected
