"""What every pair owes: the order of its tableau, its tolerance, and units that do not see each other."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import rheobase as rb
import torch
from rheobase_rk45 import BogackiShampine, DormandPrince, Tsitouras, control
from rheobase_rk45.pair import EmbeddedPair
from rheobase_rk45.tableau import EmbeddedTableau
from rheobase_rk45.trial import try_step
from torch import Tensor

every_pair = pytest.mark.parametrize("pair", [DormandPrince, Tsitouras, BogackiShampine])


def kaps(t: object, y: Tensor) -> Tensor:
    """Kaps' problem: coupled, nonlinear, and solved by exp(-2 t), exp(-t)."""
    u, v = y
    return torch.stack([-3.0 * u + v * v, u - v - v * v])


def kaps_at(*times: float) -> Tensor:
    t = torch.tensor(times, dtype=torch.float64)
    return torch.stack([torch.exp(-2.0 * t), torch.exp(-t)])


def fitzhugh_nagumo(speed: Tensor):  # type: ignore[no-untyped-def]
    """Of products and sums only, which torch rounds alike wherever in a tensor they lie."""

    def field(t: object, y: Tensor) -> Tensor:
        v, w = y
        return torch.stack([speed * (v - v * v * v / 3.0 - w + 0.5), speed * 0.08 * (v + 0.7 - 0.8 * w)])

    return field


def trees(order: int) -> list[list[tuple]]:  # type: ignore[type-arg]
    """The rooted trees with 1 to ``order`` nodes: a tree is the sorted tuple of its root's subtrees."""
    found: list[list[tuple]] = [[], [()]]  # type: ignore[type-arg]
    for nodes in range(2, order + 1):
        grown = set()
        for tree in found[nodes - 1]:
            grown |= set(with_one_leaf_more(tree))
        found.append(sorted(grown))
    return found[1:]


def with_one_leaf_more(tree: tuple):  # type: ignore[no-untyped-def, type-arg]
    yield tuple(sorted((*tree, ())))
    for index, branch in enumerate(tree):
        for longer in with_one_leaf_more(branch):
            yield tuple(sorted((*tree[:index], longer, *tree[index + 1 :])))


def nodes_of(tree: tuple) -> int:  # type: ignore[type-arg]
    return 1 + sum(nodes_of(branch) for branch in tree)


def density(tree: tuple) -> int:  # type: ignore[type-arg]
    return nodes_of(tree) * math.prod(density(branch) for branch in tree)


