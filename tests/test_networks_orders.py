"""The order of an integrator is kept through arrivals: what a synapse does is solved with its target."""

from __future__ import annotations

import functools
import math
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase_rk45 import DormandPrince

DURATION, DELAY = 14.4, 1.6
ON_GRID = (0.8, 4.0, 4.8, 8.8)
"""When the source spikes, ms: at the ends of the longest steps, so that arrivals are at the same times."""
BETWEEN = (0.71, 3.9, 3.9 + math.pi / 4, 8.7)


class Gated(rb.SpikingNeuron):
    """tau V' = E - V - r w^3 (V - E_K) + I / g,  w' = (1 / (1 + e^((V_h - V) / k)) - w) / tau_w."""

    tau = rb.Parameter(6.0, unit="ms", above=0)
    gate_tau = rb.Parameter(4.0, unit="ms", above=0)
    tau_ref = rb.Parameter(1.0, unit="ms", at_least=0)
    voltage = rb.State(-62.0, unit="mV")
    gate = rb.State(0.3, unit="1")
    held = ("voltage",)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
        leak = -65.0 - state.voltage - 2.0 * state.gate**3 * (state.voltage + 80.0) + data / 10.0
        opened = torch.sigmoid((state.voltage + 60.0) / 5.0)
        return {"voltage": leak / params.tau, "gate": (opened - state.gate) / params.gate_tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage + 50.0

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"voltage": -66.0 + 0.0 * state.voltage}


def integrator(name: str, dt: float) -> Any:
    return DormandPrince(fixed_step=dt) if name == "rk45" else name


ORDERS = {"rk4": 4, "rk45": 5, "strang": 2, "expeuler": 1}
CELLS: dict[str, tuple[Any, dict[str, Any], float]] = {
    "lif": ("lif", {"tau_mem": 12.0, "leak_gl": 10.0, "volt_rest": -65.0, "volt_thresh": -50.0}, 60.0),
    "izhikevich": ("izhikevich", {}, 1.0),
    "stranger": (Gated, {"gate_tau": 1.0}, 50.0),
}
"""The model, its values, and its input."""
WEIGHTS = {"lif": 0.7, "izhikevich": 0.012, "stranger": 0.7}
"""Of the synapse, nS: no spike; six times as much, and there are these."""
SPIKES = {"lif": 2, "stranger": 3}


def end(cell: str, method: Any, event: str, dt: float, times: Any, weight: float) -> tuple[torch.Tensor, int]:
    """The states at the end, and how many spikes there were."""
    model, values, drive = CELLS[cell]
    double = {"dtype": torch.float64, "dt": dt}
    net = rb.Network()
    net.add("source", rb.create("spike-times", times=[list(times)], event=event, **double))
    net.add("target", rb.create(model, 1, integrator=method, event=event, **values, **double))
    synapse = rb.synapse("conductance-double-exponential", tau_rise=1.5, tau_decay=5.0)
    projection = net.connect("source", "target", ([0], [0]), synapse, weight=weight, delay=DELAY)
    spikes = rb.simulate(net, {"target": drive}, duration=DURATION)["target"].spikes.times
    parts = [net["target"], projection]
    states = [part._buffers[name] for part in parts for name in part.schema.states]
    return torch.cat(states), len(spikes)


@functools.cache
def truth(cell: str, event: str, times: Any, weight: float) -> tuple[torch.Tensor, int]:
    return end(cell, DormandPrince(fixed_step=0.1), event, 0.1, times, weight)


def order(cell: str, name: str, event: str, times: Any, weight: float, spikes: int) -> float:
    """By the errors at two steps, of which the second is half of the first."""
    expected, count = truth(cell, event, times, weight)
    assert count == spikes
    errors = []
    for dt in (0.4, 0.2):
        found, count = end(cell, integrator(name, dt), event, dt, times, weight)
        assert count == spikes
        errors.append(float((found - expected).abs().max()))
    assert errors[1] > 1e-10
    return math.log2(errors[0] / errors[1])


METHODS = [(cell, name) for cell in CELLS for name in ORDERS if cell != "izhikevich" or name.startswith("rk")]
"""That of Izhikevich is not linear in its voltage, which strang and expeuler ask for."""
WITH_SPIKES = [each for each in METHODS if each[0] in SPIKES]


@pytest.mark.parametrize("event", ["crossing", "located"])
@pytest.mark.parametrize(("cell", "name"), METHODS)
def test_the_order_is_kept_through_arrivals(cell: str, name: str, event: str) -> None:
    times = ON_GRID if event == "crossing" else BETWEEN
    assert order(cell, name, event, times, WEIGHTS[cell], 0) > ORDERS[name] - 0.3


@pytest.mark.parametrize(("cell", "name"), WITH_SPIKES)
def test_the_order_is_kept_through_arrivals_and_spikes_at_their_own_times(cell: str, name: str) -> None:
    assert order(cell, name, "located", BETWEEN, 6.0 * WEIGHTS[cell], SPIKES[cell]) > ORDERS[name] - 0.3
