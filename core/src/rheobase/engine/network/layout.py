"""Where a model and the synapses that reach it lie in the one model that is composed of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ..model.schema import Schema, tuple_type
from .apart import Apart
from .synapse import Kinetics


class Part(NamedTuple):
    """A synapse that reaches the model.

    Attributes:
        identifier: What the aggregator knows it by.
        kinetics: Its functions.
        input: The input of the model that it adds to; empty: the only one.
    """

    identifier: str
    kinetics: Kinetics
    input: str = ""


class Slices(NamedTuple):
    """Where a part's own rows and values lie in those of the whole."""

    states: slice
    parameters: slice
    options: slice


def slices_of(own: Schema, parts: Sequence[Part]) -> tuple[Slices, ...]:
    """Where each part's rows and values lie: after the target's own, one part after the other."""
    states, parameters = len(own.states), len(own.parameters)
    found = []
    for part in parts:
        more = part.kinetics.schema
        found.append((states, parameters, len(more.states), len(more.parameters)))
        states, parameters = states + len(more.states), parameters + len(more.parameters)
    options, slices = parameters + len(own.options), []
    for (first, begin, rows, values), part in zip(found, parts, strict=True):
        chosen = len(part.kinetics.schema.options)
        slices.append(
            Slices(slice(first, first + rows), slice(begin, begin + values), slice(options, options + chosen))
        )
        options += chosen
    return tuple(slices)


def whole_of(own: Schema, parts: Sequence[Part], apart: Apart | None) -> Schema:
    """What the whole declares: states, parameters and options of the target, then of each part."""
    states: dict[str, Any] = dict(own.states)
    parameters: dict[str, Any] = dict(own.parameters)
    options: dict[str, Any] = dict(own.options)
    kinetic: list[str] = []
    taken = {*own.settable, *own.draws}
    for place, part in enumerate(parts):
        # An identifier may be no name in Python; users never see these.
        prefix = f"synapse_{place}_"
        while any(name.startswith(prefix) for name in taken):
            prefix = f"s{prefix}"
        schema = part.kinetics.schema
        states |= {prefix + name: each for name, each in schema.states.items()}
        parameters |= {prefix + name: each for name, each in schema.parameters.items()}
        options |= {prefix + name: each for name, each in schema.options.items()}
        kinetic += [prefix + name for name in schema.states]
    whole = own if apart is None else apart.schema(own)
    return replace(
        whole,
        states=states,
        parameters=parameters,
        options=options,
        kinetic=tuple(kinetic),
        pack_state=tuple_type("state", list(states)),
        pack_params=tuple_type("params", [*parameters, *options]),
        pack_drawn=tuple_type("params", [*parameters, *options, *own.draws]),
    )
