"""The state against the exponential of the matrix, computed by others."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
import rheobase as rb
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rheobase.spi import phi1
from rheobase_exact import ExactPropagator
from rheobase_exact.propagator import change, fastest, triangular
from torch import Tensor

EPS = sys.float_info.epsilon


def doubles(*values: float) -> Tensor:
    return torch.tensor([values], dtype=torch.float64)


def affine(matrix: Tensor, offset: Tensor):  # type: ignore[no-untyped-def]
    """y' = A y + b, a matrix [D, D, n] and an offset [D, n], written out by rows."""

    def field(t: object, y: Tensor) -> Tensor:
        lines = [
            sum((a * row for a, row in zip(line, y, strict=True)), b)
            for line, b in zip(matrix, offset, strict=True)
        ]
        return torch.stack(lines)

    return field


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(st.just(0.0), st.floats(-50.0, 5.0), st.floats(-1e-12, 1e-12)),
    st.floats(-100.0, 100.0),
    st.floats(-100.0, 100.0),
    st.floats(0.0, 10.0),
)
def test_one_variable_follows_the_closed_form_also_near_a_rate_of_zero(
    rate: float, offset: float, start: float, h: float
) -> None:
    y = ExactPropagator().advance(lambda t, y: rate * y + offset, doubles(start), 0.0, h).y.item()
    # In extended precision, by the series where expm1 would lose digits.
    x = np.longdouble(rate) * np.longdouble(h)
    ratio = (np.expm1(x) / x) if x != 0 else np.longdouble(1.0)
    exact = np.exp(x) * np.longdouble(start) + np.longdouble(h) * ratio * np.longdouble(offset)
    # The derivative is rounded to EPS of its largest term, and reaches the state after h phi1(h rate).
    size = abs(start) + abs(h * float(ratio)) * (abs(rate * start) + abs(offset)) + abs(float(exact))
    assert abs(y - float(exact)) <= 6 * EPS * size


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 5), st.floats(0.01, 3.0))
@example(seed=2373946, count=2, h=2.5)
def test_several_variables_follow_the_exponential_of_the_matrix(seed: int, count: int, h: float) -> None:
    # In 40 digits, by mpmath, which comes with torch: scipy's own exponential was once wrong by 1e-11 of 70.
    mpmath = pytest.importorskip("mpmath", reason="mpmath is not installed")
    source = np.random.default_rng(seed)
    units = 3
    matrix = source.normal(size=(count, count, units)) - 1.5 * np.eye(count)[..., None]
    offset, start = source.normal(size=(count, units)), source.normal(size=(count, units))
    field = affine(torch.from_numpy(matrix), torch.from_numpy(offset))
    y = ExactPropagator().advance(field, torch.from_numpy(start), 0.0, h).y.numpy()
    for unit in range(units):
        whole = np.zeros((count + 1, count + 1))
        whole[:count, :count], whole[:count, count] = matrix[..., unit], offset[:, unit]
        with mpmath.workdps(40):
            end = mpmath.expm(mpmath.matrix((whole * h).tolist())) * mpmath.matrix(
                [*start[:, unit].tolist(), 1.0]
            )
        exact = np.array([float(each) for each in end])[:count]
        # Right to a few EPS times the growth e^(|A| h).
        growth = math.exp(h * np.abs(np.linalg.eigvals(matrix[..., unit]).real).max())
        assert np.abs(y[:, unit] - exact).max() < 500 * EPS * growth


def test_a_singular_matrix_is_no_obstacle() -> None:
    # The second variable is constant, and the first its integral; A is nilpotent.
    matrix = torch.tensor([[[0.0, 1.0], [0.0, 0.0]]], dtype=torch.float64)
    slope = torch.tensor([[2.0], [3.0]], dtype=torch.float64)
    moved = change(matrix, slope, torch.tensor([4.0], dtype=torch.float64))
    # 2 * 4 + 3 * 16 / 2
    torch.testing.assert_close(moved[:, 0], torch.tensor([32.0, 12.0]).double(), rtol=1e-15, atol=0.0)


