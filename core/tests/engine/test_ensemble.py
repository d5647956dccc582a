"""The same model, N units; parameters may differ by unit."""

from __future__ import annotations

import math

import pytest
import rheobase as rb
import torch
from rheobase.errors import ArgumentError, ParameterError


def test_an_ensemble_is_an_instance_of_its_model_and_reports_its_units(lif):
    neuron = rb.create(lif, 5)
    assert isinstance(neuron, rb.Ensemble)
    assert isinstance(neuron, lif)
    assert neuron.num_units == 5
    assert neuron.voltage.shape == neuron.spiked.shape == neuron.input.shape == (5,)


def test_the_class_of_ensembles_is_made_once(lif):
    assert rb.Ensemble.of(lif) is rb.Ensemble.of(lif) is type(rb.create(lif, 2))
    assert rb.Ensemble.of(rb.Ensemble.of(lif)) is rb.Ensemble.of(lif)
    assert rb.Ensemble.of(lif).__name__ == "LIFNeuron"


@pytest.mark.parametrize("num_units", [0, -1, 2.0, 1.5, "3", True, None, math.nan])
def test_a_number_of_units_that_is_no_whole_number_from_1_is_refused(lif, num_units):
    with pytest.raises(ArgumentError, match=r"num_units=.*whole number >= 1"):
        rb.create(lif, num_units)


def test_each_unit_follows_its_own_parameters(lif):
    taus = torch.tensor([2.0, 5.0, 20.0], dtype=torch.float64)
    neuron = rb.create(lif, 3, tau_mem=taus, dtype=torch.float64)
    for _ in range(50):
        out = neuron(50.0)
    exact = -75 + 10 * (1 - torch.exp(-5.0 / taus))
    torch.testing.assert_close(out["voltage"], exact, atol=1e-6, rtol=0)  # RK4 at dt / tau = 0.05


def test_resets_and_thresholds_differ_by_unit_within_a_batch(ramp):
    class Own(ramp):
        level = rb.Parameter(10.0, unit="mV")
        low = rb.Parameter(0.0, unit="mV")

        @staticmethod
        def threshold(state, params):
            return state.voltage - params.level

        @staticmethod
        def reset(state, params):
            return {"voltage": params.low}

    neuron = rb.create(Own, 3, dt=1.0, level=[5.0, 10.0, 20.0], low=[-1.0, -2.0, -3.0])
    out = neuron(torch.tensor([[12.0], [6.0], [30.0]]))
    assert out["spiked"].tolist() == [[1, 1, 0], [1, 0, 0], [1, 1, 1]]
    assert out["voltage"].tolist() == [[-1.0, -2.0, 12.0], [-1.0, 6.0, 6.0], [-1.0, -2.0, -3.0]]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (torch.ones(2), r"'tau_mem' has shape \[2\].*3 units"),
        (torch.ones(1, 3), r"'tau_mem' has shape \[1, 3\]"),
        (torch.tensor([1.0, 2.0, 0.0]), "'tau_mem' of unit 2 is 0; it must be > 0 ms"),
        (math.nan, "'tau_mem' is nan; it must be > 0 ms"),
        (-3, "'tau_mem' is -3; it must be > 0 ms"),
        ("fast", "'tau_mem' is 'fast'.*> 0 ms"),
        (None, "'tau_mem' is None"),
        (torch.ones(3, dtype=torch.complex64), "'tau_mem'.*complex64"),
        (True, "'tau_mem'.*bool"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_refused_with_unit_and_value(lif, value, words):
    with pytest.raises(ParameterError, match=words):
        rb.create(lif, 3, tau_mem=value)


def test_numbers_are_taken_in_double_precision_not_by_way_of_float32(lif):
    neuron = rb.create(lif, 2, dtype=torch.float64, tau_mem=0.1, leak_gl=[0.1, 0.3], voltage=-70.1)
    assert float(neuron.tau_mem) == 0.1
    assert neuron.leak_gl.tolist() == [0.1, 0.3]
    assert neuron.voltage.tolist() == [-70.1, -70.1]
    assert float(rb.create(lif, dtype=torch.float64, tau_mem=rb.Sweep.fixed(0.1)).tau_mem) == 0.1


def test_whole_numbers_are_parameters_too(lif):
    neuron = rb.create(lif, 2, tau_mem=20, leak_gl=torch.tensor([3, 4]))
    assert neuron.tau_mem.dtype == neuron.leak_gl.dtype == torch.float32
    assert neuron.leak_gl.tolist() == [3.0, 4.0]
