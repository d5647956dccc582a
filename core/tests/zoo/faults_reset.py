"""Models whose equations are right, and whose resets are wrong."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch

CAUSES = {
    "ResetsToTheThreshold": "reset-rearms",
    "ResetsToTheThresholdAndRests": "reset-rearms",
    "ResetsAbove": "reset-rearms",
    "ResetForgetsTheVoltage": "reset-rearms",
    "ResetSwapsTwo": "reset-rearms",
    "ResetOfTheWrongSign": "reset-rearms",
    "PacemakerThatSpikesOnce": "reset-rearms",
}
"""Class -> the property that is made for it. Its docstring says what is wrong."""


class _Adapting(rb.SpikingNeuron):
    """tau dV/dt = -V - w + I, tau_w dw/dt = -w: at 15 a spike, V is 0 and w a little more. It is sound."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    tau_w = rb.Parameter(80.0, unit="ms", above=0, doc="time constant of the adaptation")
    volt_thresh = rb.Parameter(15.0, unit="mV", doc="threshold")
    volt_reset = rb.Parameter(0.0, unit="mV", doc="potential after a spike")
    step_w = rb.Parameter(0.5, unit="mV", at_least=0, doc="what a spike adds to the adaptation")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential, above rest")
    w = rb.State(0.0, unit="mV", at_rest=True, doc="adaptation")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {
            "voltage": (data - state.w - state.voltage) / params.tau,
            "w": -state.w / params.tau_w,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - params.volt_thresh

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": params.volt_reset, "w": state.w + params.step_w}


class ResetsToTheThreshold(_Adapting):
    """The reset takes the threshold for the potential after a spike."""

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": params.volt_thresh, "w": state.w + params.step_w}


class ResetsToTheThresholdAndRests(ResetsToTheThreshold):
    """The same with a refractory period, at whose end it spikes again, for ever."""

    tau_ref = rb.Parameter(2.0, unit="ms", at_least=0, doc="refractory period")


class ResetsAbove(_Adapting):
    """The default of the potential after a spike lies above the threshold."""

    volt_reset = rb.Parameter(17.0, unit="mV", doc="potential after a spike")


class ResetForgetsTheVoltage(_Adapting):
    """The adaptation grows, and the voltage stays where it is."""

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"w": state.w + params.step_w}


class ResetSwapsTwo(rb.SpikingNeuron):
    """An exponential neuron whose reset gives each of its two states what the other one is to have."""

    dt_max = 0.05

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    step_w = rb.Parameter(40.0, unit="mV", doc="what a spike adds to the adaptation")
    voltage = rb.State(-60.0, unit="mV", doc="membrane potential")
    w = rb.State(0.0, unit="mV", doc="adaptation")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        upstroke = 2.0 * torch.exp((state.voltage + 50.0) / 2.0)
        return {
            "voltage": (-60.0 - state.voltage + upstroke - state.w + data) / params.tau,
            "w": (0.1 * (state.voltage + 60.0) - state.w) / 100.0,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 20.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": state.w + params.step_w, "w": -60.0 + 0.0 * state.w}


class ResetOfTheWrongSign(_Adapting):
    """What is to be taken from the voltage is added to it."""

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": state.voltage + params.volt_thresh}


class PacemakerThatSpikesOnce(_Adapting):
    """It fires without input; its reset leaves it just above the threshold, where its own drive keeps it."""

    voltage = rb.State(0.0, unit="mV", doc="membrane potential, above rest")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data + 30.0 - state.w - state.voltage) / params.tau, "w": -state.w / params.tau_w}

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": params.volt_thresh + 0.1}
