"""A unit gets what it would get alone, whatever stands beside it.

To the bit where a model is made of + - * / and selection. Where it has transcendental functions torch's
vectorised and scalar forms differ in the last bits, depending on where in the tensor a unit lies: 4 ulp for
each step.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import Parameter, SpikingNeuron, State
from torch import Tensor

# More than the blocks of any loop; by hand more than what torch gives to one thread.
MANY = [10_000, pytest.param(100_000, marks=pytest.mark.by_hand)]


class Relaxation(SpikingNeuron):
    """FitzHugh-Nagumo, of products and sums; a spike is v rising through 1, and moves nothing."""

    speed = Parameter(1.0, unit="1/ms", above=0)
    v = State(0.5, unit="1")
    w = State(-0.5, unit="1")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        v, w = state.v, state.w
        return {
            "v": params.speed * (v - v * v * v / 3.0 - w + data),
            "w": params.speed * 0.08 * (v + 0.7 - 0.8 * w),
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.v - 1.0
        return distance


class Membrane(SpikingNeuron):
    """A leak, whose solution is an exponential."""

    tau = Parameter(10.0, unit="ms", above=0)
    tau_ref = Parameter(1.0, unit="ms", at_least=0)
    voltage = State(0.0, unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        return {"voltage": (data - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        distance: Tensor = state.voltage - 15.0
        return distance

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"voltage": 0.0}


def drawn(units: int, low: float, high: float, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(units, generator=generator, dtype=torch.float64)


def run(model: Any, method: Any, scale: Tensor, current: Tensor, steps: int) -> dict[str, Tensor]:
    name, dt = ("speed", 0.5) if model is Relaxation else ("tau", 1.0)
    settings = {"event": "located", "dt": dt, "dtype": torch.float64, name: scale}
    neuron = rb.create(model, len(scale), integrator=method, **settings)
    times = []
    for _ in range(steps):
        out = neuron(current)
        times.append(out["spike_times"][:, 0])
    return {**{state: out[state] for state in neuron.schema.states}, "times": torch.stack(times)}


@pytest.mark.parametrize("many", MANY)
@pytest.mark.parametrize("method", ["rk1", "rk2", "rk3", "rk4", "rk45", "tsit5", "rk23"])
def test_products_and_sums_are_the_same_to_the_bit_alone_in_a_crowd_and_permuted(
    method: str, many: int
) -> None:
    speed, current = drawn(many, 0.5, 2.0, 1), drawn(many, 0.3, 0.9, 2)
    crowd = run(Relaxation, method, speed, current, 1)
    assert int((~crowd["times"].isnan()).sum()) > many // 100
    order = torch.randperm(many, generator=torch.Generator().manual_seed(1))
    mixed = run(Relaxation, method, speed[order], current[order], 1)
    some = torch.tensor([0, 1, 7, 4095, 4096, many // 2 + 1, many - 1])
    few = run(Relaxation, method, speed[some], current[some], 1)
    alone = run(Relaxation, method, speed[-1:], current[-1:], 1)
    for name, value in crowd.items():
        assert torch.equal(value[..., order].nan_to_num(), mixed[name].nan_to_num()), name
        assert torch.equal(value[..., some].nan_to_num(), few[name].nan_to_num()), name
        assert torch.equal(value[..., -1:].nan_to_num(), alone[name].nan_to_num()), name


@pytest.mark.parametrize("method", ["rk4", "rk45", "tsit5", "rk23"])
def test_a_unit_that_fails_leaves_all_others_as_they_are_to_the_bit(method: str) -> None:
    speed, current = drawn(1000, 0.5, 2.0, 1), drawn(1000, 0.3, 0.9, 2)
    healthy = run(Relaxation, method, speed, current, 4)
    ill = speed.clone()
    ill[500] = 1e300  # its derivatives are infinite at once
    marked = run(Relaxation, rb.integrator(method, on_failure="mark"), ill, current, 4)
    others = torch.arange(1000) != 500
    assert bool(marked["v"][500].isnan())
    for name, value in healthy.items():
        assert torch.equal(value[..., others].nan_to_num(), marked[name][..., others].nan_to_num()), name


@pytest.mark.parametrize("many", MANY)
@pytest.mark.parametrize("method", ["exact", "expeuler", "strang"])
def test_with_transcendental_functions_units_agree_to_4_ulp_a_step(method: str, many: int) -> None:
    tau, current = drawn(many, 2.0, 30.0, 1), drawn(many, 5.0, 40.0, 2)
    steps = 3
    crowd = run(Membrane, method, tau, current, steps)
    assert int((~crowd["times"].isnan()).sum()) > many // 100
    order = torch.randperm(many, generator=torch.Generator().manual_seed(1))
    mixed = run(Membrane, method, tau[order], current[order], steps)
    ulp = math.ulp(40.0)
    assert (crowd["voltage"][order] - mixed["voltage"]).abs().max() <= 4 * steps * ulp
    # A time is as uncertain as the voltage divided by its slope, at least 1e-3 mV/ms but for a few units.
    slow = current < 15.1
    apart = (crowd["times"][:, order] - mixed["times"]).abs()[:, ~slow[order]]
    assert apart.nan_to_num().max() <= 4 * steps * ulp / 3e-3
