"""What a neuron takes as input: shapes, types, devices, batches, and several inputs by name."""

from __future__ import annotations

import math

import pytest
import rheobase as rb
import torch
from rheobase.errors import InputError, RheobaseError


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 1), (2, 3), (5, 2, 3), (1, 1, 3)], ids=str)
def test_the_last_dimension_is_1_or_num_units_and_the_others_are_a_batch(lif, shape):
    neuron = rb.create(lif, 3)
    out = neuron(torch.full(shape, 40.0))
    batch = shape[:-1]
    assert neuron.batch == torch.Size(batch)
    for name in ("input", "voltage", "spiked"):
        assert out[name].shape == (*batch, 3)
    # dV = 0.1 ms * (40 / 5) mV / 5 ms and a little less
    assert bool(((out["voltage"] > -74.85) & (out["voltage"] < -74.83)).all())


def test_every_unit_of_every_batch_receives_its_own_current(ramp):
    neuron = rb.create(ramp, 3, dt=1.0)
    current = torch.arange(6.0).reshape(2, 3)
    neuron(current)
    assert torch.equal(neuron.voltage, current)
    neuron(torch.tensor([[1.0], [2.0]]))
    assert torch.equal(neuron.voltage, current + torch.tensor([[1.0], [2.0]]))
    neuron(torch.ones(3))
    assert torch.equal(neuron.voltage, current + torch.tensor([[2.0], [3.0]]))


@pytest.mark.parametrize(
    ("shape", "units", "accepted"),
    [
        ((2,), 3, "1 or num_units = 3"),
        ((3, 2), 3, "1 or num_units = 3"),
        ((3,), 1, "must be 1"),
        ((0,), 3, "1 or"),
    ],
)
def test_another_last_dimension_is_refused(lif, shape, units, accepted):
    neuron = rb.create(lif, units)
    with pytest.raises(InputError, match=rf"the input.*{list(shape)}".replace("[", r"\[") + f".*{accepted}"):
        neuron(torch.ones(shape))
    assert neuron.simulation_step == 0


def test_the_first_step_fixes_the_batch_until_reset_state(lif):
    neuron = rb.create(lif, 3)
    neuron(torch.ones(2, 3))
    for shape in [(4, 3), (2, 2, 3), (1, 2, 2, 3)]:
        with pytest.raises(InputError, match=r"batch.*\[2\].*reset_state"):
            neuron(torch.ones(shape))
    neuron(torch.ones(1, 3))  # broadcasts
    assert neuron.batch == torch.Size([2])
    neuron.reset_state()
    neuron(torch.ones(4, 3))
    assert neuron.batch == torch.Size([4])
    neuron.reset_state()
    neuron(torch.ones(3))
    with pytest.raises(InputError, match=r"batch \[4\].*\[\].*reset_state"):
        neuron(torch.ones(4, 3))
    neuron.reset_state()
    neuron(torch.ones(1, 3))
    with pytest.raises(InputError, match="batch"):
        neuron(torch.ones(4, 3))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (torch.ones(3, dtype=torch.int64), "int64.*floating-point"),
        (torch.ones(3, dtype=torch.complex64), "complex64.*floating-point"),
        (torch.ones(3, dtype=torch.bool), "bool.*floating-point"),
        (torch.ones(3, device="meta"), "on meta and the neuron on cpu"),
        ("strong", "type str"),
        (None, "type NoneType"),
        (True, "type bool"),
        ([torch.ones(3), torch.ones(3, dtype=torch.int32)], "place 1.*int32"),
        ([torch.ones(3), "x"], "place 1.*str"),
        ({"current": torch.ones(3)}, "type dict"),
    ],
)
def test_an_input_of_a_wrong_kind_is_refused_by_name(lif, given, words):
    neuron = rb.create(lif, 3)
    with pytest.raises(InputError, match=f"the input.*{words}"):
        neuron(given)
    assert neuron.simulation_step == 0


def test_inputs_of_shapes_that_do_not_fit_each_other_are_refused_from_our_own_tree(lif):
    with pytest.raises(RheobaseError, match=r"\[2\]|\[4\]"):
        rb.create(lif, 4)([torch.ones(2), torch.ones(4)])