@pytest.mark.parametrize("size", [1e-200, 1e8, 1e200])
def test_the_size_of_the_slope_does_not_spoil_its_digits(size: float) -> None:
    matrix = torch.tensor([[[-1.0, 0.7], [-0.4, -2.0]]], dtype=torch.float64)
    slope, h = torch.tensor([[2.0], [3.0]], dtype=torch.float64), torch.tensor([1.3], dtype=torch.float64)
    moved = change(matrix, slope * size, h) / size
    torch.testing.assert_close(moved, change(matrix, slope, h), rtol=1e-14, atol=0.0)


def test_many_short_steps_are_as_right_as_one_long_one() -> None:
    method = ExactPropagator()

    def field(t: object, y: Tensor) -> Tensor:
        return (41.2 - (y + 70.0)) / 10.0

    y, carry = doubles(-70.0), None
    for _ in range(1024):
        result = method.advance(field, y, 0.0, 2.0**-7, carry=carry)
        y, carry = result.y, result.carry
    # 8 ms. Without what rounding took and the next call gives back, 1e-13 is lost.
    assert abs(y.item() - (-70.0 - 41.2 * math.expm1(-0.8))) < 1.5e-14


def test_what_is_carried_is_not_given_to_a_state_that_was_changed() -> None:
    method = ExactPropagator()

    def field(t: object, y: Tensor) -> Tensor:
        return -y / 3.0

    carry = method.advance(field, doubles(1.0, 1.0), 0.0, 0.1).carry
    assert carry is not None
    wrong = {name: torch.full_like(value, 0.25) if "lost" in name else value for name, value in carry.items()}
    kept = carry["exact_state"].clone()
    kept[1] += 1.0
    y = method.advance(field, kept[None], 0.0, 0.1, carry=wrong).y
    alone = method.advance(field, kept[None], 0.0, 0.1).y
    assert y[0, 0] != alone[0, 0]  # the unit that stands where it was left
    assert y[0, 1] == alone[0, 1]


def test_units_have_times_of_their_own_and_stay_where_these_are_equal() -> None:
    t0 = torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64)
    t1 = torch.tensor([0.0, 1.5, 5.0], dtype=torch.float64)
    start = torch.tensor([[1.0 / 3.0, 1.0, 1.0], [1.0, 2.0, 3.0]], dtype=torch.float64)

    def coupled(t: object, y: Tensor) -> Tensor:
        return torch.stack([y[1] - y[0], -y[1]])

    for field, y in ((coupled, start), (lambda t, y: -y, start[:1])):
        end = ExactPropagator().advance(field, y, t0, t1).y
        assert torch.equal(end[:, 0], y[:, 0])
        # In units in the last place of the state at the start, which is up to 3.
        torch.testing.assert_close(end[-1], y[-1] * torch.exp(t0 - t1), rtol=0.0, atol=9 * EPS)


def test_batches_and_float32_keep_their_shape_and_dtype() -> None:
    y = torch.ones(2, 3, 4)
    rate = torch.tensor([0.5, 1.0, 2.0, 4.0])
    end = ExactPropagator().advance(lambda t, y: torch.stack([-rate * y[0], rate * y[0]]), y, 0.0, 1.0).y
    assert (end.shape, end.dtype) == (y.shape, torch.float32)
    # What one loses the other gains; float32 resolves 1.2e-7.
    torch.testing.assert_close(end.sum(0), torch.full((3, 4), 2.0), rtol=1e-6, atol=0.0)
    torch.testing.assert_close(end[0, 1], torch.exp(-rate), rtol=0.0, atol=5e-7)


def test_a_unit_beside_others_has_the_result_that_it_has_alone() -> None:
    source = torch.Generator().manual_seed(3)
    rate = 0.05 + torch.rand(1000, generator=source, dtype=torch.float64)
    start = torch.rand(1, 1000, generator=source, dtype=torch.float64)
    whole = ExactPropagator().advance(lambda t, y: (1.0 - y) * rate, start, 0.0, 1.0).y
    for unit in (0, 1, 7, 999):
        part = rate[unit : unit + 1]
        alone = ExactPropagator().advance(
            lambda t, y, part=part: (1.0 - y) * part, start[:, unit : unit + 1], 0.0, 1.0
        )
        # expm1 of a vector and of one number differ by up to 1 unit in the last place.
        assert abs(alone.y.item() - whole[0, unit].item()) <= 4 * EPS * abs(alone.y.item())


