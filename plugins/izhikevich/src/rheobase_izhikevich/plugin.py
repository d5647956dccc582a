"""What this distribution offers to Rheobase. Imports no torch and no model."""

from __future__ import annotations

from rheobase import NeuronSpec, hookimpl


@hookimpl
def rheobase_neurons() -> list[NeuronSpec]:
    """The Izhikevich neuron."""
    return [
        NeuronSpec(
            "izhikevich",
            "rheobase_izhikevich.neuron:IzhikevichNeuron",
            "the simple model of spiking neurons (Izhikevich 2003), 28 presets",
        )
    ]
