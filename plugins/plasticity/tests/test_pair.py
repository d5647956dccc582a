"""Pair plasticity: the window, its bounds and pairings, against closed forms."""

from __future__ import annotations

import math
from typing import Any

import pytest
import rheobase as rb

from .protocols import events_of, trains, weights_after

POST = 100.0
APART = [-60.0, -25.0, -10.0, -1.0, -0.013, 0.0, 0.017, 1.0, 10.0, 25.0, 60.0]
"""When the target spikes after the source, ms."""


def test_a_pair_gives_the_published_digits() -> None:
    """A+ = 0.01, A- = 0.0105 and 20 ms: the pairs of 10 ms."""
    rule = rb.synapse("stdp-pair", a_plus=0.01, a_minus=0.0105, tau_plus=20.0, tau_minus=20.0)
    after, before = weights_after([[POST - 10.0], [POST + 10.0]], [POST], rule)
    assert after - 0.5 == pytest.approx(0.006065306597, abs=1e-12)
    assert before - 0.5 == pytest.approx(-0.006368571927, abs=1e-12)


@pytest.mark.parametrize("event", ["step", "located"])
def test_the_window_is_exponential_on_either_side(event: str) -> None:
    apart = APART if event == "located" else [each for each in APART if each == round(each)]
    rule = rb.synapse("stdp-pair", tau_plus=16.8, tau_minus=33.7, a_plus=0.03, a_minus=0.02)
    found = weights_after([[POST - each] for each in apart], [POST], rule, event=event)
    for each, weight in zip(apart, found, strict=True):
        change = 0.03 * math.exp(-each / 16.8) if each >= 0 else -0.02 * math.exp(each / 33.7)
        assert weight - 0.5 == pytest.approx(change, abs=1e-13), each


def test_multiplicative_changes_go_with_the_distance_to_the_bound() -> None:
    rule = rb.synapse("stdp-pair", a_plus=0.3, a_minus=0.2, low=0.2, high=3.0, bounds="multiplicative")
    start = [0.2, 1.0, 3.0]
    pairs = [[POST - 10.0]] * 3 + [[POST + 10.0]] * 3
    found = weights_after(pairs, [POST], rule, start * 2)
    factor = math.exp(-0.5)
    assert found == pytest.approx(
        [w + 0.3 * (3.0 - w) * factor for w in start] + [w - 0.2 * (w - 0.2) * factor for w in start],
        abs=1e-13,
    )


def test_additive_weights_stop_at_their_bounds() -> None:
    rule = rb.synapse("stdp-pair", a_plus=0.3, a_minus=0.3, low=0.4, high=0.6)
    assert weights_after([[POST - 1.0], [POST + 1.0]], [POST], rule) == [0.6, 0.4]


def expected(pre: list[float], post: list[float], weight: float, pairing: str, p: Any) -> float:
    """By every pair, or that of each spike with the last one of the other side."""
    events = events_of(pre, post)
    for place, (time, side) in enumerate(events):
        others = [other for other, of in events[:place] if of != side]
        if pairing == "nearest":
            others = others[-1:]
        tau, size = (p["tau_plus"], p["a_plus"]) if side else (p["tau_minus"], -p["a_minus"])
        weight += size * sum(math.exp(-(time - other) / tau) for other in others)
    return weight


@pytest.mark.parametrize("pairing", ["all", "nearest"])
def test_trains_give_the_sum_of_their_pairs(pairing: str) -> None:
    values = {"tau_plus": 18.0, "tau_minus": 31.0, "a_plus": 0.02, "a_minus": 0.015}
    pre, post = [trains(seed, 12, 300.0) for seed in (1, 5, 9)], trains(3, 10, 300.0)
    rule = rb.synapse("stdp-pair", pairing=pairing, **values)
    found = weights_after(pre, post, rule, 2.0)
    assert found == pytest.approx([expected(each, post, 2.0, pairing, values) for each in pre], abs=1e-12)
    assert len(set(found)) == 3
