"""From names to objects: the one place where the engine asks for installed components."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from ..errors import ArgumentError, nearest
from ..specs import Provenance
from .aggregate import Aggregator, GroupedAggregator
from .integrator import Integrator
from .model.schema import Schema

DEFAULT_INTEGRATOR = "rk4"


def load(kind: str, name: str) -> tuple[Any, Provenance]:
    """The object of an installed component, and where it comes from."""
    # Imported at use: a neuron made of objects alone needs no discovery.
    from ..plugins.registry import resolve

    found = resolve(kind, name)
    return found.load(), found.provenance


def as_integrator(given: Integrator | str | None, **settings: Any) -> tuple[Integrator, Provenance]:
    """An integrator from an object or a name, made with settings; None: Runge-Kutta of order 4."""
    if given is None or isinstance(given, str):
        factory, provenance = load("integrator", DEFAULT_INTEGRATOR if given is None else given)
        # Every integrator takes it, so no factory has to.
        on_failure = settings.pop("on_failure", "raise")
        if on_failure not in ("raise", "mark"):
            raise ArgumentError(f"on_failure={on_failure!r} cannot be used; give 'raise' or 'mark'")
        made = _make(factory, given or DEFAULT_INTEGRATOR, settings)
        if not isinstance(made, Integrator):
            raise ArgumentError(
                f"the integrator {given!r} made an object of type {type(made).__name__}; its plugin "
                "must give "
                "a rheobase.Integrator"
            )
        # Remembered for provenance, wherever the object goes.
        made.provenance, made.made_with = provenance, settings
        made.on_failure = on_failure
        return made, provenance
    if not isinstance(given, Integrator):
        raise ArgumentError(
            f"integrator={given!r} cannot be used; give the name of one or an object of class "
            "rheobase.Integrator"
        )
    return given, given.provenance or Provenance("integrator", repr(given))


def _make(factory: Any, name: str, settings: Mapping[str, Any]) -> Any:
    signature = inspect.signature(factory)
    try:
        # Apart from the call, whose own TypeErrors are the plugin's.
        signature.bind(**settings)
    except TypeError as error:
        taken = ", ".join(signature.parameters) or "none"
        raise ArgumentError(
            f"the integrator {name!r} was given {', '.join(settings) or 'nothing'}; its settings are: {taken}"
        ) from error
    return factory(**settings)


def as_aggregator(
    given: Aggregator | str | Mapping[str, Any] | None,
) -> tuple[Aggregator | None, Provenance | None]:
    """An aggregator from a callable, a name, or a mapping by pattern of identifiers; None for None."""
    if given is None:
        return None, None
    if isinstance(given, str):
        rule, provenance = load("aggregator", given)
        return rule, provenance
    if isinstance(given, Mapping):
        rules = {str(pattern): as_aggregator(rule)[0] for pattern, rule in given.items()}
        groups = {pattern: rule for pattern, rule in rules.items() if rule is not None}
        return GroupedAggregator(groups), Provenance("aggregator", f"by group: {', '.join(groups)}")
    if callable(given):
        return given, Provenance("aggregator", getattr(given, "__qualname__", type(given).__name__))
    raise ArgumentError(
        f"aggregator={given!r} cannot be used; give a name, a callable (inputs, identifiers), or a "
        "mapping of "
        "these by pattern of identifiers"
    )


def input_rules(
    schema: Schema, given: Aggregator | str | Mapping[str, Any] | None, own: Aggregator
) -> dict[str, tuple[Aggregator, Provenance | None]]:
    """Input -> its aggregator and where that comes from; None: from the class, whose own rule it is."""
    # A mapping by names of inputs goes input by input; any other goes by patterns, and serves all.
    by_input = isinstance(given, Mapping) and set(given) <= set(schema.inputs)
    if isinstance(given, Mapping) and not by_input:
        for key in given:
            if key not in schema.inputs and (hint := nearest(str(key), schema.inputs)):
                raise ArgumentError(
                    f"aggregator: {schema.owner} has no input {key!r}{hint}; give a mapping by the inputs "
                    f"{', '.join(schema.inputs)}, or by patterns of identifiers"
                )
    rules: dict[str, tuple[Aggregator, Provenance | None]] = {}
    for name, declared in schema.inputs.items():
        chosen = given.get(name) if by_input and isinstance(given, Mapping) else given
        if declared.arrives == "jump":
            if by_input and chosen not in (None, "sum"):
                raise ArgumentError(
                    f"aggregator: the input {name!r} of {schema.owner} is added to {declared.into!r} as it "
                    "arrives, so several are summed; leave it out"
                )
            chosen = "sum"
        # "sum" is what an input has that says nothing, and there the class's own rule stands in.
        if chosen is None and declared.aggregator != "sum":
            chosen = declared.aggregator
        rule, source = as_aggregator(chosen)
        rules[name] = (rule or own, source)
    return rules
