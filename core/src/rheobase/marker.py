"""Marks what a plugin offers, and tells type checkers what a hook looks like.

A function marked by :func:`hookimpl` takes no argument that must be given, and returns a sequence of one
kind of spec. mypy and pyright see everything of it but its name: that a function is called
``rheobase_neurons`` and returns integrators, they see only where the name is given to the marker as well.

This module does without pluggy, so that a hook module is imported without it too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, TypeVar, overload

from .errors import PluginError
from .specs import (
    PROJECT,
    AggregatorSpec,
    BackendSpec,
    ComponentSpec,
    IntegratorSpec,
    NeuronSpec,
    RuleSpec,
    SurrogateSpec,
    SynapseSpec,
)

MARK = f"{PROJECT}_impl"
"""The attribute in which pluggy looks for the options of an implementation."""

_Spec = TypeVar("_Spec", bound=ComponentSpec, covariant=True)


class Function(Protocol[_Spec]):
    """An implementation that is a function. It may have arguments of its own, with defaults."""

    def __call__(self) -> Sequence[_Spec]:
        """Offer components."""


# A function with any other argument is none of these: its argument would have to be called self or cls.
class Method(Protocol[_Spec]):
    """An implementation that is a method."""

    def __call__(this, *, self: Any) -> Sequence[_Spec]:
        """Offer components."""


class ClassMethod(Protocol[_Spec]):
    """An implementation that becomes a class method."""

    def __call__(this, *, cls: Any) -> Sequence[_Spec]:
        """Offer components."""


# One for each kind of component: type checkers read no tables.
Neurons = Function[NeuronSpec] | Method[NeuronSpec] | ClassMethod[NeuronSpec]
Integrators = Function[IntegratorSpec] | Method[IntegratorSpec] | ClassMethod[IntegratorSpec]
Aggregators = Function[AggregatorSpec] | Method[AggregatorSpec] | ClassMethod[AggregatorSpec]
Backends = Function[BackendSpec] | Method[BackendSpec] | ClassMethod[BackendSpec]
Synapses = Function[SynapseSpec] | Method[SynapseSpec] | ClassMethod[SynapseSpec]
Rules = Function[RuleSpec] | Method[RuleSpec] | ClassMethod[RuleSpec]
Surrogates = Function[SurrogateSpec] | Method[SurrogateSpec] | ClassMethod[SurrogateSpec]

# Type variables, so that a marked function keeps its own type.
_Hook = TypeVar("_Hook", bound=Neurons | Integrators | Aggregators | Backends | Synapses | Rules | Surrogates)
_Neurons = TypeVar("_Neurons", bound=Neurons)
_Integrators = TypeVar("_Integrators", bound=Integrators)
_Aggregators = TypeVar("_Aggregators", bound=Aggregators)
_Backends = TypeVar("_Backends", bound=Backends)
_Synapses = TypeVar("_Synapses", bound=Synapses)
_Rules = TypeVar("_Rules", bound=Rules)
_Surrogates = TypeVar("_Surrogates", bound=Surrogates)
_Unknown = TypeVar("_Unknown", bound=Callable[..., object])


@overload
def hookimpl(function: _Hook, /) -> _Hook: ...
@overload
def hookimpl() -> Callable[[_Hook], _Hook]: ...
@overload
def hookimpl(  # type: ignore[overload-overlap]  # the last one is for all other names
    *, specname: Literal["rheobase_neurons"], optionalhook: bool = ...
) -> Callable[[_Neurons], _Neurons]: ...
@overload
def hookimpl(  # type: ignore[overload-overlap]
    *, specname: Literal["rheobase_integrators"], optionalhook: bool = ...
) -> Callable[[_Integrators], _Integrators]: ...
@overload
def hookimpl(  # type: ignore[overload-overlap]
    *, specname: Literal["rheobase_aggregators"], optionalhook: bool = ...
) -> Callable[[_Aggregators], _Aggregators]: ...
@overload
def hookimpl(  # type: ignore[overload-overlap]
    *, specname: Literal["rheobase_backends"], optionalhook: bool = ...
) -> Callable[[_Backends], _Backends]: ...


@overload
def hookimpl(  # type: ignore[overload-overlap]
    *, specname: Literal["rheobase_synapses"], optionalhook: bool = ...
) -> Callable[[_Synapses], _Synapses]: ...


@overload
def hookimpl(  # type: ignore[overload-overlap]
    *, specname: Literal["rheobase_rules"], optionalhook: bool = ...
) -> Callable[[_Rules], _Rules]: ...


@overload
def hookimpl(  # type: ignore[overload-overlap]
    *, specname: Literal["rheobase_surrogates"], optionalhook: bool = ...
) -> Callable[[_Surrogates], _Surrogates]: ...
@overload
def hookimpl(
    *, specname: str | None = ..., optionalhook: Literal[True]
) -> Callable[[_Unknown], _Unknown]: ...


def hookimpl(function: Any = None, /, *, specname: str | None = None, optionalhook: bool = False) -> Any:
    """Mark a function of a plugin as the implementation of a hook.

    Args:
        function: The function: of a module, or a method. Without it, a decorator is returned.
        specname: The hook; default: the one that is called like the function.
        optionalhook: Whether a host that has no such hook is to say nothing.

    Returns:
        The function itself, marked.

    Raises:
        PluginError: If what is marked is no function.

    Example:
        >>> from rheobase import NeuronSpec, hookimpl
        >>> @hookimpl
        ... def rheobase_neurons() -> list[NeuronSpec]:
        ...     return [NeuronSpec("adex", "adex_model.neuron:AdEx")]

        With the name of the hook, type checkers hold the function against that one hook:

        >>> @hookimpl(specname="rheobase_neurons")
        ... def models() -> list[NeuronSpec]:
        ...     return [NeuronSpec("adex", "adex_model.neuron:AdEx")]
    """
    if specname is not None and not isinstance(specname, str):
        raise PluginError(f"hookimpl: specname is {specname!r}; give the name of a hook, as a string")

    def mark(function: Any) -> Any:
        # What pluggy's own marker sets. Each plugin is asked alone: there is nothing to wrap or to go before.
        unused = dict.fromkeys(("wrapper", "hookwrapper", "tryfirst", "trylast"), False)
        options = {"specname": specname, "optionalhook": optionalhook, **unused}
        if isinstance(function, type) or not (
            callable(function) or isinstance(function, (staticmethod, classmethod))
        ):
            raise PluginError(_unfit(function))
        try:
            setattr(function, MARK, options)
        except (AttributeError, TypeError) as error:  # a built-in function, or a method of an object
            raise PluginError(_unfit(function)) from error
        return function

    return mark if function is None else mark(function)


def _unfit(given: object) -> str:
    return (
        f"hookimpl was given {given!r}, which it cannot mark; it marks functions: write @hookimpl directly "
        'above each, or @hookimpl(specname="...") to name the hook'
    )
