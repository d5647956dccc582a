"""Figures that others publish for the same networks."""

from __future__ import annotations

from typing import Any

import pytest
import rheobase as rb
import torch

pytest.importorskip("rheobase_lif", reason="rheobase-lif is not installed")
pytest.importorskip("rheobase_exact", reason="rheobase-exact is not installed")

CELL: dict[str, Any] = {
    "tau_mem": 10.0,
    "leak_gl": 25.0,
    "volt_rest": -70.0,
    "volt_thresh": -55.0,
    "volt_reset": -70.0,
    "tau_ref": 2.0,
    "dtype": torch.float64,
    "integrator": "exact",
}


@pytest.mark.parametrize("dt", [0.1, 0.2, 0.5, 1.0])
def test_one_neuron_moves_another_as_in_iaf_psc_alpha_1to2(dt: float) -> None:
    """NEST's test of that name: 1,450 pA into the first; alpha currents, tau 2, w 100 pA, d 1 ms."""
    net = rb.Network()
    for name in ("first", "second"):
        net.add(name, rb.create("lif", 1, dt=dt, **CELL))
    net.connect(
        "first", "second", rb.rule("one-to-one"), rb.synapse("alpha", tau=2.0), weight=100.0, delay=1.0
    )
    spikes, voltage = [], {}
    for step in range(1, round(9.0 / dt) + 1):
        out = net({"first": torch.tensor([1450.0], dtype=torch.float64)})
        label = round(step * dt, 9)
        voltage[label] = float(out["second"]["voltage"])
        if out["first"]["spiked"]:
            spikes.append(label)
    assert spikes == [3.0, 8.0]
    assert all(seen == -70.0 for label, seen in voltage.items() if label <= 4.0)
    published = {4.1: -69.9973794667, 4.5: -69.9433629508, 5.0: -69.8107583348, 5.7: -69.5732034844}
    for label in published.keys() & voltage.keys():
        assert voltage[label] == pytest.approx(published[label], abs=6e-11)


@pytest.mark.parametrize("dt", [2.0**-4, 0.25, 1.0])
def test_a_spike_off_the_grid_moves_a_neuron_as_in_iaf_ps_psp_accuracy(dt: float) -> None:
    """NEST's test of that name: a spike at 1.132123512 ms, alpha current, tau 0.3, w 500 pA, d 1 ms."""
    net = rb.Network()
    given = {"dt": dt, "event": "located", "dtype": torch.float64}
    net.add("source", rb.create("spike-times", times=[[1.132123512]], **given))
    cell = {**CELL, **given, "volt_rest": 0.0, "volt_reset": 0.0, "volt_thresh": 1e6}
    net.add("target", rb.create("lif", 1, **cell))
    alpha = rb.synapse("alpha", tau=0.3)
    net.connect("source", "target", rb.rule("one-to-one"), alpha, weight=500.0, delay=1.0)
    voltage = {}
    for step in range(1, round(6.0 / dt) + 1):
        voltage[step * dt] = float(net()["target"]["voltage"])
    assert voltage[3.0] == pytest.approx(1.22371802698367, abs=1e-13)
    assert voltage[6.0] == pytest.approx(1.17733700920457, abs=1e-13)
