"""Where the parts of a neuron come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..specs import Provenance

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
    cls = type(neuron)
    model = neuron._model_source or Provenance("neuron", cls.__name__)
    aggregator = neuron._aggregator_source
    if aggregator is None:
        own = next(base for base in cls.__mro__ if "aggregate" in vars(base))
        if own.__module__.startswith("rheobase."):
            aggregator = _of_core("aggregator", "sum")
        else:
            aggregator = Provenance(
                "aggregator", f"{own.__name__}.aggregate", model.distribution, model.version
            )
    return {"model": model, "integrator": neuron._integrator_source, "aggregator": aggregator}


def _of_core(kind: str, name: str) -> Provenance:
    from .resolve import load

    return load(kind, name)[1]
