"""A spike of the target does not hold up what its synapses do, whatever integrates them."""

from __future__ import annotations

import math
from typing import Any

import pytest
import rheobase as rb
import torch

TAU = 4.0


@pytest.mark.parametrize("event", ["step", "crossing", "located"])
@pytest.mark.parametrize(
    ("cell", "integrator", "drive"),
    [
        ("lif", "rk4", 900.0),
        ("lif", "rk45", 900.0),
        ("lif", "exact", 900.0),
        ("lif", "strang", 900.0),
        # With what arrives, more than any step of it can follow: its field is limited at the threshold.
        ("izhikevich", "rk4", 90.0),
        ("izhikevich", "rk45", 90.0),
    ],
)
def test_a_current_decays_through_spikes_of_its_target(
    cell: str, integrator: str, drive: float, event: str
) -> None:
    given: dict[str, Any] = {"dtype": torch.float64, "dt": 0.1, "event": event}
    net = rb.Network()
    net.add("source", rb.create("spike-times", times=[[0.5, 3.0]], **given))
    net.add("target", rb.create(cell, 1, integrator=integrator, **given))
    net.connect("source", "target", ([0], [0]), rb.synapse("exponential", tau=TAU), weight=60.0, delay=0.5)
    record = {"target": "spikes", "source->target": "current"}
    recording = rb.simulate(net, {"target": drive}, duration=20.0, record=record)
    assert len(recording["target"].spikes.times) > 3
    times = 0.1 * torch.arange(1, 201, dtype=torch.float64)
    exact = sum(torch.where(times > s - 1e-6, 60.0 * torch.exp(-(times - s) / TAU), 0.0) for s in (1.0, 3.5))
    assert float(times[-1]) == pytest.approx(20.0)
    # A step of strang's and of rk4's for a decay is right to this.
    within = 1e-12 if integrator in ("exact", "strang") else 1e-7 * math.e
    assert recording["source->target"].traces["current"][:, 0] == pytest.approx(exact, rel=within, abs=1e-9)
