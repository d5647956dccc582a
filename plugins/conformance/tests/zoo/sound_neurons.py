"""Sound models, some of them awkward: nothing may be said against them."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch

SOUND = [
    "NoisyThreshold",
    "Leaky",
    "SynapticFilter",
    "UndeclaredFollower",
    "StiffSynapse",
    "NeverSpikes",
    "HardFloor",
    "SoftReset",
    "Pacemaker",
    "AdaptiveThreshold",
    "TwoConductances",
    "SIUnits",
    "ExactDecay",
    "HighReset",
]
DEAR = [
    "SoftReset",
    "SynapticFilter",
    "StiffSynapse",
    "NeverSpikes",
    "HardFloor",
    "Pacemaker",
    "AdaptiveThreshold",
    "TwoConductances",
    "SIUnits",
    "ExactDecay",
    "HighReset",
]


class _Spiking(rb.SpikingNeuron):
    """A threshold at 1 and a reset to 0."""

    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential")

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": 0.0 * state.voltage}


class NoisyThreshold(_Spiking):
    """tau dV/dt = -V + I + noise: a stochastic model, which draws from its own generator."""

    stochastic = True

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    sigma = rb.Parameter(0.1, unit="mV", at_least=0, doc="standard deviation of the input's noise")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau}

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        shape = (*current.shape[:-1], self.num_units)
        noise = torch.randn(shape, generator=self.generator, dtype=torch.float64)
        return super().forward(current + self.sigma * noise.to(self.dtype))


class Leaky(rb.AnalogNeuron):
    """tau dV/dt = -V + R I: an analog model, which emits no spikes."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="time constant")
    resistance = rb.Parameter(0.5, unit="GOhm", above=0, doc="input resistance")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (params.resistance * data - state.voltage) / params.tau}


class SynapticFilter(_Spiking):
    """An input filtered by a synapse, in a forward and a buffer of its own: s' = s + (I - s) dt / tau_syn."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    tau_syn = rb.Parameter(2.0, unit="ms", above=0.5, doc="time constant of the synapse")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.register_buffer("trace", self._silence())

    def _silence(self) -> Any:
        return torch.zeros(self.num_units, dtype=self.dtype, device=self.device)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau}

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        trace = self.trace + (current - self.trace) * (self.dt / self.tau_syn)
        outputs = super().forward(trace)
        # Only now: a step that fails leaves the neuron as it was.
        self.trace = trace
        return outputs

    def reset_state(self) -> None:
        super().reset_state()
        self.trace = self._silence()


class UndeclaredFollower(rb.AnalogNeuron):
    """V(t + dt) = V + (I - V) / 2: a class that declares nothing, with a forward of its own."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        self.voltage = self.voltage + 0.5 * (current - self.voltage)
        self.input = current.expand(self.voltage.shape)
        return self.loggable_state()


class StiffSynapse(_Spiking):
    """tau_s ds/dt = I - s with tau_s = 0.05 ms, tau dV/dt = s - V with tau = 20 ms: stiff."""

    dt_max = 0.025

    tau = rb.Parameter(20.0, unit="ms", above=0, doc="membrane time constant")
    tau_syn = rb.Parameter(0.05, unit="ms", above=0, doc="time constant of the synapse")
    synapse = rb.State(0.0, unit="mV", at_rest=True, doc="synaptic drive")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {
            "voltage": (state.synapse - state.voltage) / params.tau,
            "synapse": (data - state.synapse) / params.tau_syn,
        }


class NeverSpikes(_Spiking):
    """tau dV/dt = 0.5 I / (1 + |I|) - V: the field saturates below the threshold, which is never reached."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (0.5 * data / (1.0 + abs(data)) - state.voltage) / params.tau}


class HardFloor(_Spiking):
    """tau dV/dt = I - V, and nothing falls below the floor: there the derivative is zero or upward."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    floor = rb.Parameter(-0.5, unit="mV", below=0, doc="the lowest voltage")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        rise = (data - state.voltage) / params.tau
        return {"voltage": torch.where(state.voltage > params.floor, rise, rise.clamp(min=0.0))}


