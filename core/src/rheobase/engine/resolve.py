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
    """The object of an installed component, and where it comes from.

    Raises:
        ComponentError: If no such component is installed, or the name is ambiguous.
        PluginError: If it cannot be imported.
    """
    from ..plugins.registry import resolve

    found = resolve(kind, name)
    return found.load(), found.provenance


def as_integrator(given: Integrator | str | None, **settings: Any) -> tuple[Integrator, Provenance]:
    """An integrator from an object or a name.

    Args:
        given: An integrator, the name of one, or None for Runge-Kutta of order 4.
        **settings: What the named integrator is made with.

    Returns:
        The integrator and its provenance.

    Raises:
        ArgumentError: If it is neither.
        ComponentError: If no integrator of that name is installed.
    """
    if given is None or isinstance(given, str):
        factory, provenance = load("integrator", DEFAULT_INTEGRATOR if given is None else given)
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
    """An aggregator from a callable, a name, or a mapping by pattern of identifiers.

    Args:
        given: One of these; None for the class's own rule.

    Returns:
        The aggregator and its provenance, or two None.

    Raises:
        ArgumentError: If it is none of these.
        ComponentError: If no aggregator of that name is installed.
    """
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
    """The aggregator of each declared input, and where it comes from.

    Args:
        schema: The model's schema.
        given: What the user gave: a mapping by input name goes input by input, anything else serves all.
        own: The class's own rule. It stands in for "sum", which an input has unless it says more.

    Returns:
        Input -> aggregator and provenance; the provenance of the class's own rule is None.

    Raises:
        ArgumentError: If a key of the mapping is nearly the name of an input.
    """
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
        if chosen is None and declared.aggregator != "sum":
            chosen = declared.aggregator
        rule, source = as_aggregator(chosen)
        rules[name] = (rule or own, source)
    return rules