def test_a_number_is_the_same_for_every_unit(ramp):
    neuron = rb.create(ramp, 3, dt=1.0, dtype=torch.float64)
    assert neuron(2)["voltage"].tolist() == [2.0] * 3
    assert neuron(0.1)["input"].tolist() == [0.1] * 3


def test_a_batch_in_any_state_is_the_batch_of_all(coupled):
    neuron = rb.create(coupled, 2)
    neuron.recovery = torch.zeros(4, 2)
    assert neuron(1.0)["voltage"].shape == (4, 2)


def test_a_kick_with_a_batch_before_the_first_step_fixes_it(coupled):
    neuron = rb.create(coupled, 2)
    neuron.inject(torch.tensor([[0.0, 0.0], [0.0, 200.0], [0.0, 0.0]]))
    out = neuron(0.0)
    assert out["spiked"].tolist() == [[0, 0], [0, 1], [0, 0]]
    assert neuron.recovery.shape == (3, 2)


def test_several_inputs_are_given_by_name(two_inputs):
    neuron = rb.create(two_inputs, 2, dt=1.0, integrator="rk1", dtype=torch.float64)
    out = neuron({"excitation": torch.tensor([1.0, 3.0]), "inhibition": 2.0})
    # dV = dt (g_e (0 - V) + g_i (-80 - V)) / C, from V = 0
    assert out["voltage"].tolist() == pytest.approx([-1.6, -1.6])
    assert out["excitation"].tolist() == [1.0, 3.0]
    assert neuron.inhibition.tolist() == [2.0, 2.0]
    out = neuron({"excitation": 1.0})  # inhibition has the default 1 nS
    assert out["inhibition"].tolist() == [1.0, 1.0]
    assert out["voltage"].tolist() == pytest.approx([-1.6 + (1.6 - 78.4) / 100] * 2)


def test_each_named_input_has_its_own_aggregator(two_inputs):
    neuron = rb.create(two_inputs)
    sources = [torch.tensor([1.0]), torch.tensor([5.0])]
    out = neuron({"excitation": sources, "inhibition": sources})
    assert (out["excitation"].tolist(), out["inhibition"].tolist()) == ([6.0], [3.0])
    neuron = rb.create(two_inputs, aggregator={"inhibition": "product"})
    out = neuron({"excitation": sources, "inhibition": sources})
    assert (out["excitation"].tolist(), out["inhibition"].tolist()) == ([6.0], [5.0])
    neuron = rb.create(two_inputs, aggregator="product")
    out = neuron({"excitation": sources, "inhibition": sources})
    assert (out["excitation"].tolist(), out["inhibition"].tolist()) == ([5.0], [5.0])


def test_named_inputs_broadcast_against_each_other(two_inputs):
    neuron = rb.create(two_inputs, 3)
    out = neuron({"excitation": torch.ones(4, 1), "inhibition": torch.ones(3)})
    assert out["voltage"].shape == (4, 3)
    assert out["excitation"].shape == (4, 3)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"excitatory": 1.0}, "no input 'excitatory'.*did you mean 'excitation'"),
        (1.0, "excitation, inhibition.*mapping"),
        ({"excitation": math.nan}, "excitation nan .* at step 0"),
        ({"inhibition": torch.ones(2)}, r"'inhibition'.*\[2\]"),
        ({"excitation": torch.ones(1, dtype=torch.int8)}, "'excitation'.*int8"),
    ],
)
def test_a_named_input_that_cannot_be_used_is_refused_by_its_name(two_inputs, given, words):
    neuron = rb.create(two_inputs)
    with pytest.raises(InputError, match=words):
        neuron(given)
    assert neuron.simulation_step == 0


def test_a_list_of_numbers_is_not_summed_in_silence(lif):
    with pytest.raises(InputError, match=r"list of numbers.*torch.tensor"):
        rb.create(lif, 3)([100.0, 200.0, 300.0])


def test_a_default_start_above_the_threshold_is_told(lif):
    with pytest.warns(rb.errors.RheobaseWarning, match="unit 0 starts at or above its threshold"):
        rb.create(lif, 2, volt_rest=-50.0)


def test_a_time_step_that_is_a_tensor_is_refused(lif):
    with pytest.raises(rb.errors.ArgumentError, match="dt="):
        rb.create(lif, dt=torch.tensor(0.1))
