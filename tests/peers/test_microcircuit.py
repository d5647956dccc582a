"""The microcircuit of Potjans and Diesmann at the rates of NEST's reference run."""

from __future__ import annotations

import math

import pytest
import rheobase as rb

from .microcircuit import NAMES, RATES, part, synapses

SETTLED = 200.0
"""From when on rates are taken, ms."""


def test_it_has_as_many_synapses_as_the_published_one() -> None:
    total = sum(synapses(target, source) for target in range(8) for source in range(8))
    assert total == pytest.approx(298.88e6, rel=1e-4)


def rates(scale: float, duration: float) -> list[float]:
    """Of each population, per s."""
    net, drive = part(scale, 1)
    recording = rb.simulate(net, drive, duration=duration, backend="fused")
    found = []
    for name in NAMES:
        spikes, seconds = recording[name].spikes, (duration - SETTLED) * 1e-3
        found.append(int((spikes.times > SETTLED).sum()) / recording[name].num_units / seconds)
    return found


def off(found: list[float]) -> list[float]:
    """By how much rates differ from the published ones, of these."""
    return [abs(one / other - 1.0) for one, other in zip(found, RATES, strict=True)]


@pytest.mark.by_hand
@pytest.mark.filterwarnings("ignore:.*delays were rounded to multiples of dt")
def test_the_rates_of_a_part_come_to_those_of_the_whole_as_it_grows() -> None:
    """Inputs are correlated the more the smaller a part is; that alone is other than in the whole."""
    small, large = off(rates(0.1, 700.0)), off(rates(0.25, 700.0))
    # At a rate below 1 a s spikes hang on the tail of the voltage, and on the correlations most.
    assert max(large[1:]) < 0.15
    assert large[0] < 0.4
    assert math.fsum(large) < 0.5 * math.fsum(small)
