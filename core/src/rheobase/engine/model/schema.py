"""The schema of a model class: everything that it declares, collected and checked once.

It is made when the class is defined, so that a wrong declaration fails there and not in a run.
"""

from __future__ import annotations

import keyword
from collections import namedtuple
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch import Tensor

from ...errors import DeclarationError, nearest
from ...specs import COMING, RESERVED
from .choice import Option, Preset
from .declaration import Declaration, Input, Parameter, Quantity, State
from .draw import Draw

FUNCTIONS = ("derivatives", "threshold", "reset", "release", "update", "dt_max")
"""The pure functions that a model may define; ``dt_max`` may be a number instead."""

_namedtuple: Any = namedtuple


def tuple_type(name: str, fields: Sequence[str]) -> Any:
    """A class of named tuples that can be pickled, though no module has it by its name."""
    kind = _namedtuple(name, fields)
    kind.__reduce__ = _taken_apart
    return kind


def _taken_apart(packed: Any) -> Any:
    return _put_together, (type(packed).__name__, packed._fields, tuple(packed))


def _put_together(name: str, fields: tuple[str, ...], values: tuple[Any, ...]) -> Any:
    return _found_type(name, fields)(*values)


# One class for all that is unpickled of one kind.
_found_type = cache(tuple_type)
_OVERRIDABLE = frozenset({"voltage", "input"})


@dataclass(frozen=True)
class Schema:
    """What a model class declares.

    Attributes:
        owner: The name of the class.
        parameters: Name -> declaration, in the order of the class body, base classes first.
        states: Likewise.
        inputs: Likewise; empty for a model with a single current.
        options: Likewise.
        draws: Likewise.
        presets: Likewise.
        declared: Whether the class declares anything or defines derivatives or an update; such a
            class refuses names that it does not declare.
        held: The states whose derivative is zero during the refractory period.
        kinetic: The states that are synapses', in a model composed with them: resets, refractory periods and
            the interpolation to a crossing leave them alone.
        jumps: Those of the inputs that arrive as jumps.
        dt_max: The largest step at which explicit fixed-step methods serve the model, ms, or None: it is
            not declared, or a function, which is the model's.
    """

    owner: str
    parameters: Mapping[str, Parameter]
    states: Mapping[str, State]
    inputs: Mapping[str, Input]
    options: Mapping[str, Option]
    draws: Mapping[str, Draw]
    presets: Mapping[str, Preset]
    declared: bool
    held: tuple[str, ...]
    dt_max: float | None
    pack_state: Any = field(repr=False)
    pack_params: Any = field(repr=False)
    pack_drawn: Any = field(repr=False)
    pack_data: Any = field(repr=False)
    kinetic: tuple[str, ...] = ()
    jumps: Mapping[str, Input] = field(default_factory=dict)
    pack_lasting: Any = field(default=None, repr=False)

    @property
    def settable(self) -> tuple[str, ...]:
        """The names that ``create`` accepts for this model."""
        return (*self.parameters, *self.options, *self.states)

    @property
    def refractory(self) -> bool:
        """Whether the model declares ``tau_ref``."""
        return "tau_ref" in self.parameters

    def with_draws(self, params: Any, drawn: Sequence[Tensor]) -> Any:
        """Parameters and options with a value of each draw: what ``reset`` and ``update`` receive."""
        return self.pack_drawn(*params, *drawn)

    def without_draws(self, params: Any) -> Any:
        """Parameters and options alone: what ``derivatives`` and ``threshold`` receive."""
        return self.pack_params(*params[: len(self.parameters) + len(self.options)])

    def lasting(self, data: Any) -> Any:
        """The input without jumps: what ``derivatives``, ``update`` and ``dt_max`` receive."""
        if not self.jumps:
            return data
        parts = zip(self.inputs, data, strict=True)
        return self.pack_lasting(*(part for name, part in parts if name not in self.jumps))

    def unknown(self, name: str) -> str:
        """The message about a name that the model does not declare, or that cannot be given."""
        if name in self.draws:
            return (
                f"{self.owner}.{name} is a draw, which nobody gives: it follows from the seed; give seed=..."
            )
        kinds = {"parameters": self.parameters, "options": self.options, "states": self.states}
        known = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in kinds.items() if names)
        return (
            f"{self.owner} declares no {name!r}{nearest(name, self.settable)} ({known or 'nothing declared'})"
        )


