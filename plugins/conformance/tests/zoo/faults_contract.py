"""Models that are wrong in one way: in what they declare, or in what their functions do."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch

FAULTS = {
    "Undocumented": "documented",
    "TimeInMsec": "units-are-known",
    "SwallowsNames": "misspelt-names-are-refused",
    "ClampsItsParameter": "values-outside-their-domain-are-refused",
    "ClampsItsState": "values-outside-their-domain-are-refused",
    "NeedsAWeight": "made-of-its-number-of-units",
    "OneUnitWhateverIsAsked": "made-of-its-number-of-units",
    "RefractoryInSeconds": "refractory-period-in-ms",
    "DefaultForOneSetOnly": "defaults-follow-into-their-domains",
    "PresetThatExplodes": "presets-run",
    "PresetWithoutItsValues": "presets-run",
    "PresetOfAnotherShape": "presets-run",
    "ChoiceWithoutAnEquation": "options-run",
    "ChoiceThatIsNotFinite": "options-run",
    "AdaptsInTheClass": "functions-are-pure",
    "RemembersTheLastCall": "functions-are-pure",
    "NoiseInTheEquation": "functions-are-pure",
    "DerivativesInPlace": "functions-are-pure",
    "ResetInPlace": "functions-are-pure",
    "ResetToTheMean": "functions-treat-units-alone",
    "NormalisedByAllUnits": "functions-treat-units-alone",
    "FirstUnitDecides": "functions-treat-units-alone",
    "BlindToBatches": "functions-take-any-batch",
    "SingleInTheEquation": "functions-keep-the-type",
    "ThresholdThatIsABool": "functions-give-their-states",
    "ResetOfWhatIsNotThere": "functions-give-their-states",
    "AnnouncesWhatItLacks": "a-step-gives-what-it-announces",
    "GivesMoreThanItAnnounces": "a-step-gives-what-it-announces",
    "ReportsBeforeTheReset": "a-step-gives-what-it-announces",
    "UnusedDomain": "states-stay-in-their-domains",
    "NumbersInPlaceOfTensors": "a-step-gives-what-it-announces",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""


class Undocumented(rb.SpikingNeuron):
    """A parameter without a line on what it is."""

    tau = rb.Parameter(10.0, unit="ms", above=0)
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": 0.0 * state.voltage}


class _Leaky(rb.SpikingNeuron):
    """tau dV/dt = -V + I; at 1 mV a spike, and V is 0: sound, and the ground of the faults."""

    tau = rb.Parameter(5.0, unit="ms", above=0, doc="membrane time constant")
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


class TimeInMsec(_Leaky):
    """Its second time constant has a unit that is none: "msec" is no symbol."""

    tau_slow = rb.Parameter(50.0, unit="msec", above=0, doc="time constant of the slow current")
    slow = rb.State(0.0, unit="mV", at_rest=True, doc="slow current")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {
            "voltage": (data - state.slow - state.voltage) / params.tau,
            "slow": (0.1 * state.voltage - state.slow) / params.tau_slow,
        }


class SwallowsNames(_Leaky):
    """``**kwargs`` takes any name, and drops those that are not known."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        known = {
            name: value for name, value in kwargs.items() if not name.startswith(("tau_", "volt_thresh_"))
        }
        super().__init__(*args, **known)


class ClampsItsParameter(_Leaky):
    """A time constant of zero or less is quietly replaced."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "tau" in kwargs:
            kwargs["tau"] = torch.as_tensor(kwargs["tau"]).clamp(min=1e-3)
        super().__init__(*args, **kwargs)


class ClampsItsState(_Leaky):
    """A voltage above the declared bound is quietly replaced when it is assigned."""

    voltage = rb.State(0.0, unit="mV", at_rest=True, at_most=1.0, doc="membrane potential")

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "voltage":
            value = torch.as_tensor(value).clamp(max=1.0)
        super().__setattr__(name, value)


class NeedsAWeight(_Leaky):
    """The constructor asks for an argument of its own."""

    def __init__(self, *args: Any, weight: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


class OneUnitWhateverIsAsked(_Leaky):
    """An ensemble of it has one unit only."""

    @property
    def num_units(self) -> int:
        return 1


class RefractoryInSeconds(_Leaky):
    """The refractory period is declared in seconds, and counted in ms."""

    tau_ref = rb.Parameter(0.002, unit="s", at_least=0, doc="refractory period")


class DefaultForOneSetOnly(_Leaky):
    """A default that leaves its domain as soon as the parameter that it follows is a little larger."""

    volt_slope = rb.Parameter(lambda p: 1.0 - p.volt_thresh, unit="mV", at_least=0, doc="a slope")


class PresetThatExplodes(rb.AnalogNeuron):
    """tau dV/dt = -V + I; a preset's step is far too long for its time constant."""

    tau = rb.Parameter(5.0, unit="ms", above=0, doc="membrane time constant")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential")
    fast = rb.Preset("fast membrane", params={"tau": 0.01}, state={"voltage": -1.0}, dt=1.0)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau}


class PresetWithoutItsValues(_Leaky):
    """The constructor sets a parameter, whatever the preset says."""

    slow = rb.Preset("slow membrane", params={"tau": 50.0})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tau = 5.0


