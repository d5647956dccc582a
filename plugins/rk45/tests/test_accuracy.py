"""The method's order and its error control, against exact solutions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from rheobase_rk45 import BogackiShampine, DormandPrince, Tsitouras
from rheobase_rk45.pair import EmbeddedPair
from rheobase_rk45.tableau import DORMAND_PRINCE
from torch import Tensor


def column(*values: float, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.tensor(values, dtype=dtype)[:, None]


def rotation(t: object, y: Tensor) -> Tensor:
    return torch.stack([-y[1], y[0]])


def rotated(angle: float) -> Tensor:
    return column(math.cos(angle), math.sin(angle))


def logistic(t: object, y: Tensor) -> Tensor:
    return y * (1.0 - y)


def turning(t: object, y: Tensor) -> Tensor:
    """A point on a circle, which turns at the square of its distance."""
    return (y * y).sum(dim=0) * rotation(t, y)


def driven(t: Tensor, y: Tensor) -> Tensor:
    return -y + torch.sin(t)


class Counted:
    """A field that counts its evaluations."""

    def __init__(self, field) -> None:  # type: ignore[no-untyped-def]
        self.field, self.calls = field, 0

    def __call__(self, t: object, y: Tensor) -> Tensor:
        self.calls += 1
        return self.field(t, y)  # type: ignore[no-any-return]


def test_tableau_meets_the_conditions_of_its_orders() -> None:
    table = DORMAND_PRINCE
    c, b = np.array(table.c), np.array([*table.a[-1], 0.0])
    a = np.array([[*row, *[0.0] * (7 - len(row))] for row in table.a])
    error = np.array(table.error)
    np.testing.assert_allclose(a.sum(axis=1), c, atol=1e-14)  # rounding of sums of numbers up to 15
    for k in range(5):  # the solution: order 5
        assert b @ c**k == pytest.approx(1 / (k + 1), abs=1e-14)
    assert b @ a @ c == pytest.approx(1 / 6, abs=1e-14)
    assert b @ a @ a @ c == pytest.approx(1 / 24, abs=1e-14)
    assert b @ a @ a @ a @ c == pytest.approx(1 / 120, abs=1e-14)
    for k in range(4):  # the embedded one agrees with it up to order 4
        assert error @ c**k == pytest.approx(0.0, abs=1e-14)
    assert error @ a @ a @ c == pytest.approx(0.0, abs=1e-14)
    assert abs(error @ c**4) > 1e-4  # and no further


@pytest.mark.parametrize("pair", [DormandPrince, Tsitouras, BogackiShampine])
@pytest.mark.parametrize(
    ("field", "start", "end", "exact", "count"),
    [
        (lambda t, y: -y, column(1.0), 10.0, column(math.exp(-10.0)), 320),
        (logistic, column(0.01), 8.0, column(1.0 / (1.0 + 99.0 * math.exp(-8.0))), 160),
        (turning, column(1.2, 0.0), 6.0, 1.2 * rotated(8.64), 320),
        (driven, column(0.0), 3.0, column((math.sin(3.0) - math.cos(3.0) + math.exp(-3.0)) / 2.0), 80),
    ],
    ids=["linear", "nonlinear", "coupled", "time-dependent"],
)
def test_equal_steps_converge_at_the_order_claimed(  # type: ignore[no-untyped-def]
    pair: type[EmbeddedPair], field, start: Tensor, end: float, exact: Tensor, count: int
) -> None:
    # As many steps as show the leading term alone, and an error well above rounding.
    errors = [
        (pair(fixed_step=end / steps).advance(field, start, 0.0, end).y - exact).abs().max().item()
        for steps in (count, 2 * count)
    ]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(pair.order, abs=0.15)


@pytest.mark.parametrize("tolerance", [1e-4, 1e-7, 1e-10])
def test_linear_decay_is_right_to_the_tolerance(tolerance: float) -> None:
    method = DormandPrince(rtol=tolerance, atol=tolerance)
    times = torch.linspace(0.1, 20.0, 7, dtype=torch.float64)
    y = method.advance(lambda t, y: -y, torch.ones(1, 7, dtype=torch.float64), 0.0, times).y
    # Errors of single steps add up, and die away like the solution: a few of them stand.
    assert (y[0] - torch.exp(-times)).abs().max() < 5.0 * tolerance


def test_error_falls_with_the_tolerance_at_least_fivefold_per_decade() -> None:
    errors = []
    for exponent in range(4, 12):
        method = DormandPrince(rtol=10.0**-exponent, atol=10.0**-exponent)
        y = method.advance(rotation, column(1.0, 0.0), 0.0, 20.0).y
        errors.append((y - rotated(20.0)).abs().max().item())
    falls = np.array(errors[:-1]) / np.array(errors[1:])
    assert np.all(falls >= 5.0)
    assert errors[-1] < 1e-9


def test_the_work_grows_as_that_of_a_method_of_order_five() -> None:
    calls = []
    for tolerance in (1e-5, 1e-10):
        field = Counted(rotation)
        DormandPrince(rtol=tolerance, atol=tolerance).advance(field, column(1.0, 0.0), 0.0, 20.0)
        calls.append(field.calls)
    # Five decades at order five: ten times the steps; a method of order 4 would take 18 times.
    assert 8.0 < calls[1] / calls[0] < 12.0


def test_the_state_carried_on_is_that_of_one_long_call() -> None:
    method = DormandPrince(rtol=1e-8, atol=1e-8)
    y, carry = column(1.0, 0.0), None
    short, long = Counted(rotation), Counted(rotation)
    for step in range(200):
        y, carry = method.advance(short, y, 0.1 * step, 0.1 * (step + 1), carry=carry)[:2]
    method.advance(long, column(1.0, 0.0), 0.0, 20.0)
    assert carry is not None
    assert carry["h"].shape == (1,)
    assert (y - rotated(20.0)).abs().max() < 1e-6
    # Where each call began with a guess, or with dt for a step, it would be twice as much.
    assert short.calls < 1.5 * long.calls


def test_the_step_that_is_carried_is_not_the_one_that_the_end_cut_short() -> None:
    method = DormandPrince(rtol=1e-8, atol=1e-8)
    carry = method.advance(rotation, column(1.0, 0.0), 0.0, 1.0).carry
    assert carry is not None
    wanted = carry["h"].item()
    after = method.advance(rotation, column(1.0, 0.0), 0.0, 1e-3 * wanted, carry=carry).carry
    assert after is not None
    assert after["h"].item() == wanted


def test_each_unit_reaches_its_own_end() -> None:
    ends = torch.tensor([0.0, 0.3, 2.0], dtype=torch.float64)
    starts = torch.tensor([0.0, 0.1, 0.5], dtype=torch.float64)
    y0 = torch.full((1, 4, 3), 2.0, dtype=torch.float64)
    y = DormandPrince(rtol=1e-10).advance(lambda t, y: -y, y0, starts, torch.maximum(starts, ends)).y
    assert torch.equal(y[..., 0], y0[..., 0])
    exact = 2.0 * torch.exp(starts - torch.maximum(starts, ends))
    assert (y - exact).abs().max() < 1e-9


def test_the_field_is_told_the_time() -> None:
    # y' = 3 t^2 from t = 1 to 2: a polynomial that the method integrates exactly, to rounding.
    y = DormandPrince().advance(lambda t, y: (3.0 * t**2).expand(y.shape), column(0.0), 1.0, 2.0).y
    assert y.item() == pytest.approx(7.0, abs=1e-12)


def test_the_default_tolerance_serves_float32() -> None:
    y = DormandPrince()(torch.ones(3), lambda y: -y, dt=1.0)
    assert y.dtype == torch.float32
    # rtol is 1.2e-6 there
    assert (y - math.exp(-1.0)).abs().max() < 5e-6


def test_gradients_flow_through_the_accepted_steps() -> None:
    rate = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    y = DormandPrince(rtol=1e-10, atol=1e-10).advance(lambda t, y: -rate * y, column(1.0), 0.0, 3.0).y
    (slope,) = torch.autograd.grad(y.sum(), rate)
    assert slope.item() == pytest.approx(-3.0 * math.exp(-2.1), abs=1e-8)


def test_a_refused_step_into_nan_leaves_no_nan_in_a_gradient() -> None:
    start = column(1.0).requires_grad_()
    carry = {"h": torch.full((1,), 1.9, dtype=torch.float64)}
    # y' = -sqrt(y): NaN below zero, where the first step goes; sqrt(y) falls as sqrt(y0) - t / 2.
    y = DormandPrince(rtol=1e-9).advance(lambda t, y: -torch.sqrt(y), start, 0.0, 1.5, carry=carry).y
    (slope,) = torch.autograd.grad(y.sum(), start)
    assert slope.item() == pytest.approx(0.25, abs=1e-6)


def test_the_ends_of_the_time_have_gradients() -> None:
    ends = torch.tensor([0.5, 3.0], dtype=torch.float64, requires_grad=True)
    y = DormandPrince(rtol=1e-10, atol=1e-10).advance(driven, column(1.0), ends[:1], ends[1:]).y
    by_end = torch.autograd.grad(y.sum(), ends)[0]
    # y' = -y + sin t at the end; at the start the same, backwards, and decayed since.
    assert by_end[1].item() == pytest.approx((-y + math.sin(3.0)).item(), abs=1e-8)
    assert by_end[0].item() == pytest.approx(-(-1.0 + math.sin(0.5)) * math.exp(-2.5), abs=1e-8)


def test_with_autograd_or_without_the_result_is_the_same_bit_for_bit(make_crowd) -> None:  # type: ignore[no-untyped-def]
    field, y = make_crowd(33)
    times = torch.rand(33, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    method = DormandPrince(rtol=1e-5)

    def timed(t: Tensor, y: Tensor) -> Tensor:
        return field(t, y) + 0.1 * t * t  # type: ignore[no-any-return]

    plain = method.advance(timed, y, times, 5.0).y
    tracked = method.advance(timed, y.clone().requires_grad_(), times, 5.0).y
    assert tracked.requires_grad
    assert torch.equal(plain, tracked.detach())
