"""The derivative of a layer: by surrogate, through resets and refractory periods, by several inputs."""

from __future__ import annotations

from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase.builtin import rheobase_surrogates
from rheobase.errors import InputError
from torch import Tensor


class Adaptive(rb.SpikingNeuron):
    """Exponential integrate-and-fire with adaptation (Brette and Gerstner 2005)."""

    w_tau = rb.Parameter(144.0, unit="ms", above=0)
    tau_ref = rb.Parameter(0.0, unit="ms", at_least=0)
    voltage = rb.State(-70.6, unit="mV")
    w = rb.State(0.0, unit="pA")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        v = state.voltage
        rise = 30.0 * 2.0 * torch.exp((v + 50.4) / 2.0)
        return {
            "voltage": (-30.0 * (v + 70.6) + rise - state.w + data) / 281.0,
            "w": (4.0 * (v + 70.6) - state.w) / params.w_tau,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage + 40.4

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": -70.6 + 0.0 * state.voltage, "w": state.w + 80.5}


class Synapses(rb.SpikingNeuron):
    """Two inputs: a current, and a conductance that pulls to -80 mV."""

    voltage = rb.State(-70.0, unit="mV")
    inhibition = rb.Input(unit="nS", at_least=0)
    current = rb.Input(unit="pA")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        v = state.voltage
        return {"voltage": (-70.0 - v + data.current / 10.0 - data.inhibition * (v + 80.0) / 10.0) / 10.0}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage + 50.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": -70.0 + 0.0 * state.voltage}


def drive(*shape: int, size: float = 1.0) -> Tensor:
    generator = torch.Generator().manual_seed(4)
    return (size * torch.rand(*shape, dtype=torch.float64, generator=generator)).requires_grad_()


@pytest.mark.parametrize("name", [spec.name for spec in rheobase_surrogates()])
def test_surrogates_are_sound(name: str) -> None:
    function = rb.surrogate(name)
    for dtype in (torch.float32, torch.float64):
        z = (
            torch.cat([torch.linspace(-6, 6, 2401), torch.tensor([-1e6, 0.0, 1e6])])
            .to(dtype)
            .requires_grad_()
        )
        value = function(z)
        (slope,) = torch.autograd.grad(value.sum(), z)
        assert value.isfinite().all()
        assert slope.isfinite().all()
        assert value.dtype == dtype
        assert (slope >= 0).all()
        assert slope[-2].item() == pytest.approx(1.0)
        assert (value[:2401].diff() >= 0).all()
        # Odd about 0, so that its derivative is even.
        middle = value[-2].item()
        assert torch.allclose(value[:2401].flip(0) - middle, middle - value[:2401], atol=1e-6)
    # Where S' has no jump: those of triangle and rectangle lie at 1/2 and 1.
    z = torch.tensor([-2.3, -0.7, -0.2, 0.1, 0.4, 1.7], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(function, z)


@pytest.mark.parametrize("tau_ref", [0.0, 2.0])
def test_gradient_is_zero_while_refractory(tau_ref: float, leaky: type[rb.SpikingNeuron]) -> None:
    layer = rb.layer(leaky, 1, dt=1.0, tau_ref=tau_ref, dtype=torch.float64)
    x = torch.tensor([1.2, 0.3, 0.3, 0.3], dtype=torch.float64).view(-1, 1).requires_grad_()
    spikes = layer(x)
    assert spikes[:, 0].tolist() == [1.0, 0.0, 0.0, 0.0]
    by_x = torch.stack([torch.autograd.grad(row.sum(), x, retain_graph=True)[0][:, 0] for row in spikes])
    # Row t: the derivative of the spike of step t by each x. A voltage that is reset forgets what was before.
    expected = torch.ones(4, 4).tril().bool()
    expected[1:, 0] = False
    if tau_ref:
        expected[1:3] = False
        expected[3, 1:3] = False
    assert torch.equal(by_x != 0, expected)


def test_attached_reset_takes_part_in_the_derivative(leaky: type[rb.SpikingNeuron]) -> None:
    grads = {}
    for reset in ("detached", "attached"):
        layer = rb.layer(leaky, 1, dt=1.0, dtype=torch.float64, reset=reset, surrogate="triangle")
        x = torch.tensor([[1.2], [0.5]], dtype=torch.float64, requires_grad=True)
        spikes = layer(x)
        assert spikes[:, 0].tolist() == [1.0, 0.0]
        grads[reset] = torch.autograd.grad(spikes[1].sum(), x)[0][:, 0].tolist()
    # In shares of the threshold: v1 = x0, v2 = a v + x1, a = exp(-0.1); v = v1 (1 - s) where attached.
    # S' = 1 - |u|: 0.8 at x0 = 1.2, 0.5 at v2 = 0.5.
    a = torch.exp(torch.tensor(-0.1)).item()
    assert grads["detached"] == pytest.approx([0.0, 0.5], rel=1e-3)
    assert grads["attached"] == pytest.approx([-0.5 * a * 1.2 * 0.8, 0.5], rel=1e-3)


def test_gradients_stay_finite_at_a_hundred_rheobases_of_a_model_that_explodes() -> None:
    layer = rb.layer(Adaptive, 2, dt=0.1, input="rheobase", learn="w_tau", dtype=torch.float64)
    x = drive(120, 2, 2, size=100.0)
    spikes = layer(x)
    assert 0 < spikes.sum() < spikes.numel()
    spikes.sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()
    assert layer.raw.w_tau.grad.isfinite()


@pytest.mark.parametrize("size", [1e160, -1e160, 1e200, -1e200, -1e300])
def test_gradients_stay_finite_where_a_square_overflows(size: float) -> None:
    # Thrown below its pole, a quadratic model is above its threshold at the next stage: 1e400 is no number.
    layer = rb.layer("izhikevich", 2, dt=1.0, input="native", learn="a", dtype=torch.float64)
    x = torch.full((5, 2, 2), 5.0, dtype=torch.float64)
    calm = x.clone().requires_grad_()
    x[1, 0] = size
    spikes = layer(x.requires_grad_())
    assert spikes[1, 0].all()
    spikes.sum().backward()
    layer(calm).sum().backward()
    assert x.grad is not None
    assert calm.grad is not None
    assert x.grad.isfinite().all()
    # What came before the explosion is as it was, but for what it did to later steps; so is the other row.
    assert (x.grad[0, 0] > 0).all()
    assert torch.equal(x.grad[:, 1], calm.grad[:, 1])
    assert layer.raw.a.grad.isfinite()


@pytest.mark.parametrize("reset", ["detached", "attached"])
def test_smooth_copy_has_the_gradient_of_differences(reset: str, leaky: type[rb.SpikingNeuron]) -> None:
    layer = rb.layer(leaky, 2, dt=1.0, reset=reset, learn=("tau", "volt_thresh"), dtype=torch.float64)
    smooth, x = layer.smoothed(), drive(12, 1, 2)

    def total(given: Tensor, tau: Tensor, theta: Tensor) -> Tensor:
        values = {"raw.tau": tau, "raw.volt_thresh": theta}
        out: Tensor = torch.func.functional_call(smooth, values, (given,))
        return (out * torch.arange(1.0, 13.0).view(-1, 1, 1)).sum()

    # Not at 0, where the second derivative of a one-sided value jumps.
    raw = [torch.tensor(0.03, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    assert torch.autograd.gradcheck(total, (x, *raw), eps=1e-5, atol=1e-7, rtol=1e-6)
    assert 0 < layer(x).sum() < 24
    with torch.no_grad():
        assert not torch.equal(smooth(x), layer(x))


def test_nonlinear_models_reset_at_the_crossing_and_linear_ones_at_the_step(
    leaky: type[rb.SpikingNeuron],
) -> None:
    assert rb.layer(Adaptive, 1, dt=0.1, input="native").neuron.event == "crossing"
    assert rb.layer(leaky, 1, dt=0.1, input="native").neuron.event == "step"
    assert rb.layer(Adaptive, 1, dt=0.1, input="native", event="step").neuron.event == "step"


def test_row_has_the_same_gradient_alone_and_beside_one_that_fires_without_end() -> None:
    layer = rb.layer(Adaptive, 2, dt=0.1, input="native", dtype=torch.float64)
    x = drive(200, 3, 2, size=2000.0)
    wild = x.detach().clone()
    wild[:, 1:] *= 1e3
    wild.requires_grad_()
    (alone,) = torch.autograd.grad(layer(x[:, :1]).sum(), x)
    (beside,) = torch.autograd.grad(layer(wild)[:, :1].sum(), wild)
    assert alone.any()
    assert torch.equal(alone[:, 0], beside[:, 0])


def test_one_step_of_one_lifts_the_initial_state_to_threshold_and_a_rheobase_fires_late() -> None:
    for model in (Adaptive, Synapses):
        layer = rb.layer(model, 2, dt=0.5, dtype=torch.float64)
        voltage = rb.layer(model, 2, dt=0.5, dtype=torch.float64, output="voltage", event="step")
        given = torch.full((1, 2), 0.999, dtype=torch.float64)
        x = given if model is Adaptive else {"current": given}
        assert not layer(x).any()
        # As shares of the distance from threshold.
        assert voltage(x).tolist()[0] == pytest.approx([1.0, 1.0], abs=0.05)
        over = {"current": given / 0.998} if model is Synapses else given / 0.998
        assert layer(over).all()
    layer = rb.layer(Adaptive, 1, dt=0.5, input="rheobase", dtype=torch.float64)
    first = rb.training.first_spike(layer(torch.full((300, 1), 1.001, dtype=torch.float64)), 0.5)
    assert 20.0 < first.item() < 150.0
    assert not layer(torch.full((300, 1), 0.99, dtype=torch.float64)).any()


def test_several_inputs_come_by_name_each_in_its_own_size() -> None:
    layer = rb.layer(Synapses, 2, dt=0.5, dtype=torch.float64)
    # Inhibition fires nobody, so it is in nS; a current of 1 fires within a step of 0.5 ms.
    assert layer.rheobase[0].tolist() == [1.0, 1.0]
    # From -70 mV, 20 mV of 10 pA each in 0.5 ms of 10 ms.
    current = 200.0 / -torch.expm1(torch.tensor(-0.05, dtype=torch.float64)).item()
    assert layer.rheobase[1].tolist() == pytest.approx([current] * 2, rel=1e-3)
    x = {"current": drive(30, 2, 2), "inhibition": drive(30, 2, 2, size=20.0)}
    spikes = layer(x)
    by_current, by_inhibition = torch.autograd.grad(spikes.sum(), list(x.values()))
    assert by_current.sum() > 0
    assert by_inhibition.sum() < 0
    neuron = layer.neuron
    for t in range(30):
        row = {"current": x["current"][t] * layer.rheobase[1], "inhibition": x["inhibition"][t]}
        assert torch.equal(neuron(row)["spiked"].double(), spikes[t].detach())
    wrong = torch.zeros(30, 2, 2, dtype=torch.float64)
    wrong[7, 0, 1] = -3.0
    with pytest.raises(InputError, match="the input 'inhibition' is -3 at t = 7, unit 1; it must be >= 0 nS"):
        layer({"inhibition": wrong})
    # A tensor is the first input that fires by itself.
    assert torch.equal(layer(x["current"]), layer({"current": x["current"]}))
    assert layer(x["current"]).sum() > spikes.sum()


@pytest.mark.parametrize("integrator", ["rk1", "rk45", "exact", "expeuler"])
def test_other_integrators_train_and_a_run_in_two_parts_is_one_run(
    integrator: str, leaky: type[rb.SpikingNeuron]
) -> None:
    layer = rb.layer(leaky, 2, dt=1.0, integrator=integrator, learn="tau", dtype=torch.float64)
    x = drive(12, 1, 2)
    output = layer(x)
    assert output.sum() > 0
    neuron = layer.neuron
    for t in range(12):
        # Bit by bit, what an integrator carries from step to step too.
        assert torch.equal(neuron(x[t].detach() * layer.rheobase[0])["spiked"].double(), output[t].detach())
    assert torch.equal(neuron.voltage, layer(x, return_state=True)[1]["voltage"].detach())
    early, state = layer(x[:5], return_state=True)
    late = layer(x[5:], state=state)
    assert torch.equal(torch.cat([early, late]), output)
    one, two = (torch.autograd.grad(y.sum(), layer.raw.tau) for y in (output, torch.cat([early, late])))
    assert one[0].isfinite().all()
    assert one[0] != 0
    torch.testing.assert_close(one, two, rtol=1e-10, atol=1e-12)


def test_analog_layer_follows_its_input_with_a_gain_of_one() -> None:
    layer = rb.layer("leaky-integrator", 2, dt=1.0, output="voltage", learn="tau_mem", dtype=torch.float64)
    x = drive(60, 2).detach()
    output = layer(x)
    # Exponential decay by tau = 5 ms, by Runge-Kutta's method of order 4 within 3e-6 of it a step.
    a = torch.exp(torch.tensor(-0.2, dtype=torch.float64))
    filtered, rows = torch.zeros(2, dtype=torch.float64), []
    for row in x:
        filtered = a * filtered + (1 - a) * row
        rows.append(filtered)
    torch.testing.assert_close(output.detach(), torch.stack(rows), rtol=0, atol=2e-5)
    output.sum().backward()
    assert layer.raw.tau_mem.grad < 0
