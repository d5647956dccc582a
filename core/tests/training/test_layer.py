"""A layer has the spikes of its neuron, and the gradients of the recursion that is written down."""

from __future__ import annotations

import math
from typing import Any

import pytest
import rheobase as rb
import torch
from torch import Tensor

TAU, DT, V0, V_THRESH, G_L = 10.0, 1.0, -65.0, -50.0, 2.0


class Leaky(rb.SpikingNeuron):
    """tau dV/dt = V0 - V + I / g, reset to V0."""

    tau = rb.Parameter(TAU, unit="ms", above=0)
    volt_rest = rb.Parameter(V0, unit="mV")
    volt_reset = rb.Parameter("volt_rest", unit="mV")
    volt_thresh = rb.Parameter(V_THRESH, unit="mV")
    leak = rb.Parameter(G_L, unit="nS", above=0)
    tau_ref = rb.Parameter(0.0, unit="ms", at_least=0)
    voltage = rb.State("volt_rest", unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (params.volt_rest - state.voltage + data / params.leak) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - params.volt_thresh

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": params.volt_reset}


def slope(u: Tensor) -> Tensor:
    return 1 / (1 + (torch.pi * u) ** 2)


def sequence(steps: int = 20, batch: int = 2, units: int = 3, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.rand(steps, batch, units, dtype=torch.float64, generator=generator)
    return (0.8 * drawn).requires_grad_()


def test_gradients_are_those_of_the_recursion_by_hand() -> None:
    layer = rb.layer(Leaky, 3, dt=DT, dtype=torch.float64, learn=("tau", "volt_thresh"))
    x = sequence()
    spikes = layer(x)
    weights = torch.randn_like(spikes)
    (weights * spikes).sum().backward()
    # Distances from rest: v1 = a v + (1 - a) R I with I = x c, s = [v1 >= theta], v = 0 where s.
    tau = torch.tensor(TAU, dtype=torch.float64, requires_grad=True)
    theta = torch.tensor(V_THRESH - V0, dtype=torch.float64, requires_grad=True)
    given = x.detach().clone().requires_grad_()
    h = DT / tau
    # What a step of Runge-Kutta's method of order 4 leaves of a distance from rest.
    a = 1 - h + h**2 / 2 - h**3 / 6 + h**4 / 24
    # One step of the exact solution reaches the threshold at this current; the search ends within 1e-4 of it.
    current = (V_THRESH - V0) * G_L / (1 - math.exp(-DT / TAU))
    assert layer.rheobase.flatten().tolist() == pytest.approx([current] * 3, rel=1e-4)
    v, expected = torch.zeros(2, 3, dtype=torch.float64), []
    for row in given:
        v1 = a * v + (1 - a) * row * layer.rheobase[0] / G_L
        s = (v1.detach() >= theta.detach()).double()
        u = (v1 - theta) / (V_THRESH - V0)
        soft = 0.5 + torch.atan(torch.pi * u) / torch.pi
        expected.append(s + (soft - soft.detach()))
        v = torch.where(s.bool(), 0.0, v1)
    total = torch.stack(expected)
    assert torch.equal(total.detach(), spikes.detach())
    assert 0.05 < spikes.mean() < 0.6
    (weights * total).sum().backward()
    torch.testing.assert_close(x.grad, given.grad, rtol=1e-10, atol=1e-14)
    # The value moves by d f(r), that is by d at r = 0 for one that is bounded below; by |d| for another.
    torch.testing.assert_close(layer.raw.tau.grad, TAU * tau.grad, rtol=1e-10, atol=1e-14)
    torch.testing.assert_close(layer.raw.volt_thresh.grad, abs(V_THRESH) * theta.grad, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("event", ["step", "crossing"])
@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("tau_ref", [0.0, 3.0])
def test_spikes_are_those_of_its_neuron(event: str, grad: bool, tau_ref: float) -> None:
    layer = rb.layer(Leaky, 3, dt=DT, dtype=torch.float64, event=event, tau_ref=tau_ref)
    x = sequence()
    with torch.set_grad_enabled(grad):
        spikes, state = layer(x, return_state=True)
    neuron = layer.neuron
    expected = torch.stack([neuron(row * layer.rheobase[0])["spiked"] for row in x.detach()])
    assert torch.equal(spikes.detach(), expected.double())
    assert torch.equal(state["voltage"].detach(), neuron.voltage)
    assert spikes.sum() > 0


@pytest.mark.parametrize("name", ["atan", "sigmoid", "fast-sigmoid", "super-spike", "gaussian", "triangle"])
def test_spike_has_the_derivative_of_the_surrogate_asked_for(name: str) -> None:
    layer = rb.layer(
        Leaky, 1, dt=DT, dtype=torch.float64, surrogate=rb.surrogate(name, width=0.5, height=2.0)
    )
    x = torch.tensor([[0.9]], dtype=torch.float64, requires_grad=True)
    layer(x).sum().backward()
    # x = 0 is u = -1, and x = 1 is u = 0: u = x - 1 in a first step of a linear model.
    z = torch.tensor(-0.1 / 0.5, dtype=torch.float64)
    known = {
        "atan": slope(z),
        "sigmoid": 4 * torch.sigmoid(4 * z) * (1 - torch.sigmoid(4 * z)),
        "fast-sigmoid": 1 / (1 + 2 * z.abs()) ** 2,
        "super-spike": 1 / (1 + z.abs()) ** 2,
        "gaussian": torch.exp(-torch.pi * z**2),
        "triangle": 1 - z.abs(),
    }
    assert x.grad is not None
    assert x.grad.item() == pytest.approx(2.0 / 0.5 * known[name].item(), rel=2e-3)


def test_two_calls_are_equal_and_each_can_be_gone_through_backward() -> None:
    layer = rb.layer(Leaky, 3, dt=DT, dtype=torch.float64, learn="tau")
    x = sequence()
    first, second = layer(x), layer(x)
    assert torch.equal(first, second)
    first.sum().backward()
    second.sum().backward()
    assert all(buffer.grad_fn is None for buffer in layer.buffers())


def test_a_run_in_two_parts_is_one_run() -> None:
    layer = rb.layer(Leaky, 3, dt=DT, dtype=torch.float64, tau_ref=3.0, learn="tau")
    x = sequence()
    whole = layer(x)
    early, state = layer(x[:7], return_state=True)
    late = layer(x[7:], state=state)
    parts = torch.cat([early, late])
    assert torch.equal(parts, whole)
    weights = torch.randn_like(whole)
    (of_whole,) = torch.autograd.grad((weights * whole).sum(), x)
    (of_parts,) = torch.autograd.grad((weights * parts).sum(), x)
    torch.testing.assert_close(of_parts, of_whole, rtol=1e-12, atol=1e-15)
    cut = layer(x[7:], state=rb.training.detach(layer(x[:7], return_state=True)[1]))
    (of_cut,) = torch.autograd.grad(cut.sum(), x)
    assert not of_cut[:7].any()
    assert of_cut[7:].any()
