"""All properties of the kit."""

from __future__ import annotations

import importlib

from .property import PROPERTIES, Property

MODULES = (
    "neurons.declarations",
    "neurons.functions",
    "neurons.buffers",
    "neurons.shapes",
    "neurons.determinism",
    "neurons.independence",
    "neurons.dynamics",
    "neurons.convergence",
    "neurons.events",
    "neurons.backends",
    "neurons.gradients",
    "integrators.contract",
    "integrators.claims",
    "integrators.failures",
    "aggregators.contract",
    "aggregators.algebra",
)
"""Where the properties are defined, in the order of reports."""


def properties(kind: str) -> list[Property]:
    """The properties of a kind of component.

    Args:
        kind: "neuron", "integrator" or "aggregator".

    Example:
        >>> "sum" in {prop.name for prop in properties("aggregator")}
        False
    """
    for module in MODULES:
        importlib.import_module(f".{module}", __package__)
    return [prop for prop in PROPERTIES.values() if prop.kind == kind]
