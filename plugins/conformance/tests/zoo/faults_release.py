"""Models that are wrong in one way: in what they do as a refractory period ends."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch

FAULTS = {
    "PeriodOfNothing": "release-is-asked",
    "PeriodBelowAStep": "release-is-asked",
    "ReleasesWhatItHolds": "release-has-effect",
    "ReleaseTimesZero": "release-has-effect",
    "DividesByWhatItHolds": "release-has-effect",
    "ReleasedAtTheThreshold": "release-lets-go",
    "NeverComesDown": "release-lets-go",
    "ReleaseOfTheMean": "functions-treat-units-alone",
    "ReleasesInPlace": "functions-are-pure",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""


class _Delayed(rb.SpikingNeuron):
    """A spike-triggered current that begins as the refractory period ends."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    tau_w = rb.Parameter(30.0, unit="ms", above=0, doc="time constant of the current")
    q = rb.Parameter(0.5, unit="mV", at_least=0, doc="what a spike adds to the current")
    tau_ref = rb.Parameter(2.0, unit="ms", at_least=0, doc="refractory period")
    voltage = rb.State(0.0, unit="mV", doc="membrane potential")
    w = rb.State(0.0, unit="mV", doc="spike-triggered current")

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


class PeriodOfNothing(_Delayed):
    """No refractory period by default: no release either."""

    tau_ref = rb.Parameter(0.0, unit="ms", at_least=0, doc="refractory period")


class PeriodBelowAStep(_Delayed):
    """A period that is rounded to no step."""

    tau_ref = rb.Parameter(0.04, unit="ms", at_least=0, doc="refractory period")


class ReleasesWhatItHolds(_Delayed):
    """The voltage is set to where it has been since the spike."""

    @staticmethod
    def release(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}


class ReleaseTimesZero(_Delayed):
    """What is added is multiplied by the voltage, which is held at zero."""

    @staticmethod
    def release(state: Any, params: Any) -> Any:
        return {"w": state.w + params.q * state.voltage}


class DividesByWhatItHolds(_Delayed):
    """What is added is divided by the voltage, which is held at zero."""

    @staticmethod
    def release(state: Any, params: Any) -> Any:
        return {"w": state.w + params.q / state.voltage}


class ReleasedAtTheThreshold(_Delayed):
    """It goes on from the threshold itself, which is a spike."""

    @staticmethod
    def release(state: Any, params: Any) -> Any:
        return {"voltage": torch.ones_like(state.voltage)}


class NeverComesDown(_Delayed):
    """The voltage rises by more than the reset takes from it."""

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": state.voltage - 1.0}

    @staticmethod
    def release(state: Any, params: Any) -> Any:
        return {"voltage": state.voltage + 1.5}


class ReleaseOfTheMean(_Delayed):
    """Units are let go at the mean of their voltages."""

    @staticmethod
    def release(state: Any, params: Any) -> Any:
        return {"voltage": 0.5 * state.voltage.mean() + 0.0 * state.voltage}


class ReleasesInPlace(_Delayed):
    """What is added is added to what it was given."""

    @staticmethod
    def release(state: Any, params: Any) -> Any:
        return {"w": state.w.add_(params.q)}
