"""What is known of a synapse or a plasticity, as plain data."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import torch

from ..engine.create import create
from ..engine.model.declaration import State
from ..engine.network.network import Network
from ..engine.network.plasticity import Plasticity
from ..engine.network.recipe import synapse as recipe
from ..engine.network.synapse import Synapse
from ..engine.neuron.analog import AnalogNeuron
from ..errors import RheobaseWarning
from .declarations import declared


def synapse(kind: Any) -> dict[str, Any]:
    """Parameters, states and options of a class of synapses, and what it takes and gives."""
    plastic = issubclass(kind, Plasticity)
    states = kind.schema.states
    found = declared(kind.schema, _values(kind, plastic))
    found |= {"states": [item | {"per": states[item["name"]].per} for item in found["states"]]}
    if plastic:
        # Whatever its synapse is: the weight is in that one's unit.
        return found | {"weight_unit": None, "unit": None, "into": None, "plastic": True}
    kinetics = kind.kinetics
    return found | {
        "weight_unit": kinetics.weight_unit,
        # A synapse that adds to a state of its target sends nothing to the target's input.
        "unit": None if kinetics.into else kinetics.unit,
        "into": kinetics.into or None,
        "plastic": False,
    }


def _values(kind: Any, plastic: bool) -> Mapping[str, float]:
    """The numbers of all defaults: a projection of one synapse has them."""
    try:
        net, made = Network(), _Jump if plastic else kind
        net.add("target", create(_target_of(made), dtype=torch.float64))
        more: dict[str, Any] = {"plasticity": recipe(kind), "weight": _allowed(kind)} if plastic else {}
        projection: Any = net.connect("target", "target", ([0], [0]), recipe(made), **more)
        holder = projection.plasticity if plastic else projection
        return {
            name: float(getattr(holder, name).reshape(-1)[0])
            for name in (*kind.schema.parameters, *kind.schema.states)
        }
    except Exception as error:  # whatever a plugin's synapse may raise: the declarations can be shown
        warnings.warn(
            f"{kind.schema.owner} cannot be made with its defaults: {error}", RheobaseWarning, stacklevel=1
        )
        return {}


class _Jump(Synapse):
    """What carries a plasticity that is only looked at."""

    weight_unit, into = "mV", "voltage"


def _allowed(kind: Any) -> float:
    """A weight that a plasticity takes, by the defaults of its bounds."""
    bounds = (
        kind.schema.parameters[each].default for each in ("low", "high") if each in kind.schema.parameters
    )
    return next((float(each) for each in bounds if isinstance(each, (int, float))), 1.0)


def _target_of(kind: Any) -> type[AnalogNeuron]:
    """A model that a synapse of this class can reach; it is never run."""
    name = kind.kinetics.into or "voltage"

    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
        return {name: data}

    body = {name: State(0.0, unit=kind.kinetics.weight_unit), "derivatives": staticmethod(derivatives)}
    return type("Target", (AnalogNeuron,), body)
