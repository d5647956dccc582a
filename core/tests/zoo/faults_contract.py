"""Models that are wrong in one way: in what they declare."""

from __future__ import annotations

from typing import Any

import rheobase as rb

FAULTS = {"Undocumented": "contract"}
"""Class -> the family of the properties that must catch it. Its docstring says what is wrong."""


class Undocumented(rb.SpikingNeuron):
    """A parameter without a line on what it is."""

    tau = rb.Parameter(10.0, unit="ms", above=0)
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": 0.0 * state.voltage}
