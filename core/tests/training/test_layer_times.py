"""Exact derivatives of the times of spikes: closed forms, differences, and what has none."""

from __future__ import annotations

import math
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase.errors import ArgumentError, EventModeError, RheobaseWarning
from torch import Tensor

DOUBLE: Any = {"gradient": "times", "input": "native", "dtype": torch.float64}


class Quadratic(rb.SpikingNeuron):
    """tau dV/dt = V (V - span) / span + I, from 0 to a spike at 80 and back to V_reset."""

    tau = rb.Parameter(10.0, unit="ms", above=0)
    span = rb.Parameter(15.0, unit="mV", above=0)
    volt_reset = rb.Parameter(0.0, unit="mV")
    tau_ref = rb.Parameter(0.0, unit="ms", at_least=0)
    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (state.voltage * (state.voltage - params.span) / params.span + data) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 80.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": params.volt_reset}


class Adapting(rb.SpikingNeuron):
    """A leaky unit with a threshold that each spike lifts, and a reset that keeps a part of the voltage."""

    tau = rb.Parameter(10.0, unit="ms", above=0)
    jump = rb.Parameter(3.0, unit="mV", above=0)
    kept = rb.Parameter(0.3, unit="1", at_least=0, at_most=1)
    tau_ref = rb.Parameter(0.0, unit="ms", at_least=0)
    voltage = rb.State(0.0, unit="mV")
    lift = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau, "lift": -state.lift / 40.0}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 15.0 - state.lift

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": params.kept * state.voltage, "lift": state.lift + params.jump}


def constant(value: float, *shape: int) -> Tensor:
    return torch.full(shape, value, dtype=torch.float64, requires_grad=True)


def leaky_spike(
    number: int, current: Tensor, tau: Tensor, reach: Tensor, leak: Tensor, tau_ref: Tensor
) -> Tensor:
    """T_k = k tau ln(R I / (R I - theta)) + (k - 1) tau_ref."""
    drive = current / leak
    return number * tau * torch.log(drive / (drive - reach)) + (number - 1) * tau_ref


@pytest.mark.parametrize("number", [1, 2, 5])
def test_times_and_their_derivatives_are_those_of_the_closed_form(number: int) -> None:
    learn = ("tau_mem", "volt_thresh", "leak_gl", "tau_ref")
    layer = rb.layer("lif", 1, dt=20.0, integrator="exact", learn=learn, **DOUBLE)
    current = constant(300.0, 1)
    times = layer(current[None])
    assert times.shape == (1, 6)
    assert times.dtype == torch.float64
    values = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (5.0, 20.0, 5.0, 1.0)]
    truth = leaky_spike(number, current[0], *values)
    assert times[0, number - 1].item() == pytest.approx(truth.item(), abs=1e-12)
    got = torch.autograd.grad(times[0, number - 1], [current, *(layer.raw.get_parameter(n) for n in learn)])
    by_value = torch.autograd.grad(truth, [current, *values])
    # A step of one of a raw number is the value itself for what is above 0, and 55 mV for the threshold.
    sizes = [1.0, 5.0, 55.0, 5.0, 1.0]
    for found, exact, size in zip(got, by_value, sizes, strict=True):
        assert float(found.sum()) == pytest.approx(size * float(exact.sum()), abs=1e-9)


def test_time_depends_on_the_state_that_a_call_begins_with() -> None:
    layer = rb.layer("lif", 1, dt=5.0, integrator="exact", **DOUBLE)
    _, state = layer(torch.zeros(0, 1, dtype=torch.float64), return_state=True)
    begin = constant(-70.0, 1)
    times = layer(torch.full((1, 1), 300.0, dtype=torch.float64), state={**state, "voltage": begin})
    # From V0: t = tau ln((V_inf - V0) / (V_inf - V_thresh)), V_inf = -15 mV.
    assert times[0, 0].item() == pytest.approx(5.0 * math.log(55.0 / 40.0), abs=1e-12)
    (slope,) = torch.autograd.grad(times[0, 0], begin)
    assert slope.item() == pytest.approx(-5.0 / 55.0, abs=1e-9)


