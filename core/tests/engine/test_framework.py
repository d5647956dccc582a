"""A class says itself whether it is the framework's or an author's; where its file lies does not matter."""

from __future__ import annotations

import pytest
import rheobase as rb
import torch
from rheobase.conformance.neurons.subject import NeuronSubject
from rheobase.engine.model.framework import of_framework

BASES = (rb.Component, rb.Neuron, rb.SpikingNeuron, rb.AnalogNeuron, rb.Ensemble)


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.__name__)
def test_every_class_that_a_neuron_derives_from_says_that_it_is_the_frameworks(base):
    above = base.__mro__[: base.__mro__.index(torch.nn.Module)]
    assert [kind for kind in above if not of_framework(kind)] == []


def test_what_derives_from_them_is_not():
    assert not of_framework(type("Mine", (rb.SpikingNeuron,), {}))
    assert not of_framework(torch.nn.Module)


def author(module: str) -> type[rb.Neuron]:
    class Decay(rb.Neuron):
        __module__ = module
        voltage = rb.State(3.0, unit="mV")

        @staticmethod
        def derivatives(state, params, data):
            return {"voltage": -state.voltage}

        def forward(self, data, identifiers=None):
            return super().forward(data, identifiers)

        def aggregate(self, inputs, identifiers=None):
            return 2.0 * super().aggregate(inputs, identifiers)

    return Decay


@pytest.mark.parametrize("module", ["elsewhere", "rheobase.engine.neuron.base", "rheobase.zoo"])
def test_an_authors_class_is_the_same_whatever_its_module_is_called(module):
    model = author(module)
    neuron = model()
    assert list(model.schema.states) == ["voltage"]
    assert model._own_forward
    assert NeuronSubject("decay", "decay", model).overrides("forward")
    assert neuron.provenance["aggregator"].name == "Decay.aggregate"
    assert neuron([torch.ones(1), torch.ones(1)])["input"].tolist() == [4.0]
