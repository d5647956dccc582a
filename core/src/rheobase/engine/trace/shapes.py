"""Operations on packed states ``[D, *batch, units]``: what becomes of their rows.

A rule gives rows, a :class:`~.rows.Stack` of them, or NotImplemented where an operation is used in a way that
it does not know: then each row of the result may depend on every row of the operands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from .graph import Node, entry, replaced
from .rows import Row, Stack, apply, leak


def standins(where: Any) -> Iterator[Row | Stack]:
    """The stand-ins among operands."""
    if isinstance(where, (Row, Stack)):
        yield where
    elif isinstance(where, (list, tuple)):
        for each in where:
            yield from standins(each)
    elif isinstance(where, dict):
        yield from standins(tuple(where.values()))


def nodes_of(where: Any) -> Any:
    """Operands with nodes in place of stand-ins."""
    if isinstance(where, Row):
        return where.node
    if isinstance(where, Stack):
        return packed(where)
    return replaced(where, nodes_of)


def packed(stack: Stack) -> Node:
    """The whole of a packed state as one node."""
    graph = stack.follower.graph
    return graph.node(pack, (graph.one, graph.shape, *nodes_of(stack.rows)))


def pack(one: Tensor, shape: torch.Size, *rows: Any) -> Tensor:
    """The operation that puts rows on top of each other."""
    return torch.stack([torch.as_tensor(row, device=one.device).expand(shape) for row in rows])


def row_by_row(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A function of one element at a time on packed operands; NotImplemented where it cannot be."""
    flat = [*args, *kwargs.values()]
    ndim = 1 + len(next(standins(flat)).follower.graph.shape)
    lengths = {
        len(each)
        for each in flat
        if isinstance(each, Stack) or (isinstance(each, Tensor) and each.ndim == ndim)
    } or {1}
    count = max(lengths)
    if not lengths <= {1, count} or any(isinstance(each, Tensor) and each.ndim > ndim for each in flat):
        return NotImplemented
    return Stack(
        [
            apply(
                function,
                tuple(_row(each, place, ndim) for each in args),
                {name: _row(each, place, ndim) for name, each in kwargs.items()},
            )
            for place in range(count)
        ]
    )


class Whole:
    """An operation that may mix the rows of packed states."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.__name__ = getattr(function, "__name__", "an unknown function")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


def as_whole(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A function of packed states of which nothing is known."""
    follower = next(standins([*args, *kwargs.values()])).follower
    graph = follower.graph
    node = graph.node(Whole(function), nodes_of(args), nodes_of(kwargs))
    value = node.value()
    if not isinstance(value, Tensor):
        leak(f"the use of {node.operation.__name__}")
    if value.ndim != 1 + len(graph.shape):
        return Row(follower, node)
    return entries(Row(follower, node), len(value))


def entries(row: Row, count: int) -> Stack:
    """What an operation gave, as rows."""
    return Stack([one_of(row, place) for place in range(count)])


def one_of(row: Row, place: int) -> Row:
    """One row, or one value, of what an operation gave."""
    return Row(row.follower, row.node.graph.node(entry, (row.node, place)))


def too_wide(ndim: int, where: Any) -> bool:
    """Whether an operand that is given has the dimension of the variables, which rows lack."""
    if isinstance(where, dict):
        where = tuple(where.values())
    if isinstance(where, tuple):
        return any(too_wide(ndim, each) for each in where)
    return isinstance(where, Tensor) and where.ndim > ndim


def _row(value: Any, place: int, ndim: int) -> Any:
    if isinstance(value, Stack):
        return value.rows[place if len(value) > 1 else 0]
    if isinstance(value, Tensor) and value.ndim == ndim:
        return value[place if len(value) > 1 else 0]
    return value


def _copied(rows: Sequence[Any]) -> Stack:
    # What is written into a row later is not seen in the copy.
    return Stack([Row(row.follower, row.node) if isinstance(row, Row) else row for row in rows])


def _first_only(index: Any) -> bool:
    return index is Ellipsis or (isinstance(index, slice) and index == slice(None))


# --- the rules ----------------------------------------------------------------------------------------


def getitem(stack: Any, index: Any) -> Any:
    """``stack[index]``, and ``row[None]``."""
    if isinstance(stack, Row):
        return Stack([stack]) if index is None else NotImplemented
    if not isinstance(stack, Stack):
        return NotImplemented
    if isinstance(index, tuple) and index and all(_first_only(each) for each in index[1:]):
        index = index[0]
    if isinstance(index, Tensor) and index.dtype == torch.int64 and index.ndim <= 1:
        index = index.tolist()
    if isinstance(index, bool):
        return NotImplemented
    if isinstance(index, int):
        return stack.rows[index]
    if isinstance(index, slice):
        return Stack(stack.rows[index])
    if isinstance(index, list) and all(type(each) is int for each in index):
        return _copied([stack.rows[each] for each in index])
    return stack if index is Ellipsis else NotImplemented


def stack(rows: Any, dim: int = 0) -> Any:
    """Rows on top of each other."""
    whole = isinstance(rows, (list, tuple)) and not any(isinstance(row, Stack) for row in rows)
    return _copied(rows) if whole and dim == 0 else NotImplemented


def cat(tensors: Any, dim: int = 0) -> Any:
    """Packed states on top of each other."""
    ndim = next((each.ndim for each in tensors if isinstance(each, Stack)), None)
    if dim != 0 or not all(
        isinstance(each, Stack) or (isinstance(each, Tensor) and each.ndim == ndim) for each in tensors
    ):
        return NotImplemented
    return _copied([row for each in tensors for row in each])


def expand_as(row: Any, other: Any) -> Any:
    """A value in the shape of another, of which nothing else is looked at."""
    return NotImplemented if isinstance(row, Stack) else row.expand(other.shape)


def unsqueeze(row: Any, dim: int) -> Any:
    """``row[None]``."""
    return Stack([row]) if isinstance(row, Row) and dim == 0 else NotImplemented


def unbind(stack: Any, dim: int = 0) -> Any:
    """The rows."""
    return stack.rows if dim == 0 and isinstance(stack, Stack) else NotImplemented


def select(stack: Any, dim: int, index: int) -> Any:
    """One of the rows."""
    return stack.rows[index] if dim == 0 and isinstance(stack, Stack) else NotImplemented


def total(stack: Any, dim: Any = None, **kwargs: Any) -> Any:
    """The sum of the rows."""
    if dim != 0 or kwargs or not isinstance(stack, Stack):
        return NotImplemented
    found = stack.rows[0]
    for row in stack.rows[1:]:
        found = found + row
    return found


def matmul(matrix: Any, stack: Any) -> Any:
    """A matrix of numbers times a packed state without a batch."""
    if not (isinstance(matrix, Tensor) and isinstance(stack, Stack) and matrix.ndim == stack.ndim == 2):
        return NotImplemented
    return Stack(
        [total(Stack([weight * row for weight, row in zip(line, stack, strict=True)]), 0) for line in matrix]
    )
