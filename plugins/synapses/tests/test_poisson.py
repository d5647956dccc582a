"""Poisson sources: counts, intervals, and whose numbers they are."""

from __future__ import annotations

import math
from typing import Any

import pytest
import rheobase as rb
import torch
from scipy import stats

from .cells import Membrane


def spikes(units: int, rate: Any, *, duration: float = 100.0, **given: Any) -> rb.Recording:
    given = {"seed": 1, "dt": 0.5, "dtype": torch.float64, **given}
    neuron = rb.create("poisson", units, rate=rate, **given)
    return rb.simulate(neuron, rb.stimulus.Constant(0.0), duration=duration)


def counts(recording: rb.Recording, units: int) -> torch.Tensor:
    return recording.spikes.units.bincount(minlength=units).double()


@pytest.mark.parametrize("event", ["step", "crossing", "located"])
def test_counts_have_the_mean_and_the_spread_of_a_poisson_process(event: str) -> None:
    units, rate, dt = 3000, 200.0, 10.0 if event == "located" else 0.5
    if event == "located":
        units = 200
    seen = counts(spikes(units, rate, event=event, dt=dt), units)
    expected = rate / 10
    # On the grid (rate dt)^2 / 6 is missing.
    missing = expected * (rate * dt / 1000) ** 2 / 6 if event != "located" else 0.0
    assert abs(float(seen.mean()) - expected + missing) <= 3 * math.sqrt(expected / units)
    spread = float(seen.var()) / expected
    assert spread == pytest.approx(1.0, abs=5 * math.sqrt(2 / units))


def test_located_intervals_are_exponential() -> None:
    found = spikes(200, 80.0, event="located", dt=10.0, duration=60.0).spikes
    of_unit = [found.times[found.units == unit].sort().values.diff() for unit in range(200)]
    # From each spike up to 30 ms a whole interval of up to 20 ms would have been seen.
    intervals = [
        interval
        for unit, intervals in enumerate(of_unit)
        for start, interval in zip(
            found.times[found.units == unit].sort().values[:-1].tolist(), intervals.tolist(), strict=True
        )
        if start < 30.0 and interval < 20.0
    ]
    assert len(intervals) > 300
    truncated = stats.truncexpon(20.0 / 12.5, scale=12.5)
    assert stats.kstest(intervals, truncated.cdf).pvalue > 1e-3
    # Times are the units' own, not the steps'.
    assert len({round(time % 10.0, 9) for time in found.times.tolist()}) > 0.99 * len(found.times)


def test_a_unit_spikes_alike_among_any_number() -> None:
    many, few = spikes(50, 100.0).spikes, spikes(7, 100.0).spikes
    for unit in range(7):
        assert many.times[many.units == unit].equal(few.times[few.units == unit])
    assert not spikes(7, 100.0, seed=2).spikes.times.equal(few.times)
    assert not spikes(7, 100.0, identifier="other").spikes.times.equal(few.times)


def test_rates_may_differ_and_be_zero() -> None:
    rates = torch.tensor([0.0, 20.0, 200.0]).repeat(100)
    seen = counts(spikes(300, rates), 300).view(100, 3).mean(0)
    assert seen[0] == 0
    assert float(seen[1]) == pytest.approx(2.0, abs=5 * math.sqrt(2.0 / 100))
    assert float(seen[2]) == pytest.approx(20.0, abs=5 * math.sqrt(20.0 / 100))


def test_it_drives_a_population() -> None:
    net = rb.Network(seed=4)
    net.add("noise", rb.create("poisson", 200, rate=20.0, dt=0.25))

    net.add("cell", rb.create(Membrane, 1, dt=0.25))
    net.connect("noise", "cell", rb.rule("all-to-all"), rb.synapse("exponential", tau=2.0), weight=10.0)
    recording = rb.simulate(net, duration=150.0, record={"cell": "voltage"}, every=2)
    # Campbell: the mean is rate x weight x tau_s x tau / C.
    expected = -60.0 + 200 * 20.0 / 1000 * 10.0 * 2.0 * 10.0 / 250.0
    assert float(recording["cell"].traces["voltage"][100:].mean()) == pytest.approx(expected, abs=0.4)
