"""States between the ends of a step, and at given times."""

from __future__ import annotations

import math

import pytest
import rheobase as rb
import torch
from rheobase_rk45 import BogackiShampine, DormandPrince, Tsitouras
from rheobase_rk45.dense import interpolate
from rheobase_rk45.pair import EmbeddedPair
from rheobase_rk45.tableau import EmbeddedTableau
from rheobase_rk45.trial import try_step
from torch import Tensor

every_pair = pytest.mark.parametrize("pair", [DormandPrince, Tsitouras, BogackiShampine])


def turning(t: object, y: Tensor) -> Tensor:
    """A point on a circle, which turns at the square of its distance."""
    return (y * y).sum(dim=0) * torch.stack([-y[1], y[0]])


def turned(angle: Tensor, radius: float = 1.2) -> Tensor:
    return radius * torch.stack([torch.cos(angle), torch.sin(angle)])


def weights(table: EmbeddedTableau, theta: float) -> Tensor:
    """b(theta): what each slope weighs in the state at theta, found by asking for one slope at a time."""
    stages = len(table.c)
    slopes = torch.eye(stages, dtype=torch.float64)[:, None, :]  # slope i is the i-th unit vector
    zero = torch.zeros(1, stages, dtype=torch.float64)
    end = torch.tensor([[*table.a[-1], 0.0]], dtype=torch.float64)
    one = torch.ones(stages, dtype=torch.float64)
    trial = try_step(table, lambda t, y: y, 0.0, zero, one, zero)._replace(
        y=end, slope=slopes[-1], slopes=tuple(slopes)
    )
    return interpolate(table, theta * one, one, zero, trial)[0]


@every_pair
@pytest.mark.parametrize("theta", [0.0, 0.1, 0.37, 0.5, 0.8, 1.0])
def test_the_values_between_meet_the_continuous_conditions_of_their_order(
    pair: type[EmbeddedPair], theta: float
) -> None:
    table = pair.table
    b = weights(table, theta)
    stages = len(table.c)
    a = torch.tensor([[*row, *[0.0] * (stages - len(row))] for row in table.a], dtype=torch.float64)
    c = torch.tensor(table.c, dtype=torch.float64)
    # A condition for each rooted tree of up to four nodes: order, left side, right side.
    conditions = [
        (1, b.sum(), theta),
        (2, b @ c, theta**2 / 2),
        (3, b @ c**2, theta**3 / 3),
        (3, b @ a @ c, theta**3 / 6),
        (4, b @ c**3, theta**4 / 4),
        (4, b @ (c * (a @ c)), theta**4 / 8),
        (4, b @ a @ c**2, theta**4 / 12),
        (4, b @ a @ a @ c, theta**4 / 24),
    ]
    for order, left, right in conditions:
        if order <= table.dense_order:
            # Weights of up to 50, with 16 digits.
            assert left.item() == pytest.approx(right, abs=1e-13)


@every_pair
def test_the_values_between_have_the_order_claimed_and_no_more(pair: type[EmbeddedPair]) -> None:
    theta = torch.linspace(0.05, 0.95, 19, dtype=torch.float64)
    misses = []
    for step in (0.02, 0.01):
        h = torch.full_like(theta, step)
        y0 = turned(torch.zeros_like(theta))
        trial = try_step(pair.table, turning, 0.0, y0, h, turning(0.0, y0))
        found = interpolate(pair.table, theta, h, y0, trial)
        misses.append((found - turned(1.44 * h * theta)).abs().max().item())
    # Of one step: an order more than over a path.
    assert math.log2(misses[0] / misses[1]) == pytest.approx(pair.table.dense_order + 1, abs=0.15)


@every_pair
def test_a_trajectory_converges_with_the_tolerance_at_times_that_are_no_ends_of_steps(
    pair: type[EmbeddedPair],
) -> None:
    times = torch.linspace(0.0, 6.0, 41, dtype=torch.float64)
    exact = turned(1.44 * times).T
    worst = []
    for tolerance in (1e-5, 1e-8):
        states = pair(rtol=tolerance, atol=tolerance).trajectory(
            turning, turned(torch.zeros(1, dtype=torch.float64)), times
        )
        assert states.shape == (41, 2, 1)
        worst.append((states[..., 0] - exact).abs().max().item())
    assert worst[0] < 1e-2
    # Three decades; the interpolant falls with the power 4/5 of them (3/3 for order 3), the path with 5/5.
    assert worst[0] / worst[1] > 100


def test_a_trajectory_costs_no_evaluations_beyond_those_of_its_steps(make_crowd) -> None:  # type: ignore[no-untyped-def]
    field, y = make_crowd(5)
    DormandPrince(rtol=1e-6).advance(field, y, 0.0, 10.0)
    alone = field.evaluations
    field, y = make_crowd(5)
    times = torch.linspace(0.0, 10.0, 1001, dtype=torch.float64)
    DormandPrince(rtol=1e-6).trajectory(field, y, times)
    assert field.evaluations == alone


def test_a_trajectory_passes_through_the_start_and_the_end(make_crowd) -> None:  # type: ignore[no-untyped-def]
    field, y = make_crowd(7)
    method = DormandPrince(rtol=1e-6)
    states = method.trajectory(field, y, torch.tensor([0.0, 3.0, 3.0, 10.0]), t0=0.0)
    assert torch.equal(states[0], y)
    assert torch.equal(states[1], states[2])
    assert torch.equal(states[-1], method.advance(field, y, 0.0, 10.0).y)
    assert (states[1] - method.advance(field, y, 0.0, 3.0).y).abs().max() < 1e-4


def test_gradients_flow_through_a_trajectory() -> None:
    rate = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    times = torch.tensor([0.3, 1.1, 2.0], dtype=torch.float64)
    y = torch.ones(1, 1, dtype=torch.float64)
    states = DormandPrince(rtol=1e-10).trajectory(lambda t, y: -rate * y, y, times, t0=0.0)
    for time, state in zip(times, states, strict=True):
        (slope,) = torch.autograd.grad(state.sum(), rate, retain_graph=True)
        assert slope.item() == pytest.approx(-time.item() * math.exp(-0.7 * time.item()), abs=1e-8)


@pytest.mark.parametrize("times", [[1.0, 0.5], [0.0, math.nan], [], [[0.0]], [-1.0, 1.0]])
def test_times_that_cannot_be_used_are_refused(times: list[float]) -> None:
    with pytest.raises(rb.errors.ArgumentError, match=r"times? "):
        DormandPrince().trajectory(lambda t, y: -y, torch.ones(1, 1), torch.tensor(times), t0=0.0)
