"""A run in a kernel is looked at where it begins and where it ends: is dt too large for the model?"""

from __future__ import annotations

import warnings

import pytest
import rheobase as rb
import torch
from rheobase.errors import StepSizeWarning


class Membrane(rb.SpikingNeuron):
    """C dV/dt = -(g_L + g) V, with the input g, a conductance."""

    data = rb.Input(unit="nS", at_least=0)
    capacitance = rb.Parameter(200.0, unit="pF", above=0)
    voltage = rb.State(-70.0, unit="mV")

    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": -(10.0 + data.data) * state.voltage / params.capacitance}

    @staticmethod
    def threshold(state, params):
        return state.voltage - 20.0

    @staticmethod
    def reset(state, params):
        return {"voltage": -70.0 + 0.0 * state.voltage}

    @staticmethod
    def dt_max(state, params, data):
        return params.capacitance / (10.0 + data.data)


def heard(neuron, stimulus, duration):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        rb.simulate(neuron, {"data": stimulus}, duration, backend="fused")
    return [str(each.message) for each in found if each.category is StepSizeWarning]


@pytest.mark.parametrize("event", ["crossing", "located"])
def test_a_step_too_long_at_the_start_or_at_the_end_is_told_once(event):
    ramp = torch.linspace(0.0, 300.0, 300).unsqueeze(1)
    (end,) = heard(rb.create(Membrane, 3, dt=1.0, event=event), ramp, 300.0)
    assert "of unit 0 at t = 300 ms" in end
    (start,) = heard(rb.create(Membrane, 3, dt=1.0, event=event), ramp.flip(0), 300.0)
    assert "of unit 0 at t = 0 ms" in start
    (both,) = heard(rb.create(Membrane, 3, dt=1.0, event=event), 300.0, 300.0)
    assert "at t = 0 ms" in both


def test_a_step_that_serves_is_not_told():
    assert heard(rb.create(Membrane, 3, dt=0.1), 800.0, 300.0) == []
