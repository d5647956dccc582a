"""What is known of a synapse, as plain data."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import torch

from ..engine.create import create
from ..engine.model.declaration import State
from ..engine.network.network import Network
from ..engine.network.recipe import synapse as recipe
from ..engine.neuron.analog import AnalogNeuron
from ..errors import RheobaseWarning
from .declarations import declared


def synapse(kind: Any) -> dict[str, Any]:
    """Parameters, states and options of a class of synapses, and what it takes and gives."""
    kinetics = kind.kinetics
    states = kind.schema.states
    found = declared(kind.schema, _values(kind))
    return found | {
        "states": [item | {"per": states[item["name"]].per} for item in found["states"]],
        "weight_unit": kinetics.weight_unit,
        # A synapse that adds to a state of its target sends nothing to the target's input.
        "unit": None if kinetics.into else kinetics.unit,
        "into": kinetics.into or None,
    }


def _values(kind: Any) -> Mapping[str, float]:
    """The numbers of all defaults: a projection of one synapse has them."""
    try:
        net = Network()
        net.add("target", create(_target_of(kind), dtype=torch.float64))
        projection = net.connect("target", "target", ([0], [0]), recipe(kind))
        return {
            name: float(getattr(projection, name).reshape(-1)[0])
            for name in (*kind.schema.parameters, *kind.schema.states)
        }
    except Exception as error:  # whatever a plugin's synapse may raise: the declarations can be shown
        warnings.warn(
            f"{kind.schema.owner} cannot be made with its defaults: {error}", RheobaseWarning, stacklevel=1
        )
        return {}


def _target_of(kind: Any) -> type[AnalogNeuron]:
    """A model that a synapse of this class can reach; it is never run."""
    name = kind.kinetics.into or "voltage"

    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
        return {name: data}

    body = {name: State(0.0, unit=kind.kinetics.weight_unit), "derivatives": staticmethod(derivatives)}
    return type("Target", (AnalogNeuron,), body)
