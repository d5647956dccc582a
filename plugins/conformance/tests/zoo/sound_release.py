"""Sound models that do something as a refractory period ends."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch

SOUND = ["LateCurrent", "LateReset", "Doublets", "SilentByDefault"]
DEAR = ["LateReset", "Doublets", "SilentByDefault"]
HARDEST = {
    "LateCurrent": [
        "refractory-period-in-ms",
        "refractory-period-exact",
        "refractory-period-exact-in-time",
        "release-is-asked",
        "release-has-effect",
        "release-lets-go",
    ]
}
"""Name -> the properties that it is hardest for, which are tried in the standard profile in the usual run."""


class LateCurrent(rb.SpikingNeuron):
    """A spike-triggered current that begins as the refractory period ends."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    tau_w = rb.Parameter(30.0, unit="ms", above=0, doc="time constant of the current")
    q = rb.Parameter(0.5, unit="mV", at_least=0, doc="what a spike adds to the current")
    tau_ref = rb.Parameter(2.0, unit="ms", above=0, doc="refractory period")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential")
    w = rb.State(0.0, unit="mV", at_rest=True, doc="spike-triggered current")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {
            "voltage": (data - state.voltage - state.w) / params.tau,
            "w": -state.w / params.tau_w,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}

    @staticmethod
    def release(state: Any, params: Any) -> Any:
        return {"w": state.w + params.q}


class LateReset(LateCurrent):
    """The voltage stays where it spiked, and is reset as the period ends."""

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {}

    @staticmethod
    def release(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage), "w": state.w + params.q}


class Doublets(LateCurrent):
    """A spike is followed by a second one, as its period ends; then the current keeps it down."""

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage), "w": state.w + params.q}

    @staticmethod
    def release(state: Any, params: Any) -> Any:
        return {"voltage": torch.where(state.w < 1.5 * params.q, 1.2, -0.5) + 0.0 * state.voltage}


class SilentByDefault(LateCurrent):
    """What a spike adds is zero, until somebody gives it a value."""

    q = rb.Parameter(0.0, unit="mV", at_least=0, doc="what a spike adds to the current")
