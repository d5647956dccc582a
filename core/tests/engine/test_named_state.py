"""What a neuron goes on from is read by item, as a mapping, and by attribute, as a model's functions do."""

from __future__ import annotations

import copy
import io
import pickle

import pytest
import rheobase as rb
import torch


@pytest.fixture
def neuron(lif):
    neuron = rb.create(lif, 3)
    neuron(torch.tensor([50.0, 100.0, 150.0]))
    return neuron


def test_the_state_of_a_neuron_serves_its_models_own_functions(neuron):
    drive = torch.tensor([50.0, 100.0, 150.0])
    slope = neuron.derivatives(neuron.state, neuron.params, drive)["voltage"]
    expected = (neuron.volt_rest - neuron.voltage + drive / neuron.leak_gl) / neuron.tau_mem
    assert torch.equal(slope, expected)
    assert torch.equal(neuron.threshold(neuron.state, neuron.params), neuron.voltage - neuron.volt_thresh)


def test_what_a_pure_step_gives_serves_them_too(neuron):
    state, _ = neuron.step(neuron.state, neuron.params, neuron.prepare(50.0), 0.1)
    assert neuron.threshold(state, neuron.params).shape == (3,)


@pytest.mark.parametrize("made", [copy.copy, copy.deepcopy, lambda s: s.copy(), lambda s: s | {"more": 1}])
def test_a_copy_is_read_both_ways_and_is_another_one(neuron, made):
    state = neuron.state
    other = made(state)
    assert other is not state
    assert torch.equal(other.voltage, state["voltage"])
    other["voltage"] = None
    assert state.voltage is not None


def test_it_is_a_dictionary_wherever_one_is_asked_for(neuron):
    state = neuron.state
    assert isinstance(state, dict)
    assert type(dict(state)) is dict
    assert dict(**state) == state == {name: state[name] for name in state}
    state |= {"voltage": 1.0}
    assert state.voltage == 1.0


def test_what_is_pickled_or_saved_is_read_without_rheobase(neuron):
    file = io.BytesIO()
    torch.save(neuron.state, file)
    file.seek(0)
    for read in (torch.load(file, weights_only=True), pickle.loads(pickle.dumps(neuron.state))):
        assert type(read).__module__ == "collections"
        assert read.keys() == neuron.state.keys()
        assert torch.equal(read["voltage"], neuron.voltage)


def test_function_transforms_see_its_tensors(neuron):
    tensors = {name: value for name, value in neuron.state.items() if value is not None}
    state = type(neuron.state)(tensors)
    doubled = torch.func.vmap(lambda each: each)(state)
    assert torch.equal(doubled.voltage, neuron.voltage)
    assert torch.utils._pytree.tree_map(lambda value: value, state) == state


def test_a_name_that_is_not_there_is_told_with_the_nearest(neuron):
    with pytest.raises(AttributeError, match="did you mean 'voltage'"):
        neuron.state.volt
    assert not hasattr(neuron.state, "shape")


def test_an_attribute_that_is_assigned_is_refused_rather_than_lost(neuron):
    with pytest.raises(AttributeError, match=r"assign neuron\.voltage"):
        neuron.state.voltage = torch.zeros(3)


def test_a_state_called_like_a_method_is_had_by_its_item():
    class Odd(rb.AnalogNeuron):
        values = rb.State(3.0, unit="1")

        @staticmethod
        def derivatives(state, params, data):
            return {"values": -state.values}

    state = rb.create(Odd).state
    assert state["values"].item() == 3.0
    assert next(iter(state.values())) is state["values"]
