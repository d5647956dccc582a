"""Neurons that emit real numbers."""

from __future__ import annotations

import math

import pytest
import rheobase as rb
import torch
from rheobase.errors import ArgumentError, InputError, NonFiniteStateError


def decay(x, data):
    return (data - x) / 10.0


def test_without_an_equation_the_voltage_follows_the_input():
    neuron = rb.AnalogNeuron()
    assert neuron(torch.tensor([3.0]))["voltage"].tolist() == [3.0]
    assert neuron([torch.tensor([1.0]), torch.tensor([-4.0])])["voltage"].tolist() == [-3.0]
    assert neuron.voltage.tolist() == neuron.input.tolist() == [-3.0]


def test_with_an_equation_forward_integrates_the_aggregated_input():
    neuron = rb.AnalogNeuron(equation=decay, dt=0.5, dtype=torch.float64)
    for _ in range(40):
        out = neuron([torch.tensor([1.0]), torch.tensor([3.0])])
    assert float(out["voltage"]) == pytest.approx(4 * (1 - math.exp(-2.0)), rel=1e-7)  # RK4 at dt/tau 0.05
    assert out["input"].tolist() == [4.0]
    assert neuron.simulation_step == 40


def test_coupled_equations_keep_their_further_variables():
    # x' = y, y' = -x from (0, 0) with a kick of 1: cos and -sin.
    neuron = rb.AnalogNeuron(equation=(lambda x, data: x[1], lambda x, data: -x[0]), dtype=torch.float64)
    neuron.inject(1.0)
    for _ in range(20):
        neuron(0.0)
    assert float(neuron.voltage) == pytest.approx(math.cos(2.0), abs=5e-6)
    assert float(neuron.auxiliary_1) == pytest.approx(-math.sin(2.0), abs=5e-6)
    assert "auxiliary_1" in neuron.state_dict()
    neuron.reset_state()
    assert neuron.auxiliary_1.tolist() == [0.0]


def test_it_emits_no_spikes():
    assert set(rb.AnalogNeuron()(1.0)) == {"input", "voltage"}


def test_batches_and_ensembles():
    neuron = rb.create("analog", 3, equation=decay, dt=1.0)
    out = neuron(torch.ones(4, 3))
    assert out["voltage"].shape == (4, 3)
    assert neuron.batch == torch.Size([4])
    with pytest.raises(InputError, match="batch"):
        neuron(torch.ones(5, 3))


def test_an_equation_that_changes_the_shape_is_refused():
    neuron = rb.create("analog", 2, equation=lambda x, data: torch.ones(3, 2))
    with pytest.raises(ArgumentError, match=r"equation gave shape \[3, 2\]"):
        neuron(1.0)


@pytest.mark.parametrize(
    "equation", [None, decay, (lambda x, data: data - x[0], lambda x, data: x[0])], ids=["none", "one", "two"]
)
def test_a_bad_current_leaves_the_neuron_as_it_was(equation):
    neuron = rb.create("analog", 2, equation=equation)
    before = {name: value.clone() for name, value in neuron.state_dict().items()}
    with pytest.raises(InputError, match=r"nan in unit 1, batch \[0\] at step 0"):
        neuron(torch.tensor([[1.0, math.nan], [0.0, 0.0]]))
    after = neuron.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert neuron.batch == torch.Size()


def test_a_further_variable_that_explodes_is_an_error():
    neuron = rb.AnalogNeuron(equation=(lambda x, data: data - x[0], lambda x, data: 1e30 + 1e30 * x[1] ** 2))
    with pytest.raises(NonFiniteStateError, match="auxiliary_1"):
        neuron(1.0)


def test_a_declared_analog_model_is_stepped_like_any_other(two_inputs):
    class Leaky(rb.AnalogNeuron):
        tau = rb.Parameter(10.0, unit="ms", above=0)
        voltage = rb.State(0.0, unit="mV", at_rest=True)

        @staticmethod
        def derivatives(state, params, data):
            return {"voltage": (data - state.voltage) / params.tau}

    neuron = rb.create(Leaky, 2, dt=0.5, dtype=torch.float64, tau=torch.tensor([5.0, 10.0]))
    for _ in range(20):
        out = neuron(1.0)
    assert out["voltage"].tolist() == pytest.approx([1 - math.exp(-2.0), 1 - math.exp(-1.0)], rel=1e-5)
    assert set(out) == {"input", "voltage"}
