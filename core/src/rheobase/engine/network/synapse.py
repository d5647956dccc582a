"""What an author of synapses derives a class from, and what is collected from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from torch import nn

from ...errors import DeclarationError
from ..model.body import Declaring
from ..model.declaration import State
from ..model.schema import Schema, collect, tuple_type

FUNCTIONS = ("derivatives", "arrive", "output", "transmit")
"""The pure functions that a synapse may define."""

RESERVED = frozenset(
    {
        *("weight", "delay", "source", "target", "post", "unit", "weight_unit", "into", "schema"),
        *(
            "kinetics",
            "identifier",
            "last_spike",
            "rule",
            "receptor",
            "synapses",
            "plasticity",
            "back_delay",
            "batch",
            "device",
            "dtype",
            *FUNCTIONS,
        ),
    }
) | frozenset(dir(nn.Module))
"""Names that nothing has which a synapse declares."""


class Kinetics(NamedTuple):
    """The pure functions of a synapse, with its schema, as :class:`~..model.functions.Model` has a neuron's.

    Attributes:
        schema: Its parameters, and the states that are kept for each target.
        derivatives: ``(state, params)`` to the derivative of each state, per ms; None: it has no states.
        arrive: ``(state, params, weight)`` to what a spike of this weight changes; None: nothing.
        output: ``(state, params, post)`` to what the target's aggregator receives; None: it sends nothing.
        transmit: ``(state, params, elapsed)`` to the factor of a spike and new states of its source; None:
            every spike has its weight.
        of_source: The states that are kept for each source.
        pack_source: Makes the ``state`` of ``transmit``.
        into: The state of the target that a spike is added to; empty: none.
        unit: That of the output.
        weight_unit: That of weights.
        held: Whether its one state is the sum of what arrives in a step, and arrivals do nothing else.
    """

    schema: Schema
    derivatives: Callable[..., Mapping[str, Any]] | None
    arrive: Callable[..., Mapping[str, Any]] | None
    output: Callable[..., Any] | None
    transmit: Callable[..., Any] | None
    of_source: Mapping[str, State]
    pack_source: Any
    into: str
    unit: str
    weight_unit: str
    held: bool = False


class Synapse(metaclass=Declaring):
    r"""The base class of synapses: what the spikes of one population do to another.

    A synapse declares parameters and states, as a neuron does, and defines pure functions of them. Its
    states are kept for each unit that receives, ``[*batch, units]``; they are integrated together with that
    unit's own, by its integrator, and neither its reset nor its refractory period touches them.

    A class without states has ``into``, the name of a state of the target: a spike of weight w is added to
    it at once, unless the unit is refractory and holds that state.

    Functions, all of them ``@staticmethod``:
        ``derivatives(state, params)``: the derivative of each state, per ms.

        ``arrive(state, params, weight)``: what a spike changes, as new values of some states. Spikes that
        arrive at a unit at one time are one, of their summed weight, so it is to be additive in it.

        ``transmit(state, params, elapsed)``: where a synapse has states that are kept for each source,
        ``State(..., per="source")``: the factor by which the weight of a spike is multiplied, and new values
        of these states; ``elapsed`` is the time since the source's last spike, ms, infinite at its first.
        All are ``[n]``, of the sources that spike, and ``state`` has their states of the source alone.

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
        transmit: ClassVar[Callable[..., Any]]

    _of_ensembles: ClassVar[Callable[..., Any] | None] = None

    def __new__(cls, *given: Any, **named: Any) -> Any:
        """``Synapse(src_ensemble, dst_ensemble, ...)`` is a :class:`rheobase.Projection`."""
        if cls is Synapse and cls._of_ensembles is not None and (given or named):
            return cls._of_ensembles(*given, **named)
        return super().__new__(cls)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._declare()

    @classmethod
    def _declare(cls) -> None:
        """Collect what a class declares, where it is defined."""
        cls.schema = collect(cls, RESERVED, FUNCTIONS)
        cls.kinetics = _kinetics(cls)


def check_declared(schema: Schema, name: str) -> None:
    """Refuse what no synapse has."""
    for other, why in (("inputs", "its input are spikes"), ("draws", "nothing in it is drawn")):
        if getattr(schema, other):
            raise DeclarationError(f"{name}: a synapse declares parameters, states and options; {why}")


def _kinetics(cls: type[Synapse]) -> Kinetics:
    schema, name = cls.schema, cls.__qualname__
    found = {each: getattr(cls, each, None) for each in FUNCTIONS}
    own = {each: state for each, state in schema.states.items() if state.per == "target"}
    of_source = {each: state for each, state in schema.states.items() if state.per == "source"}
    check_declared(schema, name)
    of_synapse = [each for each, state in schema.states.items() if state.per == "synapse"]
    if of_synapse:
        raise DeclarationError(
            f"{name}.{of_synapse[0]}: per='synapse' is for a plasticity, a subclass of rheobase.Plasticity; "
            "the states of others are kept for each target, or each source"
        )
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
        for each in ("output", "arrive", *(("derivatives",) if own else ())):
            if found[each] is None:
                raise DeclarationError(
                    f"{name} defines no {each}; define derivatives, arrive and output, or give into=..., the "
                    "state of the target that a spike is added to"
                )
        if not own:
            raise DeclarationError(f"{name} declares no State, so nothing of a spike would be left")
        if bool(of_source) != (found["transmit"] is not None):
            raise DeclarationError(
                f"{name}: transmit(state, params, elapsed) goes with states that are kept for each source, "
                'State(..., per="source"); define both, or neither'
            )
    return Kinetics(
        replace(schema, states=own, pack_state=tuple_type("state", list(own))),
        found["derivatives"],
        found["arrive"],
        found["output"],
        found["transmit"],
        of_source=of_source,
        pack_source=tuple_type("state", list(of_source)),
        into=cls.into,
        unit=cls.unit,
        weight_unit=cls.weight_unit,
    )
