"""Models whose equations are right, and whose resets are wrong."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch

FAULTS = {
    "ResetsAbove": "reset-rearms",
    "ResetForgetsTheVoltage": "reset-rearms",
    "ResetsToTheThreshold": "reset-rearms",
    "ResetsToTheThresholdAndRests": "reset-rearms",
    "ResetSwapsTwo": "reset-rearms",
    "ResetOfTheWrongSign": "reset-rearms",
    "PacemakerThatSpikesOnce": "reset-rearms",
    "RootOfAVoltage": "bears-moderate-drive",
    "LeavesItsTable": "bears-moderate-drive",
    "RateThatOverflows": "bears-moderate-drive",
    "FailsAfterTwoSpikes": "bears-moderate-drive",
    "MarkBeyondOne": "many-resets-keep-the-domains",
    "ResourceBelowZero": "many-resets-keep-the-domains",
    "DepressionWithoutEnd": "many-resets-keep-the-domains",
    "SpikesOnce": "spikes-again-after-a-rest",
    "ArmedFromFarBelow": "spikes-again-after-a-rest",
    "RestsForAnHour": "spikes-again-after-a-rest",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""

STANDARD = ["FailsAfterTwoSpikes", "MarkBeyondOne"]
"""Those that the smoke profile does not see: its run is shorter."""


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


class RootOfAVoltage(_Adapting):
    """A root of the distance from a reversal potential, which inhibition takes the voltage below."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        leak = torch.sqrt(8.0 + state.voltage) - 8.0**0.5
        return {"voltage": (data - state.w - 10.0 * leak) / params.tau, "w": -state.w / params.tau_w}


class RateThatOverflows(_Adapting):
    """A rate that doubles with every quarter of a millivolt below rest, in both parts of a quotient."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        rate = torch.exp(-40.0 * state.voltage)
        return {
            "voltage": (data - state.w - state.voltage) / params.tau,
            "w": -state.w / params.tau_w * (rate / (1.0 + rate)),
        }


class LeavesItsTable(_Adapting):
    """A table that ends below rest, and an error of Python's own beyond it, which inhibition brings."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        if state.voltage.device.type != "meta" and bool((state.voltage < -20.0).any()):
            raise ValueError("the voltage is not in the table")
        return _Adapting.derivatives(state, params, data)


class FailsAfterTwoSpikes(_Adapting):
    """Each spike takes as much of what is left, and nothing brings it back: its root ends in NaN."""

    left = rb.State(1.0, unit="1", doc="what is left")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {
            "voltage": (data - state.voltage) / params.tau,
            "w": torch.zeros_like(state.w),
            "left": 0.0 * torch.sqrt(state.left),
        }

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage), "left": state.left - 0.6}


class MarkBeyondOne(_Adapting):
    """A part between 0 and 1, to which each spike adds a fifth, and not a fifth of what is left."""

    mark = rb.State(0.0, unit="1", at_least=0, at_most=1, at_rest=True, doc="what spikes leave behind")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {**_Adapting.derivatives(state, params, data), "mark": -state.mark / 100.0}

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {**_Adapting.reset(state, params), "mark": state.mark + 0.2}


class ResourceBelowZero(MarkBeyondOne):
    """Each spike takes a third of all, and not of what is there."""

    mark = rb.State(1.0, unit="1", at_least=0, at_most=1, at_rest=True, doc="resources left")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {**_Adapting.derivatives(state, params, data), "mark": (1.0 - state.mark) / 100.0}

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {**_Adapting.reset(state, params), "mark": state.mark - 0.35}


class DepressionWithoutEnd(ResourceBelowZero):
    """Each spike doubles what is missing."""

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {**_Adapting.reset(state, params), "mark": 2.0 * state.mark - 1.1}


class _Own(_Adapting):
    """tau dV/dt = I - V in a forward of its own, exactly; a spike at 15. It is sound."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.register_buffer("mark", self._none())

    def _none(self) -> Any:
        return torch.zeros(self.num_units, dtype=torch.int32, device=self.device)

    def reset_state(self) -> None:
        super().reset_state()
        self.mark = self._none()

    def fires(self, voltage: Any) -> Any:
        return (voltage >= self.volt_thresh) & (self.voltage < self.volt_thresh)

    def marked(self, fired: Any, voltage: Any) -> Any:
        return torch.where(fired, 1, 0).to(torch.int32)

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        moved = current + (self.voltage - current) * torch.exp(-self.dt / self.tau)
        fired = self.fires(moved)
        self.mark = self.marked(fired, moved)
        voltage = torch.where(fired, 0.0, moved)
        w = self.w * torch.exp(-self.dt / self.tau_w) + torch.where(fired, self.step_w, 0.0)
        outputs = {"input": current.expand(voltage.shape), "voltage": voltage, "w": w}
        outputs["spiked"] = fired.to(torch.int8)
        self.commit({"voltage": voltage, "w": w, "armed": voltage < self.volt_thresh, "carry": None}, outputs)
        return {name: value.clone() for name, value in outputs.items()}


class SpikesOnce(_Own):
    """A flag says that it has spiked, and nothing takes it back."""

    def fires(self, voltage: Any) -> Any:
        return super().fires(voltage) & (self.mark == 0)

    def marked(self, fired: Any, voltage: Any) -> Any:
        return torch.maximum(self.mark, fired.to(torch.int32))


class ArmedFromFarBelow(SpikesOnce):
    """The flag is taken back by a voltage that a rest never has."""

    def marked(self, fired: Any, voltage: Any) -> Any:
        return torch.where(voltage < -1.0, 0, super().marked(fired, voltage)).to(torch.int32)


class RestsForAnHour(SpikesOnce):
    """Its refractory period is counted in steps, of which it takes a thousand for each that it means."""

    def marked(self, fired: Any, voltage: Any) -> Any:
        return torch.where(fired, 20_000, (self.mark - 1).clamp(min=0)).to(torch.int32)
