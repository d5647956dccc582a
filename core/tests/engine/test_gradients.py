"""Gradients through many steps with resets, and what counts as a change between two steps."""

from __future__ import annotations

import math

import pytest
import rheobase as rb
import torch
from rheobase.engine.step import grid
from rheobase.engine.step.selected import finish_masked


@pytest.fixture
def adapting() -> type[rb.SpikingNeuron]:
    """A model whose threshold needs the state for its backward pass, with a state reset by addition."""

    class Adapting(rb.SpikingNeuron):
        tau = rb.Parameter(10.0, unit="ms", above=0)
        v_t = rb.Parameter(-50.0, unit="mV")
        v_r = rb.Parameter(-65.0, unit="mV")
        tau_ref = rb.Parameter(1.0, unit="ms", at_least=0)
        voltage = rb.State(-65.0, unit="mV")
        w = rb.State(0.0, unit="mV")

        @staticmethod
        def derivatives(state, params, data):
            return {"voltage": (-65.0 - state.voltage + data - state.w) / params.tau, "w": -state.w / 50.0}

        @staticmethod
        def threshold(state, params):
            # For V < 0 this rises with V; a product keeps its factors for the backward pass.
            return params.v_t * params.v_t - state.voltage * state.voltage

        @staticmethod
        def reset(state, params):
            return {"voltage": params.v_r, "w": state.w + 1.0}

    return Adapting


def gradients(model: type[rb.SpikingNeuron]) -> tuple[int, list[torch.Tensor]]:
    tau = torch.nn.Parameter(torch.tensor([10.0, 12.0, 8.0], dtype=torch.float64))
    v_r = torch.nn.Parameter(torch.tensor(-65.0, dtype=torch.float64))
    neuron = rb.create(model, 3, tau=tau, v_r=v_r, grad=True, dtype=torch.float64)
    current = torch.tensor([20.0, 30.0, 40.0], dtype=torch.float64, requires_grad=True)
    spikes = sum(int(neuron(current)["spiked"].sum()) for _ in range(200))
    (neuron.voltage.sum() + neuron.w.sum()).backward()
    return spikes, [current.grad, tau.grad, v_r.grad]


def test_gradients_through_resets_are_those_of_selecting_among_all_units(adapting, monkeypatch) -> None:
    spikes, some = gradients(adapting)
    monkeypatch.setattr(grid, "finish_indexed", finish_masked)
    again, every = gradients(adapting)
    assert spikes == again > 3
    for left, right in zip(some, every, strict=True):
        # Two orders of summation in the backward pass: a few units in the last place of 200 steps.
        torch.testing.assert_close(left, right, rtol=1e-12, atol=0)
        assert bool((left != 0).all())


def test_the_gradient_of_a_free_step_is_that_of_the_closed_form() -> None:
    # dV/dt = (I - V) / tau: dV(t)/dI = 1 - exp(-t / tau).
    class Leaky(rb.AnalogNeuron):
        tau = rb.Parameter(10.0, unit="ms", above=0)
        voltage = rb.State(0.0, unit="mV")

        @staticmethod
        def derivatives(state, params, data):
            return {"voltage": (data - state.voltage) / params.tau}

    neuron = rb.create(Leaky, grad=True, dtype=torch.float64)
    current = torch.tensor([3.0], dtype=torch.float64, requires_grad=True)
    for _ in range(50):
        neuron(current)
    (slope,) = torch.autograd.grad(neuron.voltage.sum(), current)
    # RK4 at h = 0.1 ms: error below (h / tau)^4 / 120 a step.
    assert float(slope) == pytest.approx(1 - math.exp(-0.5), abs=1e-10)


@pytest.mark.parametrize("how", ["inject", "assign", "in place", "load", "lower the threshold"])
def test_a_kick_that_decays_within_the_step_is_seen_however_it_is_given(how, lif) -> None:
    # From -50 mV, 5 mV above the threshold, the voltage is back below it after 5 ms with tau_mem = 5 ms.
    neuron = rb.create(lif, 1, dt=5.0)
    neuron(0.0)
    if how == "inject":
        neuron.inject(25.0)
    elif how == "assign":
        neuron.voltage = -50.0
    elif how == "in place":
        neuron.voltage.fill_(-50.0)
    elif how == "load":
        neuron.load_state_dict({**neuron.state_dict(), "voltage": torch.tensor([-50.0])})
    else:
        neuron.voltage = -60.0
        neuron(75.0)  # holds it there: I / g_L = 15 mV
        neuron.volt_thresh = -61.0
    out = neuron(0.0)
    assert int(out["spiked"]) == 1
    assert float(out["voltage"]) == -75.0


def test_the_result_of_an_integrator_is_not_written_to(adapting) -> None:
    kept = []

    class Keeping(rb.Integrator):
        def advance(self, field, y, t0, t1, *, carry=None):
            result = y + (t1 - t0) * field(t0, y)
            kept.append((result, result.clone()))
            return rb.Advance(result)

    neuron = rb.create(adapting, 2, integrator=Keeping())
    spikes = sum(int(neuron(40.0)["spiked"].sum()) for _ in range(100))
    assert spikes > 1
    for result, before in kept:
        assert torch.equal(result, before)


@pytest.mark.parametrize("event", ["step", "crossing", "located"])
@pytest.mark.parametrize("grad", [True, False])
def test_spike_times_have_a_graph_where_they_are_located_and_it_is_asked_for(adapting, event, grad) -> None:
    tau = torch.nn.Parameter(torch.tensor(10.0, dtype=torch.float64))
    neuron = rb.create(adapting, event=event, tau=tau, grad=grad, dtype=torch.float64)
    times = rb.simulate(neuron, 40.0, duration=20.0).spikes.times
    assert len(times) > 0
    assert times.requires_grad == (event == "located" and grad)
