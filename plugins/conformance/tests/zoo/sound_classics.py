"""Sound models from the literature: nothing may be said against them."""

from __future__ import annotations

import math
from typing import Any

import rheobase as rb
import torch

SOUND = [
    "HodgkinHuxley",
    "EightStates",
    "AdEx",
    "QuadraticIF",
    "ResonateAndFire",
    "Choices",
    "FitzHughNagumo",
    "MorrisLecar",
]
DEAR = ["HodgkinHuxley", "EightStates", "AdEx", "QuadraticIF", "ResonateAndFire", "MorrisLecar"]


def _ratio(x: Any) -> Any:
    """x / (1 - exp(-x)), with its limit at 0, and a gradient there."""
    small = x.abs() < 1e-4
    safe = torch.where(small, torch.ones_like(x), x)
    return torch.where(small, 1.0 + x / 2.0 + x * x / 12.0, safe / -torch.expm1(-safe))


class HodgkinHuxley(rb.SpikingNeuron):
    """The squid's axon (Hodgkin and Huxley 1952): a spike is V rising through 0, and nothing is reset."""

    dt_max = 0.025

    capacitance = rb.Parameter(1.0, unit="uF/cm2", above=0, doc="membrane capacitance")
    sodium = rb.Parameter(120.0, unit="mS/cm2", at_least=0, doc="largest conductance of sodium")
    potassium = rb.Parameter(36.0, unit="mS/cm2", at_least=0, doc="largest conductance of potassium")
    leak = rb.Parameter(0.3, unit="mS/cm2", at_least=0, doc="leak conductance")
    volt_sodium = rb.Parameter(50.0, unit="mV", doc="reversal potential of sodium")
    volt_potassium = rb.Parameter(-77.0, unit="mV", doc="reversal potential of potassium")
    volt_leak = rb.Parameter(-54.387, unit="mV", doc="reversal potential of the leak")
    voltage = rb.State(-65.0, unit="mV", doc="membrane potential")
    m = rb.State(0.0529, unit="1", at_least=0, at_most=1, doc="activation of sodium")
    h = rb.State(0.5961, unit="1", at_least=0, at_most=1, doc="inactivation of sodium")
    n = rb.State(0.3177, unit="1", at_least=0, at_most=1, doc="activation of potassium")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        v = state.voltage
        open_m, close_m = _ratio((v + 40.0) / 10.0), 4.0 * torch.exp(-(v + 65.0) / 18.0)
        open_h = 0.07 * torch.exp(-(v + 65.0) / 20.0)
        close_h = torch.sigmoid((v + 35.0) / 10.0)
        open_n, close_n = 0.1 * _ratio((v + 55.0) / 10.0), 0.125 * torch.exp(-(v + 65.0) / 80.0)
        current = (
            params.sodium * state.m**3 * state.h * (params.volt_sodium - v)
            + params.potassium * state.n**4 * (params.volt_potassium - v)
            + params.leak * (params.volt_leak - v)
        )
        return {
            "voltage": (current + data) / params.capacitance,
            "m": open_m * (1.0 - state.m) - close_m * state.m,
            "h": open_h * (1.0 - state.h) - close_h * state.h,
            "n": open_n * (1.0 - state.n) - close_n * state.n,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {}


class EightStates(HodgkinHuxley):
    """Hodgkin and Huxley's membrane with a dendrite, two synapses and an adaptation: eight states."""

    coupling = rb.Parameter(0.2, unit="mS/cm2", at_least=0, doc="conductance between soma and dendrite")
    tau_excite = rb.Parameter(2.0, unit="ms", above=0, doc="time constant of excitation")
    tau_inhibit = rb.Parameter(8.0, unit="ms", above=0, doc="time constant of inhibition")
    tau_adapt = rb.Parameter(40.0, unit="ms", above=0, doc="time constant of adaptation")
    excitation = rb.Input(unit="mS/cm2/ms", at_least=0, doc="excitatory input to the dendrite")
    inhibition = rb.Input(unit="mS/cm2/ms", at_least=0, doc="inhibitory input to the dendrite")
    dendrite = rb.State(-65.0, unit="mV", doc="potential of the dendrite")
    excite = rb.State(0.0, unit="mS/cm2", at_least=0, doc="excitatory conductance")
    inhibit = rb.State(0.0, unit="mS/cm2", at_least=0, doc="inhibitory conductance")
    adapt = rb.State(0.0, unit="uA/cm2", doc="adaptation current")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        link = params.coupling * (state.dendrite - state.voltage)
        inner = HodgkinHuxley.derivatives(state, params, link - state.adapt)
        synapses = state.excite * (0.0 - state.dendrite) + state.inhibit * (-80.0 - state.dendrite)
        leak = params.leak * (-65.0 - state.dendrite)
        return {
            **inner,
            "dendrite": (leak - link + synapses) / params.capacitance,
            "excite": data.excitation - state.excite / params.tau_excite,
            "inhibit": data.inhibition - state.inhibit / params.tau_inhibit,
            "adapt": (0.05 * (state.voltage + 65.0) - state.adapt) / params.tau_adapt,
        }


class AdEx(rb.SpikingNeuron):
    """The adaptive exponential neuron (Brette and Gerstner 2005), with a plain exponential."""

    dt_max = 0.05

    capacitance = rb.Parameter(281.0, unit="pF", above=0, doc="membrane capacitance")
    leak = rb.Parameter(30.0, unit="nS", above=0, doc="leak conductance")
    volt_rest = rb.Parameter(-70.6, unit="mV", doc="resting potential")
    volt_thresh = rb.Parameter(-50.4, unit="mV", doc="where the exponential sets in")
    slope = rb.Parameter(2.0, unit="mV", above=0, doc="how sharply it does")
    volt_peak = rb.Parameter(0.0, unit="mV", doc="voltage at which a spike ends")
    tau_w = rb.Parameter(144.0, unit="ms", above=0, doc="time constant of the adaptation")
    a = rb.Parameter(4.0, unit="nS", doc="adaptation below threshold")
    b = rb.Parameter(80.5, unit="pA", doc="step of the adaptation at a spike")
    voltage = rb.State("volt_rest", unit="mV", doc="membrane potential")
    adaptation = rb.State(0.0, unit="pA", doc="adaptation current")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        upstroke = params.leak * params.slope * torch.exp((state.voltage - params.volt_thresh) / params.slope)
        current = params.leak * (params.volt_rest - state.voltage) + upstroke - state.adaptation + data
        pull = params.a * (state.voltage - params.volt_rest) - state.adaptation
        return {"voltage": current / params.capacitance, "adaptation": pull / params.tau_w}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - params.volt_peak

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": params.volt_rest, "adaptation": state.adaptation + params.b}


class QuadraticIF(rb.SpikingNeuron):
    """dV/dt = V^2 + I: the quadratic neuron (Ermentrout and Kopell 1986), from its resting point at -1."""

    dt_max = 0.02

    rest = rb.Parameter(1.0, unit="1/ms2", at_least=0, doc="how far the bifurcation is away")
    peak = rb.Parameter(20.0, unit="1/ms", above=0, doc="where a spike ends")
    voltage = rb.State(lambda p: -p.rest.sqrt(), unit="1/ms", doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": state.voltage * state.voltage - params.rest + data}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - params.peak

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": -params.peak}


class ResonateAndFire(rb.SpikingNeuron):
    """dx/dt = b x - omega y + I, dy/dt = omega x + b y; a spike is y rising through 1 (Izhikevich 2001)."""

    damping = rb.Parameter(-0.1, unit="1/ms", below=0, doc="b, how fast an oscillation dies")
    frequency = rb.Parameter(50.0, unit="Hz", above=0, doc="omega / 2 pi")
    x = rb.State(0.0, unit="1", at_rest=True, doc="current-like variable")
    y = rb.State(0.0, unit="1", at_rest=True, doc="voltage-like variable")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        omega = params.frequency * (2.0 * math.pi / 1000.0)
        return {
            "x": params.damping * state.x - omega * state.y + data,
            "y": omega * state.x + params.damping * state.y,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.y - 1.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"x": torch.zeros_like(state.x), "y": torch.ones_like(state.y)}


class Choices(rb.SpikingNeuron):
    """dv/dt = 0.04 v^2 + 5 v + 140 - u + I, du/dt = a (b v - u) (Izhikevich 2003).

    An option chooses the paper's own steps, and presets its cells.
    """

    a = rb.Parameter(0.02, unit="1/ms", doc="rate of recovery")
    b = rb.Parameter(0.2, unit="1/ms", doc="how strongly the recovery follows the voltage")
    c = rb.Parameter(-65.0, unit="mV", doc="voltage after a spike")
    d = rb.Parameter(8.0, unit="mV/ms", doc="step of the recovery at a spike")
    scheme = rb.Option("converged", "published", doc="the equations' solution, or the paper's steps")
    voltage = rb.State("c", unit="mV", doc="membrane potential")
    recovery = rb.State(lambda p: p.b * p.c, unit="mV/ms", doc="recovery")
    chattering = rb.Preset("chattering", params={"c": -50.0, "d": 2.0}, citation="Izhikevich (2003)")
    fast = rb.Preset("fast spiking", params={"a": 0.1, "d": 2.0}, dt=0.05, citation="Izhikevich (2003)")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        v, u = state.voltage, state.recovery
        return {
            "voltage": 0.04 * v * v + 5.0 * v + 140.0 - u + data,
            "recovery": params.a * (params.b * v - u),
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 30.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": params.c, "recovery": state.recovery + params.d}

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> Any:
        if params.scheme == "converged":
            return NotImplemented
        v, u = state.voltage, state.recovery
        v = v + dt * (0.04 * v * v + 5.0 * v + 140.0 - u + data)
        return {"voltage": v, "recovery": u + dt * params.a * (params.b * v - u)}


class FitzHughNagumo(rb.AnalogNeuron):
    """dV/dt = V - V^3 / 3 - w + I, dw/dt = eps (V + a - b w) (FitzHugh 1961): analog, and not at rest."""

    eps = rb.Parameter(0.08, unit="1/ms", above=0, doc="how slow the recovery is")
    a = rb.Parameter(0.7, unit="1", doc="offset of the recovery")
    b = rb.Parameter(0.8, unit="1", doc="leak of the recovery")
    voltage = rb.State(-1.0, unit="1", doc="voltage-like variable")
    recovery = rb.State(-0.5, unit="1", doc="recovery")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        v, w = state.voltage, state.recovery
        return {"voltage": v - v**3 / 3.0 - w + data, "recovery": params.eps * (v + params.a - params.b * w)}


class MorrisLecar(rb.SpikingNeuron):
    """The barnacle's fibre (Morris and Lecar 1981): a spike is V rising through 0, and nothing is reset."""

    capacitance = rb.Parameter(20.0, unit="uF/cm2", above=0, doc="membrane capacitance")
    calcium = rb.Parameter(4.4, unit="mS/cm2", at_least=0, doc="largest conductance of calcium")
    potassium = rb.Parameter(8.0, unit="mS/cm2", at_least=0, doc="largest conductance of potassium")
    leak = rb.Parameter(2.0, unit="mS/cm2", at_least=0, doc="leak conductance")
    phi = rb.Parameter(0.04, unit="1/ms", above=0, doc="rate of the potassium channels")
    voltage = rb.State(-60.0, unit="mV", doc="membrane potential")
    n = rb.State(0.015, unit="1", at_least=0, at_most=1, doc="activation of potassium")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        v = state.voltage
        m = 0.5 * (1.0 + torch.tanh((v + 1.2) / 18.0))
        aim = 0.5 * (1.0 + torch.tanh((v - 2.0) / 30.0))
        current = (
            params.calcium * m * (120.0 - v)
            + params.potassium * state.n * (-84.0 - v)
            + params.leak * (-60.0 - v)
        )
        rate = params.phi * torch.cosh(((v - 2.0) / 60.0).clamp(-10.0, 10.0))
        return {"voltage": (current + data) / params.capacitance, "n": rate * (aim - state.n)}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {}
