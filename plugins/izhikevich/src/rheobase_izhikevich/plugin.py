"""What this distribution offers to Rheobase. Imports no torch and no model."""

from __future__ import annotations

from rheobase import NeuronSpec, hookimpl


@hookimpl
def rheobase_neurons() -> list[NeuronSpec]:
    """The neurons of the paper and of the book."""
    return [
        NeuronSpec(
            "izhikevich",
            "rheobase_izhikevich.neuron:IzhikevichNeuron",
            "the simple model of spiking neurons (Izhikevich 2003), 28 presets",
        ),
        NeuronSpec(
            "izhikevich-2007",
            "rheobase_izhikevich.book:Izhikevich2007",
            "the simple model in units of membranes (Izhikevich 2007), 6 cells",
        ),
    ]
