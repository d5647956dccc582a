"""No unit sees another."""

from __future__ import annotations

import pytest
import torch
from rheobase_rk45 import DormandPrince
from torch import Tensor


def fitzhugh_nagumo(speed: Tensor):  # type: ignore[no-untyped-def]
    """The FitzHugh-Nagumo equations, of products and sums only, run at a speed for each unit."""

    def field(t: object, y: Tensor) -> Tensor:
        v, w = y
        return torch.stack([speed * (v - v * v * v / 3.0 - w + 0.5), speed * 0.08 * (v + 0.7 - 0.8 * w)])

    return field


def crowd(units: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    y = torch.randn(2, units, generator=generator, dtype=torch.float64).to(dtype)
    speed = torch.ones(units, dtype=dtype)
    speed[units // 2] = 10.0
    return y, speed


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("units", [2, 37, 100])
def test_a_unit_is_the_same_bit_for_bit_alone_and_in_a_crowd(units: int, dtype: torch.dtype) -> None:
    method = DormandPrince(rtol=1e-5, atol=1e-6)
    y, speed = crowd(units, dtype)
    together = method.advance(fitzhugh_nagumo(speed), y, 0.0, 15.0)
    for unit in {0, units // 2, units - 1}:
        one = slice(unit, unit + 1)
        alone = method.advance(fitzhugh_nagumo(speed[one]), y[:, one], 0.0, 15.0)
        assert torch.equal(alone.y, together.y[:, one])
        assert alone.carry is not None
        assert together.carry is not None
        assert torch.equal(alone.carry["h"], together.carry["h"][one])


def test_the_order_of_the_units_does_not_matter() -> None:
    method = DormandPrince(rtol=1e-6)
    y, speed = crowd(61, torch.float64)
    order = torch.randperm(61, generator=torch.Generator().manual_seed(1))
    straight = method.advance(fitzhugh_nagumo(speed), y, 0.0, 10.0).y
    mixed = method.advance(fitzhugh_nagumo(speed[order]), y[:, order].contiguous(), 0.0, 10.0).y
    assert torch.equal(straight[:, order], mixed)


def test_a_fast_unit_in_a_crowd_is_as_right_as_alone() -> None:
    y, speed = crowd(500, torch.float64)
    fast = slice(250, 251)
    exact = (
        DormandPrince(rtol=1e-12, atol=1e-12).advance(fitzhugh_nagumo(speed[fast]), y[:, fast], 0.0, 20.0).y
    )
    method = DormandPrince(rtol=1e-6, atol=1e-6)
    together = method.advance(fitzhugh_nagumo(speed), y, 0.0, 20.0).y[:, fast]
    # Integrators that share one step over a batch are wrong by 5e-3 here.
    assert (together - exact).abs().max() < 1e-4


def test_a_batch_is_so_many_runs() -> None:
    method = DormandPrince(rtol=1e-6)
    y, speed = crowd(6, torch.float64)
    batch = torch.stack([y, 0.5 * y, -y], dim=1)
    together = method.advance(fitzhugh_nagumo(speed), batch, 0.0, 5.0)
    assert together.carry is not None
    assert together.carry["h"].shape == (3, 6)
    for index, start in enumerate((y, 0.5 * y, -y)):
        assert torch.equal(method.advance(fitzhugh_nagumo(speed), start, 0.0, 5.0).y, together.y[:, index])


def test_what_is_given_is_not_changed() -> None:
    y, speed = crowd(5, torch.float64)
    carry = {"h": torch.full((5,), 0.3, dtype=torch.float64)}
    before = y.clone()
    DormandPrince().advance(fitzhugh_nagumo(speed), y, 0.0, 3.0, carry=carry)
    assert torch.equal(y, before)
    assert torch.equal(carry["h"], torch.full((5,), 0.3, dtype=torch.float64))
