"""Where the parts of a neuron come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ..specs import Provenance
from .model.framework import of_framework
from .model.schema import Schema
from .resolve import load


class Sourced(Protocol):
    """A neuron, for what is known of where its parts come from; None: no plugin offers it."""

    _model_source: Provenance | None
    _integrator_source: Provenance
    _aggregator_source: Provenance | None

    @property
    def schema(self) -> Schema:
        """What its class declares."""

    @property
    def _input_rules(self) -> Mapping[str, tuple[Any, Provenance | None]]:
        """Its inputs by name, each with its aggregator and where that comes from."""


def provenance_of(neuron: Sourced) -> dict[str, Provenance]:
    """ "model", "integrator" and "aggregator" -> provenance."""
    # What no installed plugin offers has neither distribution nor version.
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


def _own_rule(neuron: Sourced, model: Provenance) -> Provenance:
    own = next(base for base in type(neuron).__mro__ if "aggregate" in vars(base))
    # The base class's rule is that of the plugin "sum".
    if of_framework(own):
        return load("aggregator", "sum")[1]
    return Provenance("aggregator", f"{own.__name__}.aggregate", model.distribution, model.version)
