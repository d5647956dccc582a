"""Triplet plasticity, against the recursion by hand and the limits of the paper."""

from __future__ import annotations

import math
from typing import Any

import pytest
import rheobase as rb

from .protocols import events_of, trains, weights_after

FULL: dict[str, Any] = {
    **{"tau_plus": 16.8, "tau_x": 101.0, "tau_minus": 33.7, "tau_y": 125.0},
    **{"a_plus": 0.004, "a_minus": 0.007, "a3_plus": 0.0062, "a3_minus": 0.0023},
}


def by_hand(pre: list[float], post: list[float], weight: float, p: dict[str, Any], nearest: bool) -> float:
    """The weight after these spikes, by the sums that the paper writes, spike by spike."""
    events = events_of(pre, post)

    def trace(place: int, side: int, tau: float) -> float:
        """What the spikes of one side before this place left."""
        time = events[place][0]
        known = [other for other, of in events[:place] if of == side]
        return sum(math.exp(-(time - other) / tau) for other in (known[-1:] if nearest else known))

    for place, (_, side) in enumerate(events):
        if side == 0:
            slow = trace(place, 0, p["tau_x"])
            weight -= trace(place, 1, p["tau_minus"]) * (p["a_minus"] + p["a3_minus"] * slow)
        else:
            slow = trace(place, 1, p["tau_y"])
            weight += trace(place, 0, p["tau_plus"]) * (p["a_plus"] + p["a3_plus"] * slow)
    return weight


@pytest.mark.parametrize("pairing", ["all", "nearest"])
def test_trains_give_what_the_recursion_gives(pairing: str) -> None:
    pre, post = [trains(seed, 14, 400.0) for seed in (2, 4)], trains(7, 11, 400.0)
    found = weights_after(pre, post, rb.synapse("stdp-triplet", pairing=pairing, **FULL), 3.0)
    hand = [by_hand(each, post, 3.0, FULL, pairing == "nearest") for each in pre]
    assert found == pytest.approx(hand, abs=1e-12)


@pytest.mark.parametrize(
    ("pre", "post"),
    [([100.0, 110.0], [105.0]), ([105.0], [100.0, 110.0]), ([100.0, 110.0, 120.0], [103.0, 113.0, 123.0])],
    ids=["pre-post-pre", "post-pre-post", "three pairs"],
)
def test_the_protocols_of_the_paper(pre: list[float], post: list[float]) -> None:
    (found,) = weights_after([pre], post, rb.synapse("stdp-triplet", **FULL), 3.0)
    assert found == pytest.approx(by_hand(pre, post, 3.0, FULL, nearest=False), abs=1e-13)


def test_triplets_make_growth_go_with_the_rate_of_pairs() -> None:
    """With the defaults pairs 10 ms apart, the source first, do nothing when rare and much when frequent."""

    def change(interval: float, count: int) -> float:
        starts = [20.0 + interval * each for each in range(count)]
        (found,) = weights_after([starts], [each + 10.0 for each in starts], rb.synapse("stdp-triplet"), 3.0)
        return found - 3.0

    assert change(25.0, 8) > 20 * abs(change(500.0, 3))


def test_without_triplets_it_is_the_pair_rule() -> None:
    pre, post = [trains(2, 9, 200.0)], trains(7, 8, 200.0)
    pair = {name: FULL[name] for name in ("tau_plus", "tau_minus", "a_plus", "a_minus")}
    triplet = rb.synapse("stdp-triplet", **{**FULL, "a3_plus": 0.0, "a3_minus": 0.0})
    one = weights_after(pre, post, rb.synapse("stdp-pair", **pair), 3.0)
    assert weights_after(pre, post, triplet, 3.0) == pytest.approx(one, abs=1e-13)


def test_multiplicative_growth_is_times_the_room_left() -> None:
    rule = rb.synapse("stdp-triplet", **FULL, low=1.0, high=9.0, bounds="multiplicative")
    grown, shrunk = weights_after([[100.0], [110.0]], [105.0], rule, 3.0)
    assert grown == pytest.approx(3.0 + 6.0 * 0.004 * math.exp(-5.0 / 16.8), abs=1e-13)
    assert shrunk == pytest.approx(3.0 - 2.0 * 0.007 * math.exp(-5.0 / 33.7), abs=1e-13)
