"""Sound models with awkward events: nothing may be said against them."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch

SOUND = [
    "ResetNearThreshold",
    "SoftReset",
    "AdaptiveThreshold",
    "OwnForwardThatIsRight",
    "NoRefractoryPeriod",
    "Bursting",
    "Bistable",
    "Spontaneous",
    "FilteredInput",
    "HardFloor",
    "Amperes",
    "NeverSpikes",
    "InhibitionFires",
    "Quadratic",
    "RingsAtRest",
]


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


class SoftReset(_Leaky):
    """A spike takes the threshold from the voltage: under strong drive it stays above, silent."""

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": state.voltage - 1.0}


class AdaptiveThreshold(_Leaky):
    """A threshold that each spike raises, and that falls back by itself."""

    tau_ref = rb.Parameter(0.5, unit="ms", at_least=0, doc="refractory period")
    tau_thresh = rb.Parameter(80.0, unit="ms", above=0, doc="time constant of the threshold")
    rise = rb.Parameter(0.3, unit="mV", at_least=0, doc="how much a spike raises the threshold")
    raised = rb.State(0.0, unit="mV", at_rest=True, doc="how much the threshold is raised")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {
            "voltage": (data - state.voltage) / params.tau,
            "raised": -state.raised / params.tau_thresh,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1.0 - state.raised

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": 0.0 * state.voltage, "raised": state.raised + params.rise}


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


class FilteredInput(_Leaky):
    """Its forward filters the input, exactly, and hands it on."""

    tau_syn = rb.Parameter(2.0, unit="ms", above=0, doc="time constant of the filter")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.register_buffer("_filtered", torch.zeros(self.num_units, dtype=self.dtype))

    def reset_state(self) -> None:
        super().reset_state()
        self._keep("_filtered", torch.zeros(self.num_units, dtype=self.dtype, device=self.device))

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        filtered = current + (self._filtered - current) * torch.exp(-self.dt / self.tau_syn)
        self._keep("_filtered", filtered)
        return super().forward(filtered)


class HardFloor(_Leaky):
    """The voltage cannot fall below a floor: there, what would pull it down does nothing."""

    floor = rb.Parameter(-0.5, unit="mV", below=0, doc="the lowest voltage")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        slope = (data - state.voltage) / params.tau
        return {"voltage": torch.where(state.voltage > params.floor, slope, slope.clamp(min=0.0))}


class Amperes(rb.SpikingNeuron):
    """C dV/dt = -g (V - E) + I in volts, amperes, siemens and farads; only time is in ms."""

    capacitance = rb.Parameter(200e-12, unit="F", above=0, doc="membrane capacitance")
    leak = rb.Parameter(10e-9, unit="S", above=0, doc="leak conductance")
    rest = rb.Parameter(-0.07, unit="V", doc="resting potential")
    tau_ref = rb.Parameter(2.0, unit="ms", at_least=0, doc="refractory period")
    voltage = rb.State("rest", unit="V", at_rest=True, doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        slope = (params.leak * (params.rest - state.voltage) + data) / params.capacitance
        return {"voltage": 1e-3 * slope}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - (params.rest + 0.02)

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": params.rest}


class NeverSpikes(_Leaky):
    """Its voltage saturates below its threshold, whatever the input."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (0.9 * torch.tanh(data) - state.voltage) / params.tau}


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
