"""Layers that hear events at their own times: closed forms, differences, coincidences, what is refused."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase.errors import ArgumentError, InputError
from torch import Tensor

NAN = math.nan
pytestmark = pytest.mark.filterwarnings("ignore:lif. no unit spiked")
DOUBLE: Any = {"gradient": "times", "input": "native", "dtype": torch.float64}
CELL: Any = {"tau_mem": 10.0, "leak_gl": 5.0, "tau_ref": 0.0}


def numbers(*values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def current(tau: float = 5.0) -> Any:
    return rb.synapse("exponential", tau=tau)


def hears(units: int = 1, **how: Any) -> rb.Layer:
    settings = {"dt": 4.0, "synapse": current(), "integrator": "exact", **CELL, **DOUBLE, **how}
    return rb.layer("lif", units, **settings)


def closed_form(times: Tensor, weights: Tensor) -> Tensor:
    """The first spike where tau_mem = 2 tau_syn = 10 ms, 20 mV above rest (Goeltz et al. 2021).

    V = (a1 x - a2 x^2) / g with x = exp(-t / tau_mem), a1 = sum w exp(t_i / 10), a2 = sum w exp(t_i / 5).
    """
    a1, a2 = (weights * torch.exp(times / 10.0)).sum(), (weights * torch.exp(times / 5.0)).sum()
    return 10.0 * torch.log(2.0 * a2 / (a1 + torch.sqrt(a1 * a1 - 400.0 * a2)))


@pytest.mark.parametrize("times", [(0.5, 1.3, 2.9), (0.0, 4.0, 4.0), (1.0, 1.0, 1.0), (2.0, 4.0, NAN)])
@pytest.mark.parametrize("dt", [4.0, 1.0, 30.0])
def test_first_spike_and_its_derivatives_are_those_of_the_closed_form(
    times: tuple[float, ...], dt: float
) -> None:
    """At ends of steps, at one time, at the start, and without one of the events."""
    at, weights = numbers(*times), numbers(330.0, 250.0, 190.0)
    found = hears(dt=dt)((at[:, None], weights[None]), until=60.0)[0, 0]
    there = ~at.detach().isnan()
    truth = closed_form(at[there], weights[there])
    assert found.item() == pytest.approx(truth.item(), abs=1e-10)
    got = torch.autograd.grad(found, [at, weights])
    exact = torch.autograd.grad(truth, [at, weights])
    for one, other in zip(got, exact, strict=True):
        torch.testing.assert_close(one[there], other[there], rtol=0, atol=1e-9)
        assert not one[~there].any()


@pytest.mark.parametrize("how", [{"integrator": "rk4", "dt": 1.0}, {"tau_ref": 1.1}])
def test_layers_stack_and_their_derivatives_are_those_of_differences(how: Any) -> None:
    first, second = hears(2, learn="tau_mem", **how), hears(2, learn="volt_thresh", **how)
    at = numbers([[0.0], [2.0]], [[1.0], [2.3]])
    w1 = numbers([600.0, 500.0], [450.0, 700.0])
    w2 = numbers([400.0, 500.0], [500.0, 300.0])

    def last(at: Tensor, w1: Tensor, w2: Tensor, tau: Tensor, theta: Tensor) -> Tensor:
        call = torch.func.functional_call
        # Half a step away from the beginning, before which there is nothing.
        hidden = call(first, {"raw.tau_mem": tau}, ((at + 0.5, w1),), {"until": 8.0})
        times: Tensor = call(second, {"raw.volt_thresh": theta}, ((hidden, w2),), {"until": 16.0})
        assert bool((~times[..., :2].isnan()).all())
        return times[..., :2]

    raw = [torch.tensor(0.02, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    assert torch.autograd.gradcheck(last, (at, w1, w2, *raw), eps=1e-5, atol=1e-6, rtol=1e-5, fast_mode=True)


def test_what_comes_at_one_time_is_a_sum_whatever_its_order() -> None:
    at, weights = numbers([3.0, NAN], [3.0, 7.0], [3.0, 3.0]), numbers([30.0, -25.0, 4.0])
    layer = hears(synapse=None)
    # In sum 13 mV at 3 ms: below the threshold of 20, though 30 alone is not.
    assert layer((at, weights), until=12.0).isnan().all()
    for order in ([2, 1, 0], [1, 2, 0]):
        assert layer((at[order], weights[:, order]), until=12.0).isnan().all()
    more = layer((at, numbers([30.0, -5.0, 4.0])), until=12.0)
    assert more.tolist() == [[3.0]]
    together = hears()((numbers([2.0]), numbers([900.0])), until=12.0)
    parts = hears()((numbers([2.0, 2.0], [2.0, NAN]), numbers([200.0, 500.0])), until=12.0)
    torch.testing.assert_close(parts, together, rtol=0, atol=1e-12)


def test_event_that_lifts_a_unit_over_threshold_is_when_it_spikes() -> None:
    at, weights = numbers([1.5, 6.0]), numbers([25.0])
    times = hears(synapse=None)((at, weights))
    assert times.tolist() == [[1.5, 6.0]]
    (slope,) = torch.autograd.grad(times[0, 1], at)
    assert slope.tolist() == [[0.0, 1.0]]


def test_weight_of_zero_has_a_derivative() -> None:
    weights = numbers([600.0, 0.0])
    at = numbers([1.0], [2.0])
    times = hears()((at, weights))[0, 0]
    by_weight = torch.autograd.grad(times, weights)[0][0]
    exact = torch.autograd.grad(closed_form(at[:, 0], weights[0]), weights)[0][0]
    assert exact[1] != 0
    torch.testing.assert_close(by_weight, exact, rtol=0, atol=1e-9)


def test_events_and_a_current_add_up() -> None:
    at, weights = numbers([2.0]), numbers([500.0])
    x = torch.full((5, 1), 60.0, dtype=torch.float64, requires_grad=True)
    layer = hears(tau_ref=1.0)
    both = layer((at, weights, x))
    assert layer((at, weights), until=20.0)[0, 0] > both[0, 0]
    assert torch.autograd.grad(both[0, 0], x)[0][0] < 0
    # A current alone, of a layer that may hear events too.
    alone = layer(5.0 * x)
    plain = rb.layer("lif", 1, dt=4.0, integrator="exact", **{**CELL, "tau_ref": 1.0}, **DOUBLE)
    torch.testing.assert_close(alone, plain(5.0 * x), rtol=0, atol=1e-9)


def test_call_in_two_parts_is_one_call() -> None:
    layer = hears(2, tau_ref=1.0)
    at = numbers([[1.0, 9.5], [3.0, NAN]])
    weights = numbers([600.0, 200.0], [800.0, 300.0])
    whole = layer((at, weights), until=24.0)
    early, state = layer((torch.where(at < 8.0, at, NAN), weights), until=8.0, return_state=True)
    assert {"voltage", "synapse.current", "hold_time"} < state.keys()
    late = layer((torch.where(at > 8.0, at - 8.0, NAN), weights), until=16.0, state=state)
    both = torch.cat([early, late + 8.0], -1).nan_to_num(math.inf).sort(dim=-1).values[..., : whole.shape[-1]]
    torch.testing.assert_close(both, whole.nan_to_num(math.inf), rtol=0, atol=1e-10)
    grads = [torch.autograd.grad(y[y.isfinite()].sum(), [at, weights]) for y in (whole, both)]
    torch.testing.assert_close(grads[0], grads[1], rtol=1e-8, atol=1e-10)


def test_batch_without_a_spike_has_a_backward_too() -> None:
    at, weights = numbers([1.0]), numbers([1.0])
    layer = hears(learn="tau_mem")
    times = layer((at, weights), until=20.0)
    assert times.isnan().all()
    times.sum().backward()
    assert [leaf.grad.tolist() for leaf in (at, weights, layer.raw.tau_mem)] == [[[0.0]], [[0.0]], 0.0]


def test_weight_of_one_is_an_input_of_one_or_the_distance_from_threshold() -> None:
    by_current = rb.layer("lif", 1, dt=1.0, gradient="times", synapse=current(), **CELL)
    at_once = rb.layer("lif", 1, dt=1.0, gradient="times", **CELL)
    at = torch.tensor([[2.0]])
    assert at_once((at, torch.tensor([[1.001]])), until=5.0).tolist() == [[2.0]]
    assert at_once((at, torch.tensor([[0.999]])), until=5.0).isnan().all()
    assert by_current.rheobase[0].item() == pytest.approx(100.0 / -math.expm1(-0.1), rel=1e-4)
    native = rb.layer("lif", 1, dt=1.0, gradient="times", input="native", synapse=current(), **CELL)
    one = by_current((at, torch.tensor([[0.6]])), until=20.0)
    assert one.isfinite().all()
    same = native((at, 0.6 * by_current.rheobase[0][:, None]), until=20.0)
    torch.testing.assert_close(one, same, rtol=1e-6, atol=0)
    assert one.dtype == torch.float32


def test_layer_with_a_synapse_is_copied_pickled_and_converted() -> None:
    layer = hears(2)
    at, weights = numbers([1.0]), numbers([900.0], [700.0])
    times = layer((at, weights), until=20.0)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(twin((at, weights), until=20.0).nan_to_num(0.0), times.nan_to_num(0.0))
    assert layer.state_dict()["reception.tau"] == 5.0
    single = layer.float()((at.float(), weights.float()), until=20.0)
    torch.testing.assert_close(
        single.nan_to_num(0.0), times.nan_to_num(0.0), rtol=1e-4, atol=0, check_dtype=False
    )
    tau = torch.nn.Parameter(torch.tensor(5.0, dtype=torch.float64))
    learns = hears(2, synapse=rb.synapse("exponential", tau=tau))
    learns((at, weights), until=20.0)[0, 0].backward()
    assert tau.grad is not None
    assert tau.grad != 0
    assert any(each is tau for each in learns.parameters())


REFUSED: Any = {
    "early": (numbers([-1.0]), numbers([1.0]), "event 0 of input 0 is at -1 ms, before the call begins"),
    "no numbers": (torch.tensor([[1]]), numbers([1.0]), "times of events are torch.int64"),
    "one dimension": (numbers(1.0), numbers([1.0]), r"it must be \[\*batch, inputs, K\]"),
    "other inputs": (numbers([1.0]), numbers([1.0, 2.0]), r"\[\*units, inputs\] = \[1, 1\]"),
    "infinite weight": (
        numbers([1.0]),
        numbers([math.inf]),
        "weight of input 0 to unit 0 is no finite number",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_events_that_cannot_be_used_are_told(case: str) -> None:
    at, weights, told = REFUSED[case]
    with pytest.raises(InputError, match=told):
        hears()((at, weights))


def test_events_where_none_are_heard_are_told() -> None:
    layer, at, weights = hears(), numbers([1.0]), numbers([1.0])
    x = torch.zeros(3, 1, dtype=torch.float64)
    for given, how, told in (
        (x, {"until": 3.0}, "until=3.0 says when a call with events alone ends"),
        ((at, weights, x), {"until": 3.0}, r"or \(times, weights, x\) without"),
        ((at,), {}, "1 parts of an input"),
        ((at, weights), {"until": -1.0}, "until=-1.0"),
        (
            (at, weights),
            {"until": 7.3},
            "until=7.3 ms is no multiple of the time step 4 ms; the nearest is 8 ms, 2 steps",
        ),
        (
            (at, weights, x[:, None].expand(-1, 2, -1)),
            {},
            r"have the batch \[\], and x \[2\]; give both alike",
        ),
        ((at, weights.float().double() * 1.0), {"until": math.inf}, "until=inf"),
    ):
        with pytest.raises(InputError, match=told):
            layer(given, **how)
    single = rb.layer("lif", 1, dt=1.0, gradient="times")
    with pytest.raises(InputError, match=r"are torch.float64, and the layer has torch.float32; convert one"):
        single((at, weights))
    with pytest.raises(InputError, match="give a tensor"):
        rb.layer("lif", 1, dt=1.0)((at, weights))
    for how, told in (
        ({"gradient": "surrogate"}, "is for events, which a layer with gradient='times' hears"),
        ({"gradient": "times", "synapse": "exponential"}, r"give rheobase.synapse\(name, ...\)"),
        ({"gradient": "times", "synapse": rb.synapse("tsodyks-markram")}, "keeps states of each source"),
    ):
        with pytest.raises(ArgumentError, match=told):
            rb.layer("lif", 1, dt=1.0, **{"synapse": current(), **how})


@pytest.mark.parametrize("integrator", ["exact", "rk45", "rk4"])
def test_event_at_the_very_start_has_the_derivative_of_one_just_after(integrator: str) -> None:
    """The unit moves as it comes, towards where a current takes it: a way of no length, but one."""
    layer, x = hears(integrator=integrator), torch.full((5, 1), 60.0, dtype=torch.float64)
    slopes = []
    for start in (0.0, 1e-7):
        at = numbers([start], [2.0])
        times = layer((at, numbers([500.0, 300.0]), x))
        slopes.append(torch.autograd.grad(times[0, 0], at)[0])
    assert slopes[0].all()
    # It is continuous there, and changes by less than 1 per ms.
    torch.testing.assert_close(slopes[0], slopes[1], rtol=0, atol=1e-6)


class Jumping(rb.SpikingNeuron):
    """Two inputs: spikes, which add to a current of its own, and a bias."""

    voltage = rb.State(0.0, unit="mV")
    synaptic = rb.State(0.0, unit="pA")
    bias = rb.Input(unit="pA", default=2.0)
    spikes = rb.Input(unit="pA", arrives="jump", into="synaptic")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        driven = data.bias + state.synaptic
        return {"voltage": (driven - state.voltage) / 10.0, "synaptic": -state.synaptic / 5.0}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 20.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": 0.0 * state.voltage}


def test_events_go_where_a_model_has_an_input_for_them_beside_the_default_of_others() -> None:
    layer = rb.layer(Jumping, 1, dt=4.0, integrator="exact", **DOUBLE)
    at, weights = numbers([0.5], [2.0]), numbers([60.0, 90.0])
    times = layer((at, weights), until=20.0)
    # As a synapse does it that is integrated with a leaky unit of one nS, with 2 pA all the while.
    plain = hears(leak_gl=1.0, volt_rest=-75.0)
    same = plain((at, weights, torch.full((5, 1), 2.0, dtype=torch.float64)))
    torch.testing.assert_close(times[0, 0], same[0, 0], rtol=0, atol=1e-9)
    grads = [torch.autograd.grad(each[0, 0], [at, weights]) for each in (times, same)]
    torch.testing.assert_close(grads[0], grads[1], rtol=0, atol=1e-9)


@pytest.mark.parametrize("batch", [(), (3,)])
def test_events_do_not_care_which_dimension_is_time(batch: tuple[int, ...]) -> None:
    at = torch.tensor([[1.0], [3.0]], dtype=torch.float64).expand(*batch, 2, 1)
    weights = numbers([500.0, 300.0])
    first, second = (hears(time=time)((at, weights), until=20.0) for time in ("first", "second"))
    assert torch.equal(first.nan_to_num(0.0), second.nan_to_num(0.0))
    assert first.shape[:-1] == (*batch, 1)
