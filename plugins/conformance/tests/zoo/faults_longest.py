"""Models whose largest step, or whose presets, do not serve."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch

FAULTS = {
    "StepBeyondStability": "steps-of-dt-max-serve",
    "StepInMicroseconds": "steps-of-dt-max-serve",
    "StepThatSpikes": "steps-of-dt-max-serve",
    "PresetTooCoarse": "presets-begin-well",
    "PresetTooCoarseWhereItStarts": "presets-begin-well",
    "PresetInASpike": "presets-begin-well",
    "PresetAboveItsThreshold": "presets-begin-well",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""


class _Leaky(rb.SpikingNeuron):
    """tau dV/dt = -V + I; a spike at the threshold, and V is 0."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    volt_thresh = rb.Parameter(1.0, unit="mV", doc="threshold")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - params.volt_thresh

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}


class StepBeyondStability(_Leaky):
    """The largest step is three of the fastest time constant: Runge-Kutta is stable up to 2.8."""

    dt_max = 1.5

    tau_syn = rb.Parameter(0.5, unit="ms", above=0, doc="time constant of the synapse")
    drive = rb.State(0.0, unit="mV", at_rest=True, doc="filtered input")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {
            "voltage": (state.drive - state.voltage) / params.tau,
            "drive": (data - state.drive) / params.tau_syn,
        }


class StepInMicroseconds(_Leaky):
    """The largest step, 100 us, stands there as 100."""

    dt_max = 100.0


class StepThatSpikes(rb.SpikingNeuron):
    """tau dV/dt = V^2 - 1 + I, which runs off to infinity: in a step so long it does below threshold."""

    dt_max = 4.0

    tau = rb.Parameter(2.0, unit="ms", above=0, doc="time constant")
    voltage = rb.State(-1.0, unit="1", at_rest=True, doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (state.voltage * state.voltage - 1.0 + data) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 10.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": -1.0 + 0.0 * state.voltage}


class PresetTooCoarse(_Leaky):
    """The step of a preset is longer than the longest."""

    dt_max = 0.5

    coarse = rb.Preset("coarse steps", dt=1.0)


class PresetTooCoarseWhereItStarts(_Leaky):
    """A preset makes the membrane faster, and keeps the step: the longest one is a function of it."""

    fast = rb.Preset("a fast membrane", params={"tau": 0.2}, dt=1.0)

    @staticmethod
    def dt_max(state: Any, params: Any, data: Any) -> Any:
        return params.tau


class PresetInASpike(_Leaky):
    """A preset begins at the peak of a spike."""

    peak = rb.Preset("from the peak", state={"voltage": 1.0})


class PresetAboveItsThreshold(_Leaky):
    """A preset lowers the threshold to below where the voltage begins."""

    low = rb.Preset("a low threshold", params={"volt_thresh": -0.2})
