"""Tolerances of single units and variables."""

from __future__ import annotations

import math

import pytest
import rheobase as rb
import torch
from rheobase_rk45 import DormandPrince, parts
from torch import Tensor


def test_each_unit_is_as_right_as_its_own_tolerance_says() -> None:
    rtol = torch.tensor([1e-3, 1e-6, 1e-9], dtype=torch.float64)
    y = torch.ones(1, 3, dtype=torch.float64)
    end = DormandPrince(rtol=rtol, atol=1e-12).advance(lambda t, y: -y, y, 0.0, 5.0).y[0]
    misses = ((end - math.exp(-5.0)) / math.exp(-5.0)).abs()
    # Relative errors of single steps add up, one per ms or more.
    assert (misses < 50.0 * rtol).all()
    assert (misses > 1e-4 * rtol).all()


def test_each_unit_takes_the_steps_of_its_own_tolerance(make_crowd) -> None:  # type: ignore[no-untyped-def]
    field, y = make_crowd(6)
    atol = torch.logspace(-3, -8, 6, dtype=torch.float64)
    together = DormandPrince(rtol=1e-4, atol=atol).advance(field, y, 0.0, 5.0)
    for unit in range(6):
        one = slice(unit, unit + 1)
        method = DormandPrince(rtol=1e-4, atol=atol[unit].item())
        alone = method.advance(field.take(one), y[:, one], 0.0, 5.0)
        assert torch.equal(alone.y, together.y[:, one])


@pytest.mark.parametrize("shape", [(2, 1), (1, 7), (2, 7), (7,), ()])
def test_tolerances_of_equal_numbers_are_the_number(make_crowd, shape: tuple[int, ...]) -> None:  # type: ignore[no-untyped-def]
    field, y = make_crowd(7)
    expected = DormandPrince(rtol=1e-5, atol=1e-6).advance(field, y, 0.0, 5.0).y
    filled = torch.full(shape, 1e-6, dtype=torch.float64)
    assert torch.equal(DormandPrince(rtol=1e-5, atol=filled).advance(field, y, 0.0, 5.0).y, expected)
    both = DormandPrince(rtol=torch.full(shape, 1e-5, dtype=torch.float64), atol=filled)
    # rtol |y| + atol is one operation with a number, and another with a tensor.
    assert (both.advance(field, y, 0.0, 5.0).y - expected).abs().max() < 1e-9


def test_a_variable_that_does_not_matter_does_not_shorten_the_steps(make_crowd) -> None:  # type: ignore[no-untyped-def]
    def field(t: object, y: Tensor) -> Tensor:
        return torch.stack([-0.1 * y[0], 50.0 * torch.cos(20.0 * y[2]), torch.ones_like(y[2])])

    steps = []
    for middle in (1e-8, 1e3):
        atol = torch.tensor([[1e-8], [middle], [1e-8]], dtype=torch.float64)
        method = DormandPrince(rtol=1e-10, atol=atol)
        method.max_steps = 60 if middle > 1 else 10_000
        result = method.advance(field, torch.ones(3, 1, dtype=torch.float64), 0.0, 10.0)
        assert result.y[0].item() == pytest.approx(math.exp(-1.0), abs=1e-7)
        assert result.carry is not None
        steps.append(result.carry["h"].item())
    assert steps[1] > 5.0 * steps[0]


def test_tolerances_go_with_their_units_into_parts(  # type: ignore[no-untyped-def]
    make_crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    field, y = make_crowd(100)
    atol = torch.logspace(-3, -8, 100, dtype=torch.float64)
    whole = DormandPrince(rtol=1e-4, atol=atol).advance(field, y, 0.0, 5.0)
    monkeypatch.setattr(parts, "PART", 30)
    monkeypatch.setattr("rheobase_rk45.course.FEW", 2)
    pieces = DormandPrince(rtol=1e-4, atol=atol).advance(field, y, 0.0, 5.0)
    assert torch.equal(whole.y, pieces.y)


@pytest.mark.parametrize("bad", [[1e-6, 0.0], [1e-6, math.nan], [-1.0, 1.0]])
def test_tensors_with_numbers_that_are_not_positive_are_refused(bad: list[float]) -> None:
    with pytest.raises(rb.errors.ArgumentError, match=r"atol=.*finite numbers > 0"):
        DormandPrince(atol=torch.tensor(bad))


def test_tensors_that_do_not_fit_the_state_are_refused() -> None:
    method = DormandPrince(atol=torch.full((3,), 1e-6))
    with pytest.raises(rb.errors.ArgumentError, match=r"atol has the shape \[3\] .* \[1, 2\]"):
        method.advance(lambda t, y: -y, torch.ones(1, 2), 0.0, 1.0)


def test_one_relative_tolerance_below_the_precision_is_refused() -> None:
    method = DormandPrince(rtol=torch.tensor([1e-3, 1e-16], dtype=torch.float64))
    with pytest.raises(rb.errors.ToleranceError, match="float64"):
        method.advance(lambda t, y: -y, torch.ones(1, 2, dtype=torch.float64), 0.0, 1.0)


def test_the_repr_names_the_shape_of_a_tensor() -> None:
    assert repr(DormandPrince(rtol=1e-5, atol=torch.ones(2, 1))) == (
        "DormandPrince(rtol=1e-05, atol=<tensor [2, 1]>)"
    )
