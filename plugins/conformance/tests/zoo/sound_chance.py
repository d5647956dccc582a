"""Sound models that declare what they draw."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch

SOUND = ["Reluctant", "NoisyUpdate", "JitteredReset", "Rectified"]
DEAR = ["Reluctant", "JitteredReset"]
HARDEST = {
    "NoisyUpdate": ["draws-counted", "rows-draw-apart", "rates-agree"],
    "Rectified": ["hazard-is-a-rate"],
}
"""Name -> the properties that it is hardest for, which are tried in the standard profile in the usual run."""


class EscapeRate(rb.SpikingNeuron):
    """A generalized integrate-and-fire neuron: tau dV/dt = -V + I, hazard exp((V - 1) / width) / tau_hazard.

    It spikes where the integral of the hazard reaches a unit exponential number (Gerstner and Kistler 2002).
    """

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    width = rb.Parameter(0.3, unit="mV", above=0, doc="softness of the threshold")
    tau_hazard = rb.Parameter(5.0, unit="ms", above=0, doc="mean time to a spike at the threshold")
    target = rb.Draw("exponential", doc="integral of the hazard from spike to spike")
    voltage = rb.State(0.0, unit="mV", doc="membrane potential")
    total = rb.State(0.0, unit="1", doc="integral of the hazard since the last spike")
    level = rb.State(lambda p: p.target, unit="1", doc="its value at the next")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        hazard = torch.exp(((state.voltage - 1.0) / params.width).clamp(max=2.0)) / params.tau_hazard
        return {
            "voltage": (data - state.voltage) / params.tau,
            "total": hazard,
            "level": torch.zeros_like(state.level),
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.total - state.level

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {
            "voltage": torch.zeros_like(state.voltage),
            "total": torch.zeros_like(state.total),
            "level": params.target,
        }


class Reluctant(EscapeRate):
    """The same with an absolute refractory period, in which the hazard rests too."""

    held = ("voltage", "total")

    tau_ref = rb.Parameter(2.0, unit="ms", at_least=0, doc="refractory period")


class NoisyUpdate(rb.SpikingNeuron):
    """tau dV/dt = -V + I + sigma sqrt(2 tau) xi, exactly from step to step."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    sigma = rb.Parameter(0.3, unit="mV", at_least=0, doc="standard deviation without a threshold")
    noise = rb.Draw("normal", doc="white noise of a step")
    voltage = rb.State(0.0, unit="mV", doc="membrane potential")

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> Any:
        keep = torch.exp(-dt / params.tau)
        spread = params.sigma * torch.sqrt(1.0 - keep**2)
        return {"voltage": data + (state.voltage - data) * keep + spread * params.noise}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}


class JitteredReset(rb.SpikingNeuron):
    """tau dV/dt = I - V, reset to somewhere below zero."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    depth = rb.Draw("uniform", doc="how far below zero it is reset")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": -params.depth}


class Rectified(rb.SpikingNeuron):
    """A rate that follows the voltage: below zero it is none."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    gain = rb.Parameter(0.05, unit="1/(mV ms)", above=0, doc="hazard of each mV")
    voltage = rb.State(0.0, unit="mV", doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau}

    @staticmethod
    def hazard(state: Any, params: Any) -> Any:
        return params.gain * state.voltage

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}
