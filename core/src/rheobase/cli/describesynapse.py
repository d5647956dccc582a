"""What is known of a synapse, as plain data."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import torch

from ..engine.create import create
from ..engine.network.connectivity import of_pairs
from ..engine.network.projection import Projection
from ..engine.network.recipe import synapse as recipe
from ..errors import RheobaseWarning
from .declarations import declared


def synapse(kind: Any) -> dict[str, Any]:
    """Parameters, states and options of a class of synapses, and what it takes and gives."""
    kinetics = kind.kinetics
    return declared(kind.schema, _values(kind)) | {
        "weight_unit": kinetics.weight_unit,
        # A synapse that adds to a state of its target sends nothing to the target's input.
        "unit": None if kinetics.into else kinetics.unit,
        "into": kinetics.into or None,
    }


def _values(kind: Any) -> Mapping[str, float]:
    """The numbers of all defaults: a projection of one synapse has them."""
    one = torch.zeros(1, dtype=torch.int64)
    try:
        target = create("analog", dtype=torch.float64)
        projection = Projection(
            "shown", "shown", target, 1, recipe(kind), of_pairs(one, one, 1, 1)[0], torch.ones(()).double(), 1
        )
        return {
            name: float(getattr(projection, name).reshape(-1)[0])
            for name in (*kind.schema.parameters, *kind.schema.states)
        }
    except Exception as error:  # whatever a plugin's synapse may raise: the declarations can be shown
        warnings.warn(
            f"{kind.schema.owner} cannot be made with its defaults: {error}", RheobaseWarning, stacklevel=1
        )
        return {}
