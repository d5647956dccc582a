"""Expressions of one unit: what a step computes, as nodes that are shared where they are equal.

A node is an operation on nodes, a constant, or something that is read: a state, a parameter, an input. There
is one node for each expression, so what is equal is computed once.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(eq=False, slots=True, repr=False)
class Node:
    """An expression.

    Args:
        operation: An operation of the table, ``"read"`` or ``"constant"``.
        type: "f" (the run's floating-point type), "b" (a condition), "i" (an integer) or "h" (a number
            that is held in float32 while the run is in float64: it is selected, and not computed with).
        parts: What it is made of.
        value: The constant, or the name of what is read.
        number: Its place in the order of making: parts come before what they are parts of.
    """

    operation: str
    type: str
    parts: tuple[Node, ...] = ()
    value: Any = None
    number: int = 0

    def __repr__(self) -> str:
        # Parts by their numbers: written out, a node that many share would stand there as often as there are
        # ways to it, which are more than fit into memory.
        parts = ", ".join(f"v{part.number}" for part in self.parts)
        of = parts if self.value is None else repr(self.value)
        return f"v{self.number} = {self.operation}({of}): {self.type}"


class Builder:
    """Makes nodes, one for each expression."""

    def __init__(self) -> None:
        self._known: dict[Any, Node] = {}

    def read(self, name: str, kind: str) -> Node:
        """Something that is read: a state, a parameter, an input."""
        return self._node("read", kind, (), name)

    def constant(self, value: Any, kind: str) -> Node:
        """A constant."""
        if kind == "b":
            value = bool(value)
        elif kind == "i":
            value = int(value)
        else:
            value = float(value)
        return self._node("constant", kind, (), value)

    def make(self, operation: str, kind: str, *parts: Node) -> Node:
        """An operation on nodes; one that selects by a constant is what it selects."""
        simple = _simplified(operation, parts)
        return simple if simple is not None else self._made(operation, kind, parts)

    def _made(self, operation: str, kind: str, parts: tuple[Node, ...]) -> Node:
        if operation == "not" and parts[0].operation == "constant":
            return self.constant(not parts[0].value, "b")
        if operation == "cast" and parts[0].operation == "constant" and parts[0].type in "bi":
            return self.constant(parts[0].value, kind)
        if operation == "cast" and parts[0].type == kind:
            return parts[0]
        if operation in _COMPARED and all(
            part.operation == "constant" and part.type == "i" for part in parts
        ):
            return self.constant(_COMPARED[operation](parts[0].value, parts[1].value), "b")
        return self._node(operation, kind, parts, None)

    def _node(self, operation: str, kind: str, parts: tuple[Node, ...], value: Any) -> Node:
        # By the bits, so that 0.0 and -0.0 are two, and NaN is one.
        bits = struct.pack("<d", value) if isinstance(value, float) else value
        key = (operation, kind, tuple(part.number for part in parts), bits)
        if key not in self._known:
            self._known[key] = Node(operation, kind, parts, value, len(self._known))
        return self._known[key]


def _simplified(operation: str, parts: tuple[Node, ...]) -> Node | None:
    """What an operation is without being done, by logic alone: no rule on numbers, whose rounding matters."""
    known = [part.value if part.operation == "constant" else None for part in parts]
    if operation == "where":
        if parts[1] is parts[2]:
            return parts[1]
        if known[0] is not None:
            return parts[1] if known[0] else parts[2]
    if operation == "and":
        for index, other in ((0, 1), (1, 0)):
            if known[index] is not None:
                return parts[other] if known[index] else parts[index]
    if operation == "or":
        for index, other in ((0, 1), (1, 0)):
            if known[index] is not None:
                return parts[index] if known[index] else parts[other]
    if operation == "not" and parts[0].operation == "not":
        return parts[0].parts[0]
    return None


_COMPARED: dict[str, Callable[[int, int], bool]] = {
    "lt": int.__lt__,
    "le": int.__le__,
    "gt": int.__gt__,
    "ge": int.__ge__,
    "eq": int.__eq__,
    "ne": int.__ne__,
}


def rebuilt(builder: Builder, roots: Iterable[Node], known: dict[Node, Node]) -> list[Node]:
    """Expressions made anew where some of their parts are known to be something else.

    Args:
        builder: What makes the nodes.
        roots: The expressions.
        known: Node -> what it is. Filled up with all nodes that were looked at.
    """
    roots = list(roots)
    for node in ordered(roots):
        if node in known:
            continue
        if not node.parts:
            known[node] = node
            continue
        parts = [known[part] for part in node.parts]
        same = all(new is old for new, old in zip(parts, node.parts, strict=True))
        known[node] = node if same else builder.make(node.operation, node.type, *parts)
    return [known[root] for root in roots]


def ordered(roots: Iterable[Node], whole: Container[Node] = ()) -> list[Node]:
    """All nodes that expressions are made of, parts first.

    Args:
        roots: The expressions.
        whole: What is not taken apart. Default nothing.
    """
    found: dict[int, Node] = {}
    pending = list(roots)
    while pending:
        node = pending.pop()
        if node.number not in found:
            found[node.number] = node
            if node not in whole:
                pending.extend(node.parts)
    return [found[number] for number in sorted(found)]


def text_of(value: float, single: bool) -> str:
    """A floating-point constant in C, exact to the bit."""
    if math.isnan(value):
        return "NAN"
    if math.isinf(value):
        return "-INFINITY" if value < 0 else "INFINITY"
    return f"{value.hex()}f" if single else value.hex()
