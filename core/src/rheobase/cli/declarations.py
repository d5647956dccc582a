"""What neurons and synapses declare, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def declared(schema: Any, values: Mapping[str, float]) -> dict[str, Any]:
    """The parameters, states and options of a schema."""
    return {
        "parameters": [quantity(item, values) for item in schema.parameters.values()],
        "states": [quantity(item, values) for item in schema.states.values()],
        "options": [
            {"name": item.name, "choices": list(item.choices), "default": item.default, "doc": item.doc}
            for item in schema.options.values()
        ],
    }


def quantity(item: Any, values: Mapping[str, float]) -> dict[str, Any]:
    """A parameter, state or input; ``values``: those of defaults that follow from others."""
    default = item.default
    follows = default if isinstance(default, str) else "a function" if callable(default) else None
    return {
        "name": item.name,
        "default": values.get(item.name) if follows else default,
        "follows": follows,
        "unit": item.unit,
        "domain": str(item.domain),
        "doc": item.doc,
    }
