"""Use: what a model declares is read by something."""

from __future__ import annotations

import inspect
import sys
import types
from contextlib import suppress
from typing import Any

import torch
from rheobase.errors import RheobaseError
from rheobase.spi import of_framework

from ..property import prop
from ..vacuous import vacuous
from ..violation import violated
from .case import NeuronCase
from .needs import DECLARED
from .probing import feed, silence
from .subject import NeuronSubject


@prop(
    "neuron",
    "declarations-are-used",
    "numerics",
    needs=(DECLARED,),
    why="a parameter that nothing reads can be set to anything, and the model stays the same",
)
def every_parameter_option_and_input_is_read(subject: NeuronSubject) -> None:
    """Each parameter, option, draw and input is read by the model's functions, defaults or own methods."""
    schema, model = subject.schema, subject.model
    kinds: tuple[Any, ...] = (schema.parameters, schema.options, schema.draws, schema.inputs)
    if not any(kinds):
        vacuous("it declares no parameter, option, draw or input")
    # What arrives as a jump is added to a state by the step itself.
    read = set(schema.jumps)
    if schema.refractory and subject.has_threshold:
        read.add("tau_ref")
    quantities: list[Any] = [*schema.parameters.values(), *schema.states.values()]
    for declared in quantities:
        if isinstance(declared.default, str):
            read.add(declared.default)
        elif callable(declared.default):
            read |= names_in(declared.default)
    wanted = {name for kind in kinds for name in kind}
    read |= _named_in(model)
    if wanted - read:
        # Through functions of other modules: they are watched.
        read |= _watched(subject)
    for name in wanted - read:
        kind = next(kind[name].kind for kind in kinds if name in kind)
        violated(
            f"the {kind} {name!r} is declared and never read: not by derivatives, threshold, reset or "
            "update, no "
            "default and no method of the class; use it, or drop it"
        )


def names_in(function: Any) -> set[str]:
    """All names and strings in a function's code, those of the functions within it too."""
    code = getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None
    found: set[str] = set()
    pending = [code] if code is not None else []
    while pending:
        each = pending.pop()
        found |= set(each.co_names)
        for constant in each.co_consts:
            if isinstance(constant, str):
                found.add(constant)
            elif isinstance(constant, tuple):
                found |= {part for part in constant if isinstance(part, str)}
            elif isinstance(constant, types.CodeType):
                pending.append(constant)
    return found


def _named_in(model: type) -> set[str]:
    """What the methods of a class and of its bases name, and the helpers that they call."""
    found: set[str] = set()
    for base in model.__mro__:
        if of_framework(base) or base.__module__.startswith(("torch.", "builtins")):
            continue
        module = sys.modules.get(base.__module__)
        space = vars(module) if module is not None else {}
        pending = [function_of(value) for value in vars(base).values()]
        seen: set[int] = set()
        while pending:
            function = pending.pop()
            if function is None or id(function) in seen:
                continue
            seen.add(id(function))
            names = names_in(function)
            found |= names
            space = getattr(function, "__globals__", space)
            pending += [function_of(space[name]) for name in names if name in space]
            for cell in getattr(function, "__closure__", None) or ():
                pending.append(function_of(cell.cell_contents))
    return found


def function_of(value: Any) -> Any:
    """The plain function behind a method or property of a class; None: there is none."""
    if isinstance(value, (staticmethod, classmethod)):
        value = value.__func__
    if isinstance(value, property):
        value = value.fget
    return value if isinstance(value, types.FunctionType) else None


class _Watched:
    """Values by name, which notes the names that are asked for."""

    def __init__(self, values: Any, noted: set[str]) -> None:
        self._values, self._noted = values, noted
        self._fields = values._fields

    def __getattr__(self, name: str) -> Any:
        self._noted.add(name)
        return getattr(self._values, name)

    def __iter__(self) -> Any:
        self._noted.update(self._fields)
        return iter(self._values)

    def __getitem__(self, place: Any) -> Any:
        self._noted.update(self._fields)
        return self._values[place]

    def _asdict(self) -> Any:
        self._noted.update(self._fields)
        return self._values._asdict()


def _watched(subject: NeuronSubject) -> set[str]:
    """What the functions read when they are called, with each choice of each option."""
    noted: set[str] = set()
    schema, model = subject.schema, subject.model
    choices: list[dict[str, Any]] = [{}]
    choices += [{name: choice} for name, option in schema.options.items() for choice in option.choices]
    for more in choices:
        neuron = NeuronCase(dt=subject.dt, params=more).neuron(model)
        parts = [getattr(neuron, name).detach() for name in schema.states]
        params = _Watched(neuron.params, noted)
        for data in (silence(subject, neuron), feed(subject, neuron, torch.ones(1))):
            given = neuron.prepare(data)
            if schema.inputs:
                given = _Watched(given, noted)
            for name, extra in (
                ("derivatives", (given,)),
                ("threshold", ()),
                ("reset", ()),
                ("release", ()),
                ("update", (given, neuron.dt)),
            ):
                function = getattr(model, name, None)
                if callable(function):
                    with suppress(RheobaseError):
                        function(schema.pack_state(*parts), params, *extra)
    return noted
