"""Sound components as they are published, each awkward for one property: nothing may be said of them."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch
from rheobase import Advance, Integrator, IntegratorSpec, Parameter, SpikingNeuron, State

SOUND = [
    "Adex",
    "GLIF5",
    "VogelsAbbott",
    "BoundedInput",
    "TsodyksMarkram",
    "ExactFromZero",
    "ExactForward",
    "WilsonCowan",
    "Rulkov",
    "RosenbrockEuler",
]

DEAR = ["GLIF5", "BoundedInput", "RosenbrockEuler"]
HARDEST = {
    "Adex": ["backends-agree"],
    "GLIF5": ["backends-agree"],
    "VogelsAbbott": ["backends-agree"],
    "BoundedInput": ["strong-drive-never-silences"],
    "TsodyksMarkram": ["strong-drive-never-silences"],
    "ExactFromZero": ["float32-close-to-float64"],
    "ExactForward": ["float32-close-to-float64"],
    "WilsonCowan": ["float32-close-to-float64"],
    "Rulkov": ["own-steps-honour-dt", "spike-times-converge", "a-map-takes-no-dt"],
    "RosenbrockEuler": ["order-as-claimed", "located-times-converge"],
}
"""Name -> the properties that it is hardest for; they are tried in the standard profile in the usual run."""


# As CONTRIBUTING.md has it, to the letter.
class Adex(SpikingNeuron):
    r"""Adaptive exponential integrate-and-fire (Brette and Gerstner 2005).

    C dV/dt     = -g_L (V - E_L) + g_L Delta_T exp((V - V_T) / Delta_T) - w + I
    tau_w dw/dt = a (V - E_L) - w
    V >= V_peak:  V -> V_r,  w -> w + b

    Units: V in mV, times in ms, w and I in pA, conductances in nS, C in pF.
    """

    c = Parameter(281.0, unit="pF", above=0, doc="membrane capacitance C")
    g_l = Parameter(30.0, unit="nS", above=0, doc="leak conductance g_L")
    e_l = Parameter(-70.6, unit="mV", doc="leak reversal potential E_L")
    v_t = Parameter(-50.4, unit="mV", doc="threshold of the exponential V_T")
    delta_t = Parameter(2.0, unit="mV", above=0, doc="slope of the exponential Delta_T")
    a = Parameter(4.0, unit="nS", doc="subthreshold adaptation")
    b = Parameter(80.5, unit="pA", doc="spike-triggered adaptation")
    tau_w = Parameter(144.0, unit="ms", above=0, doc="adaptation time constant")
    v_r = Parameter("e_l", unit="mV", doc="potential after a spike")
    v_peak = Parameter(20.0, unit="mV", doc="where a spike is counted")

    voltage = State("e_l", unit="mV", doc="membrane potential V")
    w = State(0.0, unit="pA", doc="adaptation current")

    @staticmethod
    def derivatives(state, params, data):
        v, w = state.voltage, state.w
        upstroke = params.g_l * params.delta_t * torch.exp((v - params.v_t) / params.delta_t)
        return {
            "voltage": (-params.g_l * (v - params.e_l) + upstroke - w + data) / params.c,
            "w": (params.a * (v - params.e_l) - w) / params.tau_w,
        }

    @staticmethod
    def threshold(state, params):
        return state.voltage - params.v_peak

    @staticmethod
    def reset(state, params):
        return {"voltage": params.v_r, "w": state.w + params.b}


class GLIF5(rb.SpikingNeuron):
    """Leaky, with after-spike currents and a threshold that spikes and the voltage move (Teeter et al. 2018).

    C dV/dt = I + I_1 + I_2 - (V - E_L) / R,  dI_j/dt = -k_j I_j,
    d theta_s/dt = -b_s theta_s,  d theta_v/dt = a_v (V - E_L) - b_v theta_v;
    V >= theta_inf + theta_s + theta_v:  V -> V_r, I_j -> f_j I_j + d_j, theta_s -> theta_s + d_s.
    """

    tau_ref = rb.Parameter(2.0, unit="ms", at_least=0, doc="refractory period")
    capacitance = rb.Parameter(100.0, unit="pF", above=0, doc="membrane capacitance")
    resistance = rb.Parameter(0.2, unit="GOhm", above=0, doc="membrane resistance")
    volt_rest = rb.Parameter(-70.0, unit="mV", doc="resting potential")
    volt_reset = rb.Parameter("volt_rest", unit="mV", doc="potential after a spike")
    theta_inf = rb.Parameter(-50.0, unit="mV", doc="threshold at rest")
    rate_fast = rb.Parameter(0.3, unit="1/ms", above=0, doc="decay of the fast current")
    rate_slow = rb.Parameter(0.01, unit="1/ms", above=0, doc="decay of the slow current")
    jump_fast = rb.Parameter(-20.0, unit="pA", doc="fast current of a spike")
    jump_slow = rb.Parameter(-5.0, unit="pA", doc="slow current of a spike")
    rate_spike = rb.Parameter(0.1, unit="1/ms", above=0, doc="decay of the threshold's part of spikes")
    jump_spike = rb.Parameter(2.0, unit="mV", at_least=0, doc="what a spike adds to the threshold")
    gain_volt = rb.Parameter(0.005, unit="1/ms", doc="how the voltage moves the threshold")
    rate_volt = rb.Parameter(0.09, unit="1/ms", above=0, doc="decay of the threshold's part of the voltage")
    voltage = rb.State("volt_rest", unit="mV", doc="membrane potential")
    fast = rb.State(0.0, unit="pA", doc="fast after-spike current")
    slow = rb.State(0.0, unit="pA", doc="slow after-spike current")
    theta_spike = rb.State(0.0, unit="mV", doc="the threshold's part of spikes")
    theta_volt = rb.State(0.0, unit="mV", doc="the threshold's part of the voltage")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        away = state.voltage - params.volt_rest
        current = data + state.fast + state.slow - away / params.resistance
        return {
            "voltage": current / params.capacitance,
            "fast": -params.rate_fast * state.fast,
            "slow": -params.rate_slow * state.slow,
            "theta_spike": -params.rate_spike * state.theta_spike,
            "theta_volt": params.gain_volt * away - params.rate_volt * state.theta_volt,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - params.theta_inf - state.theta_spike - state.theta_volt

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {
            "voltage": params.volt_reset,
            "fast": state.fast + params.jump_fast,
            "slow": state.slow + params.jump_slow,
            "theta_spike": state.theta_spike + params.jump_spike,
        }


class VogelsAbbott(rb.SpikingNeuron):
    """Conductances of synapses that decay (Vogels and Abbott 2005).

    C dV/dt = g_L (E_L - V) + g_e (E_e - V) + g_i (E_i - V), tau_j dg_j/dt = -g_j + tau_j * input
    """

    tau_ref = rb.Parameter(5.0, unit="ms", at_least=0, doc="refractory period")
    capacitance = rb.Parameter(200.0, unit="pF", above=0, doc="membrane capacitance")
    leak = rb.Parameter(10.0, unit="nS", above=0, doc="leak conductance")
    volt_rest = rb.Parameter(-60.0, unit="mV", doc="resting potential")
    volt_excite = rb.Parameter(0.0, unit="mV", doc="reversal potential of excitation")
    volt_inhibit = rb.Parameter(-80.0, unit="mV", doc="reversal potential of inhibition")
    volt_thresh = rb.Parameter(-50.0, unit="mV", doc="threshold")
    tau_excite = rb.Parameter(5.0, unit="ms", above=0, doc="time constant of excitation")
    tau_inhibit = rb.Parameter(10.0, unit="ms", above=0, doc="time constant of inhibition")
    excitation = rb.Input(unit="nS/ms", at_least=0, doc="excitatory input")
    inhibition = rb.Input(unit="nS/ms", at_least=0, doc="inhibitory input")
    voltage = rb.State("volt_rest", unit="mV", doc="membrane potential")
    excite = rb.State(0.0, unit="nS", at_least=0, doc="excitatory conductance")
    inhibit = rb.State(0.0, unit="nS", at_least=0, doc="inhibitory conductance")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        v = state.voltage
        current = (
            params.leak * (params.volt_rest - v)
            + state.excite * (params.volt_excite - v)
            + state.inhibit * (params.volt_inhibit - v)
        )
        return {
            "voltage": current / params.capacitance,
            "excite": data.excitation - state.excite / params.tau_excite,
            "inhibit": data.inhibition - state.inhibit / params.tau_inhibit,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - params.volt_thresh

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": params.volt_rest}


class _FromZero(rb.SpikingNeuron):
    """A membrane that rests at 0, with its threshold at 15 mV."""

    tau = rb.Parameter(20.0, unit="ms", above=0, doc="membrane time constant")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential, above rest")

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 15.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}


class BoundedInput(_FromZero):
    """tau dV/dt = -V + gain * rate, whose input is a rate up to 1000 Hz."""

    gain = rb.Parameter(0.15, unit="mV/Hz", above=0, doc="what a rate gives")
    rate = rb.Input(unit="Hz", at_least=0, at_most=1000, doc="rate of the input")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (params.gain * data.rate - state.voltage) / params.tau}


class TsodyksMarkram(_FromZero):
    """A synapse with short-term plasticity, driven by a rate (Tsodyks, Pawelzik and Markram 1998).

    du/dt = (U - u) / tau_f + U (1 - u) r,  dx/dt = (1 - x) / tau_d - u x r,  tau dV/dt = -V + A u x r
    """

    use = rb.Parameter(0.5, unit="1", above=0, at_most=1, doc="release probability U")
    tau_facil = rb.Parameter(50.0, unit="ms", above=0, doc="time constant of facilitation")
    tau_recover = rb.Parameter(100.0, unit="ms", above=0, doc="time constant of recovery")
    weight = rb.Parameter(4000.0, unit="mV ms", above=0, doc="what a release gives")
    rate = rb.Input(unit="1/ms", at_least=0, at_most=1, doc="presynaptic rate")
    release = rb.State("use", unit="1", at_rest=True, at_least=0, at_most=1, doc="release probability u")
    resource = rb.State(1.0, unit="1", at_rest=True, at_least=0, at_most=1, doc="resources left x")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        u, x = state.release, state.resource
        flow = u * x * data.rate
        return {
            "voltage": (params.weight * flow - state.voltage) / params.tau,
            "release": (params.use - u) / params.tau_facil + params.use * (1.0 - u) * data.rate,
            "resource": (1.0 - x) / params.tau_recover - flow,
        }


class ExactFromZero(_FromZero):
    """V(t + dt) = G + (V - G) exp(-dt / tau), G = R I: at first the small difference of two large numbers."""

    resistance = rb.Parameter(0.1, unit="GOhm", above=0, doc="membrane resistance R")

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> Any:
        target = params.resistance * data
        return {"voltage": target + (state.voltage - target) * torch.exp(-dt / params.tau)}


class ExactForward(_FromZero):
    """The same in a forward of its own."""

    resistance = rb.Parameter(0.1, unit="GOhm", above=0, doc="membrane resistance R")

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        target = self.resistance * current
        voltage = target + (self.voltage - target) * torch.exp(-self.dt / self.tau)
        fired = (voltage >= 15.0) & (self.voltage < 15.0)
        new = torch.where(fired, 0.0, voltage)
        return _committed(self, current, {"voltage": new}, fired)


def _committed(neuron: Any, current: Any, new: dict[str, Any], fired: Any) -> Any:
    """The end of a step: what the neuron keeps, and what it gives."""
    shape = fired.shape
    new = {name: value.expand(shape) for name, value in new.items()}
    outputs = {"input": current.expand(shape), **new, "spiked": fired.to(torch.int8)}
    neuron.commit({**new, "carry": None}, outputs)
    return {name: value.clone() for name, value in outputs.items()}


class WilsonCowan(rb.AnalogNeuron):
    """Two populations (Wilson and Cowan 1972), with S(x) = sigma(a (x - theta)) - sigma(-a theta).

    tau dE/dt = -E + (1 - E) S_e(c1 E - c2 I + P),  tau dI/dt = -I + (1 - I) S_i(c3 E - c4 I)
    """

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="time constant of both")
    excite = rb.State(0.0, unit="1", at_rest=True, doc="active part of the excitatory cells")
    inhibit = rb.State(0.0, unit="1", at_rest=True, doc="active part of the inhibitory cells")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        e, i = state.excite, state.inhibit
        into_e = _sigmoid(16.0 * e - 12.0 * i + data, 1.3, 4.0)
        into_i = _sigmoid(15.0 * e - 3.0 * i, 2.0, 3.7)
        return {
            "excite": (-e + (1.0 - e) * into_e) / params.tau,
            "inhibit": (-i + (1.0 - i) * into_i) / params.tau,
        }


def _sigmoid(x: Any, slope: float, theta: float) -> Any:
    return torch.sigmoid(slope * (x - theta)) - torch.sigmoid(torch.zeros_like(x) - slope * theta)


class Rulkov(rb.SpikingNeuron):
    """A map of two dimensions (Rulkov 2002), one iteration a step.

    x' = f(x, y + I),  y' = y - mu (x + 1 - sigma - I);
    f(x, u) = alpha / (1 - x) + u for x <= 0, alpha + u for 0 < x < alpha + u, else -1: a spike.
    """

    discrete = True

    alpha = rb.Parameter(4.5, unit="1", above=0, doc="shape of the map")
    mu = rb.Parameter(0.001, unit="1", above=0, doc="how slow the slow variable is")
    sigma = rb.Parameter(-0.1, unit="1", doc="drive of the slow variable")
    voltage = rb.State(-1.1, unit="1", doc="fast variable x")
    slow = rb.State(-3.24, unit="1", doc="slow variable y")

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        x, u = self.voltage, self.slow + current
        falls = x >= torch.clamp(self.alpha + u, min=0.0)
        rest = self.alpha / (1.0 - torch.clamp(x, max=0.0)) + u
        new = torch.where(falls, -1.0, torch.where(x <= 0.0, rest, self.alpha + u))
        fired = (x <= 0.0) & (new > 0.0)
        slow = self.slow - self.mu * (x + 1.0 - self.sigma - current)
        return _committed(self, current, {"voltage": new, "slow": slow}, fired)


class RosenbrockEuler(Integrator):
    """y + h phi(h J) f(y), J by differences: of order 2 where the field does not look at the time.

    phi(z) = (exp(z) - 1) / z (Hochbruck and Ostermann 2010), by its series; a field of time is taken in the
    middle of the step, and J without its share.
    """

    order = 2

    def advance(self, field: Any, y: Any, t0: Any, t1: Any, *, carry: Any = None) -> Advance:
        h = t1 - t0
        middle = t0 + 0.5 * h
        slope = field(middle, y)
        columns = []
        for index in range(len(y)):
            by = 1e-6 * torch.clamp(y[index].abs(), min=1.0)
            rows = [part + by if place == index else part for place, part in enumerate(y.unbind(0))]
            columns.append((field(middle, torch.stack(rows)) - slope) / by)
        jacobian = torch.stack(columns, dim=1)
        term = total = slope
        for power in range(2, 12):
            term = h / power * (jacobian * term).sum(dim=1)
            total = total + term
        return Advance(y + h * total)


SPECS = {"RosenbrockEuler": IntegratorSpec("zoo", "sound_published:RosenbrockEuler", order=2)}
"""What is claimed of the method."""
