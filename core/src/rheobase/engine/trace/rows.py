"""Stand-ins for tensors, with which an author's function is followed.

A :class:`Row` stands for one variable of the state, or for what was computed from some; a :class:`Stack` for
rows on top of each other. Each operation of torch or Python on them goes to their follower. What would lead
out of what can be followed ends in an error.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn, Protocol

import torch

from ...errors import StructureError
from .graph import Graph, Node


class Follower(Protocol):
    """What notes the operations."""

    graph: Graph

    def apply(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """An operation on operands of which some are stand-ins."""


class _Standin:
    """What rows and stacks have in common."""

    __slots__ = ()
    __array_ufunc__ = None  # numpy leaves the operation to us
    follower: Follower

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        return apply(func, tuple(args), dict(kwargs or {}))

    def __getattr__(self, name: str) -> Any:
        if name in _FORBIDDEN:
            leak(f"the use of .{name}")
        if name.startswith("__"):  # what copy, pickle and their like look for
            raise AttributeError(name)
        function = getattr(torch.Tensor, name, None)
        if function is None:
            raise AttributeError(f"'Tensor' object has no attribute {name!r}")
        if not callable(function):
            leak(f"the use of .{name}")
        return lambda *args, **kwargs: apply(function, (self, *args), kwargs)

    def __getitem__(self, index: Any) -> Any:
        return apply(operator.getitem, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        leak("an assignment into elements")

    def __bool__(self) -> NoReturn:
        leak("a branch on a value")

    __hash__ = object.__hash__


class Row(_Standin):
    """A value ``[*batch, units]``, or one that broadcasts to it."""

    __slots__ = ("follower", "node")

    def __init__(self, follower: Follower, node: Node) -> None:
        self.follower, self.node = follower, node

    @property
    def shape(self) -> torch.Size:
        """The shape of the value."""
        return self.node.shape

    @property
    def ndim(self) -> int:
        """The number of its dimensions."""
        return len(self.shape)

    @property
    def dtype(self) -> torch.dtype:
        """Its dtype."""
        return self.node.dtype

    @property
    def device(self) -> torch.device:
        """Its device."""
        place: torch.device = self.node.value().device
        return place

    def __getitem__(self, index: Any) -> Any:
        return apply(torch.Tensor.__getitem__, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        leak("an assignment into its elements")

    def __iter__(self) -> NoReturn:
        leak("a loop over units")

    def __len__(self) -> NoReturn:
        leak("a loop over units")

    def __float__(self) -> NoReturn:
        leak("a value taken out of its tensor")

    __int__ = __index__ = __complex__ = __float__

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        leak("a call of numpy")


class Stack(_Standin):
    """Rows on top of each other, ``[D, *batch, units]``, for what is written on the whole state."""

    __slots__ = ("follower", "rows")

    def __init__(self, rows: Sequence[Any]) -> None:
        self.rows = tuple(rows)
        self.follower = next(row.follower for row in rows if isinstance(row, Row))

    @property
    def shape(self) -> torch.Size:
        """The shape, ``[D, *batch, units]``."""
        return torch.Size((len(self.rows), *self.follower.graph.shape))

    @property
    def ndim(self) -> int:
        """The number of its dimensions."""
        return 1 + len(self.follower.graph.shape)

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the state."""
        return self.follower.graph.one.dtype

    @property
    def device(self) -> torch.device:
        """Its device."""
        return self.follower.graph.one.device

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows)


_FORBIDDEN = frozenset({"item", "tolist", "numpy", "data", "grad", "data_ptr", "storage", "untyped_storage"})


def leak(what: str) -> NoReturn:
    """Give up: from here on the value could go anywhere."""
    raise StructureError(f"it has {what}, which cannot be followed")


def apply(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """An operation, by the follower of the first stand-in among its operands."""
    follower = _follower_of(args) or _follower_of(kwargs.values())
    return function(*args, **kwargs) if follower is None else follower.apply(function, args, kwargs)


def _follower_of(operands: Iterable[Any]) -> Follower | None:
    for each in operands:
        if isinstance(each, _Standin):
            return each.follower
        if isinstance(each, (tuple, list)):
            found = _follower_of(each)
            if found is not None:
                return found
    return None


def _in_place(function: Any, value: Any, other: Any) -> Any:
    # What was computed from the value before must not see the change; so it is allowed only before.
    if not isinstance(value, Row) or value.node.uses:
        leak("an operation in place")
    new = apply(function, (value, other), {})
    if not isinstance(new, Row):
        leak("an operation in place")
    value.node = new.node
    return value


_OPERATORS = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor")
_COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")
_SIGNS = ("neg", "pos", "abs", "invert")


def _equip(kind: type) -> None:
    """Give stand-ins the operators of Python."""
    for name in (*_OPERATORS, *_COMPARISONS):
        function = getattr(operator, f"__{name}__")
        setattr(kind, f"__{name}__", lambda self, other, f=function: apply(f, (self, other), {}))
        if name in _OPERATORS:
            setattr(kind, f"__r{name}__", lambda self, other, f=function: apply(f, (other, self), {}))
            setattr(kind, f"__i{name}__", lambda self, other, f=function: _in_place(f, self, other))
    for name in _SIGNS:
        function = getattr(operator, f"__{name}__")
        setattr(kind, f"__{name}__", lambda self, f=function: apply(f, (self,), {}))


_equip(_Standin)
