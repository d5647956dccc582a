"""A model whose numbers can be worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest
import rheobase as rb


class Leaky(rb.SpikingNeuron):
    """tau dV/dt = V0 - V + I / g, reset to V0."""

    tau = rb.Parameter(10.0, unit="ms", above=0)
    volt_rest = rb.Parameter(-65.0, unit="mV")
    volt_reset = rb.Parameter("volt_rest", unit="mV")
    volt_thresh = rb.Parameter(-50.0, unit="mV")
    leak = rb.Parameter(2.0, unit="nS", above=0)
    share = rb.Parameter(0.25, unit="1", at_least=0, at_most=1)
    shift = rb.Parameter(0.0, unit="mV", at_most=5)
    tau_ref = rb.Parameter(0.0, unit="ms", at_least=0)
    voltage = rb.State("volt_rest", unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        drive = data / params.leak * (params.share / 0.25) + params.shift
        return {"voltage": (params.volt_rest - state.voltage + drive) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - params.volt_thresh

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": params.volt_reset}


@pytest.fixture
def leaky() -> type[rb.SpikingNeuron]:
    return Leaky
