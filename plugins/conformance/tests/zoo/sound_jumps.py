"""Sound models that take spikes into states of their own."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch

SOUND = ["SynapticCurrent", "KickedAndDriven"]
DEAR = ["KickedAndDriven"]
HARDEST = {
    "SynapticCurrent": [
        "a-kick-spikes-once",
        "events-agree",
        "refractory-period-exact",
        "refractory-period-exact-in-time",
        "layer-spikes-as-its-neuron",
    ]
}
"""Name -> the properties that it is hardest for, which are tried in the standard profile in the usual run."""


class SynapticCurrent(rb.SpikingNeuron):
    """Leaky integrate-and-fire with an exponential current, to which spikes add, and no other input."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    tau_s = rb.Parameter(2.0, unit="ms", above=0, doc="decay time of the current")
    capacity = rb.Parameter(250.0, unit="pF", above=0, doc="membrane capacity")
    threshold_at = rb.Parameter(15.0, unit="mV", above=0, doc="threshold, above rest")
    tau_ref = rb.Parameter(2.0, unit="ms", at_least=0, doc="refractory period")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential, from rest")
    current = rb.State(0.0, unit="pA", at_rest=True, doc="synaptic current")
    arrivals = rb.Input(unit="pA", arrives="jump", into="current", doc="what spikes add to the current")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {
            "voltage": -state.voltage / params.tau + state.current / params.capacity,
            "current": -state.current / params.tau_s,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - params.threshold_at

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}


class KickedAndDriven(SynapticCurrent):
    """The same, with kicks of the voltage and a current over time beside it."""

    drive = rb.Input(unit="pA", doc="a current from outside")
    kicks = rb.Input(unit="mV", arrives="jump", into="voltage", doc="what spikes add to the potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        inward = (state.current + data.drive) / params.capacity
        return {
            "voltage": -state.voltage / params.tau + inward,
            "current": -state.current / params.tau_s,
        }
