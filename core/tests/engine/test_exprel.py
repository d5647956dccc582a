"""The relative exponential: value, gradient and tangent, at zero and everywhere."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import rheobase as rb
import torch
from torch.autograd import forward_ad

# Beside zero, on both sides of where the formula changes, and far away.
POINTS = [0.0, 5e-324, -1e-300, 1e-8, -1e-4, 0.0299, -0.0299, 0.0301, -0.0301, 0.5, -3.0, 40.0, -700.0]


def exactly(x: float, slope: bool = False) -> float:
    """sum x^k / (k + 1)!, or its derivative, in fractions."""
    at, total, term = Fraction(x), Fraction(0), Fraction(1)
    if abs(x) > 100:
        e = math.exp(x)
        return (x * e - e + 1) / x**2 if slope else (e - 1) / x
    # Beside zero a few terms are all, and fractions of more would take long.
    for k in range(260 if abs(x) > 1e-9 else 8):
        term = Fraction(1) if k == 0 else term * at / (k + 1)
        # term = x^k / (k + 1)!, and its derivative k x^(k - 1) / (k + 1)!
        total += (k * term / at if at else Fraction(int(k == 1), 2)) if slope else term
    return float(total)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # torch's own, in forward mode
@pytest.mark.parametrize("x", POINTS)
def test_value_and_every_kind_of_slope_are_right_at_zero_and_beside_it(x):
    at = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    value = rb.exprel(at)
    (grad,) = torch.autograd.grad(value, at)
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(at.detach(), torch.ones_like(at))
        tangent = forward_ad.unpack_dual(rb.exprel(dual)).tangent
    assert float(value.detach()) == pytest.approx(exactly(x), rel=1e-15)
    # What the quotient's slope cancels: eps / 0.03.
    assert float(grad) == pytest.approx(exactly(x, slope=True), rel=2e-14)
    assert float(tangent) == pytest.approx(exactly(x, slope=True), rel=2e-14)


def test_in_float32_it_is_as_good_as_float32():
    x = torch.linspace(-1.0, 1.0, 2001).requires_grad_()
    value = rb.exprel(x)
    (grad,) = torch.autograd.grad(value.sum(), x)
    wide = x.detach().double().requires_grad_()
    exact = rb.exprel(wide)
    (slope,) = torch.autograd.grad(exact.sum(), wide)
    torch.testing.assert_close(value.detach().double(), exact.detach(), rtol=3e-7, atol=0)
    torch.testing.assert_close(grad.double(), slope, rtol=1e-5, atol=0)


def test_where_it_overflows_its_inverse_is_zero_and_not_nan():
    assert (1.0 / rb.exprel(torch.tensor([1e4, 1e300], dtype=torch.float64))).tolist() == [0.0, 0.0]
    assert rb.exprel(torch.tensor([-1e4], dtype=torch.float64)).tolist() == [1e-4]
