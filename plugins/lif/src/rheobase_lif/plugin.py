"""What this distribution offers to Rheobase. Imports no torch and no model."""

from __future__ import annotations

from rheobase import NeuronSpec, hookimpl


@hookimpl
def rheobase_neurons() -> list[NeuronSpec]:
    """The leaky integrate-and-fire neuron and two analog neurons."""
    return [
        NeuronSpec("lif", "rheobase_lif.neuron:LIFNeuron", "leaky integrate-and-fire (Lapicque 1907)"),
        NeuronSpec(
            "leaky-integrator",
            "rheobase_lif.leaky_integrator:LeakyIntegrator",
            "analog: the leaky membrane without a threshold",
        ),
        NeuronSpec(
            "oscillator",
            "rheobase_lif.oscillator:Oscillator",
            "analog: a harmonic oscillator that a current drives",
        ),
    ]