def collect(cls: type, reserved: frozenset[str], functions: Sequence[str] = FUNCTIONS) -> Schema:
    """The schema of a class that was just defined.

    Args:
        cls: The class.
        reserved: Names that nothing it declares may have: those of every neuron, or of every projection.
        functions: The pure functions that it may define.
    """
    found: dict[str, Declaration] = {}
    # Base classes first: what a class declares anew stands at the place of what it replaces.
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            if isinstance(value, Declaration):
                if name in found and type(found[name]) is not type(value):
                    raise DeclarationError(
                        f"{cls.__qualname__}.{name} is {value.kind} here and {found[name].kind} in a base "
                        "class; give it another name"
                    )
                found[name] = value
            elif name in found:
                raise DeclarationError(
                    f"{base.__qualname__}.{name} hides the {found[name].kind} of that name; "
                    "declare it again, or give the attribute another name"
                )
    own = {name for name, value in vars(cls).items() if isinstance(value, Declaration)}
    for name in own:
        _check_name(cls, name, found[name], reserved)

    defined = [name for name in functions if callable(getattr(cls, name, None))]
    for name in defined:
        # Looked up in the class bodies: getattr gives the function, and not how it was declared.
        if not isinstance(_lookup(cls, name), staticmethod):
            raise DeclarationError(
                f"{cls.__qualname__}.{name} must be a @staticmethod: a pure function of named tensors"
            )
    # The base class's voltage and input are for neurons without declarations: a model has its own.
    inherited = {name for name, value in found.items() if value.of_framework}
    declared = bool(defined) or bool(set(found) - inherited)
    found = {
        name: value
        for name, value in found.items()
        if name not in inherited or (not declared and isinstance(value, State))
    }

    def of(kind: type[Any]) -> Mapping[str, Any]:
        return {n: value for n, value in found.items() if isinstance(value, kind)}

    parameters, states, inputs = of(Parameter), of(State), of(Input)
    options, draws, presets = of(Option), of(Draw), of(Preset)
    if {"derivatives", "update"} & set(defined) and not states:
        raise DeclarationError(f"{cls.__qualname__} declares no State; declare one for each variable")
    schema = Schema(
        owner=cls.__name__,
        parameters=parameters,
        states=states,
        inputs=inputs,
        options=options,
        draws=draws,
        presets=presets,
        declared=declared,
        held=_held(cls, states),
        dt_max=_dt_max(cls),
        pack_state=tuple_type("state", list(states)),
        pack_params=tuple_type("params", [*parameters, *options]),
        pack_drawn=tuple_type("params", [*parameters, *options, *draws]),
        pack_data=tuple_type("data", list(inputs)),
        jumps={name: each for name, each in inputs.items() if each.arrives == "jump"},
        pack_lasting=tuple_type("data", [name for name, each in inputs.items() if each.arrives != "jump"]),
    )
    _check_jumps(cls, schema)
    _check_defaults(cls, schema)
    _check_presets(cls, schema)
    return schema


def _check_jumps(cls: type, schema: Schema) -> None:
    for name, each in schema.jumps.items():
        state = schema.states.get(each.into)
        if state is None:
            raise DeclarationError(
                f"{cls.__qualname__}.{name} has into={each.into!r}, which is no state"
                f"{nearest(each.into, schema.states)}; the states are {', '.join(schema.states) or 'none'}"
            )
        if state.unit != each.unit:
            raise DeclarationError(
                f"{cls.__qualname__}.{name} is in {each.unit} and is added to {each.into!r}, which is in "
                f"{state.unit}; give both one unit"
            )


