"""A packed state ``[D, *batch, units]`` of tracked rows, for right-hand sides written on the whole of it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from .rules import bent
from .tracked import Apply, Row, _apply, equip, leak, method


class Stack:
    """Rows on top of each other; as a tensor it has their dimensions and one before them."""

    __array_ufunc__ = None

    def __init__(self, rows: Sequence[Any]) -> None:
        self.rows = tuple(rows)
        self.tape = next(row.tape for row in rows if isinstance(row, Row))

    def value(self) -> Tensor:
        """The plain value."""
        one = self.tape.one
        values = [row.value() if isinstance(row, Row) else row for row in self.rows]
        tensors = [torch.as_tensor(value, device=one.device) for value in values]
        return torch.stack([tensor.expand(self.tape.shape) for tensor in tensors])

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        return _apply(func, tuple(args), dict(kwargs or {}))

    @property
    def shape(self) -> torch.Size:
        """The shape, ``[D, *batch, units]``."""
        return torch.Size((len(self.rows), *self.tape.shape))

    @property
    def ndim(self) -> int:
        """The number of its dimensions."""
        return 1 + len(self.tape.shape)

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the state."""
        return self.tape.one.dtype

    @property
    def device(self) -> torch.device:
        """Its device."""
        return self.tape.one.device

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows)

    def __getitem__(self, index: Any) -> Any:
        return _apply(operator.getitem, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        leak("an assignment into elements")

    def __bool__(self) -> bool:
        leak("a branch on a value")

    def __getattr__(self, name: str) -> Any:
        return method(self, name)

    __hash__ = object.__hash__


equip(Stack)


def apply_stacked(
    function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], apply: Apply, *, elementwise: bool
) -> Any:
    """Apply a function to operands of which some are stacks, row by row where it works by elements."""
    rule = _RULES.get(function)
    result = NotImplemented if rule is None else rule(*args, **kwargs)
    if result is not NotImplemented:
        return result
    flat = [*args, *kwargs.values()]
    rows = [row for each in _flat(flat) for row in (each.rows if isinstance(each, Stack) else (each,))]
    tape = next(row.tape for row in rows if isinstance(row, Row))
    ndim = 1 + len(tape.shape)
    if elementwise:
        lengths = {
            len(each)
            for each in flat
            if isinstance(each, Stack) or (isinstance(each, Tensor) and each.ndim == ndim)
        } or {1}
        count = max(lengths)
        if lengths <= {1, count} and not any(isinstance(each, Tensor) and each.ndim > ndim for each in flat):
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
    # Not known: each row of the result may depend on every row of the operands.
    form = bent(rows, getattr(function, "__name__", "an unknown function").strip("_") + " of {}")
    whole = Row(tape, form, lambda: function(*_values(args), **_values(kwargs)))
    value = whole.value()
    if not isinstance(value, Tensor):
        leak(f"the use of {getattr(function, '__name__', 'an unknown function')}")
    if value.ndim != ndim:
        return whole
    return Stack([Row(tape, form, partial(_entry, whole, place)) for place in range(len(value))])


def _entry(row: Row, place: int) -> Any:
    return row.value()[place]


def _row(value: Any, place: int, ndim: int) -> Any:
    if isinstance(value, Stack):
        return value.rows[place if len(value) > 1 else 0]
    if isinstance(value, Tensor) and value.ndim == ndim:
        return value[place if len(value) > 1 else 0]
    return value


def _flat(values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _flat(value)
        elif isinstance(value, (Row, Stack)):
            yield value


def _values(where: Any) -> Any:
    if isinstance(where, (Row, Stack)):
        return where.value()
    if isinstance(where, (list, tuple)):
        return type(where)(_values(each) for each in where)
    if isinstance(where, dict):
        return {name: _values(each) for name, each in where.items()}
    return where


def _first_only(index: Any) -> bool:
    return index is Ellipsis or (isinstance(index, slice) and index == slice(None))


def _getitem(stack: Any, index: Any) -> Any:
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
        return Stack([stack.rows[each] for each in index])
    return stack if index is Ellipsis else NotImplemented


def _stack(rows: Any, dim: int = 0) -> Any:
    whole = isinstance(rows, (list, tuple)) and not any(isinstance(row, Stack) for row in rows)
    return Stack(rows) if whole and dim == 0 else NotImplemented


def _cat(parts: Any, dim: int = 0) -> Any:
    if dim != 0 or not all(isinstance(part, Stack) or _packed(part, parts) for part in parts):
        return NotImplemented
    return Stack([row for part in parts for row in part])


def _packed(part: Any, parts: Any) -> bool:
    stack = next((each for each in parts if isinstance(each, Stack)), None)
    return stack is not None and isinstance(part, Tensor) and part.ndim == stack.ndim


def _unsqueeze(row: Any, dim: int) -> Any:
    return Stack([row]) if isinstance(row, Row) and dim == 0 else NotImplemented


def _unbind(stack: Any, dim: int = 0) -> Any:
    return stack.rows if dim == 0 else NotImplemented


def _select(stack: Any, dim: int, index: int) -> Any:
    return stack.rows[index] if dim == 0 else NotImplemented


def _sum(stack: Any, dim: Any = None, **kwargs: Any) -> Any:
    if dim != 0 or kwargs or not isinstance(stack, Stack):
        return NotImplemented
    total = stack.rows[0]
    for row in stack.rows[1:]:
        total = total + row
    return total


def _matmul(matrix: Any, stack: Any) -> Any:
    if not (isinstance(matrix, Tensor) and isinstance(stack, Stack) and matrix.ndim == stack.ndim == 2):
        return NotImplemented
    return Stack(
        [_sum(Stack([weight * row for weight, row in zip(line, stack, strict=True)]), 0) for line in matrix]
    )


_RULES: Mapping[Any, Callable[..., Any]] = {
    torch.stack: _stack,
    torch.cat: _cat,
    torch.unsqueeze: _unsqueeze,
    torch.Tensor.unsqueeze: _unsqueeze,
    torch.unbind: _unbind,
    torch.Tensor.unbind: _unbind,
    torch.select: _select,
    torch.Tensor.select: _select,
    torch.sum: _sum,
    torch.Tensor.sum: _sum,
    torch.matmul: _matmul,
    torch.Tensor.matmul: _matmul,
    operator.matmul: _matmul,
    operator.getitem: _getitem,
    torch.Tensor.__getitem__: _getitem,
}
