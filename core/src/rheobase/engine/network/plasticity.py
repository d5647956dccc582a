"""What an author of plasticity derives a class from, and what is collected from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from ...errors import DeclarationError
from ..model.declaration import Parameter
from ..model.framework import of_framework
from ..model.schema import Schema, collect, tuple_type
from .synapse import RESERVED, Synapse, check_declared

FUNCTIONS = ("derivatives", "on_pre", "on_post")
"""The pure functions that a plasticity may define."""

WEIGHT = "weight"
"""What every plasticity changes: the weight of each synapse."""

BACK_DELAY = "back_delay"
"""The parameter that every plasticity has: how long a spike of the target takes to its synapses."""

LAST_EVENT = "last_event"
"""When a spike came last to each synapse, ms: a buffer."""

_MEMBERS = frozenset(
    {"changes", "changing", "connectivity", "held", "later", "learning", "options", "params", "writable"}
)
"""Those of what has the states."""


class Events(NamedTuple):
    """What the spikes of both sides change.

    Attributes:
        schema: As that of the plasticity, with the weight before its states.
        on_pre: ``(state, params)`` to what a spike that reaches the synapse changes; None: nothing.
        on_post: Likewise for a spike of the target.
    """

    schema: Schema
    on_pre: Callable[..., Mapping[str, Any]] | None
    on_post: Callable[..., Mapping[str, Any]] | None


class Changes(NamedTuple):
    """The pure functions of a plasticity, with its schema.

    Attributes:
        schema: Its parameters and states.
        derivatives: ``(state, params)`` to the derivative of each state, per ms; None: they stay.
        events: What spikes change.
    """

    schema: Schema
    derivatives: Callable[..., Mapping[str, Any]] | None
    events: Events


class Plasticity(Synapse):
    r"""The base class of plasticities: how the spikes of both sides change the weights between them.

    A plasticity declares parameters, which are numbers, and states of each synapse, ``State(...,
    per="synapse")``, and defines pure functions of them. It is event-driven: something is computed for a
    synapse at the spikes of its source and of its target alone, at their own times.

    Functions, all of them ``@staticmethod``; ``state`` has the states by name, each ``[n]``, of the synapses
    that the spikes reach:
        ``derivatives(state, params)``: the derivative of each state, per ms. It is linear in the states, and
        between spikes they are what its exact solution says. Without it they stay as they are.

        ``on_pre(state, params)``: what changes where a spike of the source arrives, by its delay after it was
        sent, as new values of some states, and of ``state.weight``. The spike itself has the new weight.

        ``on_post(state, params)``: what changes when the target spikes, ``back_delay`` after it.

    Of spikes that come to a synapse at one time, that of the source is first.

    Every plasticity has the parameter ``back_delay``, ms: how long a spike of the target takes to the
    synapse. One that declares ``low`` and ``high`` is given weights between them alone.

    Raises:
        DeclarationError: If what the class declares cannot be used; where the class is defined.

    Example:
        >>> from rheobase import Parameter, Plasticity, State
        >>> class Hebb(Plasticity):
        ...     r'''tau dx/dt = -x;  at a spike of the source x -> x + 1, of the target w -> w + a x.'''
        ...     tau = Parameter(20.0, unit="ms", above=0, doc="how long a spike is remembered")
        ...     a = Parameter(0.01, unit="1", doc="growth, in the unit of the weight")
        ...     trace = State(0.0, unit="1", per="synapse", doc="spikes of the source")
        ...     @staticmethod
        ...     def derivatives(state, params):
        ...         return {"trace": -state.trace / params.tau}
        ...     @staticmethod
        ...     def on_pre(state, params):
        ...         return {"trace": state.trace + 1}
        ...     @staticmethod
        ...     def on_post(state, params):
        ...         return {"weight": state.weight + params.a * state.trace}
        >>> tuple(Hebb.schema.parameters)
        ('tau', 'a', 'back_delay')
    """

    _framework = True

    changes: ClassVar[Changes]

    if TYPE_CHECKING:
        on_pre: ClassVar[Callable[..., Mapping[str, Any]]]
        on_post: ClassVar[Callable[..., Mapping[str, Any]]]

    @classmethod
    def _declare(cls) -> None:
        if of_framework(cls):
            return
        cls.schema = _with_back_delay(
            collect(cls, RESERVED | {*FUNCTIONS, "learning", LAST_EVENT}, FUNCTIONS)
        )
        cls.changes = _changes(cls)


def _with_back_delay(schema: Schema) -> Schema:
    declared = Parameter(
        0.0, unit="ms", at_least=0, doc="how long a spike of the target takes to the synapse"
    )
    declared.__set_name__(Plasticity, BACK_DELAY)
    parameters = {**schema.parameters, BACK_DELAY: declared}
    return replace(
        schema, parameters=parameters, pack_params=tuple_type("params", [*parameters, *schema.options])
    )


def _changes(cls: type[Plasticity]) -> Changes:
    schema, name = cls.schema, cls.__qualname__
    check_declared(schema, name)
    for each, state in schema.states.items():
        if state.per != "synapse":
            raise DeclarationError(
                f"{name}.{each}: the states of a plasticity are kept for each synapse; give State(..., "
                'per="synapse")'
            )
    for each in ("arrive", "output", "transmit"):
        if callable(getattr(cls, each, None)):
            raise DeclarationError(
                f"{name}.{each}: a plasticity changes weights, by on_pre and on_post; what a spike does to "
                "its target is the synapse's: give both to connect"
            )
    found = {each: getattr(cls, each, None) for each in FUNCTIONS}
    if found["on_pre"] is None and found["on_post"] is None:
        raise DeclarationError(f"{name} defines neither on_pre nor on_post, so no weight would change")
    events = replace(schema, pack_state=tuple_type("state", [WEIGHT, *schema.states]))
    return Changes(schema, found["derivatives"], Events(events, found["on_pre"], found["on_post"]))
