"""Inputs that arrive as jumps, under every integrator and in a kernel."""

from __future__ import annotations

import math
from typing import Any

import pytest
import rheobase as rb
import torch


class Synaptic(rb.SpikingNeuron):
    """C dV/dt = -C V / tau + I, tau_s dI/dt = -I;  a spike of weight w:  I -> I + w."""

    tau = rb.Parameter(10.0, unit="ms", above=0)
    tau_s = rb.Parameter(2.0, unit="ms", above=0)
    capacity = rb.Parameter(250.0, unit="pF", above=0)
    threshold_at = rb.Parameter(1.0, unit="mV")
    tau_ref = rb.Parameter(2.0, unit="ms", at_least=0)
    voltage = rb.State(0.0, unit="mV")
    current = rb.State(0.0, unit="pA")
    arrivals = rb.Input(unit="pA", arrives="jump", into="current")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
        voltage = -state.voltage / params.tau + state.current / params.capacity
        return {"voltage": voltage, "current": -state.current / params.tau_s}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - params.threshold_at

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"voltage": torch.zeros_like(state.voltage)}


def psp(t: float) -> float:
    """The voltage t ms after 100 pA began, by variation of constants."""
    return 100.0 / 250.0 * (math.exp(-t / 10.0) - math.exp(-t / 2.0)) / (1 / 2.0 - 1 / 10.0)


def arrived(integrator: str, event: str, dt: float) -> float:
    """The voltage at 8 ms, in a network where a spike arrives at 2.0 ms, or, located, at 2.13 ms."""
    net = rb.Network()
    moment = 2.13 if event == "located" else 2.0
    net.add(
        "source", rb.create("spike-times", times=[[moment - 1.0]], dt=dt, dtype=torch.float64, event=event)
    )
    net.add("target", rb.create(Synaptic, 1, dtype=torch.float64, dt=dt, event=event, integrator=integrator))
    net.connect("source", "target", ([0], [0]), weight=100.0, delay=1.0)
    for _ in range(round(8.0 / dt)):
        net()
    return float(net["target"].voltage) - psp(8.0 - moment)


@pytest.mark.parametrize("event", ["step", "crossing", "located"])
@pytest.mark.parametrize(
    ("integrator", "order"), [("exact", None), ("rk4", 4), ("rk45", 5), ("expeuler", 1), ("strang", 2)]
)
def test_every_integrator_keeps_its_order_through_what_arrives(
    integrator: str, order: int | None, event: str
) -> None:
    coarse, fine = (abs(arrived(integrator, event, dt)) for dt in (0.5, 0.25))
    if order is None:
        assert max(coarse, fine) < 1e-14
    elif integrator == "rk45":
        assert max(coarse, fine) < 1e-6  # it chooses its own steps, to its tolerance
    else:
        assert order - 0.4 < math.log2(coarse / fine) < order + 1.2


@pytest.mark.parametrize("integrator", ["rk4", "strang"])
def test_a_kernel_does_what_eager_does(integrator: str) -> None:
    generator = torch.Generator().manual_seed(1)
    rows = 300.0 * (torch.rand(400, 5, generator=generator) < 0.1)

    def run(backend: str) -> Any:
        neuron = rb.create(Synaptic, 5, integrator=integrator, event="step", dtype=torch.float64)
        return rb.simulate(
            neuron, rows.double(), duration=40.0, record=("spikes", "voltage", "current"), backend=backend
        )

    eager, fused = run("eager"), run("fused")
    assert len(eager.spikes.times) > 10
    assert torch.equal(eager.spikes.times, fused.spikes.times)
    for name in ("voltage", "current"):
        assert torch.allclose(eager.traces[name], fused.traces[name], rtol=0, atol=1e-12)


def test_a_kernel_that_locates_spikes_says_why_it_refuses() -> None:
    neuron = rb.create(Synaptic, event="located")
    with pytest.raises(NotImplementedError, match="arrives as a jump"):
        rb.simulate(neuron, torch.zeros(5, 1), duration=0.5, backend="fused")
