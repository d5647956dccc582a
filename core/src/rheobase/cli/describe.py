"""Everything that is known of a component, as plain data: for ``show`` and its JSON."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import warnings
from collections.abc import Container, Mapping
from typing import Any

from ..errors import ComponentError, RheobaseWarning, nearest
from ..kinds import KINDS
from ..plugins.component import Registered
from ..plugins.registry import installed_now, list_components, resolve
from ..pointing import is_in_module, is_path
from ..specs import Provenance
from ..synonyms import synonyms
from .declarations import declared, quantity


def find(name: str, kind: str | None) -> Registered:
    """The component of ``name`` or ``distribution:name``, whatever its kind, where only one kind has it."""
    if kind is not None:
        return resolve(kind, name)
    on_offer = list_components()
    # Only the kind is looked for by the bare name; resolve() heeds the distribution.
    bare = name.rpartition(":")[2]
    kinds = list(dict.fromkeys(part.spec.kind for part in on_offer if part.spec.name == bare))
    if len(kinds) == 1:
        return resolve(kinds[0], name)
    if kinds:
        raise ComponentError(f"{name!r} is offered as {' and as '.join(kinds)}; say which by --kind")
    names = sorted({part.spec.name for part in on_offer})
    raise ComponentError(
        f"nothing named {name!r} is installed{nearest(bare, names, synonyms())}; installed: "
        f"{', '.join(names)}.{installed_now().missing} "
        "Install the plugin that offers it with pip, or see `rheobase list`"
    )


def about(given: str, kind: str | None = None) -> dict[str, Any]:
    """All about what a name, or a target such as ``file.py:Class``, means, installed or not; imports it."""
    if is_path(given) or is_in_module(given):
        from ..pipeline.pointed import kind_of, pointed_at  # here: it imports torch

        if (found := pointed_at(given, kind)) is not None:
            name = getattr(found, "__qualname__", type(found).__qualname__)
            return _described(Provenance(kind or kind_of(found), name), "", found, found, {})
    return describe(find(given, kind))


def describe(component: Registered) -> dict[str, Any]:
    """All about a component, as plain data; imports it."""
    spec = component.spec
    common = {"name", "target", "summary"}
    # The fields of a kind's own spec: what a component of that kind may claim.
    claims = {key: value for key, value in dataclasses.asdict(spec).items() if key not in common}
    return _described(component.provenance, spec.summary, component.load(), component.qualified, claims)


def _described(
    origin: Provenance, summary: str, loaded: Any, made_by: Any, claims: Mapping[str, Any]
) -> dict[str, Any]:
    """``made_by``: what ``create`` makes the model from, so that it is the one that is meant."""
    known: dict[str, Any] = {
        "name": origin.name,
        "kind": origin.kind,
        "summary": summary,
        "doc": inspect.cleandoc(loaded.__doc__ or ""),
        "provenance": origin.as_dict(),
    }
    if origin.kind == "synapse":
        from .describesynapse import synapse  # here: it imports torch

        return known | {"claims": dict(claims)} | synapse(loaded)
    if KINDS[origin.kind].declares:
        return known | _model(loaded, made_by)
    if origin.kind == "surrogate":
        from .curves import curves  # here: it imports torch

        # What is no function of a tensor, or has no derivative, is for the conformance kit to tell.
        with contextlib.suppress(AttributeError, RuntimeError, TypeError, ValueError):
            known["curves"] = curves(loaded)
    return known | {"claims": dict(claims), "arguments": _arguments(loaded, origin.kind)}


def _model(model: Any, made_by: Any) -> dict[str, Any]:
    schema = model.schema
    values = _default_values(schema, made_by)
    asked = callable(getattr(model, "dt_max", None))
    return declared(schema, values) | {
        "inputs": [quantity(item, {}) | _received(item) for item in schema.inputs.values()],
        "input_unit": getattr(model, "input_unit", None),
        "draws": [
            {"name": item.name, "distribution": item.distribution, "doc": item.doc}
            for item in schema.draws.values()
        ],
        "presets": [_preset(item) for item in schema.presets.values()],
        "dt_max_ms": values.get(_DT_MAX) if asked else schema.dt_max,
        "dt_max_follows": "a function" if asked else None,
    }


def _received(item: Any) -> dict[str, str]:
    """How an input combines, and what it is added to where it arrives as a jump."""
    about = {"aggregator": item.aggregator}
    return about | {"arrives": item.arrives, "into": item.into} if item.into else about


_DT_MAX = "dt_max"


def _default_values(schema: Any, made_by: Any) -> Mapping[str, float]:
    # A default may name a parameter or be a function of them: a neuron has the numbers.
    import torch

    from ..engine.create import create

    try:
        neurons = [
            create(made_by, dtype=torch.float64, seed=seed) for seed in range(2 if schema.draws else 1)
        ]
        found = {
            # One unit: its first number is all of it.
            key: {float(getattr(neuron, key).reshape(-1)[0]) for neuron in neurons}
            for key in (*schema.parameters, *schema.states)
        }
        # What another seed changes is drawn, and has no default.
        values = {key: seen.pop() for key, seen in found.items() if len(seen) == 1}
        limit = neurons[0].largest_step()
        return values if limit is None else {**values, _DT_MAX: float(limit.reshape(-1)[0])}
    except Exception as error:  # whatever a plugin's model may raise: the declarations can be shown
        warnings.warn(
            f"{schema.owner} cannot be made with its defaults: {error}", RheobaseWarning, stacklevel=1
        )
        return {}


def _preset(item: Any) -> dict[str, Any]:
    return {
        "name": item.name,
        "doc": item.doc,
        "params": dict(item.params),
        "state": dict(item.state),
        "dt_ms": item.dt,
        "duration_ms": item.duration,
        "stimulus": None if item.stimulus is None else repr(item.stimulus),
        "citation": item.citation,
    }


def _arguments(loaded: Any, kind: str) -> list[dict[str, Any]]:
    left_out: Container[str] = ()
    if kind == "rule":
        from ..engine.network.recipe import OF_EVERY_RULE  # here: it imports torch

        left_out = OF_EVERY_RULE
    try:
        parameters = inspect.signature(loaded).parameters.values()
    except (TypeError, ValueError):
        # Callables that are written in C may have no signature.
        return []
    return [
        {"name": item.name, "default": None if item.default is item.empty else str(item.default)}
        for item in parameters
        if item.name not in left_out
    ]
