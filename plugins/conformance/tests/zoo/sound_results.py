"""Sound models whose presets declare what they do, in every way that it can be said."""

from __future__ import annotations

import math
from typing import Any

import rheobase as rb
from ground import Leaky

SOUND = ["ClosedForm", "Harmonic"]

HARDEST = {"ClosedForm": ["published-results"], "Harmonic": ["published-results"]}
"""Name -> the properties that it is hardest for; they are tried in the standard profile in the usual run."""


def interval(current: float) -> float:
    """Of Leaky: 10 ln(I / (I - 1)) ms."""
    return 10.0 * math.log(current / (current - 1.0))


def of(current: float, **expected: Any) -> rb.Preset:
    return rb.Preset(
        stimulus=rb.stimulus.Constant(current),
        duration=50.0,
        expect=rb.Expect(source="10 ln(I / (I - 1)), by hand", **expected),
    )


class ClosedForm(Leaky):
    """Leaky, with its closed form."""

    weak = of(1.5, spikes=4, first=(interval(1.5), 2.0 * interval(1.5)), within=1e-6)
    strong = of(2.0, isi=(interval(2.0), interval(2.0)), rate=1000.0 / interval(2.0), within=1e-6)
    silent = of(0.9, spikes=0, rate=0.0, peak=0.9 * (1.0 - math.exp(-5.0)))
    other = rb.Preset(
        "half of the time constant",
        params={"tau": 5.0},
        stimulus=rb.stimulus.Constant(2.0),
        duration=50.0,
        expect=rb.Expect(first=interval(2.0) / 2.0, period=interval(2.0) / 2.0, source="by hand"),
    )
    late = rb.Preset(
        stimulus=rb.stimulus.Step(2.0, start=7.3),
        duration=50.0,
        expect=rb.Expect(first=7.3 + interval(2.0), source="by hand"),
    )
    stepped = rb.Preset(
        stimulus=rb.stimulus.Constant(2.0),
        duration=50.0,
        expect=rb.Expect(
            first=7.0, within=1e-6, event="step", integrator="rk4", dt=0.5, source="the end of the step"
        ),
    )
    nothing = rb.Preset("says nothing")


class Harmonic(rb.AnalogNeuron):
    """x'' = I - x."""

    x = rb.State(1.0, unit="1", doc="place")
    y = rb.State(0.0, unit="1/ms", doc="speed")
    free = rb.Preset(
        stimulus=rb.stimulus.Constant(0.0),
        duration=50.0,
        expect=rb.Expect(period=2.0 * math.pi, peak=1.0, source="2 pi, by hand"),
    )

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"x": state.y, "y": data - state.x}
