"""Following a function: it is run once on stand-ins, and each operation becomes a node of the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, final

import torch
from torch import Tensor

from ...errors import RheobaseError, StructureError
from ..integrator import Field
from .graph import TIME, Graph, Leaf, Node, constant, plain
from .operations import OPERATIONS
from .rows import Row, Stack, leak
from .shapes import as_whole, entries, nodes_of, one_of, row_by_row, standins, too_wide

ELSE = "use an integrator for models of any form, such as rk4"
"""What to do about a model that is refused."""


@final
class Following:
    """Makes the nodes of a graph from the operations on stand-ins.

    Args:
        y: The state, ``[D, *batch, units]``, each row of which is a leaf.
    """

    def __init__(self, y: Tensor) -> None:
        self.graph = Graph(torch.ones(1, dtype=y.dtype, device=y.device), y.shape[1:])
        self.states = tuple(self.leaf(number, "state", row) for number, row in enumerate(y.unbind(0)))

    def leaf(self, number: int, kind: str, value: Any) -> Row:
        """Something that the function is given."""
        return Row(self, self.graph.leaf(number, Leaf(kind, str(number)), value))

    def apply(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """An operation on operands of which some are stand-ins.

        Returns:
            A stand-in, or several; the plain result where it looks at no values.

        Raises:
            StructureError: If the result would leave what can be followed: a change in place, a number.
        """
        known = OPERATIONS.get(function)
        unitwise = known is not None and known.unitwise
        if unitwise and not kwargs:
            quick = self._quickly(function, args)
            if quick is not None:
                return quick
        name: str = getattr(function, "__name__", "an unknown function")
        _refuse_writing(name, unitwise, kwargs)
        operands = list(standins((args, kwargs)))
        if not operands:
            return function(*args, **kwargs)
        if known is not None and known.shapely:
            return function(*plain(nodes_of(args)), **plain(nodes_of(kwargs)))
        if known is not None and known.shaping is not None:
            result = known.shaping(*args, **kwargs)
            if result is not NotImplemented:
                return result
        wide = unitwise and too_wide(len(self.graph.shape), (args, kwargs))
        if wide or any(isinstance(each, Stack) for each in operands):
            result = row_by_row(function, args, kwargs) if unitwise else NotImplemented
            return as_whole(function, args, kwargs) if result is NotImplemented else result
        row = Row(self, self.graph.node(function, nodes_of(args), nodes_of(kwargs)))
        return row if unitwise else _opened(row, name)

    def _quickly(self, function: Any, args: tuple[Any, ...]) -> Row | None:
        """The usual case in less time: rows, numbers, and tensors of no more dimensions than rows."""
        most, rows = len(self.graph.shape), 0
        operands: list[Any] = []
        for each in args:
            kind = type(each)
            if kind is Row:
                rows += 1
                each = each.node
            elif kind is not float and kind is not int and (kind is not Tensor or each.ndim > most):
                return None
            operands.append(each)
        return Row(self, self.graph.node(function, tuple(operands))) if rows else None


def _refuse_writing(name: str, unitwise: bool, kwargs: dict[str, Any]) -> None:
    if name == "__setitem__":
        leak("an assignment into elements")
    written = name.endswith("_") and not name.endswith("__") and not unitwise
    if written or kwargs.get("out") is not None or kwargs.get("inplace"):
        leak("an operation in place")


def _opened(row: Row, name: str) -> Any:
    """What a function that is not known gives: its value tells what kind of thing that is."""
    value = row.node.value()
    if isinstance(value, Tensor):
        return entries(row, len(value)) if value.ndim == len(row.node.graph.shape) + 1 else row
    if isinstance(value, (tuple, list)) and all(isinstance(each, Tensor) for each in value):
        return tuple(_opened(one_of(row, place), name) for place in range(len(value)))
    leak(f"the use of {name}")


class Followed(NamedTuple):
    """A function that was followed, and how to speak of it.

    Attributes:
        graph: Its operations.
        results: What it gives.
        names: The names of the variables.
        owner: Whose function it is.
    """

    graph: Graph
    results: tuple[Node, ...]
    names: tuple[str, ...]
    owner: str

    def pack(self, parts: Sequence[Any]) -> Tensor:
        """Values, None for zero, as a tensor of the state's dtype and shape."""
        one, shape = self.graph.one, self.graph.shape
        tensors = [
            torch.as_tensor(0.0 if part is None else part, dtype=one.dtype, device=one.device).expand(shape)
            for part in parts
        ]
        return tensors[0].unsqueeze(0) if len(tensors) == 1 else torch.stack(tensors)


def follow(field: Field, t: Any, y: Tensor, kind: str, *, follow_time: bool) -> Followed:
    """Follow a field.

    Args:
        field: The field.
        t: The time, ms.
        y: The state, ``[D, *batch, units]``.
        kind: What it is asked to be, for messages.
        follow_time: Whether the time is one of the leaves.

    Raises:
        StructureError: If it does what cannot be followed.
    """
    following = Following(y)
    now = t
    if follow_time:
        now = following.leaf(TIME, "time", torch.as_tensor(t, dtype=y.dtype, device=y.device))
    model = getattr(field, "model", None)
    owner = "the field" if model is None else model.schema.owner
    by_rows = getattr(field, "rows", None)
    what = f"{owner}: whether its derivatives are {kind} cannot be told"
    states = following.states
    result = run(lambda: field(now, Stack(states)) if by_rows is None else by_rows(now, states), what)  # type: ignore[arg-type]
    if isinstance(result, Tensor) and result.shape == y.shape:
        result = tuple(result)
    if not isinstance(result, (tuple, Stack)) or len(result) != len(y):
        raise StructureError(f"{what}: they are not one row for each variable; {ELSE}")
    rows = tuple(node_of(following.graph, row) for row in result)
    return Followed(following.graph, rows, names_of(model, len(y)), owner)


def node_of(graph: Graph, result: Any) -> Node:
    """What a function gave as a node; what is no stand-in is constant."""
    return result.node if isinstance(result, Row) else graph.node(constant, (result,))


def run(function: Callable[[], Any], what: str) -> Any:
    """Call an author's function, which may not be made for stand-ins."""
    try:
        return function()
    except StructureError as error:
        raise StructureError(f"{what}: {error}; {ELSE}") from error
    except RheobaseError:
        raise
    except (TypeError, AttributeError, RuntimeError, ValueError) as error:
        raise StructureError(f"{what}: {type(error).__name__}: {error}; {ELSE}") from error


def names_of(model: Any, count: int) -> tuple[str, ...]:
    """The names of the variables of a model, or of a packed state."""
    if model is not None:
        return tuple(model.schema.states)
    return ("the state",) if count == 1 else tuple(f"y[{index}]" for index in range(count))
