"""A function as a graph: the operations it consists of, down to what it was given.

A graph is made by following a function once. What a proof, a kernel or a report wants to know of the function
is a pass over its nodes; nothing else looks into the author's text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias, final

import torch
from torch import Tensor

from ...errors import StructureError

TIME = -1
"""The number of the time among the leaves; the states are 0 to D - 1, and whatever else comes after."""

Leaves: TypeAlias = frozenset[int]
_NONE: Leaves = frozenset()
_NUMBERS = frozenset((int, float, bool, type(None)))
_NESTED = frozenset((tuple, list, dict))


class Leaf(NamedTuple):
    """What a function is given.

    Attributes:
        kind: ``"state"``, ``"time"``, or as whoever follows the function calls it, such as ``"input"``.
        name: Its name, or its place among those of its kind.
    """

    kind: str
    name: str


class Graph:
    """The leaves with their present values, and the values that were computed from them.

    Args:
        one: A tensor ``[1]`` of the dtype and device of the state.
        shape: ``[*batch, units]``.
    """

    def __init__(self, one: Tensor, shape: torch.Size) -> None:
        self.one, self.shape = one, shape
        self.leaves: dict[int, Leaf] = {}
        self.values: dict[int, Any] = {}
        self._stamps: dict[int, int] = {}
        self._clock = 0

    def leaf(self, number: int, leaf: Leaf, value: Any) -> Node:
        """Something that the function is given, with its value for now."""
        self.leaves[number], self.values[number], self._stamps[number] = leaf, value, 0
        node = Node(self, None, (number,), None, frozenset((number,)), [], True)
        node.uses = 1  # what is given is never changed in place
        return node

    def node(self, operation: Callable[..., Any], arguments: tuple[Any, ...], options: Any = None) -> Node:
        """An operation on nodes, tensors and whatever else, also within tuples, lists and mappings."""
        leaves, noted, flat = _NONE, [], not options
        for each in arguments:
            kind = type(each)
            if kind is Node:
                each.uses += 1
                leaves = joined(leaves, each.leaves)
            elif kind in _NESTED:
                flat = False
            elif kind not in _NUMBERS and isinstance(each, Tensor) and not each.is_inference():
                noted.append((each, each._version))
        if not flat:
            nested = [[each for each in arguments if type(each) in _NESTED], options]
            for part in parts(nested):
                part.uses += 1
                leaves = joined(leaves, part.leaves)
            noted += versions(nested)
        return Node(self, operation, arguments, options or None, leaves, noted, flat)

    def put(self, number: int, value: Any) -> None:
        """Give a leaf another value: what was computed from the one before is not used again."""
        if self.values[number] is not value:
            self._clock += 1
            self.values[number], self._stamps[number] = value, self._clock

    def stamp(self, leaves: Leaves) -> int:
        """When one of the leaves changed last."""
        stamps = self._stamps
        return max([stamps[number] for number in leaves]) if leaves else 0


@final
class Node:
    """A value ``[*batch, units]``, or one that broadcasts to it, by what it is computed from.

    Attributes:
        graph: Whose it is.
        operation: The function of torch or Python; None for a leaf.
        arguments: What it is called with, nodes in place of their values; of a leaf, its number.
        options: What it is called with by name; None for nothing.
        leaves: The numbers of the leaves that it depends on.
        uses: How often its value is asked for by others.
        form: What :mod:`.affinity` found out about it.
        kind: The shape and dtype of its value, where they were noted; else None.
    """

    __slots__ = (
        *("arguments", "form", "graph", "kind", "leaves", "operation", "options", "uses"),
        *("_flat", "_kept", "_stamp", "_versions"),
    )

    def __init__(
        self,
        graph: Graph,
        operation: Any,
        arguments: tuple[Any, ...],
        options: Any,
        leaves: Leaves,
        noted: list[tuple[Tensor, int]],
        flat: bool,
    ) -> None:
        self.graph, self.operation, self.arguments, self.options = graph, operation, arguments, options
        self.leaves, self._versions = leaves, noted
        self.uses = 0
        self._flat = flat
        self.form: Any = None
        self.kind: tuple[torch.Size, torch.dtype] | None = None
        self._kept: Any = None
        self._stamp = -1

    @property
    def name(self) -> str:
        """What torch calls its operation, such as ``"mul"``; empty for a leaf and one of several results."""
        schema = getattr(self.operation, "_schema", None)
        return "" if schema is None else str(schema.name.partition("::")[2])

    @property
    def shape(self) -> torch.Size:
        """The shape of its value."""
        return torch.Size(self.value().shape) if self.kind is None else self.kind[0]

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of its value."""
        kind: torch.dtype = self.value().dtype if self.kind is None else self.kind[1]
        return kind

    def parts(self) -> list[Node]:
        """The nodes that it is computed from."""
        if self._flat:
            return [each for each in self.arguments if type(each) is Node]
        return list(parts((self.arguments, self.options)))

    def value(self) -> Any:
        """The value, with the leaves as they are now."""
        if self.operation is None:
            return self.graph.values[self.arguments[0]]
        # What is asked for once need not be kept: memory that is fresh costs more than the operation.
        if self.uses < 2:
            return self._computed()
        stamp = self.graph.stamp(self.leaves)
        if self._stamp != stamp:
            self._kept, self._stamp = self._computed(), stamp
        return self._kept

    def _computed(self) -> Any:
        for tensor, version in self._versions:
            if tensor._version != version:
                raise StructureError("it has a tensor that is changed in place, which cannot be followed")
        if self._flat:
            return self.operation(*[each.value() if type(each) is Node else each for each in self.arguments])
        return self.operation(*plain(self.arguments), **(plain(self.options) or {}))


def constant(value: Any) -> Any:
    """The operation that gives what does not depend on a leaf."""
    return value


def entry(value: Any, place: int) -> Any:
    """The operation that takes one of several values, or a row."""
    return value[place]


def parts(where: Any) -> Iterator[Node]:
    """The nodes in arguments."""
    if type(where) is Node:
        yield where
    elif isinstance(where, (tuple, list)):
        for each in where:
            yield from parts(each)
    elif isinstance(where, dict):
        yield from parts(tuple(where.values()))


def plain(where: Any) -> Any:
    """Arguments with the values of their nodes."""
    if type(where) is Node:
        return where.value()
    return replaced(where, plain)


def replaced(where: Any, change: Callable[[Any], Any]) -> Any:
    """Arguments with what is in their tuples, lists and mappings changed."""
    if type(where) is tuple or hasattr(where, "_fields"):
        return tuple([change(each) for each in where])
    if type(where) is list:
        return [change(each) for each in where]
    if type(where) is dict:
        return {name: change(each) for name, each in where.items()}
    return where


def versions(where: Any) -> list[tuple[Tensor, int]]:
    """The tensors in arguments, each with how often it was written into so far."""
    if isinstance(where, Tensor):
        return [] if where.is_inference() else [(where, where._version)]
    if isinstance(where, dict):
        where = tuple(where.values())
    return [noted for each in where for noted in versions(each)] if isinstance(where, (tuple, list)) else []


def joined(one: Leaves, two: Leaves) -> Leaves:
    """The leaves of two values together."""
    # Most values have the leaves of one of their arguments; sets are shared where they can be.
    if two <= one:
        return one
    return two if one <= two else one | two
