"""A step with a surrogate has the values of one without, and the derivative that is written down."""

from __future__ import annotations

from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase.engine.neuron.named import packed
from rheobase.engine.step.ends import Surrogate
from rheobase.engine.step.grid import step
from rheobase.engine.step.selected import _blended
from rheobase.engine.step.table import StepState
from rheobase.errors import EventModeError
from torch import Tensor

V0, V_THRESH, GAIN, SCALE = 0.0, 10.0, 0.01, 10.0


class Integrate(rb.SpikingNeuron):
    """The perfect integrator: V grows by 0.01 mV per pA in a step of 1 ms, exactly."""

    tau_ref = rb.Parameter(0.0, unit="ms", at_least=0)
    voltage = rb.State(V0, unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": data * GAIN}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - V_THRESH

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": V0}


class Moving(Integrate):
    """The same, with a voltage that moves on while it is refractory."""

    held = ()


class Halving(Integrate):
    """The same, with a reset that depends on the voltage."""

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": state.voltage / 2}


def atan(u: Tensor) -> Tensor:
    return 0.5 + torch.atan(torch.pi * u) / torch.pi


def slope(u: Tensor) -> Tensor:
    return 1 / (1 + (torch.pi * u) ** 2)


def run(
    x: Tensor, tau_ref: float = 0.0, event: str = "step", *, model: Any = Integrate, **how: Any
) -> tuple[Tensor, Tensor, Tensor]:
    """Spikes with a derivative, spikes without, voltages: ``[steps, units]``."""
    neuron = rb.create(model, x.shape[1], tau_ref=tau_ref, dtype=torch.float64, dt=1.0)
    state: StepState = packed(neuron.schema, neuron.state)
    surrogate = Surrogate(atan, torch.tensor(SCALE, dtype=torch.float64), **how)
    spikes, spiked, voltage = [], [], []
    for row in x:
        state, report = step(
            neuron._model, neuron.integrator, event, state, neuron.params, row, 1.0, surrogate=surrogate
        )
        assert report.spike is not None
        assert state.spiked is not None
        spikes.append(report.spike)
        spiked.append(state.spiked)
        voltage.append(state.y[0])
    return torch.stack(spikes), torch.stack(spiked), torch.stack(voltage)


def current(steps: int = 12, units: int = 3) -> Tensor:
    torch.manual_seed(1)
    return (700 * torch.rand(steps, units, dtype=torch.float64)).requires_grad_()


@pytest.mark.parametrize("event", ["step", "crossing"])
@pytest.mark.parametrize("tau_ref", [0.0, 2.0])
@pytest.mark.parametrize("attached", [False, True])
def test_values_are_those_of_a_neuron_without_a_surrogate(event: str, tau_ref: float, attached: bool) -> None:
    x = current()
    spikes, _, voltage = run(x, tau_ref, event, attached=attached)
    neuron = rb.create(Integrate, 3, tau_ref=tau_ref, dtype=torch.float64, dt=1.0, event=event)
    plain = [neuron(row) for row in x.detach()]
    assert torch.equal(spikes.detach(), torch.stack([each["spiked"] for each in plain]).double())
    assert torch.equal(voltage.detach(), torch.stack([each["voltage"] for each in plain]))
    assert 0 < spikes.sum() < spikes.numel()


@pytest.mark.parametrize("attached", [False, True])
def test_gradient_is_that_of_the_recursion_by_hand(attached: bool) -> None:
    x = current()
    weights = torch.randn(x.shape, dtype=torch.float64)
    spikes, spiked, _ = run(x, attached=attached)
    (found,) = torch.autograd.grad((weights * spikes).sum(), x)
    # Forward: v1 = v + GAIN x, s = [v1 >= theta], v = where(s, V0, v1). Backward, from the end:
    v, before = torch.zeros(3, dtype=torch.float64), []
    for row, s in zip(x.detach(), spiked, strict=True):
        before.append(v + GAIN * row)
        v = torch.where(s.bool(), V0, before[-1])
    carried, expected = torch.zeros(3, dtype=torch.float64), []
    for v1, s, w in reversed(list(zip(before, spiked, weights, strict=True))):
        by_spike = w + (carried * (V0 - v1) if attached else 0.0)
        carried = torch.where(s.bool(), 0.0, carried) + by_spike * slope((v1 - V_THRESH) / SCALE) / SCALE
        expected.insert(0, GAIN * carried)
    torch.testing.assert_close(found, torch.stack(expected), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("model", [Integrate, Moving])
def test_gradient_is_zero_while_refractory(model: type[rb.SpikingNeuron]) -> None:
    # Steps 1 and 2 are refractory. Where the voltage moves in them it comes to 9.6 mV: no spike at the end.
    x = torch.tensor([[1200.0], [480.0], [480.0], [1200.0]], dtype=torch.float64, requires_grad=True)
    spikes, spiked, _ = run(x, 2.0, model=model)
    assert spiked[:, 0].tolist() == [1, 0, 0, 1]
    for refractory in (1, 2):
        (by_x,) = torch.autograd.grad(spikes[refractory].sum(), x, retain_graph=True)
        assert not by_x.any()
    assert torch.autograd.grad(spikes[3].sum(), x)[0][3] > 0


def test_spike_at_the_end_of_a_refractory_period_has_a_gradient() -> None:
    x = torch.full((3, 1), 1200.0, dtype=torch.float64, requires_grad=True)
    spikes, spiked, _ = run(x, 2.0, model=Moving)
    assert spiked[:, 0].tolist() == [1, 0, 1]
    (by_x,) = torch.autograd.grad(spikes[2].sum(), x)
    # V rises to 24 mV in the two steps of the period.
    expected = GAIN * slope(torch.tensor((24.0 - V_THRESH) / SCALE)).item() / SCALE
    assert by_x[:, 0].tolist() == pytest.approx([0.0, expected, expected])


@pytest.mark.parametrize("event", ["step", "crossing"])
@pytest.mark.parametrize("current", [-400.0, 400.0, 1200.0])
def test_blend_is_with_a_reset_at_the_crossing_or_where_there_is_none_at_the_end(
    event: str, current: float
) -> None:
    x = torch.full((1, 1), current, dtype=torch.float64)
    spikes, spiked, y = run(x, event=event, model=Halving, attached=True, smooth=True)
    v1 = GAIN * x
    # Not at a crossing to which the unit never came, ahead of it or behind.
    at = torch.full_like(v1, V_THRESH) if event == "crossing" and spiked.item() else v1
    torch.testing.assert_close(y, v1 + spikes * (at / 2 - v1))


@pytest.mark.parametrize("event", ["step", "crossing"])
def test_smooth_replacement_has_the_gradient_of_differences(event: str) -> None:
    # Attached, and without a period of refractoriness: the whole of it is a smooth function.
    x = current(6, 2).detach() / 2
    x.requires_grad_()

    def total(given: Tensor) -> Tensor:
        spikes, _, voltage = run(given, event=event, attached=True, smooth=True)
        return spikes.sum() + voltage.sin().sum()

    assert torch.autograd.gradcheck(total, x, eps=1e-3, atol=1e-9, rtol=1e-6)


def test_an_infinite_jump_does_not_poison_an_attached_reset() -> None:
    spike = torch.tensor([1.0, 0.0], requires_grad=True)
    y = _blended(torch.zeros(1, 2), spike, torch.tensor([[-torch.inf, 3.0]]), smooth=False)
    (by_spike,) = torch.autograd.grad(y.sum(), spike)
    assert y.tolist() == [[0.0, 0.0]]
    assert by_spike.tolist() == [0.0, 3.0]


def test_located_spikes_take_no_surrogate() -> None:
    with pytest.raises(EventModeError, match="exact derivatives"):
        run(current(), event="located")
