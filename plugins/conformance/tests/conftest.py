"""A model as a stranger would write it, and an index that is not the user's."""

from __future__ import annotations

import sys
import types

import pytest
import rheobase as rb

collect_ignore_glob = [
    "zoo/*.py"
]  # what test_zoo.py judges: no tests, and they import one another by bare names


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


@pytest.fixture(scope="session")
def lif():
    return LIFNeuron


def _largest(inputs, identifiers=None):
    """The largest of the inputs."""
    return max(inputs)


@pytest.fixture
def toys(monkeypatch):
    """The model ``toy`` and the aggregator ``largest``, installed for this test."""
    module = types.ModuleType("toy_models")
    module.LIFNeuron, module.largest = LIFNeuron, _largest
    monkeypatch.setitem(sys.modules, "toy_models", module)

    class Plugin:
        @rb.hookimpl
        def rheobase_neurons(self):
            return [rb.NeuronSpec("toy", "toy_models:LIFNeuron", "a toy")]

        @rb.hookimpl
        def rheobase_aggregators(self):
            return [rb.AggregatorSpec("largest", "toy_models:largest", "the largest", commutative=True)]

    with rb.register(Plugin()):
        yield LIFNeuron