def test_derivatives_of_a_quadratic_unit_are_those_of_the_closed_form() -> None:
    method = rb.integrator("rk45", rtol=1e-11, atol=1e-11)
    layer = rb.layer(Quadratic, 1, dt=10.0, integrator=method, learn=("tau", "span"), **DOUBLE)
    current = constant(8.0, 1)
    times = layer(current.expand(12, 1))
    assert int((~times.isnan()).sum()) >= 2
    tau, span = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (10.0, 15.0))
    # tau x' = x^2 / span + c about the middle, x = V - span / 2: an arc tangent.
    c = current[0] - span / 4.0
    root = torch.sqrt(c * span)
    period = tau * span / root * (torch.atan((80.0 - span / 2.0) / root) + torch.atan(span / 2.0 / root))
    for number in (1, 2):
        assert times[0, number - 1].item() == pytest.approx(number * period.item(), abs=1e-7)
        leaves = [current, layer.raw.tau, layer.raw.span]
        got = torch.autograd.grad(times[0, number - 1], leaves, retain_graph=True)
        exact = torch.autograd.grad(number * period, [current, tau, span], retain_graph=True)
        for found, truth, size in zip(got, exact, [1.0, 10.0, 15.0], strict=True):
            assert float(found) == pytest.approx(size * float(truth), rel=1e-6)


@pytest.mark.parametrize("tau_ref", [0.0, 0.7])
@pytest.mark.parametrize("integrator", ["rk4", "exact"])
def test_derivatives_through_many_resets_are_those_of_differences(integrator: str, tau_ref: float) -> None:
    learn = ("tau", "jump", "kept") + (("tau_ref",) if tau_ref else ())
    layer = rb.layer(Adapting, 2, dt=2.0, integrator=integrator, learn=learn, tau_ref=tau_ref, **DOUBLE)
    generator = torch.Generator().manual_seed(3)
    x = (40.0 + 20.0 * torch.rand(6, 1, 2, dtype=torch.float64, generator=generator)).requires_grad_()

    def spikes(given: Tensor, *raw: Tensor) -> Tensor:
        values = {f"raw.{name}": value for name, value in zip(learn, raw, strict=True)}
        times: Tensor = torch.func.functional_call(layer, values, (given,))
        # So many each unit has wherever differences are taken.
        assert bool((~times[..., :2].isnan()).all())
        return times[..., :2]

    # Not at 0, where the second derivative of a one-sided value jumps.
    raw = [torch.tensor(0.02, dtype=torch.float64, requires_grad=True) for _ in learn]
    assert torch.autograd.gradcheck(spikes, (x, *raw), eps=1e-5, atol=1e-6, rtol=1e-5, fast_mode=True)


def test_missing_spike_has_no_time_and_no_derivative() -> None:
    layer = rb.layer("lif", 3, dt=5.0, learn="tau_mem", integrator="exact", **DOUBLE)
    x = torch.tensor([[300.0, 50.0, 0.0]], dtype=torch.float64, requires_grad=True)
    times = layer(x)
    assert times.shape == (3, 1)
    assert times.isnan()[:, 0].tolist() == [False, True, True]
    # Whatever comes back to places without a spike, even what is no number, goes nowhere.
    for seen in (times.pow(2).nansum(), times.pow(2).sum(), times.nan_to_num(9.0).sum()):
        by_x, by_tau = torch.autograd.grad(seen, [x, layer.raw.tau_mem], retain_graph=True)
        assert by_x[0, 1:].tolist() == [0.0, 0.0]
        assert by_x[0, 0] != 0
        assert by_x.isfinite().all()
        assert by_tau.isfinite()


def test_run_in_two_parts_is_one_run_and_times_begin_anew() -> None:
    layer = rb.layer(Adapting, 2, dt=2.0, learn="tau", tau_ref=1.3, **DOUBLE)
    generator = torch.Generator().manual_seed(5)
    x = (60.0 * torch.rand(14, 3, 2, dtype=torch.float64, generator=generator)).requires_grad_()
    whole = layer(x)
    early, state = layer(x[:6], return_state=True)
    late = layer(x[6:], state=state) + 12.0
    both = torch.cat([early, late], dim=-1).nan_to_num(math.inf).sort(dim=-1).values[..., : whole.shape[-1]]
    assert torch.allclose(both, whole.nan_to_num(math.inf), rtol=0, atol=1e-12)
    grads = [torch.autograd.grad(y[y.isfinite()].pow(2).sum(), [x, layer.raw.tau]) for y in (whole, both)]
    torch.testing.assert_close(grads[0], grads[1], rtol=1e-9, atol=1e-9)
    assert state.keys() == {"voltage", "lift", "armed", "hold", "hold_time"}