def test_gradients_are_those_of_the_closed_form() -> None:
    def end(rate: Tensor, offset: Tensor, start: Tensor) -> Tensor:
        return ExactPropagator().advance(lambda t, y: rate * y + offset, start, 0.0, 0.7).y

    rates = torch.tensor([-2.0, 0.0, 0.3], dtype=torch.float64, requires_grad=True)
    offset = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)
    start = torch.tensor([[0.5, -0.5, 1.0]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(end, (rates, offset, start))

    def coupled(matrix: Tensor, offset: Tensor, start: Tensor) -> Tensor:
        return ExactPropagator().advance(affine(matrix, offset), start, 0.0, 0.7).y

    source = torch.Generator().manual_seed(2)
    shapes = ((2, 2, 2), (2, 2), (2, 2))
    inputs = [torch.randn(s, generator=source, dtype=torch.float64).requires_grad_() for s in shapes]
    assert torch.autograd.gradcheck(coupled, inputs)


def test_a_unit_that_is_not_finite_is_marked_and_the_others_are_right() -> None:
    for count in (1, 2):
        start = torch.ones(count, 3, dtype=torch.float64)
        start[-1, 1] = torch.nan
        result = ExactPropagator().advance(lambda t, y: -y, start, 0.0, 1.0)
        assert result.status is not None
        assert result.status.tolist() == [0, int(rb.Status.NOT_FINITE), 0]
        assert result.y[:, 1].isnan().all()
        torch.testing.assert_close(result.y[:, ::2], torch.full_like(result.y[:, ::2], math.exp(-1.0)))


def test_an_overflow_is_marked() -> None:
    result = ExactPropagator().advance(lambda t, y: y * doubles(1.0, 1000.0)[0], doubles(1.0, 1.0), 0.0, 1.0)
    assert result.status is not None
    assert result.status.tolist() == [0, int(rb.Status.NOT_FINITE)]
    assert result.y[0, 0].item() == pytest.approx(math.e, rel=1e-15)


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        (lambda t, y: y * y, "a product of the state with itself"),
        (lambda t, y: -y + t, "a term that depends on time"),
        (lambda t, y: torch.where(y > 0, -y, 0.0), "a selection by the state"),
    ],
)
def test_what_is_not_linear_is_refused_with_the_reason(field, reason: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(rb.errors.StructureError, match=reason):
        ExactPropagator().advance(field, doubles(1.0), 0.0, 1.0)


def test_arguments_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(rb.errors.ArgumentError, match="t1 must not be before t0"):
        ExactPropagator().advance(lambda t, y: -y, doubles(1.0), 1.0, 0.5)
    with pytest.raises(rb.errors.ArgumentError, match="float32 or float64"):
        ExactPropagator().advance(lambda t, y: -y, torch.ones(1, 1, dtype=torch.int64), 0.0, 1.0)


def test_the_fastest_rate_is_that_of_the_eigenvalues() -> None:
    # Diagonal beside a coupling that is large in its units: the rates are 0.1 and 0.5.
    chain = torch.tensor([[[-0.1, 1000.0], [0.0, -0.5]]], dtype=torch.float64)
    assert fastest(chain, (frozenset({0, 1}), frozenset({1}))).item() == 0.5
    turn = torch.tensor([[[0.0, -4.0], [1.0, 0.0]]], dtype=torch.float64)
    assert fastest(turn, (frozenset({1}), frozenset({0}))).item() == pytest.approx(2.0)
    assert not triangular((frozenset({1}), frozenset({2}), frozenset({0})))


def test_phi1_is_right_at_zero_beside_it_and_far_away() -> None:
    x = torch.tensor([0.0, 1e-310, -1e-17, 1e-8, -1e-3, -40.0, 5.0], dtype=torch.float64)
    exact = [1.0, 1.0, 1.0, 1.0 + 5e-9, 0.99950016662500834, 0.025, math.expm1(5.0) / 5.0]
    torch.testing.assert_close(phi1(x), torch.tensor(exact, dtype=torch.float64), rtol=2 * EPS, atol=0.0)
