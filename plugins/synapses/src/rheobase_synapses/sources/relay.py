"""Spikes that are passed on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import torch
from rheobase import Input, SpikingNeuron, State


@final
class Relay(SpikingNeuron):
    """Each unit spikes when a spike arrives at it, whatever the weight: n -> n + 1, and back to 0.

    It is connected without a synapse. Arrivals of one time are one, and so are those of one step unless
    spikes are located.

    Example:
        >>> import rheobase as rb
        >>> net = rb.Network()
        >>> source = net.add("source", rb.create("spike-times", times=[[0.5]]))
        >>> relay = net.add("relay", rb.create("relay", 2))
        >>> net.connect("source", "relay", rb.rule("all-to-all"), weight=-3.0, delay=1.0).synapses
        2
        >>> spikes = rb.simulate(net, duration=4.0)["relay"].spikes
        >>> spikes.times.tolist(), spikes.units.tolist()
        ([1.5, 1.5], [0, 1])
    """

    arrived = State(0.0, unit="1", at_rest=True, doc="how many spikes have just arrived")
    arrivals = Input(unit="1", arrives="jump", into="arrived", weighted=False, doc="spikes to pass on")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Mapping[str, Any]:
        return {"arrived": torch.zeros_like(state.arrived)}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.arrived - 0.5

    @staticmethod
    def reset(state: Any, params: Any) -> Mapping[str, Any]:
        return {"arrived": torch.zeros_like(state.arrived)}