class PresetOfAnotherShape(_Leaky):
    """A preset's stimulus is for five units, and the preset makes one."""

    five = rb.Preset("five cells", stimulus=torch.full((5,), 2.0), duration=10.0)


class ChoiceWithoutAnEquation(_Leaky):
    """An option with a choice that the equation does not know."""

    leak = rb.Option("linear", "quadratic", "none", doc="the form of the leak")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        leak = {"linear": state.voltage, "quadratic": state.voltage**2}[params.leak]
        return {"voltage": (data - leak) / params.tau}


class ChoiceThatIsNotFinite(_Leaky):
    """An option with a choice that divides zero by zero at rest."""

    leak = rb.Option("linear", "saturating", doc="the form of the leak")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        leak = state.voltage if params.leak == "linear" else state.voltage / state.voltage.abs()
        return {"voltage": (data - leak) / params.tau}


class AdaptsInTheClass(_Leaky):
    """The derivatives count their calls, in the class, and slow down with them."""

    calls = 0

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        AdaptsInTheClass.calls += 1
        return {"voltage": (data - state.voltage) / (params.tau + 1e-3 * AdaptsInTheClass.calls)}


_LAST: list[Any] = [0.0]


class RemembersTheLastCall(_Leaky):
    """The derivatives use the voltage of their last call, kept beside the model."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        before, _LAST[0] = _LAST[0], state.voltage.detach().mean()
        return {"voltage": (data - state.voltage + 0.1 * before) / params.tau}


class NoiseInTheEquation(_Leaky):
    """The derivatives draw random numbers, anew at every call of the integrator."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage + 0.01 * torch.randn_like(state.voltage)) / params.tau}


class DerivativesInPlace(_Leaky):
    """The derivatives are worked out in the tensor of the state."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": state.voltage.neg_().add_(data).div_(params.tau)}


class _Adapting(_Leaky):
    """The leaky neuron with a current that each spike raises: sound."""

    adaptation = rb.State(0.0, unit="mV", at_rest=True, doc="adaptation current, as a voltage")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {
            "voltage": (data - state.voltage - state.adaptation) / params.tau,
            "adaptation": -state.adaptation / 50.0,
        }

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage), "adaptation": state.adaptation + 0.1}


class ResetInPlace(_Adapting):
    """The reset adds to the tensor of the state, for all units and not for those that spiked."""

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage), "adaptation": state.adaptation.add_(0.1)}


class ResetToTheMean(_Leaky):
    """A unit is reset by the mean voltage of all units."""

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": state.voltage - state.voltage.mean() - 1.0}


class NormalisedByAllUnits(_Leaky):
    """The input is divided by that of all units, within the model."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        share = data / (1.0 + data.abs().sum(dim=-1, keepdim=True))
        return {"voltage": (10.0 * share - state.voltage) / params.tau}


class FirstUnitDecides(_Leaky):
    """A branch on the voltage of the first unit, for all."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        gain = 1.0 if float(state.voltage.reshape(-1)[0]) < 0.1 else 2.0
        return {"voltage": (gain * data - state.voltage) / params.tau}


class BlindToBatches(_Adapting):
    """A matrix couples the states, by an operation for one dimension only."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        both = torch.stack([state.voltage, state.adaptation])
        matrix = torch.tensor([[-1.0, -1.0], [0.0, -0.1]], dtype=both.dtype)
        voltage, adaptation = torch.einsum("ij,jn->in", matrix, both)
        return {"voltage": (voltage + data) / params.tau, "adaptation": adaptation / params.tau}


class SingleInTheEquation(_Leaky):
    """The derivatives are worked out in float32, whatever the states are in."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": ((data - state.voltage) / params.tau).float()}


class ThresholdThatIsABool(_Leaky):
    """The threshold says whether, and not how far: g is never below zero, and no neuron is made."""

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage > params.volt_thresh


class ResetOfWhatIsNotThere(_Leaky):
    """The reset names a state that is not declared."""

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage), "recovery": state.voltage + 1.0}


class AnnouncesWhatItLacks(_Leaky):
    """A loggable property that no step gives."""

    loggable_props = ("input", "voltage", "spiked", "current_leak")


class GivesMoreThanItAnnounces(_Leaky):
    """A step gives an output that is not announced, and leaves out one that is."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        out = super().forward(data, identifiers)
        return {"v": out["voltage"], "spiked": out["spiked"]}


class ReportsBeforeTheReset(_Leaky):
    """A step gives the voltage at the threshold where a unit spiked, and not the one after the reset."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        before = self.voltage.clone()
        return {**super().forward(data, identifiers), "voltage": before}


class UnusedDomain(_Adapting):
    """A state is declared between 0 and 0.25, and each spike raises it without end."""

    adaptation = rb.State(0.0, unit="mV", at_rest=True, at_least=0, at_most=0.25, doc="adaptation current")

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage), "adaptation": state.adaptation + 0.3}


class NumbersInPlaceOfTensors(_Leaky):
    """A step gives lists of numbers."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        out = super().forward(data, identifiers)
        return {**out, "spiked": out["spiked"].tolist()}