class SoftReset(_Spiking):
    """tau dV/dt = I - V; a spike takes theta from the voltage, so that none of the charge is lost."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    theta = rb.Parameter(0.8, unit="mV", above=0, doc="what a spike takes away")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau}

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": state.voltage - params.theta}


class Pacemaker(_Spiking):
    """tau dV/dt = 1.5 - V + I: it fires without any input. A refractory period holds it after a spike."""

    tau = rb.Parameter(3.0, unit="ms", above=0, doc="membrane time constant")
    drive = rb.Parameter(1.5, unit="mV", doc="the current of its own")
    tau_ref = rb.Parameter(0.5, unit="ms", at_least=0, doc="refractory period")
    voltage = rb.State(0.0, unit="mV", doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (params.drive - state.voltage + data) / params.tau}


class AdaptiveThreshold(_Spiking):
    """tau dV/dt = I - V, tau_theta dtheta/dt = theta_0 - theta: each spike lifts the threshold theta."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    tau_theta = rb.Parameter(50.0, unit="ms", above=0, doc="time constant of the threshold")
    theta_rest = rb.Parameter(1.0, unit="mV", above=0, doc="the threshold of a neuron at rest")
    lift = rb.Parameter(0.3, unit="mV", at_least=0, doc="how far a spike lifts the threshold")
    theta = rb.State("theta_rest", unit="mV", at_rest=True, doc="threshold")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {
            "voltage": (data - state.voltage) / params.tau,
            "theta": (params.theta_rest - state.theta) / params.tau_theta,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - state.theta

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": 0.0 * state.voltage, "theta": state.theta + params.lift}


class TwoConductances(rb.SpikingNeuron):
    """C dV/dt = g_L (E_L - V) + g_e (E_e - V) + g_i (E_i - V), driven by two conductances >= 0."""

    excitation = rb.Input(unit="nS", at_least=0, doc="excitatory conductance")
    inhibition = rb.Input(unit="nS", at_least=0, doc="inhibitory conductance")
    capacitance = rb.Parameter(200.0, unit="pF", above=0, doc="membrane capacitance")
    leak = rb.Parameter(10.0, unit="nS", above=0, doc="leak conductance")
    volt_rest = rb.Parameter(-70.0, unit="mV", doc="resting potential")
    volt_excite = rb.Parameter(0.0, unit="mV", doc="reversal potential of excitation")
    volt_inhibit = rb.Parameter(-80.0, unit="mV", doc="reversal potential of inhibition")
    volt_thresh = rb.Parameter(-50.0, unit="mV", doc="spike threshold")
    volt_reset = rb.Parameter("volt_rest", unit="mV", doc="potential after a spike")
    tau_ref = rb.Parameter(2.0, unit="ms", at_least=0, doc="refractory period")
    # One step of RK4 is stable while g / C < 2.8 / dt: for 100 times the rheobase too.
    dt_max = 0.05
    voltage = rb.State("volt_rest", unit="mV", at_rest=True, doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        current = (
            params.leak * (params.volt_rest - state.voltage)
            + data.excitation * (params.volt_excite - state.voltage)
            + data.inhibition * (params.volt_inhibit - state.voltage)
        )
        return {"voltage": current / params.capacitance}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - params.volt_thresh

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": params.volt_reset}


class SIUnits(rb.SpikingNeuron):
    """C dV/dt = g (E - V) + I in volts, amperes, siemens and farads, times 1e-3 for a time in ms."""

    capacitance = rb.Parameter(2e-10, unit="F", above=0, doc="membrane capacitance")
    leak = rb.Parameter(1e-8, unit="S", above=0, doc="leak conductance")
    volt_rest = rb.Parameter(-0.07, unit="V", doc="resting potential")
    volt_thresh = rb.Parameter(-0.05, unit="V", doc="spike threshold")
    voltage = rb.State("volt_rest", unit="V", at_rest=True, doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        current = params.leak * (params.volt_rest - state.voltage) + data
        return {"voltage": 1e-3 * current / params.capacitance}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - params.volt_thresh

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": params.volt_rest}


class ExactDecay(_Spiking):
    """V(t + dt) = I + (V - I) exp(-dt / tau): a model that makes its own steps, and has no derivatives."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> Any:
        return {"voltage": data + (state.voltage - data) * torch.exp(-dt / params.tau)}


class HighReset(_Spiking):
    """tau dV/dt = I - V, tau_w dw/dt = V - w; the reset leaves V above the threshold V = 1 + w.

    So the unit is not armed, and spikes again only when it has fallen below and risen once more.
    """

    tau = rb.Parameter(5.0, unit="ms", above=0, doc="membrane time constant")
    tau_w = rb.Parameter(20.0, unit="ms", above=0, doc="time constant of the recovery")
    tau_ref = rb.Parameter(0.0, unit="ms", at_least=0, doc="refractory period: none")
    recovery = rb.State(0.0, unit="mV", at_rest=True, doc="recovery")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {
            "voltage": (data - state.voltage) / params.tau,
            "recovery": (state.voltage - state.recovery) / params.tau_w,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - state.recovery - 1.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": 0.0 * state.voltage + 3.0}
