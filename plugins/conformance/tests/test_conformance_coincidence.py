"""Marks that coincide: the bound on their probability is above the probability, for any number of them."""

from __future__ import annotations

import math

import pytest
import torch
from rheobase.conformance.neurons.coincidence import LIMIT, coincidence


def tail(n: int, r: int, c: int, k: int) -> float:
    """The probability that r and c marks among n coincide k times, or further from the mean on that side."""
    ways = {j: math.comb(c, j) * math.comb(n - c, r - j) for j in range(max(0, r + c - n), min(r, c) + 1)}
    beyond = [j for j in ways if (j >= k if k >= r * c / n else j <= k)]
    return sum(ways[j] for j in beyond) / math.comb(n, r)


@pytest.mark.parametrize(
    ("n", "r", "c"), [(10, 5, 5), (12, 2, 3), (40, 20, 10), (40, 39, 20), (60, 1, 1), (8, 8, 3)]
)
def test_the_bound_is_above_the_probability(n: int, r: int, c: int) -> None:
    tightest = 0.0
    for k in range(max(0, r + c - n), min(r, c) + 1):
        one = torch.arange(n) < r
        other = ((torch.arange(n) >= r - k) & (torch.arange(n) < r - k + c)).unsqueeze(0)
        found = coincidence(one.unsqueeze(0), other)
        assert found.seen == k
        assert math.exp(-found.bound) >= tail(n, r, c, k) * (1.0 - 1e-9)
        tightest = max(tightest, found.bound)
    assert tightest > 0.0 or n == r


def test_groups_that_are_independent_add_up_and_rare_marks_prove_nothing() -> None:
    marks = torch.arange(32) % 2 == 0
    assert not coincidence(marks.expand(1, 32), marks.expand(1, 32)).told
    assert coincidence(marks.expand(8, 32), marks.expand(8, 32)).told
    once = torch.arange(10_000) == 7
    assert 0.0 < coincidence(once.unsqueeze(0), once.unsqueeze(0)).bound < 0.5 * LIMIT


def test_marks_that_all_are_set_bound_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    some = torch.rand((5, 100), generator=generator) < 0.5
    every = torch.ones(5, 100, dtype=torch.bool)
    assert coincidence(some, every).bound == pytest.approx(0.0, abs=1e-9)
    assert coincidence(every, ~every).bound == 0.0


def test_chance_is_told_as_seldom_as_it_should_be() -> None:
    generator = torch.Generator().manual_seed(1)
    bounds = []
    for share in (0.5, 0.1, 0.01):
        for _ in range(300):
            one, other = torch.rand((2, 6, 200), generator=generator) < share
            bounds.append(coincidence(one, other).bound)
    # Of 900 a tenth may have a probability below a tenth, on either side.
    assert sum(bound > math.log(10.0) for bound in bounds) < 180
    assert max(bounds) < math.log(900.0 * 1e4)
