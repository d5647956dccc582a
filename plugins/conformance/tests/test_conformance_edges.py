"""At the edges of domains a model is not accused of what only long steps make of it."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch
from rheobase.conformance import check


class Stiff(rb.AnalogNeuron):
    """V decays to the input at a rate g: at 64 times its default the steps of the kit are far too long."""

    g = rb.Parameter(20.0, unit="1/ms", above=0, doc="rate of the decay")
    voltage = rb.State(-0.1, unit="mV", doc="membrane potential")
    gate = rb.State(0.5, unit="1", doc="a gate, which opens below rest")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        opening = torch.exp(-state.voltage / 31.0)
        return {
            "voltage": params.g * (data - state.voltage),
            "gate": opening * (1.0 - state.gate) - state.gate,
        }


def test_a_step_that_is_too_long_is_not_the_models_fault() -> None:
    report = check(Stiff, "full", only=["corners-of-domains-are-finite"])
    assert report.ok, str(report)