def test_row_has_the_same_times_and_derivatives_alone_and_in_a_batch() -> None:
    layer = rb.layer(Adapting, (2, 1), dt=2.0, tau_ref=0.5, **DOUBLE)
    generator = torch.Generator().manual_seed(6)
    x = (60.0 * torch.rand(10, 3, 2, 1, dtype=torch.float64, generator=generator)).requires_grad_()
    times = layer(x)
    assert times.shape[:3] == (3, 2, 1)
    alone = layer(x[:, :1])
    count = alone.shape[-1]
    assert torch.equal(alone.nan_to_num(-1.0), times[:1, ..., :count].nan_to_num(-1.0))
    one, many = (torch.autograd.grad(y.nansum(), x)[0] for y in (alone, times[:1]))
    assert torch.equal(one, many)
    assert not many[:, 1:].any()


def test_later_spike_of_a_unit_that_forgets_waits_for_the_earlier_one() -> None:
    """Moved by an earlier spike at the rate 1: the reset forgets all, so that the rest moves with it."""
    layer = rb.layer("lif", 1, dt=1.0, integrator="exact", tau_ref=0.0, **DOUBLE)
    x = torch.full((9, 1), 300.0, dtype=torch.float64)
    x[:2] = 150.0
    x.requires_grad_()
    times = layer(x)
    first, second = (torch.autograd.grad(times[0, k], x, retain_graph=True)[0][:2, 0] for k in (0, 1))
    assert first.all()
    torch.testing.assert_close(first, second, rtol=1e-12, atol=0)


@pytest.mark.filterwarnings("error")
def test_what_makes_no_sense_beside_times_is_refused() -> None:
    for given, error, told in (
        ({"event": "step"}, EventModeError, "gradient='times' asks when spikes are, and event='step'"),
        ({"output": "voltage"}, ArgumentError, "output='voltage' gives a row for each step"),
        ({"reset": "attached"}, ArgumentError, "a reset has its exact derivative"),
        ({"recurrent": torch.nn.Linear(2, 2)}, ArgumentError, "give gradient='surrogate'"),
        ({"gradient": "time"}, ArgumentError, "it must be one of 'surrogate', 'times'; did you mean 'times'"),
    ):
        with pytest.raises(error, match=told):
            rb.layer("lif", 2, dt=1.0, **{"gradient": "times", **given})
    with pytest.raises(ArgumentError, match="has no threshold and emits no spikes"):
        rb.layer("leaky-integrator", 2, dt=1.0, gradient="times")
    with pytest.raises(EventModeError, match="give gradient='times' with it"):
        rb.layer("lif", 2, dt=1.0, event="located")
    layer = rb.layer("lif", 2, dt=1.0, gradient="times")
    with pytest.warns(RheobaseWarning, match="no unit spiked in the first call"):
        layer(torch.zeros(3, 2))


def _reachable(tensor: Tensor) -> int:
    seen, pending = set(), [tensor.grad_fn]
    while pending:
        node = pending.pop()
        if node is not None and node not in seen:
            seen.add(node)
            pending += [parent for parent, _ in node.next_functions]
    return len(seen)


@pytest.mark.parametrize("integrator", ["rk4", "rk45", "exact"])
def test_a_spike_costs_the_same_however_many_there_were(
    integrator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The speed at a crossing is taken from a graph that does not reach back over the spikes before.
    layer = rb.layer(Adapting, 3, dt=2.0, gradient="times", input="native", integrator=integrator)
    sizes, grad = [], torch.autograd.grad

    def counted(outputs: Any, *rest: Any, **options: Any) -> Any:
        sizes.append(_reachable(outputs))
        return grad(outputs, *rest, **options)

    x = torch.full((30, 1, 3), 90.0, requires_grad=True)
    with monkeypatch.context() as patch:
        patch.setattr(torch.autograd, "grad", counted)
        times = layer(x)
    assert times.shape[-1] > 10
    assert times.requires_grad
    # One more for a row of the input that is another.
    assert max(sizes[5:]) <= sizes[0] + 20, sizes
