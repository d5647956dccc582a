"""Models that the engine's tests share, written as a stranger would write them.

Test modules cannot import each other, so fixtures return the classes. They stand at the module's top
level, where pickle finds them.
"""

from __future__ import annotations

import pytest
import rheobase as rb
import torch


class LIFNeuron(rb.SpikingNeuron):
    """Leaky integrate-and-fire: tau_mem dV/dt = -(V - V_rest) + I / g_L  (Lapicque 1907)."""

    volt_thresh = rb.Parameter(-55.0, unit="mV", doc="spike threshold")
    volt_rest = rb.Parameter(-75.0, unit="mV", doc="resting potential")
    volt_reset = rb.Parameter("volt_rest", unit="mV", doc="potential after a spike")
    leak_gl = rb.Parameter(5.0, unit="nS", above=0, doc="leak conductance")
    tau_mem = rb.Parameter(5.0, unit="ms", above=0, doc="membrane time constant")
    tau_ref = rb.Parameter(1.0, unit="ms", at_least=0, doc="refractory period")

    voltage = rb.State("volt_rest", unit="mV", at_rest=True)

    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": (params.volt_rest - state.voltage + data / params.leak_gl) / params.tau_mem}

    @staticmethod
    def threshold(state, params):
        return state.voltage - params.volt_thresh

    @staticmethod
    def reset(state, params):
        return {"voltage": params.volt_reset}


class CoupledNeuron(rb.SpikingNeuron):
    """Two coupled equations with nothing but + - * / (after Izhikevich 2003), and a refractory period."""

    a = rb.Parameter(0.02, unit="1/ms")
    b = rb.Parameter(0.2, unit="1/ms")
    c = rb.Parameter(-65.0, unit="mV")
    d = rb.Parameter(8.0, unit="mV/ms")
    volt_peak = rb.Parameter(30.0, unit="mV")
    tau_ref = rb.Parameter(0.0, unit="ms", at_least=0)

    voltage = rb.State("c", unit="mV")
    recovery = rb.State(lambda p: p.b * p.c, unit="mV/ms")

    @staticmethod
    def derivatives(state, params, data):
        v, u = state.voltage, state.recovery
        return {
            "voltage": 0.04 * v * v + 5 * v + 140 - u + data,
            "recovery": params.a * (params.b * v - u),
        }

    @staticmethod
    def threshold(state, params):
        return state.voltage - params.volt_peak

    @staticmethod
    def reset(state, params):
        return {"voltage": params.c, "recovery": state.recovery + params.d}


class AdExNeuron(rb.SpikingNeuron):
    """C dV/dt = -g (V - E) + g D exp((V - T) / D) - w + I;  tau_w dw/dt = a (V - E) - w  (Brette 2005)."""

    capacitance = rb.Parameter(281.0, unit="pF", above=0)
    leak = rb.Parameter(30.0, unit="nS", above=0)
    rest = rb.Parameter(-70.6, unit="mV")
    rheobase_voltage = rb.Parameter(-50.4, unit="mV")
    slope = rb.Parameter(2.0, unit="mV", above=0)
    tau_w = rb.Parameter(144.0, unit="ms", above=0)
    a = rb.Parameter(4.0, unit="nS")
    b = rb.Parameter(80.5, unit="pA")
    volt_reset = rb.Parameter(-60.0, unit="mV")
    volt_peak = rb.Parameter(20.0, unit="mV")

    voltage = rb.State("rest", unit="mV")
    adaptation = rb.State(0.0, unit="pA")

    @staticmethod
    def derivatives(state, params, data):
        v, w = state.voltage, state.adaptation
        upstroke = params.leak * params.slope * torch.exp((v - params.rheobase_voltage) / params.slope)
        return {
            "voltage": (params.leak * (params.rest - v) + upstroke - w + data) / params.capacitance,
            "adaptation": (params.a * (v - params.rest) - w) / params.tau_w,
        }

    @staticmethod
    def threshold(state, params):
        return state.voltage - params.volt_peak

    @staticmethod
    def reset(state, params):
        return {"voltage": params.volt_reset, "adaptation": state.adaptation + params.b}


class RampNeuron(rb.SpikingNeuron):
    """dV/dt = I and dw/dt = rate, spike at 10 mV: straight lines, so every value is known by hand."""

    rate = rb.Parameter(1.0, unit="1/ms")
    tau_ref = rb.Parameter(0.0, unit="ms", at_least=0)

    voltage = rb.State(0.0, unit="mV", at_rest=True)
    trace = rb.State(0.0, unit="1")

    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": data, "trace": params.rate}

    @staticmethod
    def threshold(state, params):
        return state.voltage - 10.0

    @staticmethod
    def reset(state, params):
        return {"voltage": 0.0}


class TwoInputNeuron(rb.AnalogNeuron):
    """C dV/dt = g_e (E_e - V) + g_i (E_i - V): conductances of two kinds."""

    excitation = rb.Input(unit="nS", aggregator="sum")
    inhibition = rb.Input(unit="nS", aggregator="mean", default=1.0)
    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state, params, data):
        drive = data.excitation * (0.0 - state.voltage) + data.inhibition * (-80.0 - state.voltage)
        return {"voltage": drive / 100.0}


class CountingIntegrator(rb.Integrator):
    """Euler's method, which carries the number of its calls for each unit."""

    order = 1

    def advance(self, field, y, t0, t1, *, carry=None):
        calls = torch.zeros_like(y[0]) if carry is None else carry["calls"]
        return rb.Advance(y + (t1 - t0) * field(t0, y), {"calls": calls + 1})


@pytest.fixture(scope="session")
def lif():
    return LIFNeuron


@pytest.fixture(scope="session")
def coupled():
    return CoupledNeuron


@pytest.fixture(scope="session")
def adex():
    return AdExNeuron


@pytest.fixture(scope="session")
def ramp():
    return RampNeuron


@pytest.fixture(scope="session")
def two_inputs():
    return TwoInputNeuron


@pytest.fixture(scope="session")
def counting():
    return CountingIntegrator
