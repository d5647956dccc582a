"""Mutants of a model: its module's text with one slip in it, every other line where it was."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rheobase.errors import ArgumentError, shortened
from rheobase.spi import ComponentSpec

from ..finding import find_one
from ..neurons.subject import NeuronSubject
from ..subject import Subject
from .operations import OPERATIONS, Change
from .source import Home, Written, home, written

_LONGEST = 60
"""Characters of an expression that a line in words has."""

_AROUND = 20
"""How many of them stand to either side of what differs, where it has more."""

_UNSEEN = (ast.JoinedStr, ast.pattern)
"""What is passed over: text for people, and patterns, which are no expressions."""


@dataclass(frozen=True)
class Mutant:
    """A model with one slip in it.

    Args:
        number: Its place among the mutants of the model, from 1.
        line: The line of the slip, as all lines the same as in the model's own file.
        function: The function that it is in, or the constant.
        operation: What was done, such as "term dropped".
        before: What stood there.
        after: What stands there now.
        text: The whole module, with the slip.
        home: Where the model is written.
    """

    number: int
    line: int
    function: str
    operation: str
    before: str
    after: str
    text: str = field(repr=False)
    home: Home = field(repr=False)

    @property
    def file(self) -> str:
        """The file in which the model is written, which is left as it is."""
        return self.home.path

    def __str__(self) -> str:
        before, after = _apart(self.before, self.after)
        return f"{Path(self.file).name}:{self.line} {self.function}: {self.operation}: {before} -> {after}"

    def to_plain(self) -> dict[str, Any]:
        """As a dictionary, for JSON."""
        names = ("number", "file", "line", "function", "operation", "before", "after")
        return {name: getattr(self, name) for name in names}


def mutants(obj: Any, *, spec: ComponentSpec | None = None) -> list[Mutant]:
    """The mutants of a neuron model, each with one slip in its mathematics.

    A term or a factor is dropped, a sign flipped, two parameters of one unit swapped, a comparison turned or
    made strict, a number doubled: in ``derivatives``, ``threshold``, ``reset``, ``update``, ``dt_max`` and a
    ``forward`` of its own, and in what these call and the constants that they read of the same module.

    Args:
        obj: The model, as for :func:`check`.
        spec: Likewise.

    Returns:
        The mutants, in the order of the file, which is left as it is.

    Raises:
        ArgumentError: If it is no neuron, or its source cannot be read.
        ComponentError: If there is no such model.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> file = Path(tempfile.mkdtemp()) / "leaky_cell.py"
        >>> _ = file.write_text('''
        ... from rheobase import AnalogNeuron, State
        ...
        ... class LeakyCell(AnalogNeuron):
        ...     voltage = State(0.0, unit="mV")
        ...
        ...     @staticmethod
        ...     def derivatives(state, params, data):
        ...         return {"voltage": data - state.voltage}
        ... ''')
        >>> for mutant in mutants(file):
        ...     print(mutant)
        leaky_cell.py:9 derivatives: term dropped: data - state.voltage -> -state.voltage
        leaky_cell.py:9 derivatives: term dropped: data - state.voltage -> data
        leaky_cell.py:9 derivatives: sign flipped: data - state.voltage -> data + state.voltage
    """
    return mutants_of(a_neuron(find_one(obj, spec=spec)))


def a_neuron(subject: Subject) -> NeuronSubject:
    """The subject, if it is a neuron model.

    Raises:
        ArgumentError: If it is not.
    """
    if not isinstance(subject, NeuronSubject):
        raise ArgumentError(
            f"{subject.name!r} is an {subject.kind}; mutants are made of neuron models, whose functions are "
            "equations"
        )
    return subject


def mutants_of(subject: NeuronSubject) -> list[Mutant]:
    """The mutants of a model that was found; see :func:`mutants`."""
    where = home(subject)
    tree, text = ast.parse(where.text), _Text(where.text)
    # Of a product v v the first factor and the second are one slip; 1 over b is without its 1 what it was.
    known = {ast.dump(tree)}
    made: list[Mutant] = []
    for name, node in written(tree, where.roots, where.declared).items():
        for site, operation, change in _slips(node, where.units):
            mutated = text.changed(site, change)
            dumped = ast.dump(ast.parse(mutated))
            if dumped not in known:
                known.add(dumped)
                told = (name.rpartition(".")[2], operation, *site.told(change))
                made.append(Mutant(len(made) + 1, site.at.lineno, *told, mutated, where))
    return made


@dataclass(frozen=True)
class _Site:
    """A place where a slip may be.

    Args:
        at: The node that the text has there.
        seen: The node that operations see: of ``v += x`` the sum ``v + x``.
        head: What the text of a replacement begins with.
    """

    at: Any
    seen: ast.AST
    head: str = ""

    def told(self, change: Change) -> tuple[str, str]:
        """A change in words: what stood there, and what stands there now."""
        pairs = dict.fromkeys((ast.unparse(old), ast.unparse(new)) for old, new in change)
        before, after = (", ".join(each) for each in zip(*pairs, strict=True))
        return (ast.unparse(self.at), f"{self.head}{after}") if self.head else (before, after)


def _slips(node: Written, units: Mapping[str, str]) -> Iterator[tuple[_Site, str, Change]]:
    for site in _sites(node):
        for name, operation in OPERATIONS.items():
            for change in operation(site.seen, units):
                yield site, name, change


def _sites(node: Written) -> Iterator[_Site]:
    """The places of a function, in the order of its text; its head is none."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    if isinstance(node, (*functions, ast.Lambda)):
        yield _Site(node, node)
    pending: list[ast.AST] = list(node.body) if isinstance(node, functions) else [node]
    found = []
    while pending:
        each = pending.pop()
        if isinstance(each, _UNSEEN):
            continue
        if isinstance(each, ast.AugAssign):
            target = ast.parse(ast.unparse(each.target), mode="eval").body
            found.append(
                _Site(each, ast.BinOp(target, each.op, each.value), f"{ast.unparse(each.target)} = ")
            )
        elif isinstance(each, ast.expr):
            found.append(_Site(each, each))
        # A place in a tensor is no quantity, and a type no mathematics.
        skipped = [getattr(each, name, None) for name in ("slice", "annotation", "returns")]
        pending += [child for child in ast.iter_child_nodes(each) if not any(child is no for no in skipped)]
    yield from sorted(found, key=lambda site: (site.at.lineno, site.at.col_offset, -site.at.end_col_offset))


