"""A neuron and synapses for tests of networks: leaky integrate-and-fire, and what may reach it."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch


class Leaky(rb.SpikingNeuron):
    """C dV/dt = C (E - V) / tau + I;  a spike at V = th, and back to E for tau_ref."""

    tau = rb.Parameter(10.0, unit="ms", above=0)
    capacity = rb.Parameter(250.0, unit="pF", above=0)
    threshold_at = rb.Parameter(15.0, unit="mV")
    tau_ref = rb.Parameter(2.0, unit="ms", at_least=0)
    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
        return {"voltage": -state.voltage / params.tau + data / params.capacity}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - params.threshold_at

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"voltage": torch.zeros_like(state.voltage)}


class Exponential(rb.Synapse):
    """tau dI/dt = -I;  a spike of weight w:  I -> I + w."""

    tau = rb.Parameter(2.0, unit="ms", above=0)
    current = rb.State(0.0, unit="pA", at_rest=True)

    @staticmethod
    def derivatives(state: Any, params: Any) -> dict[str, Any]:
        return {"current": -state.current / params.tau}

    @staticmethod
    def arrive(state: Any, params: Any, weight: Any) -> dict[str, Any]:
        return {"current": state.current + weight}

    @staticmethod
    def output(state: Any, params: Any, post: Any) -> Any:
        return state.current


class Conductance(rb.Synapse):
    """tau dg/dt = -g, I = g (E - V);  a spike of weight w:  g -> g + w."""

    weight_unit = "nS"
    tau = rb.Parameter(5.0, unit="ms", above=0)
    reversal = rb.Parameter(60.0, unit="mV")
    conductance = rb.State(0.0, unit="nS", at_rest=True)

    @staticmethod
    def derivatives(state: Any, params: Any) -> dict[str, Any]:
        return {"conductance": -state.conductance / params.tau}

    @staticmethod
    def arrive(state: Any, params: Any, weight: Any) -> dict[str, Any]:
        return {"conductance": state.conductance + weight}

    @staticmethod
    def output(state: Any, params: Any, post: Any) -> Any:
        return state.conductance * (params.reversal - post.voltage)


class Pulse(rb.Synapse):
    """A spike of weight w:  V -> V + w."""

    weight_unit, into = "mV", "voltage"


def leaky(units: int = 1, **given: Any) -> Any:
    """Such neurons, in double precision."""
    return rb.create(Leaky, units, **{"dtype": torch.float64, **given})


def driven(units: int = 1, current: float = 1000.0) -> dict[str, torch.Tensor]:
    """A stimulus of the population ``source``."""
    return {"source": torch.full((units,), current, dtype=torch.float64)}


def pair(synapse: Any, *, weight: Any, delay: Any = 1.0, **given: Any) -> rb.Network:
    """One neuron that sends to another."""
    net = rb.Network(seed=3)
    net.add("source", leaky(**given))
    net.add("target", leaky(**given))
    net.connect("source", "target", ([0], [0]), synapse, weight=weight, delay=delay)
    return net


def run(net: rb.Network, steps: int, stimulus: Any = None) -> dict[str, list[list[int]]]:
    """The steps at whose ends the units of each population spiked, by unit."""
    trains: dict[str, list[list[int]]] = {
        name: [[] for _ in range(each.num_units)] for name, each in net.populations.items()
    }
    for _ in range(steps):
        outputs = net(stimulus)
        for name, units in trains.items():
            for unit in outputs[name]["spiked"].reshape(-1).nonzero().view(-1).tolist():
                units[unit].append(net.simulation_step)
    return trains


class Pair(rb.Plasticity):
    """Pairs of spikes: w -> w + a_plus x at one of the target, w -> w - a_minus y at one of the source."""

    tau_plus = rb.Parameter(20.0, unit="ms", above=0)
    tau_minus = rb.Parameter(25.0, unit="ms", above=0)
    a_plus = rb.Parameter(0.3, unit="1")
    a_minus = rb.Parameter(0.4, unit="1")
    low = rb.Parameter(-1e3, unit="1")
    high = rb.Parameter(1e3, unit="1")
    x = rb.State(0.0, unit="1", per="synapse")
    y = rb.State(0.0, unit="1", per="synapse")

    @staticmethod
    def derivatives(state: Any, params: Any) -> dict[str, Any]:
        return {"x": -state.x / params.tau_plus, "y": -state.y / params.tau_minus}

    @staticmethod
    def on_pre(state: Any, params: Any) -> dict[str, Any]:
        weight = torch.clamp(state.weight - params.a_minus * state.y, params.low, params.high)
        return {"weight": weight, "x": state.x + 1.0}

    @staticmethod
    def on_post(state: Any, params: Any) -> dict[str, Any]:
        weight = torch.clamp(state.weight + params.a_plus * state.x, params.low, params.high)
        return {"weight": weight, "y": state.y + 1.0}
