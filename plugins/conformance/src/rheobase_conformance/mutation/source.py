"""Where a model is written: its module's text, and the functions in it that hold the mathematics."""

from __future__ import annotations

import ast
import inspect
import os
import sys
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from rheobase import Neuron
from rheobase.errors import ArgumentError
from rheobase.spi import FUNCTIONS, of_framework

from ..neurons.subject import NeuronSubject
from .names import borrowed, read_names

Written: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef | ast.expr"
"""A function, or the expression that a name is given: a ``lambda``, a constant."""

_ROOTS = (*FUNCTIONS, "forward")


@dataclass(frozen=True)
class Home:
    """Where a model is written.

    Args:
        module: The module of its class.
        path: The file.
        package: The package that the module's relative imports start from.
        qualname: The name of its class in the module.
        text: The text of the module.
        units: Parameter -> unit.
        declared: What the model declares, whose values are no part of its functions.
        roots: The functions of the model that are written there, each with the class that has it.
        elsewhere: Those that are not, each with its module: they are another's, or given to the class later;
            and what they use of other modules, but for the standard library and the packages below it all.
    """

    module: str
    path: str
    package: str
    qualname: str
    text: str
    units: Mapping[str, str]
    declared: frozenset[str]
    roots: tuple[str, ...]
    elsewhere: tuple[str, ...]


def home(subject: NeuronSubject) -> Home:
    """Where a model is written.

    Raises:
        ArgumentError: If its source is not to be had, or no function of it is written in its module.
    """
    model = subject.model
    module = sys.modules.get(model.__module__)
    try:
        if "<locals>" in model.__qualname__:
            raise OSError("it is defined within a function")
        if module is None:
            raise OSError("its module is gone")
        text, path = inspect.getsource(module), inspect.getsourcefile(module) or ""
        tree = ast.parse(text)
        known = dict(_definitions(tree.body))
    except (OSError, TypeError, SyntaxError) as error:
        # A class without a name of its own is called by that of its module and its own.
        named = "" if subject.name == model.__qualname__ else f"{subject.name}: "
        raise ArgumentError(
            f"{named}the source of {model.__module__}:{model.__qualname__} cannot be read: {error}; "
            "mutants are made of a class at the top level of a module that lies in a file"
        ) from error
    roots, elsewhere = _functions_of(model, known)
    if not roots:
        raise ArgumentError(
            f"{subject.name}: {model.__module__} holds none of the model's functions within a class"
            + (f"; name a class that has them: {', '.join(elsewhere)}" if elsewhere else "")
        )
    package, declared = module.__package__ or "", _declared(subject)
    used = borrowed(tree, written(tree, roots, declared).values(), package)
    return Home(
        module.__name__,
        os.path.abspath(path),
        package,
        model.__qualname__,
        text,
        {name: each.unit.strip() for name, each in subject.schema.parameters.items()},
        declared,
        tuple(roots),
        (*elsewhere, *used),
    )


def _declared(subject: NeuronSubject) -> frozenset[str]:
    schema = subject.schema
    return frozenset((*schema.settable, *schema.inputs, *schema.draws, *schema.presets))


def _functions_of(model: type[Neuron], known: Container[str]) -> tuple[list[str], list[str]]:
    """The functions of a model that are known in its own module, as ``Class.name``, and the others."""
    roots, elsewhere = [], []
    for name in _ROOTS:
        owner = next((base for base in model.__mro__ if name in vars(base)), None)
        # A class that only lends a function need be no neuron.
        if owner is None or owner in Neuron.__mro__ or of_framework(owner):
            continue
        if not callable(getattr(model, name)):
            continue
        here = f"{owner.__qualname__}.{name}"
        if owner.__module__ == model.__module__ and here in known:
            roots.append(here)
        else:
            elsewhere.append(f"{owner.__module__}:{here}")
    return roots, elsewhere


def written(tree: ast.Module, roots: Iterable[str], declared: Container[str]) -> dict[str, Written]:
    """The functions of a model, and what they call or read of the same module, by name.

    Args:
        tree: The module.
        roots: The model's functions, as ``Class.name``.
        declared: What the model declares: a ``forward`` reads it as ``self.tau``, and it is no constant.
    """
    known = dict(_definitions(tree.body))
    found: dict[str, Written] = {}
    pending = list(roots)
    while pending:
        name = pending.pop()
        if name in found:
            continue
        found[name] = known[name]
        owner = name.rpartition(".")[0]
        for each in _named_in(known[name], owner):
            scope, _, last = each.rpartition(".")
            if each in known and not (scope and last in declared):
                pending.append(each)
    return dict(sorted(found.items(), key=lambda pair: (pair[1].lineno, pair[1].col_offset)))


def _definitions(body: Iterable[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Written]]:
    """What a module or class defines, each with its name; also within ``if`` and ``try``."""
    for node in body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield prefix + name, node
            case ast.ClassDef(name=name, body=within):
                yield from _definitions(within, f"{prefix}{name}.")
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield prefix + name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield prefix + name, value
            case _:
                for part in ("body", "orelse", "finalbody"):
                    yield from _definitions(getattr(node, part, ()), prefix)


def _named_in(node: ast.AST, owner: str) -> Iterator[str]:
    """The names that a function reads, as they would be defined in the module."""
    for each in read_names(node):
        base, _, attribute = each.partition(".")
        yield base
        if attribute:
            yield f"{owner if base in ('self', 'cls') else base}.{attribute}"
