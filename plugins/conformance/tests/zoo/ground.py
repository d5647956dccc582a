"""Sound models that those of the other files are made from; nothing is wrong with them."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch


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
