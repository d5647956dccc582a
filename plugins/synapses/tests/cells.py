"""Neurons for these tests: one that spikes when it is told to, and one that only listens."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch


class Once(rb.SpikingNeuron):
    """Spikes once, as many ms after the start as ``at`` says."""

    at = rb.Parameter(1.0, unit="ms")
    tau_ref = rb.Parameter(1e9, unit="ms")
    clock = rb.State(0.0, unit="ms")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
        return {"clock": 1.0 + 0.0 * state.clock}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.clock - params.at

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"clock": torch.zeros_like(state.clock)}


class Membrane(rb.SpikingNeuron):
    """C dV/dt = -C (V - E) / tau + I, without spikes."""

    tau = rb.Parameter(10.0, unit="ms", above=0)
    capacity = rb.Parameter(250.0, unit="pF", above=0)
    rest = rb.Parameter(-60.0, unit="mV")
    voltage = rb.State("rest", unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
        return {"voltage": (params.rest - state.voltage) / params.tau + data / params.capacity}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1e9

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"voltage": params.rest}


class Quadratic(rb.SpikingNeuron):
    """C dV/dt = k (V - Vr)(V - Vt) - u + I,  du/dt = a (b (V - Vr) - u): no linear model."""

    voltage = rb.State(-60.0, unit="mV")
    recovery = rb.State(0.0, unit="pA")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
        rise = 0.7 * (state.voltage + 60.0) * (state.voltage + 40.0) - state.recovery + data
        return {
            "voltage": rise / 100.0,
            "recovery": 0.03 * (-2.0 * (state.voltage + 60.0) - state.recovery),
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 35.0

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"voltage": torch.full_like(state.voltage, -50.0), "recovery": state.recovery + 100.0}


def pair(
    synapse: Any, *, weight: float, dt: float, integrator: str = "rk4", cell: str = "leaky"
) -> rb.Network:
    """A cell at rest, at -60 mV, that a spike reaches at the end of the second step."""
    given: dict[str, Any] = {"dt": dt, "dtype": torch.float64, "integrator": integrator}
    net = rb.Network()
    net.add("source", rb.create(Once, 1, at=0.5 * dt, **given))
    net.add("target", rb.create({"leaky": Membrane, "quadratic": Quadratic}[cell], 1, **given))
    net.connect("source", "target", ([0], [0]), synapse, weight=weight, delay=dt)
    for _ in range(2):
        net()
    return net
