"""Many short calls are one long one: the step and the slope go on from call to call."""

from __future__ import annotations

import pytest
import rheobase as rb
import torch
from rheobase_rk45 import BogackiShampine, DormandPrince, Tsitouras
from rheobase_rk45.pair import EmbeddedPair
from torch import Tensor

every_pair = pytest.mark.parametrize("pair", [DormandPrince, Tsitouras, BogackiShampine])


class Rotation:
    """y'' = -y: as smooth as can be."""

    def __init__(self) -> None:
        self.evaluations = 0

    def __call__(self, t: object, y: Tensor) -> Tensor:
        self.evaluations += 1
        return torch.stack([-y[1], y[0]])


def chunked(method: EmbeddedPair, field: object, y: Tensor, dt: float, calls: int) -> Tensor:
    carry = None
    for _ in range(calls):
        result = method.advance(field, y, 0.0, dt, carry=carry)  # type: ignore[arg-type]
        y, carry = result.y, result.carry
    return y


@torch.no_grad()
@pytest.mark.parametrize(("natural", "calls"), [(7.0, 1000), (10.5, 200), (20.0, 100)])
def test_a_thousand_calls_cost_five_percent_more_than_one_where_dt_is_many_steps(
    natural: float, calls: int
) -> None:
    method = DormandPrince(rtol=1e-4, atol=1e-4)
    y = torch.tensor([[1.0], [0.0]], dtype=torch.float64)
    field = Rotation()
    method.advance(field, y, 0.0, 200.0)
    dt = natural * 200.0 / (field.evaluations / 6)
    short, long = Rotation(), Rotation()
    method = DormandPrince(rtol=1e-4, atol=1e-4, max_steps=10**6)
    found = chunked(method, short, y, dt, calls)
    expected = method.advance(long, y, 0.0, calls * dt).y
    assert short.evaluations < 1.05 * long.evaluations
    assert short.evaluations > 0.9 * long.evaluations
    # Of the size of the error itself, which adds up over the calls.
    assert (found - expected).abs().max() < 1.0


@torch.no_grad()
@every_pair
def test_a_call_that_is_one_step_costs_no_evaluation_for_its_start(pair: type[EmbeddedPair]) -> None:
    field = Rotation()
    method = pair(rtol=1e-4, atol=1e-4)
    y = torch.tensor([[1.0], [0.0]], dtype=torch.float64)
    first = method.advance(field, y, 0.0, 0.01)
    begun = field.evaluations
    for _ in range(10):
        first = method.advance(field, first.y, 0.0, 0.01, carry=first.carry)
    assert field.evaluations - begun == 10 * (len(pair.table.c) - 1)


def test_the_slope_that_is_carried_is_that_of_the_state_at_the_end(make_crowd) -> None:  # type: ignore[no-untyped-def]
    field, y = make_crowd(9)
    result = Tsitouras().advance(field, y, 0.0, 3.0)
    assert result.carry is not None
    assert torch.equal(result.carry["slope"], field(3.0, result.y))


def test_with_the_slope_or_without_the_result_is_the_same_bit_for_bit(make_crowd) -> None:  # type: ignore[no-untyped-def]
    field, y = make_crowd(9)
    method = DormandPrince(rtol=1e-6)
    half = method.advance(field, y, 0.0, 3.0)
    assert half.carry is not None
    with torch.no_grad():
        trusting = method.advance(field, half.y, 3.0, 6.0, carry=half.carry).y
    asking = method.advance(field, half.y, 3.0, 6.0, carry={"h": half.carry["h"]}).y
    assert torch.equal(trusting, asking)


def test_a_slope_without_a_graph_is_not_taken_where_a_gradient_is_asked_for() -> None:
    rate = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    method = DormandPrince(rtol=1e-10, atol=1e-10)
    y = torch.ones(1, 1, dtype=torch.float64)
    with torch.no_grad():
        half = method.advance(lambda t, y: -rate * y, y, 0.0, 1.0)
    end = method.advance(lambda t, y: -rate * y, half.y, 1.0, 2.0, carry=half.carry).y
    (slope,) = torch.autograd.grad(end.sum(), rate)
    assert slope.item() == pytest.approx(-end.item(), abs=1e-8)


def test_a_declared_parameter_that_asks_for_a_gradient_is_seen() -> None:
    class Decay(rb.AnalogNeuron):
        """v' = -rate v."""

        rate = rb.Parameter(0.7, unit="1/ms")
        v = rb.State(1.0, unit="1")

        @staticmethod
        def derivatives(state, params, data):  # type: ignore[no-untyped-def]
            return {"v": -params.rate * state.v}

    rate = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    cell = rb.create(
        Decay,
        rate=rate,
        integrator=DormandPrince(rtol=1e-10, atol=1e-10),
        dt=1.0,
        dtype=torch.float64,
        grad=True,
    )
    for _ in range(2):
        cell(torch.zeros(1, dtype=torch.float64))
    cell.v.sum().backward()
    assert rate.grad is not None
    assert rate.grad.item() == pytest.approx(-2.0 * cell.v.item(), abs=1e-8)
