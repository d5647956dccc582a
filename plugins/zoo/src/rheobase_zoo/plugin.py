"""What this distribution offers to Rheobase. Imports no torch and no model."""

from __future__ import annotations

from rheobase import NeuronSpec, hookimpl

MODELS = {
    "adex": ("adex:AdEx", "adaptive exponential integrate-and-fire (Brette & Gerstner 2005), 8 patterns"),
    "hodgkin-huxley": ("hodgkin_huxley:HodgkinHuxley", "the squid's axon (Hodgkin & Huxley 1952)"),
    "qif": ("qif:QIF", "quadratic integrate-and-fire (Ermentrout & Kopell 1986)"),
}
"""Name -> module and class, and what it is."""


@hookimpl
def rheobase_neurons() -> list[NeuronSpec]:
    """Published models, by the names that they have everywhere."""
    return [NeuronSpec(name, f"rheobase_zoo.{where}", what) for name, (where, what) in MODELS.items()]
