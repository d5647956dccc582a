"""What this distribution offers to Rheobase. Imports no torch and no model."""

from __future__ import annotations

from rheobase import NeuronSpec, hookimpl

MODELS = {
    "adex": ("adex:AdEx", "adaptive exponential integrate-and-fire (Brette & Gerstner 2005), 8 patterns"),
    "hodgkin-huxley": ("hodgkin_huxley:HodgkinHuxley", "the squid's axon (Hodgkin & Huxley 1952)"),
    "eif": ("eif:EIF", "exponential integrate-and-fire (Fourcaud-Trocme et al. 2003)"),
    "qif": ("qif:QIF", "quadratic integrate-and-fire (Ermentrout & Kopell 1986)"),
    "theta": ("theta:Theta", "the theta neuron (Ermentrout & Kopell 1986)"),
    "traub-miles": ("traub_miles:TraubMiles", "Hodgkin-Huxley for the hippocampus (Brette et al. 2007)"),
    "wang-buzsaki": ("wang_buzsaki:WangBuzsaki", "a fast-spiking interneuron (Wang & Buzsaki 1996)"),
}
"""Name -> module and class, and what it is."""


@hookimpl
def rheobase_neurons() -> list[NeuronSpec]:
    """Published models, by the names that they have everywhere."""
    return [NeuronSpec(name, f"rheobase_zoo.{where}", what) for name, (where, what) in MODELS.items()]
