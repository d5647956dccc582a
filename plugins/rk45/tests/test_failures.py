"""Never silently wrong: each failure has its error, which names units, time and cause."""

from __future__ import annotations

import math

import pytest
import rheobase as rb
import torch
from rheobase_rk45 import DormandPrince
from torch import Tensor


def doubles(*values: float) -> Tensor:
    return torch.tensor([values], dtype=torch.float64)


def test_a_pole_is_an_underflow_of_the_step_at_the_time_of_the_pole() -> None:
    # y' = y^2 from 1 has its pole at t = 1; from 0.1 at t = 10.
    with pytest.raises(rb.errors.StepUnderflowError, match=r"units 1, 3 at t = 1\.0000"):
        DormandPrince().advance(lambda t, y: y * y, doubles(0.1, 1.0, 0.1, 1.0), 0.0, 2.0)


def test_slopes_that_are_nan_beyond_a_border_are_named() -> None:
    def field(t: object, y: Tensor) -> Tensor:
        return torch.where(y > 0.5, -y, torch.nan)

    # From 1 the border is reached at ln 2 = 0.693 ms; from 8 not within 1 ms.
    with pytest.raises(rb.errors.NonFiniteStateError, match=r"unit 1 at t = 0\.693"):
        DormandPrince().advance(field, doubles(8.0, 1.0), 0.0, 1.0)


def test_a_step_too_far_into_nan_is_taken_again_shorter() -> None:
    def field(t: object, y: Tensor) -> Tensor:
        return -torch.sqrt(y)  # NaN below zero, which the first guess of the step overshoots

    carry = {"h": torch.full((1,), 1.9, dtype=torch.float64)}
    y = DormandPrince(rtol=1e-8).advance(field, doubles(1.0), 0.0, 1.9, carry=carry).y
    # sqrt(y) falls as 1 - t / 2
    assert y.item() == pytest.approx(0.05**2, abs=1e-6)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_state_that_is_not_finite_is_named(bad: float) -> None:
    state = torch.tensor([[1.0, 1.0, 1.0], [1.0, 1.0, bad]], dtype=torch.float64)
    with pytest.raises(rb.errors.NonFiniteStateError, match=rf"the state 1 is {bad} for unit 2 at t = 5 ms"):
        DormandPrince().advance(lambda t, y: -y, state, 5.0, 6.0)


def test_a_derivative_that_is_not_finite_is_named() -> None:
    with pytest.raises(rb.errors.NonFiniteStateError, match="derivative of state 0 is inf for unit 0"):
        DormandPrince().advance(lambda t, y: 1.0 / y, doubles(0.0, 1.0), 0.0, 1.0)


def test_a_state_that_overflows_is_no_result() -> None:
    # The slope is finite everywhere, and an infinite state has an infinite tolerance.
    rate = doubles(0.0, 1e308)
    with pytest.raises(rb.errors.NonFiniteStateError, match=r"not finite however short .* unit 1"):
        DormandPrince().advance(lambda t, y: rate.expand(y.shape), doubles(1.0, 1.0), 0.0, 10.0)


def test_too_many_steps_are_an_error() -> None:
    with pytest.raises(
        rb.errors.MaxStepsError, match=r"20 steps did not suffice for unit 1, .*raise max_steps"
    ):
        DormandPrince(max_steps=20).advance(
            lambda t, y: -doubles(1.0, 1e5) * (y - 1.0), doubles(2.0, 2.0), 0.0, 1.0
        )


def test_a_tolerance_below_the_precision_of_the_dtype_is_refused() -> None:
    method = DormandPrince(rtol=1e-7)
    with pytest.raises(rb.errors.ArgumentError, match=r"float32.*rtol >= 1\.2e-06"):
        method.advance(lambda t, y: -y, torch.ones(1, 1), 0.0, 1.0)
    method.advance(lambda t, y: -y, doubles(1.0), 0.0, 1.0)


@pytest.mark.parametrize("name", ["rtol", "atol", "fixed_step"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf, "small", True])
def test_settings_that_are_no_positive_number_are_refused(name: str, value: object) -> None:
    with pytest.raises(rb.errors.ArgumentError, match=f"{name}="):
        DormandPrince(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [0, -1, 1.5, True])
