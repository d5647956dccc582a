"""Models that read what they declare, and make nothing of it."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch
from ground import Leaky

FAULTS = {
    "NoiseTimesZero": "declarations-have-effect",
    "OneEquationForBoth": "declarations-have-effect",
    "AddedAndTakenAway": "declarations-have-effect",
    "ResetTimesZero": "declarations-have-effect",
    "DeafToInhibition": "declarations-have-effect",
    "DecayOfTheDefault": "declarations-have-effect",
    "StepsWithoutTheLeak": "declarations-have-effect",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""


class AddedAndTakenAway(Leaky):
    """A reversal potential is added to the voltage, and taken away from it."""

    volt_rest = rb.Parameter(-70.0, unit="mV", doc="resting potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        absolute = state.voltage + params.volt_rest
        return {"voltage": (data - (absolute - params.volt_rest)) / params.tau}


class ResetTimesZero(Leaky):
    """The reset takes the shape from its parameter, and no more."""

    volt_reset = rb.Parameter(-0.5, unit="mV", doc="potential after a spike")

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": 0.0 * (state.voltage + params.volt_reset)}


class OneEquationForBoth(Leaky):
    """An option of which both branches have the same equation."""

    leak = rb.Option("linear", "quadratic", doc="how the leak grows")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        if params.leak == "linear":
            return {"voltage": (data - state.voltage) / params.tau}
        return {"voltage": data / params.tau - state.voltage / params.tau}


class DeafToInhibition(Leaky):
    """Inhibition shunts a current that is no more than rounding of another."""

    excitation = rb.Input(unit="mV", at_least=0, doc="excitatory drive")
    inhibition = rb.Input(unit="mV", at_least=0, doc="inhibitory drive")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        shunt = data.inhibition.clamp(max=0.0)
        return {"voltage": (data.excitation - shunt - state.voltage) / params.tau}


class NoiseTimesZero(Leaky):
    """What is drawn is multiplied by the part of the step that is left, which is none."""

    noise = rb.Draw("normal", doc="noise of the reset")

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        left = state.voltage - state.voltage
        return {"voltage": left * params.noise}


class DecayOfTheDefault(Leaky):
    """An exact step whose decay was tabled for the default: the parameter is looked at, and not used."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        keep = torch.exp(-self.dt / torch.full_like(self.tau, 10.0))
        new = current + (self.voltage - current) * keep
        fired = (new >= 1.0) & (self.voltage < 1.0)
        new = torch.where(fired, 0.0, new)
        outputs = {"input": current.expand(new.shape), "voltage": new, "spiked": fired.to(torch.int8)}
        self.commit({"voltage": new, "carry": None}, outputs)
        return {name: value.clone() for name, value in outputs.items()}


class StepsWithoutTheLeak(Leaky):
    """Its slopes know a second leak; its steps are a rule of its own, which does not."""

    leak = rb.Parameter(0.5, unit="1", at_least=0, doc="part of the leak that is not gated")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - (0.5 + params.leak) * state.voltage) / params.tau}

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> Any:
        return {"voltage": data + (state.voltage - data) * torch.exp(-dt / params.tau)}
