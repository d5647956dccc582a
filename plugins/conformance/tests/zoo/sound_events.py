"""Sound models with awkward events: nothing may be said against them."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch

SOUND = [
    "ResetNearThreshold",
    "OwnForwardThatIsRight",
    "NoRefractoryPeriod",
    "Bursting",
    "Bistable",
    "Spontaneous",
    "InhibitionFires",
    "Quadratic",
    "RingsAtRest",
]
DEAR = [
    "ResetNearThreshold",
    "NoRefractoryPeriod",
    "Bursting",
    "Bistable",
    "Spontaneous",
    "InhibitionFires",
    "Quadratic",
    "RingsAtRest",
]
HARDEST = {
    "OwnForwardThatIsRight": [
        "refractory-period-in-ms",
        "own-steps-honour-dt",
        "reset-as-declared",
        "spikes-end",
        "spikes-come-with-their-jumps",
        "spikes-again-after-a-rest",
        "refractory-period-exact",
    ]
}
"""Name -> the properties that it is hardest for, which are tried in the standard profile in the usual run."""


class ResetNearThreshold(rb.SpikingNeuron):
    """tau dV/dt = V_rest - V + R I, with a reset above rest, just below the threshold."""

    tau = rb.Parameter(20.0, unit="ms", above=0, doc="membrane time constant")
    volt_rest = rb.Parameter(-65.0, unit="mV", doc="resting potential")
    volt_reset = rb.Parameter(lambda p: p.volt_rest + 14.0, unit="mV", doc="potential after a spike")
    resistance = rb.Parameter(0.1, unit="GOhm", above=0, doc="membrane resistance")
    tau_ref = rb.Parameter(2.0, unit="ms", at_least=0, doc="refractory period")
    voltage = rb.State("volt_rest", unit="mV", at_rest=True, doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (params.volt_rest - state.voltage + params.resistance * data) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - (params.volt_rest + 15.0)

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": params.volt_reset}


class _Leaky(rb.SpikingNeuron):
    """tau dV/dt = -V + I: a spike at 1, then back to 0."""

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
        return {"voltage": 0.0 * state.voltage}


class OwnForwardThatIsRight(_Leaky):
    """A forward of its own: the exact solution for a constant input, with threshold, reset and rest."""

    tau_ref = rb.Parameter(1.0, unit="ms", at_least=0, doc="refractory period")

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        shape = torch.broadcast_shapes(current.shape, self.voltage.shape)
        current, v, left = (each.expand(shape) for each in (current, self.voltage, self.hold))
        moved = current + (v - current) * torch.exp(-self.dt / self.tau)
        new = torch.where(left > 0, v, moved)
        fired = (new >= 1.0) & ((v < 1.0) | (left == 1)) & (left <= 1)
        whole = torch.round(self.tau_ref / self.dt).to(torch.int32)
        new = torch.where(fired, 0.0, new)
        hold = torch.where(fired, whole, (left - 1).clamp(min=0)).to(torch.int32)
        state = {"voltage": new, "hold": hold, "armed": new < 1.0, "carry": None}
        outputs = {"input": current, "voltage": new, "spiked": fired.to(torch.int8)}
        self.commit(state, outputs)
        return {name: value.clone() for name, value in outputs.items()}


class NoRefractoryPeriod(_Leaky):
    """A refractory period is declared, and is zero."""

    tau_ref = rb.Parameter(0.0, unit="ms", at_least=0, doc="refractory period")


class Bursting(_Leaky):
    """The reset lies near the threshold: quick spikes, until the recovery has grown."""

    volt_reset = rb.Parameter(0.97, unit="mV", doc="potential after a spike")
    tau_slow = rb.Parameter(50.0, unit="ms", above=0, doc="time constant of the recovery")
    recovery = rb.State(0.0, unit="mV", at_rest=True, doc="what a spike leaves behind")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {
            "voltage": (data - state.recovery - state.voltage) / params.tau,
            "recovery": -state.recovery / params.tau_slow,
        }

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": params.volt_reset, "recovery": state.recovery + 0.2}


class Bistable(rb.AnalogNeuron):
    """tau dV/dt = V - V^3 + I, from its unstable rest at zero: a memory of the sign of its input."""

    tau = rb.Parameter(5.0, unit="ms", above=0, doc="time constant")
    voltage = rb.State(0.0, unit="1", at_rest=True, doc="what it remembers")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        v = state.voltage
        return {"voltage": (v - v * v * v + data) / params.tau}


class Spontaneous(_Leaky):
    """It fires without input: a current of its own is above the threshold."""

    bias = rb.Parameter(3.0, unit="mV", doc="its own drive")
    tau_ref = rb.Parameter(1.0, unit="ms", at_least=0, doc="refractory period")
    voltage = rb.State(0.0, unit="mV", doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data + params.bias - state.voltage) / params.tau}


class InhibitionFires(_Leaky):
    """Only negative input makes it spike."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (-data - state.voltage) / params.tau}


class Quadratic(rb.SpikingNeuron):
    """tau dV/dt = V^2 - 1 + I: it runs off to infinity in finite time, and is reset on the way."""

    dt_max = 0.1

    tau = rb.Parameter(5.0, unit="ms", above=0, doc="time constant")
    peak = rb.Parameter(10.0, unit="1", above=0, doc="where a spike ends")
    voltage = rb.State(-1.0, unit="1", at_rest=True, doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (state.voltage * state.voltage - 1.0 + data) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - params.peak

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": -params.peak}


class RingsAtRest(rb.SpikingNeuron):
    """Resonate and fire (Izhikevich 2001): a damped oscillation about rest, which inhibition too sets off."""

    damping = rb.Parameter(0.1, unit="1/ms", above=0, doc="rate of decay")
    omega = rb.Parameter(0.6, unit="1/ms", above=0, doc="angular frequency")
    voltage = rb.State(0.0, unit="1", at_rest=True, doc="the voltage-like part")
    current = rb.State(0.0, unit="1", at_rest=True, doc="the current-like part")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        x, y = state.current, state.voltage
        return {
            "voltage": params.omega * x - params.damping * y,
            "current": data - params.damping * x - params.omega * y,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": 1.0 + 0.0 * state.voltage, "current": 0.0 * state.current}
