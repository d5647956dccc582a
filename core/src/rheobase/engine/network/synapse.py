"""What an author of synapses derives a class from, and what is collected from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from torch import nn

from ...errors import DeclarationError
from ..model.schema import Schema, collect

FUNCTIONS = ("derivatives", "arrive", "output")
"""The pure functions that a synapse may define."""

_RESERVED = frozenset(
    {
        *("weight", "delay", "source", "target", "post", "unit", "weight_unit", "into", "schema"),
        *("kinetics", "identifier", "rule", "receptor", "synapses", "batch", "device", "dtype", *FUNCTIONS),
    }
)


class Kinetics(NamedTuple):
    """The pure functions of a synapse, with its schema, as :class:`~..model.functions.Model` has a neuron's.

    Attributes:
        schema: Its parameters and states.
        derivatives: ``(state, params)`` to the derivative of each state, per ms; None: it has no states.
        arrive: ``(state, params, weight)`` to what a spike of this weight changes; None: nothing.
        output: ``(state, params, post)`` to what the target's aggregator receives; None: it sends nothing.
        into: The state of the target that a spike is added to; empty: none.
        unit: That of the output.
        weight_unit: That of weights.
    """

    schema: Schema
    derivatives: Callable[..., Mapping[str, Any]] | None
    arrive: Callable[..., Mapping[str, Any]] | None
    output: Callable[..., Any] | None
    into: str
    unit: str
    weight_unit: str


class Synapse:
    r"""The base class of synapses: what the spikes of one population do to another.

    A synapse declares parameters and states, as a neuron does, and defines pure functions of them. Its
    states are kept for each unit that receives, ``[*batch, units]``; they are integrated together with that
    unit's own, by its integrator, and neither its reset nor its refractory period touches them.

    A class without states has ``into``, the name of a state of the target: a spike of weight w is added to
    it at once, unless the unit is refractory and holds that state.

    Functions, all of them ``@staticmethod``:
        ``derivatives(state, params)``: the derivative of each state, per ms.

        ``arrive(state, params, weight)``: what a spike changes, as new values of some states.

        ``output(state, params, post)``: what the target receives, in ``unit``; ``post`` has the states of
        the target, such as ``post.voltage``.

    Attributes:
        unit: The unit of the output, that of the target's input: ``"pA"``.
        weight_unit: The unit of weights.
        into: The state of the target that a spike is added to; empty, the default: it has an output.

    Raises:
        DeclarationError: If what the class declares cannot be used; where the class is defined.

    Example:
        >>> from rheobase import Parameter, State, Synapse
        >>> class Exponential(Synapse):
        ...     r'''tau dI/dt = -I;  a spike of weight w:  I -> I + w.'''
        ...     unit, weight_unit = "pA", "pA"
        ...     tau = Parameter(2.0, unit="ms", above=0, doc="decay time constant")
        ...     current = State(0.0, unit="pA", at_rest=True, doc="synaptic current")
        ...     @staticmethod
        ...     def derivatives(state, params):
        ...         return {"current": -state.current / params.tau}
        ...     @staticmethod
        ...     def arrive(state, params, weight):
        ...         return {"current": state.current + weight}
        ...     @staticmethod
        ...     def output(state, params, post):
        ...         return state.current
        >>> tuple(Exponential.schema.parameters)
        ('tau',)
    """

    _framework = True

    unit: ClassVar[str] = "pA"
    weight_unit: ClassVar[str] = "pA"
    into: ClassVar[str] = ""
    schema: ClassVar[Schema]
    kinetics: ClassVar[Kinetics]

    if TYPE_CHECKING:
        derivatives: ClassVar[Callable[..., Mapping[str, Any]]]
        arrive: ClassVar[Callable[..., Mapping[str, Any]]]
        output: ClassVar[Callable[..., Any]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.schema = collect(cls, _RESERVED | frozenset(dir(nn.Module)), FUNCTIONS)
        cls.kinetics = _kinetics(cls)


def _kinetics(cls: type[Synapse]) -> Kinetics:
    schema, name = cls.schema, cls.__qualname__
    found = {each: getattr(cls, each, None) for each in FUNCTIONS}
    for other, why in (("inputs", "its input are spikes"), ("draws", "nothing in it is drawn")):
        if getattr(schema, other):
            raise DeclarationError(f"{name}: a synapse declares parameters, states and options; {why}")
    for attribute in ("unit", "weight_unit"):
        given = getattr(cls, attribute)
        if not isinstance(given, str) or not given.strip():
            raise DeclarationError(f"{name}.{attribute} is {given!r}; give a string such as 'pA'")
    if cls.into:
        if schema.states or any(found.values()):
            raise DeclarationError(
                f"{name} has into={cls.into!r}, so a spike is added to that state of the target; it can have "
                "neither states nor functions of its own"
            )
    else:
        for each in ("output", "arrive", *(("derivatives",) if schema.states else ())):
            if found[each] is None:
                raise DeclarationError(
                    f"{name} defines no {each}; define derivatives, arrive and output, or give into=..., the "
                    "state of the target that a spike is added to"
                )
        if not schema.states:
            raise DeclarationError(f"{name} declares no State, so nothing of a spike would be left")
    return Kinetics(schema, **found, into=cls.into, unit=cls.unit, weight_unit=cls.weight_unit)
