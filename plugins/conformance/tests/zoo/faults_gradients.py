"""Models that compute what they must, and whose gradients are not those of what they compute."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch
from ground import Adapting

FAULTS = {
    "DecayOutOfTheGraph": "functions-have-their-gradients",
    "CubeOfAnotherSlope": "functions-have-their-gradients",
    "DetachedUpstroke": "functions-have-their-gradients",
    "ResetByANumber": "functions-have-their-gradients",
    "ThresholdOutOfTheGraph": "functions-have-their-gradients",
    "DecayWithoutAGraph": "own-steps-keep-the-graph",
    "StepsWithHalfAGraph": "own-steps-keep-the-graph",
    "KeepsDetachedStates": "own-steps-keep-the-graph",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""


class DetachedUpstroke(rb.SpikingNeuron):
    """An exponential neuron whose upstroke, which is nothing near rest, is taken out of the graph."""

    dt_max = 0.05

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    voltage = rb.State(-70.0, unit="mV", doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        upstroke = 2.0 * torch.exp((state.voltage.detach() + 50.0) / 2.0)
        return {"voltage": (-70.0 - state.voltage + upstroke + data) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 0.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": -70.0 + 0.0 * state.voltage}


class _Cube(torch.autograd.Function):
    """x^3, whose gradient is told as 3 x."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (x,) = ctx.saved_tensors
        return 3.0 * x * grads[0]


class CubeOfAnotherSlope(rb.AnalogNeuron):
    """V^3 with a gradient of its own, that of another power."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="time constant")
    voltage = rb.State(0.0, unit="1", at_rest=True, doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        cube = _Cube.apply(state.voltage) if state.voltage.requires_grad else state.voltage**3
        return {"voltage": (data - state.voltage - 1e-5 * cube) / params.tau}


class ResetByANumber(Adapting):
    """What a spike adds to the adaptation is taken out of the graph, and cannot be learnt."""

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage), "w": state.w + params.step_w.detach()}


class ThresholdOutOfTheGraph(Adapting):
    """The threshold rises with the adaptation, whose part is taken out of the graph."""

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - params.volt_thresh - 0.1 * state.w.detach()


class DecayOutOfTheGraph(rb.SpikingNeuron):
    """A step of its own, whose decay is a number: the time constant has no gradient."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential")

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> Any:
        keep = torch.exp(-dt / params.tau).detach()
        return {"voltage": data + (state.voltage - data) * keep}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 15.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}


class _Own(rb.SpikingNeuron):
    """tau dV/dt = I - V in a forward of its own, exactly; a spike at 15. It is sound."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential")

    def moved(self, current: Any) -> Any:
        return current + (self.voltage - current) * torch.exp(-self.dt / self.tau)

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        moved = self.moved(current)
        fired = (moved >= 15.0) & (self.voltage < 15.0)
        voltage = torch.where(fired, 0.0, moved)
        outputs = {"input": current.expand(voltage.shape), "voltage": voltage, "spiked": fired.to(torch.int8)}
        self.commit({"voltage": self.kept(voltage), "carry": None}, outputs)
        return {name: value.clone() for name, value in outputs.items()}

    def kept(self, voltage: Any) -> Any:
        return voltage


class DecayWithoutAGraph(_Own):
    """The decay is worked out where no graph is kept: the time constant has no gradient."""

    def moved(self, current: Any) -> Any:
        with torch.no_grad():
            keep = torch.exp(-self.dt / self.tau)
        return current + (self.voltage - current) * keep


class StepsWithHalfAGraph(_Own):
    """What is left of the voltage is taken out of the graph: only the last step's input is felt."""

    def moved(self, current: Any) -> Any:
        keep = torch.exp(-self.dt / self.tau)
        return current * (1.0 - keep) + self.voltage.detach() * keep


class KeepsDetachedStates(_Own):
    """What it gives has a graph, and what it keeps has none."""

    def kept(self, voltage: Any) -> Any:
        return voltage.detach()
