"""The rates of ion channels in kernels of layers: one operation, without a hole, right in value and slope."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import spi
from rheobase_fused.expression import Builder, ordered
from rheobase_fused.lanes import Lanes
from rheobase_fused.setting import UNITS
from rheobase_fused.training.rates import with_rates
from torch import Tensor


class Rate(rb.SpikingNeuron):
    """After one step of Euler's from 0 its state is x / (e^x - 1)."""

    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": 1.0 / rb.exprel(data) - state.voltage}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1e30


def rates_in_a_kernel(x: Tensor) -> tuple[Tensor, Tensor]:
    """The rate and its derivative, for each number."""
    layer = rb.layer(
        Rate, len(x), dt=1.0, dtype=x.dtype, backend="fused", input="native", integrator="rk1", event="step"
    )
    given = x.clone().unsqueeze(0).requires_grad_()
    _, state = layer(given, return_state=True)
    state["voltage"].sum().backward()
    assert given.grad is not None
    return state["voltage"].detach(), given.grad[0]


def truth(x: float) -> tuple[float, float]:
    """The same in 150 digits."""
    if x == 0:
        return 1.0, -0.5
    with localcontext() as context:
        context.prec = 150
        power, number = Decimal(x).exp(), Decimal(x)
        return float(number / (power - 1)), float((power - 1 - number * power) / (power - 1) ** 2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
def test_a_rate_and_its_slope_are_right_to_a_few_units_in_the_last_place(dtype: torch.dtype) -> None:
    half = 0.5 * math.log(2.0)
    beside = [s * (half + k * 1e-3) for k in range(-5, 6) for s in (-1, 1)]
    few = [0.0, -0.0, 1e-30, -1e-30, 1e-7, -1e-7, 0.029, 0.031, -0.029, -0.031, 1.0, -1.0, *beside]
    wide = torch.linspace(-60.0, 60.0, 401, dtype=torch.float64).tolist()
    x = torch.tensor([*few, *wide], dtype=dtype)
    values, slopes = rates_in_a_kernel(x)
    eps = torch.finfo(dtype).eps
    # Of the slope's numerator a sixth is left where the series ends.
    for found, place, units in ((values, 0, 3), (slopes, 1, 16)):
        expected = torch.tensor([truth(each)[place] for each in x.tolist()], dtype=torch.float64)
        apart = ((found.double() - expected) / expected).abs() / eps
        worst = int(apart.argmax())
        assert float(apart[worst]) <= units, f"at x = {x[worst]}: {found[worst]}, not {expected[worst]}"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
def test_a_rate_far_from_zero_is_0_or_a_line(dtype: torch.dtype) -> None:
    x = torch.tensor([-1e30, -1e4, 1e4, 1e30], dtype=dtype)
    values, slopes = rates_in_a_kernel(x)
    assert torch.equal(values, torch.tensor([1e30, 1e4, 0.0, 0.0], dtype=dtype))
    assert torch.equal(slopes, torch.tensor([-1.0, -1.0, 0.0, 0.0], dtype=dtype))


def operations(function: Any) -> set[str]:
    """What remains of a function after rates were looked for."""
    builder, dtype = Builder(), torch.float64
    lanes = Lanes(builder, dtype, UNITS)
    traced = spi.trace(function, v=torch.linspace(-1.0, 1.0, UNITS, dtype=dtype))
    lanes.write(traced)
    root = lanes.single(lanes.of(traced.results), dtype)
    return {node.operation for node in ordered(with_rates(builder, [root], dtype))}


def test_a_quotient_by_exprel_is_one_operation_and_what_only_looks_like_it_stays() -> None:
    assert operations(lambda v: (1.0 - v) / rb.exprel(-(v + 40.0) / 10.0)) == (
        {"read", "constant", "sub", "mul", "add", "neg", "div", "rate"}
    )
    assert operations(lambda v: torch.reciprocal(rb.exprel(v))) == {"read", "rate"}
    like = operations(lambda v: v / torch.where(v.abs() < 0.03, 1.0 + v / 2.0, torch.expm1(v) / v))
    assert "rate" not in like
    assert "expm1" in like
    assert "rate" not in operations(lambda v: v * rb.exprel(v))
