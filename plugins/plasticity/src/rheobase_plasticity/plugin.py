"""What this distribution offers to Rheobase. Imports no torch."""

from __future__ import annotations

from rheobase import SynapseSpec, hookimpl


@hookimpl
def rheobase_synapses() -> list[SynapseSpec]:
    """How the weights of a projection change: ``connect(..., plasticity=rheobase.synapse(name))``."""
    offered = [
        ("stdp-pair", "rheobase_plasticity.pair:PairSTDP", "weights that change by pairs of spikes"),
        (
            "stdp-triplet",
            "rheobase_plasticity.triplet:TripletSTDP",
            "weights that change by pairs and triplets of spikes (Pfister and Gerstner)",
        ),
    ]
    return [SynapseSpec(*each, per="synapse", plastic=True) for each in offered]
