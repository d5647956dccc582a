"""Where the parts of a neuron come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..specs import Provenance
from .model.framework import of_framework
from .resolve import load

if TYPE_CHECKING:
    from .neuron.base import Neuron


def provenance_of(neuron: Neuron) -> dict[str, Provenance]:
    """The provenance of a neuron's model, integrator and aggregator.

    Args:
        neuron: The neuron.

    Returns:
        "model", "integrator" and "aggregator" -> provenance. A class or function that no installed
        plugin offers has neither distribution nor version.
    """
    model = neuron._model_source or Provenance("neuron", type(neuron).__name__)
    if neuron.schema.inputs:
        sources = {
            name: source or _own_rule(neuron, model) for name, (_, source) in neuron._input_rules.items()
        }
        aggregator = next(iter(sources.values()))
        if len(set(sources.values())) > 1:
            text = ", ".join(f"{name}: {source.name}" for name, source in sources.items())
            aggregator = Provenance("aggregator", text)
    else:
        aggregator = neuron._aggregator_source or _own_rule(neuron, model)
    return {"model": model, "integrator": neuron._integrator_source, "aggregator": aggregator}


def _own_rule(neuron: Neuron, model: Provenance) -> Provenance:
    own = next(base for base in type(neuron).__mro__ if "aggregate" in vars(base))
    if of_framework(own):
        return load("aggregator", "sum")[1]
    return Provenance("aggregator", f"{own.__name__}.aggregate", model.distribution, model.version)