def weight(tree: tuple, a: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    """What the stages make of the elementary differential of a tree, a number for each stage."""
    value = np.ones(len(a))
    for branch in tree:
        value = value * (a @ weight(branch, a))
    return value


def matrix(table: EmbeddedTableau) -> np.ndarray:  # type: ignore[type-arg]
    stages = len(table.c)
    return np.array([[*row, *[0.0] * (stages - len(row))] for row in table.a])


def test_there_are_as_many_conditions_as_butcher_counts() -> None:
    assert [len(each) for each in trees(5)] == [1, 1, 2, 4, 9]


@every_pair
def test_each_pair_meets_every_condition_of_its_order_and_no_further(pair: type[EmbeddedPair]) -> None:
    table = pair.table
    a = matrix(table)
    np.testing.assert_allclose(a.sum(axis=1), table.c, rtol=0, atol=1e-14)
    misses = [
        max(abs(a[-1] @ weight(tree, a) - 1 / density(tree)) for tree in each)
        for each in trees(table.order + 1)
    ]
    # Coefficients of up to 15 with 16 digits, multiplied by each other.
    assert max(misses[:-1]) < 1e-13
    assert misses[-1] > 1e-5


@every_pair
def test_the_embedded_method_of_each_pair_is_one_order_below(pair: type[EmbeddedPair]) -> None:
    a, error = matrix(pair.table), np.array(pair.table.error)
    between = [max(abs(error @ weight(tree, a)) for tree in each) for each in trees(pair.table.order)]
    assert max(between[:-1]) < 1e-13
    assert between[-1] > 1e-4


@every_pair
def test_the_error_estimate_falls_like_the_power_that_the_control_counts_on(pair: type[EmbeddedPair]) -> None:
    y = kaps_at(0.0)
    estimates = [
        try_step(pair.table, kaps, 0.0, y, torch.tensor([h], dtype=torch.float64), kaps(0.0, y))
        .error.abs()
        .max()
        for h in (0.04, 0.02)
    ]
    assert math.log2(estimates[0] / estimates[1]) == pytest.approx(pair.table.order, abs=0.15)


@every_pair
@pytest.mark.parametrize("tolerance", [1e-4, 1e-6, 1e-8])
def test_a_coupled_nonlinear_problem_is_right_to_the_tolerance(
    pair: type[EmbeddedPair], tolerance: float
) -> None:
    times = [0.1, 1.0, 5.0]
    starts = kaps_at(0.0, 0.0, 0.0)
    y = pair(rtol=tolerance, atol=tolerance).advance(kaps, starts, 0.0, torch.tensor(times)).y
    # Errors of single steps add up, and die away like the solution: a few of them stand.
    assert (y - kaps_at(*torch.tensor(times).tolist())).abs().max() < 5.0 * tolerance


@pytest.mark.parametrize(
    ("pair", "tolerances"), [(Tsitouras, (1e-5, 1e-10)), (BogackiShampine, (1e-4, 1e-7))]
)
def test_the_work_grows_as_the_order_says(pair: type[EmbeddedPair], tolerances: tuple[float, float]) -> None:
    calls = []
    for tolerance in tolerances:
        count = itertools.count()

        def field(t: object, y: Tensor, count=count) -> Tensor:  # type: ignore[no-untyped-def]
            next(count)
            return torch.stack([-y[1], y[0]])

        start = torch.tensor([[1.0], [0.0]], dtype=torch.float64)
        pair(rtol=tolerance, atol=tolerance).advance(field, start, 0.0, 20.0)
        calls.append(next(count))
    # order decades of tolerance: ten times the steps
    assert 8.0 < calls[1] / calls[0] < 12.0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("pair", [Tsitouras, BogackiShampine])
def test_a_unit_of_every_pair_is_the_same_bit_for_bit_alone_and_in_a_crowd(
    pair: type[EmbeddedPair], dtype: torch.dtype
) -> None:
    units = 37
    method = pair(rtol=1e-4, atol=1e-5)
    y = torch.randn(2, units, generator=torch.Generator().manual_seed(3), dtype=torch.float64).to(dtype)
    speed = torch.ones(units, dtype=dtype)
    speed[units // 2] = 10.0
    together = method.advance(fitzhugh_nagumo(speed), y, 0.0, 5.0)
    again = method.advance(fitzhugh_nagumo(speed), together.y, 5.0, 10.0, carry=together.carry)
    assert again.carry is not None
    for unit in (0, units // 2, units - 1):
        one = slice(unit, unit + 1)
        alone = method.advance(fitzhugh_nagumo(speed[one]), y[:, one], 0.0, 5.0)
        alone = method.advance(fitzhugh_nagumo(speed[one]), alone.y, 5.0, 10.0, carry=alone.carry)
        assert torch.equal(alone.y, again.y[:, one])
        assert alone.carry is not None
        assert alone.carry.keys() == again.carry.keys()
        assert all(torch.equal(alone.carry[key], again.carry[key][..., one]) for key in again.carry)


@pytest.mark.parametrize("order", range(2, 17))
def test_the_power_of_the_control_is_the_sixteenth_nearest_to_that_of_the_order(order: int) -> None:
    x = torch.logspace(-9, 9, 67, dtype=torch.float64)
    power = -torch.log(control.shrinking(x[:1], order)) / torch.log(x[:1])
    assert 16 * power.item() == pytest.approx(round(16 * power.item()), abs=1e-9)
    assert abs(power.item() - 1 / order) <= 1 / 32 + 1e-9
    torch.testing.assert_close(control.shrinking(x, order), x**-power, rtol=1e-12, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("order", [3, 5])
def test_the_next_step_of_a_unit_does_not_depend_on_where_it_lies(order: int, dtype: torch.dtype) -> None:
    ratios = torch.rand(1003, generator=torch.Generator().manual_seed(5)).to(dtype) * 3.0
    h = torch.full_like(ratios, 0.3)
    alone = torch.cat([control.grown(h[:1], ratio[None], order) for ratio in ratios])
    assert torch.equal(control.grown(h, ratios, order), alone)


@pytest.mark.parametrize("order", [2, 3, 4, 5, 7, 8])
def test_the_next_step_follows_the_power_of_the_order_near_the_tolerance(order: int) -> None:
    ratio = torch.tensor([0.999, 1.001, 0.3, 3.0], dtype=torch.float64)
    low, high, *far = control.grown(torch.ones(4, dtype=torch.float64), ratio, order).tolist()
    # The slope of log step against log ratio, to the square of the interval.
    assert math.log(high / low) / math.log(1.001 / 0.999) == pytest.approx(-1.0 / order, abs=1e-5)
    power = [control.SAFETY * each ** (-1.0 / order) for each in (0.3, 3.0)]
    # A hyperbola for a power: a fifth off at order 2, a twentieth at order 5.
    assert far == pytest.approx(power, rel=0.2)


def test_a_step_that_was_refused_is_not_tried_again() -> None:
    # Whatever is left, what is wanted after a refusal fits in more steps than before.
    left = torch.linspace(0.01, 40.0, 100_000, dtype=torch.float64)
    h = control.fitted(left, 1.0, control.STRETCH)
    assert (h <= 1.0 + control.STRETCH / (1.0 - control.STRETCH) + 1e-12).all()
    wanted = control.grown(h, torch.full_like(h, 1.0 + 1e-9), 5)
    assert (control.fitted(left, wanted, control.STRETCH) < h * (1.0 - 1e-3)).all()


@pytest.mark.parametrize("pair", [Tsitouras, BogackiShampine])
def test_failures_of_every_pair_go_by_its_own_name(pair: type[EmbeddedPair]) -> None:
    with pytest.raises(rb.errors.StepUnderflowError, match=rf"{pair.__name__}.*unit 1 at t = (1\.00|0\.999)"):
        pair(rtol=1e-3).advance(lambda t, y: y * y, torch.tensor([[0.1, 1.0]], dtype=torch.float64), 0.0, 2.0)
    with pytest.raises(rb.errors.ArgumentError, match=rf"{pair.__name__}: rtol=0"):
        pair(rtol=0)
    with pytest.raises(rb.errors.ArgumentError, match=rf"{pair.__name__}: max_steps=0"):
        pair(max_steps=0)


@pytest.mark.parametrize("name", ["tsit5", "rk23"])
def test_every_pair_drives_a_model_by_its_name(name: str) -> None:
    pytest.importorskip("rheobase_lif")
    lif = rb.create("lif", integrator=rb.integrator(name, rtol=1e-8), dt=0.1, dtype=torch.float64)
    first = rb.simulate(lif, rb.stimulus.Constant(300.0), 10.0).spikes.times[0].item()
    # On the grid, which reports a spike at the end of its step: late by less than dt.
    assert 0.0 <= first - 5.0 * math.log(60.0 / 40.0) <= 0.1