def _apart(before: str, after: str) -> tuple[str, str]:
    """Two expressions for a line: where they are long, without what they begin and end with alike."""
    if max(len(before), len(after)) <= _LONGEST:
        return before, after
    head = _alike(before, after)
    tail = _alike(before[head:][::-1], after[head:][::-1])
    head, tail = max(0, head - _AROUND), max(0, tail - _AROUND)
    told = []
    for each in (before, after):
        middle = shortened(each[head : len(each) - tail], 2 * _LONGEST)
        told.append("..." * bool(head) + middle + "..." * bool(tail))
    return told[0], told[1]


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    pairs = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


class _Text:
    """The text of a module, in which expressions are replaced.

    Args:
        text: The text.
    """

    def __init__(self, text: str) -> None:
        self._bytes = text.encode()
        self._starts = [0]
        for line in self._bytes.split(b"\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)

    def changed(self, site: _Site, change: Change) -> str:
        """The text with a change. What is replaced keeps its lines, so that all others keep theirs."""
        changed = self._bytes
        pairs = [(site.at, change[0][1])] if site.head else list(change)
        for old, new in sorted(pairs, key=lambda pair: (pair[0].lineno, pair[0].col_offset), reverse=True):
            begin = self._starts[old.lineno - 1] + old.col_offset
            end = self._starts[old.end_lineno - 1] + old.end_col_offset
            lines = "\n" * (old.end_lineno - old.lineno)
            changed = changed[:begin] + f"{site.head}({ast.unparse(new)}{lines})".encode() + changed[end:]
        return changed.decode()