def _lookup(cls: type, name: str) -> Any:
    return next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)


def _check_name(cls: type, name: str, declaration: Declaration, reserved: frozenset[str]) -> None:
    # ``carry_`` begins the names of buffers that keep what an integrator carries on.
    if name.startswith(("_", "carry_")) or keyword.iskeyword(name):
        raise DeclarationError(
            f"{cls.__qualname__}.{name}: a {declaration.kind}'s name cannot begin with '_' or 'carry_'"
        )
    if name in RESERVED or name in COMING or (name in reserved and name not in _OVERRIDABLE):
        whose = "an argument of create" if name in RESERVED else "a member of every neuron"
        whose = "kept for arguments to come" if name in COMING else whose
        raise DeclarationError(
            f"{cls.__qualname__}.{name}: the name is reserved, it is {whose}; rename the {declaration.kind}"
        )


def _held(cls: type, states: Mapping[str, State]) -> tuple[str, ...]:
    held = getattr(cls, "held", None)
    if held is None:
        return ("voltage",) if "voltage" in states else ()
    if isinstance(held, str):
        held = (held,)
    for name in held:
        if name not in states:
            raise DeclarationError(
                f"{cls.__qualname__}.held names {name!r}, which is no state{nearest(name, states)}; "
                f"the states are {', '.join(states) or 'none'}"
            )
    return tuple(held)


def _dt_max(cls: type) -> float | None:
    dt_max = getattr(cls, "dt_max", None)
    if dt_max is None or callable(dt_max):
        return None
    if isinstance(dt_max, bool) or not isinstance(dt_max, (int, float)) or not 0 < dt_max < float("inf"):
        raise DeclarationError(
            f"{cls.__qualname__}.dt_max is {dt_max!r}; give a positive number of ms, or a @staticmethod "
            "dt_max(state, params, data) that gives one for each unit"
        )
    return float(dt_max)


def _check_defaults(cls: type, schema: Schema) -> None:
    quantities: dict[str, Quantity] = {**schema.parameters, **schema.states}
    for name, quantity in quantities.items():
        default = getattr(quantity, "default", None)
        named = {**schema.parameters, **(schema.draws if name in schema.states else {})}
        if isinstance(default, str) and default not in named:
            raise DeclarationError(
                f"{cls.__qualname__}.{name}: the default names {default!r}, which is no parameter"
                f"{' but a draw' if default in schema.draws else nearest(default, named)}"
            )
    for name in schema.parameters:
        seen = [name]
        # Chains of names alone; a function shows what it asks for when it is called.
        while isinstance(target := schema.parameters[seen[-1]].default, str):
            if target in seen:
                raise DeclarationError(
                    f"{cls.__qualname__}: the defaults go round in a circle: {' -> '.join([*seen, target])}"
                )
            seen.append(target)


def _check_presets(cls: type, schema: Schema) -> None:
    for name, preset in schema.presets.items():
        where = f"{cls.__qualname__}.{name}"
        for key, value in preset.params.items():
            if key in schema.options:
                if value not in schema.options[key].choices:
                    raise DeclarationError(
                        f"{where}: {key}={value!r}; the choices are {', '.join(schema.options[key].choices)}"
                    )
            elif key not in schema.parameters:
                raise DeclarationError(f"{where}: {schema.unknown(key)}")
            else:
                _check_value(where, schema.parameters[key], value)
        for key, value in preset.state.items():
            if key not in schema.states:
                raise DeclarationError(f"{where}: {schema.unknown(key)}")
            _check_value(where, schema.states[key], value)


def _check_value(where: str, quantity: Quantity, value: Any) -> None:
    if not bool(quantity.domain.contains(torch.as_tensor(value, dtype=torch.float64)).all()):
        raise DeclarationError(f"{where}: {quantity.name}={value!r} is not {quantity.range_text}")
