"""Models that are wrong in one way: what their presets do is not what their sources say."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch
from ground import Leaky

FAULTS = {
    "StaysSilent": "published-results",
    "AnotherRate": "published-results",
    "HalfTheTimeConstant": "published-results",
    "CountsOneTooMany": "published-results",
    "LaterThanItsSource": "published-results",
    "AnotherPeriod": "published-results",
    "LowerThanItsSource": "published-results",
    "OneOfTwoIsWrong": "published-results",
    "NamesAnEventOfNoKind": "published-results",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""

STANDARD = list(FAULTS)
"""Those that the smoke profile does not catch."""


def of(current: float = 2.0, **expected: Any) -> rb.Preset:
    """At 2 mV Leaky has a spike every 10 ln 2 = 6.931472 ms: seven in 50 ms."""
    return rb.Preset(
        stimulus=rb.stimulus.Constant(current),
        duration=50.0,
        expect=rb.Expect(source="10 ln 2, by hand", **expected),
    )


class HalfTheTimeConstant(Leaky):
    """It forgets twice as fast as its source says."""

    paper = of(first=(6.931472, 13.862944))

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": 2.0 * (data - state.voltage) / params.tau}


class CountsOneTooMany(Leaky):
    """Its source has a spike more."""

    paper = of(spikes=8)


class LaterThanItsSource(Leaky):
    """Its intervals are by a fiftieth of a millisecond longer than its source says."""

    paper = of(isi=6.911472, within=0.01)


class AnotherRate(Leaky):
    """Its rate is by one in five hundred larger than its source says."""

    paper = of(rate=144.2695 / 1.002)


class AnotherPeriod(rb.AnalogNeuron):
    """x'' = -x has the period 2 pi ms, and its source says by one in five hundred more."""

    x = rb.State(1.0, unit="1", doc="place")
    y = rb.State(0.0, unit="1/ms", doc="speed")
    paper = of(0.0, period=6.283185 * 1.002)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"x": state.y, "y": data - state.x}


class LowerThanItsSource(Leaky):
    """Below threshold it comes to 1 - exp(-5) of the current, and its source says to all of it."""

    paper = of(0.9, peak=0.9)


class StaysSilent(Leaky):
    """Its source has a rate, and it has none."""

    paper = of(0.5, rate=10.0)


class OneOfTwoIsWrong(Leaky):
    """One of two presets that could run together is not what its source says."""

    right = of(2.0, spikes=7)
    wrong = of(3.0, spikes=7)


class NamesAnEventOfNoKind(Leaky):
    """It cannot be run as its source is said to have it."""

    paper = of(spikes=7, event="exactly")

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}