def test_max_steps_must_be_a_whole_number(value: object) -> None:
    with pytest.raises(rb.errors.ArgumentError, match="max_steps="):
        DormandPrince(max_steps=value)  # type: ignore[arg-type]


@pytest.mark.parametrize("t1", [-1.0, math.nan])
def test_time_does_not_run_backwards(t1: float) -> None:
    with pytest.raises(rb.errors.ArgumentError, match="t1"):
        DormandPrince().advance(lambda t, y: -y, doubles(1.0), 0.0, t1)


def test_whole_numbers_cannot_be_integrated() -> None:
    with pytest.raises(rb.errors.ArgumentError, match="int64"):
        DormandPrince().advance(lambda t, y: -y, torch.ones(1, 1, dtype=torch.int64), 0.0, 1.0)


@pytest.mark.parametrize("few", [1, 1000])
def test_units_are_named_by_their_place_among_all(
    make_crowd, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("rheobase_rk45.parts.PART", 40)
    monkeypatch.setattr("rheobase_rk45.course.FEW", few)
    field, y = make_crowd(60)
    ends = torch.full((60,), 5.0, dtype=torch.float64)
    ends[40:50] = 0.1
    field.parameters[2][55], y[0, 55] = -3.0, 1.0  # v' > v + v^3: a pole
    with pytest.raises(rb.errors.StepUnderflowError, match=r"for unit 55 at t = [0-9.]+ ms, with a step of"):
        DormandPrince(rtol=1e-4).advance(field, y, 0.0, ends)
    y[0, 57] = math.nan
    batch = FlatField(field)
    with pytest.raises(
        rb.errors.NonFiniteStateError, match=r"the state 0 is nan for unit \[2, 17\] at t = 0 ms"
    ):
        DormandPrince(rtol=1e-4).advance(batch, y.view(2, 3, 20), 0.0, 5.0)


class FlatField:
    """A field of units in a batch."""

    def __init__(self, field) -> None:  # type: ignore[no-untyped-def]
        self.field = field

    def __call__(self, t: object, y: Tensor) -> Tensor:
        return self.field(t, y.reshape(2, -1)).view(y.shape)  # type: ignore[no-any-return]

    def take(self, who: object):  # type: ignore[no-untyped-def]
        return self.field.take(who)


def test_units_that_fail_are_marked_and_the_others_are_right() -> None:
    method = DormandPrince(rtol=1e-9, atol=1e-9)
    method.on_failure = "mark"
    start = doubles(0.1, 1.0, 0.2, math.nan)  # y' = y^2: poles at 10, 1, 5
    result = method.advance(lambda t, y: y * y, start, 0.0, 2.0)
    assert result.status is not None
    assert result.status.dtype == torch.int8
    assert result.status.tolist() == [0, rb.Status.UNDERFLOW, 0, rb.Status.NOT_FINITE]
    assert result.y.isnan().tolist() == [[False, True, False, True]]
    assert result.y[0, ::2].tolist() == pytest.approx([1.0 / (10.0 - 2.0), 1.0 / (5.0 - 2.0)], rel=1e-7)
    assert result.t is not None
    assert result.t.tolist() == pytest.approx([2.0, 1.0, 2.0, 0.0], abs=1e-6)


def test_units_that_take_too_many_steps_are_marked() -> None:
    method = DormandPrince(max_steps=20)
    method.on_failure = "mark"
    field = lambda t, y: -doubles(1.0, 1e5) * (y - 1.0)  # noqa: E731
    result = method.advance(field, doubles(2.0, 2.0), 0.0, 1.0)
    assert result.status is not None
    assert result.status.tolist() == [rb.Status.OK, rb.Status.MAX_STEPS]
    assert result.y[0, 0].item() == pytest.approx(1.0 + math.exp(-1.0), abs=1e-5)


def test_where_nothing_fails_nothing_is_marked() -> None:
    method = DormandPrince()
    method.on_failure = "mark"
    assert method.advance(lambda t, y: -y, doubles(1.0), 0.0, 1.0).status is None


def test_equal_steps_into_nan_are_an_error() -> None:
    with pytest.raises(rb.errors.NonFiniteStateError, match="unit 1"):
        DormandPrince(fixed_step=0.5).advance(lambda t, y: torch.exp(y * y), doubles(0.0, 5.0), 0.0, 1.0)
