"""All properties of the kit."""

from __future__ import annotations

import importlib

from .property import PROPERTIES, Property

MODULES = (
    "neurons.declarations",
    "neurons.process",
    "neurons.memory",
    "neurons.choices",
    "neurons.offered",
    "neurons.functions",
    "neurons.outputs",
    "neurons.using",
    "neurons.effects",
    "neurons.buffers",
    "neurons.sharing",
    "neurons.receiving",
    "neurons.forward",
    "neurons.shapes",
    "neurons.determinism",
    "neurons.surroundings",
    "neurons.hashing",
    "neurons.independence",
    "neurons.chance",
    "neurons.statistics",
    "neurons.scaling",
    "neurons.rates",
    "neurons.dynamics",
    "neurons.digits",
    "neurons.convergence",
    "neurons.maps",
    "neurons.published",
    "neurons.stepsize",
    "neurons.spiking",
    "neurons.events",
    "neurons.trains",
    "neurons.driven",
    "neurons.continuity",
    "neurons.rearming",
    "neurons.bearing",
    "neurons.refractoriness",
    "neurons.releasing",
    "neurons.rest",
    "neurons.edges",
    "neurons.longest",
    "neurons.company",
    "neurons.thousand",
    "neurons.backends",
    "neurons.precision",
    "neurons.jacobians",
    "neurons.gradients",
    "neurons.layers",
    "neurons.timed",
    "neurons.kernels",
    "integrators.contract",
    "integrators.steps",
    "integrators.times",
    "integrators.clock",
    "integrators.claims",
    "integrators.units",
    "integrators.sizes",
    "integrators.tolerances",
    "integrators.events",
    "integrators.gradients",
    "integrators.failures",
    "aggregators.contract",
    "aggregators.algebra",
    "aggregators.identifiers",
    "aggregators.values",
    "aggregators.many",
    "aggregators.batches",
    "aggregators.device",
    "aggregators.claims",
    "aggregators.finite",
    "aggregators.nonfinite",
    "aggregators.precision",
    "aggregators.gradients",
    "surrogates.contract",
    "surrogates.shape",
    "synapses.contract",
    "synapses.units",
    "synapses.quiet",
    "synapses.weights",
    "synapses.numbers",
    "synapses.networks",
    "synapses.gradients",
    "plasticities.contract",
    "plasticities.course",
    "rules.contract",
    "rules.shards",
    "rules.keys",
    "rules.claims",
)
"""Where the properties are defined, in the order of reports."""


def properties(kind: str) -> list[Property]:
    """The properties of a kind of component.

    Args:
        kind: "neuron", "integrator", "aggregator", "synapse", "rule" or "surrogate".

    Example:
        >>> "sum" in {prop.name for prop in properties("aggregator")}
        False
    """
    for module in MODULES:
        importlib.import_module(f".{module}", __package__)
    # Not in the order of registration: somebody may have imported one of the modules before.
    order = {f"{__package__}.{module}": place for place, module in enumerate(MODULES)}
    chosen = [prop for prop in PROPERTIES.values() if prop.kind == kind]
    return sorted(chosen, key=lambda prop: order.get(prop.check.__module__, len(order)))
