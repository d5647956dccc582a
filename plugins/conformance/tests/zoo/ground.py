"""Sound components that those of the other files are made from; nothing is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import rheobase as rb
import torch
from rheobase.spi import uniform, words


class Leaky(rb.SpikingNeuron):
    """tau dV/dt = -V + I; at 1 mV a spike, and V is 0."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}


class Adapting(rb.SpikingNeuron):
    """tau dV/dt = -V - w + I, tau_w dw/dt = -w; at 15 mV a spike, V is 0 and w a little more."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    tau_w = rb.Parameter(80.0, unit="ms", above=0, doc="time constant of the adaptation")
    volt_thresh = rb.Parameter(15.0, unit="mV", doc="threshold")
    step_w = rb.Parameter(0.5, unit="mV", at_least=0, doc="what a spike adds to the adaptation")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential, above rest")
    w = rb.State(0.0, unit="mV", at_rest=True, doc="adaptation")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.w - state.voltage) / params.tau, "w": -state.w / params.tau_w}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - params.volt_thresh

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage), "w": state.w + params.step_w}


def uniform_of(key: int, target: int, count: int) -> np.ndarray:
    """Numbers of one target within (0, 1), by a key of 128 bits."""
    raw = words(key, (0, target, 0, 0), -(-count // 4))
    return uniform(raw).reshape(-1)[:count]


def packed(rows: Sequence[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows as a rule gives them."""
    ends = np.cumsum([0, *(len(row) for row in rows)])
    indices = np.concatenate([*rows, np.zeros(0, dtype=np.int64)])
    return torch.from_numpy(ends), torch.from_numpy(indices.astype(np.int64))


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
    reversal = rb.Parameter(0.0, unit="mV")
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


class ShortTerm(Exponential):
    """A resource of each source, which its spikes use up and which recovers: short-term depression."""

    tau_rec = rb.Parameter(200.0, unit="ms", above=0)
    use = rb.Parameter(0.4, unit="1", above=0, at_most=1)
    resource = rb.State(1.0, unit="1", per="source")

    @staticmethod
    def transmit(state: Any, params: Any, elapsed: Any) -> Any:
        there = 1.0 - (1.0 - state.resource) * torch.exp(-elapsed / params.tau_rec)
        released = params.use * there
        return released, {"resource": there - released}


class Pairs(rb.Plasticity):
    """Pairs of spikes: the trace of the other side is added, or taken away."""

    tau_plus = rb.Parameter(20.0, unit="ms", above=0)
    tau_minus = rb.Parameter(30.0, unit="ms", above=0)
    a_plus = rb.Parameter(0.5, unit="1", at_least=0)
    a_minus = rb.Parameter(0.6, unit="1", at_least=0)
    low = rb.Parameter(0.0, unit="1")
    high = rb.Parameter(50.0, unit="1")
    x = rb.State(0.0, unit="1", per="synapse", at_rest=True)
    y = rb.State(0.0, unit="1", per="synapse", at_rest=True)

    @staticmethod
    def derivatives(state, params):
        return {"x": -state.x / params.tau_plus, "y": -state.y / params.tau_minus}

    @staticmethod
    def on_pre(state, params):
        weight = torch.clamp(state.weight - params.a_minus * state.y, params.low, params.high)
        return {"weight": weight, "x": state.x + 1}

    @staticmethod
    def on_post(state, params):
        weight = torch.clamp(state.weight + params.a_plus * state.x, params.low, params.high)
        return {"weight": weight, "y": state.y + 1}
