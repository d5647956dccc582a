"""A synapse or a rule by name, with its parameters: what ``connect`` makes a projection by."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, final

from ...errors import ArgumentError, ParameterError, nearest
from ...specs import Provenance
from ..model.schema import Schema
from ..resolve import load
from .synapse import Kinetics, Synapse

OF_EVERY_RULE = frozenset({"first", "last", "sources", "targets", "key", "same", "positions"})
"""What every rule is called with, beside parameters of its own."""


@final
@dataclass(frozen=True)
class SynapseRecipe:
    """A class of synapses and values for it: what :func:`synapse` gives."""

    kind: type[Synapse]
    parameters: Mapping[str, Any]
    source: Provenance = field(compare=False)

    def __repr__(self) -> str:
        return _shown("synapse", self.source.name, self.parameters)

    @property
    def schema(self) -> Schema:
        """What the class declares."""
        return self.kind.schema

    @property
    def kinetics(self) -> Kinetics:
        """Its functions."""
        return self.kind.kinetics


@final
@dataclass(frozen=True)
class Direct:
    """No synapse: what arrives is added to a state by an input of the receiver.

    Attributes:
        into: The state.
        unit: Its unit, and that of weights.
        weighted: Whether weights count; else each arrival is 1.
    """

    into: str
    unit: str
    weighted: bool = True
    parameters: ClassVar[Mapping[str, Any]] = {}

    def __repr__(self) -> str:
        return f"added to {self.into!r}"

    @property
    def source(self) -> Provenance:
        """That there is none."""
        return Provenance("synapse", "none", note=f"arrivals are added to {self.into!r}")

    @property
    def schema(self) -> Schema:
        """One without a declaration."""
        return _Arrival.schema

    @property
    def kinetics(self) -> Kinetics:
        """What adds to that state."""
        return _into(self.into, self.unit)


class _Arrival(Synapse):
    """V -> V + w."""

    into = "voltage"


@cache
def _into(state: str, unit: str) -> Kinetics:
    return _Arrival.kinetics._replace(into=state, unit=unit, weight_unit=unit)


@final
@dataclass(frozen=True)
class RuleRecipe:
    """A connection rule and values for it: what :func:`rule` gives."""

    rows: Callable[..., Any]
    parameters: Mapping[str, Any]
    source: Provenance = field(compare=False)

    def __repr__(self) -> str:
        return _shown("rule", self.source.name, self.parameters)


def synapse(name: str | type[Synapse], **parameters: Any) -> SynapseRecipe:
    """A synapse, for ``connect``, which makes one of its own for each projection.

    Args:
        name: The name of an installed synapse (``rheobase list --kind synapse``), or a subclass of
            :class:`~rheobase.Synapse`.
        **parameters: Its parameters and options, and initial values of its states: numbers, tensors
            ``[target units]``, distributions.

    Returns:
        The recipe.

    Raises:
        ComponentError: If there is no such synapse; it lists what is installed.
        ParameterError: If it does not declare a name, or an option is none of its choices.

    Example:
        >>> import rheobase as rb
        >>> class Pulse(rb.Synapse):
        ...     weight_unit, into = "mV", "voltage"
        >>> rb.synapse(Pulse)
        rb.synapse('Pulse')
    """
    if isinstance(name, str):
        kind, source = load("synapse", name)
    else:
        kind, source = name, Provenance("synapse", getattr(name, "__name__", repr(name)))
    if not (inspect.isclass(kind) and issubclass(kind, Synapse)) or kind is Synapse:
        raise ArgumentError(
            f"synapse: {name!r} is no synapse; give the name of one, or a subclass of rheobase.Synapse"
        )
    schema = kind.schema
    for given in parameters:
        declared = schema.states.get(given)
        if declared is not None and declared.per != "target":
            raise ParameterError(
                f"synapse {source.name!r}: the state {given!r} is kept for each {declared.per}, "
                "and begins as it is declared; only states of targets are given here"
            )
        if given not in schema.settable:
            raise ParameterError(f"synapse {source.name!r}: {schema.unknown(given)}")
        if given in schema.options:
            schema.options[given].check(f"synapse {source.name!r}", given, parameters[given])
    return SynapseRecipe(kind, dict(parameters), source)


def rule(name: str | Callable[..., Any], **parameters: Any) -> RuleRecipe:
    """A connection rule, for ``connect``.

    Args:
        name: The name of an installed rule (``rheobase list --kind rule``), or a function as
            :func:`~rheobase.hookspecs.rheobase_rules` describes it.
        **parameters: Its parameters.

    Returns:
        The recipe.

    Raises:
        ComponentError: If there is no such rule; it lists what is installed.
        ArgumentError: If it does not take a parameter, or lacks one.

    Example:
        >>> import rheobase as rb, torch
        >>> def chain(first, last, sources, targets, key, *, same, positions):
        ...     '''Target i hears source i - 1.'''
        ...     targets = torch.arange(first, last)
        ...     return torch.clamp(torch.arange(first, last + 1) - 1, min=0), targets[targets > 0] - 1
        >>> rb.rule(chain)
        rb.rule('chain')
    """
    if isinstance(name, str):
        rows, source = load("rule", name)
    else:
        rows, source = name, Provenance("rule", getattr(name, "__name__", repr(name)))
    if not callable(rows):
        raise ArgumentError(f"rule: {name!r} is no rule; give the name of one, or a function")
    _check_arguments(rows, source.name, parameters)
    return RuleRecipe(rows, dict(parameters), source)


def _check_arguments(rows: Callable[..., Any], name: str, given: Mapping[str, Any]) -> None:
    taken = inspect.signature(rows).parameters
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in taken.values()):
        return
    own = {each: spec for each, spec in taken.items() if each not in OF_EVERY_RULE}
    for each in given:
        if each not in own:
            raise ArgumentError(
                f"the rule {name!r} takes no {each!r}{nearest(each, own)}; its parameters are "
                f"{', '.join(own) or 'none'}"
            )
    lacking = [
        each for each, spec in own.items() if spec.default is inspect.Parameter.empty and each not in given
    ]
    if lacking:
        raise ArgumentError(
            f"the rule {name!r} was given no {', '.join(lacking)}; its parameters are {', '.join(own)}"
        )


def _shown(what: str, name: str, parameters: Mapping[str, Any]) -> str:
    return f"rb.{what}({', '.join([repr(name), *(f'{key}={value!r}' for key, value in parameters.items())])})"
