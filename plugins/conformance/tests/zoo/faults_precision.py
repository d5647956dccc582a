"""Models whose values are of the type that they must be of, and have lost digits on the way."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch
from ground import Adapting

FAULTS = {
    "SingleInside": "functions-are-precise",
    "SingleProduct": "functions-are-precise",
    "HalfInTheReset": "functions-are-precise",
    "ThresholdInSingle": "functions-are-precise",
    "UpdateInSingle": "functions-are-precise",
    "TableOfAnExponential": "functions-are-precise",
    "RoundedToAMicrovolt": "functions-are-precise",
    "StepsInSingle": "own-steps-are-precise",
    "StepsInBrainFloats": "own-steps-are-precise",
    "KeepsThreeDecimals": "own-steps-are-precise",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""


class SingleInside(Adapting):
    """The derivatives are worked out in single precision, and given in the type of the states."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        slope = (data - state.w - state.voltage).float() / params.tau.float()
        return {"voltage": slope.to(state.voltage.dtype), "w": -state.w / params.tau_w}


class SingleProduct(Adapting):
    """One small term of several goes through single precision."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        small = (1e-3 * state.voltage * state.w).to(torch.float32).to(state.voltage.dtype)
        return {
            "voltage": (data - small - state.w - state.voltage) / params.tau,
            "w": -state.w / params.tau_w,
        }


class HalfInTheReset(Adapting):
    """The adaptation is half precision for a moment, in the reset."""

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        kept = state.w.to(torch.bfloat16).to(state.w.dtype)
        return {"voltage": torch.zeros_like(state.voltage), "w": kept + params.step_w}


class ThresholdInSingle(Adapting):
    """g is a difference in single precision."""

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return (state.voltage.float() - params.volt_thresh.float()).to(state.voltage.dtype)


class UpdateInSingle(rb.SpikingNeuron):
    """A step of its own, whose decay is a number in single precision."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential")

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> Any:
        keep = torch.exp(-dt / params.tau.float()).to(state.voltage.dtype)
        return {"voltage": data + (state.voltage - data) * keep}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 15.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}


class TableOfAnExponential(Adapting):
    """A leak that grows with the voltage, looked up in a table by the nearest hundredth of a millivolt."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        leak = 20.0 * torch.expm1(torch.round(100.0 * state.voltage) / 2000.0)
        return {"voltage": (data - state.w - leak) / params.tau, "w": -state.w / params.tau_w}


class RoundedToAMicrovolt(Adapting):
    """The voltage is rounded to three digits behind the point before it leaks."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        leak = torch.round(1000.0 * state.voltage) / 1000.0
        return {"voltage": (data - state.w - leak) / params.tau, "w": -state.w / params.tau_w}


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
        self.commit({"voltage": voltage, "carry": None}, outputs)
        return {name: value.clone() for name, value in outputs.items()}


class StepsInSingle(_Own):
    """It steps in single precision, whatever the states are in."""

    def moved(self, current: Any) -> Any:
        keep = torch.exp(-self.dt / self.tau)
        return (current + (self.voltage - current) * keep).float().to(self.dtype)


class StepsInBrainFloats(_Own):
    """The decay is multiplied in bfloat16."""

    def moved(self, current: Any) -> Any:
        keep = torch.exp(-self.dt / self.tau)
        away = (self.voltage - current).to(torch.bfloat16).to(self.dtype)
        return current + away * keep


class KeepsThreeDecimals(_Own):
    """The voltage is rounded to a microvolt at the end of each step."""

    def moved(self, current: Any) -> Any:
        return torch.round(1000.0 * super().moved(current)) / 1000.0
