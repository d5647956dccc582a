"""Values that know what they are made of: the author's function, run once, becomes a graph.

A :class:`Row` stands for one variable of the state, or for what was computed from some. It knows, by the
rules of the operations it went through and not by trying numbers, which variables it depends on, and in
which of them it is affine. Values and coefficients are computed when they are asked for, once.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn, TypeAlias

import torch
from torch import Tensor

from ...errors import StructureError

TIME = -1
"""The number of the time among the variables; those of the state are 0 to D - 1."""

Variables: TypeAlias = frozenset[int]
Apply: TypeAlias = "Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]"


class Reason(NamedTuple):
    """Why something is not affine: a text with gaps, and the variables that fill them."""

    text: str
    variables: tuple[Variables, ...]

    def tell(self, names: Sequence[str]) -> str:
        """The reason in words, with the names of the state's variables."""
        words = [" and ".join(name_of(index, names) for index in sorted(each)) for each in self.variables]
        return self.text.format(*words)


def name_of(index: int, names: Sequence[str]) -> str:
    """The name of a variable."""
    return "time" if index == TIME else names[index]


class Form(NamedTuple):
    """What is known of a value without computing it.

    Attributes:
        depends: The variables that it depends on.
        bends: Those among them in which it is not affine while the others stand still, each with why.
        joint: Why it is not affine in all of them together; None where it is.
        rate: The coefficient of a variable; None for zero. It is asked only for variables it depends on
            and does not bend in.
    """

    depends: Variables
    bends: Mapping[int, Reason]
    joint: Reason | None
    rate: Callable[[int], Tensor | None]


CONSTANT = Form(frozenset(), {}, None, lambda index: None)


class Tape:
    """The present values of the variables, and when each was set: what is kept from before is not used.

    Args:
        y: The state, ``[D, *batch, units]``.
        time: The time.
        apply: What applies a function to operands of which some are tracked; given, for the rules are made
            of rows.
    """

    def __init__(self, y: Tensor, time: Any, apply: Apply) -> None:
        self.apply = apply
        self.one = torch.ones(1, dtype=y.dtype, device=y.device)
        self.shape = y.shape[1:]
        self.values: dict[int, Any] = dict(enumerate(y.unbind(0)))
        self.values[TIME] = time
        self.stamps = dict.fromkeys(self.values, 0)
        self.clock = 0

    def put(self, index: int, value: Tensor) -> None:
        """Give a variable another value."""
        if self.values[index] is not value:
            self.clock += 1
            self.values[index], self.stamps[index] = value, self.clock

    def stamp(self, variables: Variables) -> int:
        """When one of the variables changed last."""
        stamps = self.stamps
        return max([stamps[index] for index in variables]) if variables else 0

    def variable(self, index: int) -> Row:
        """A variable as a row."""
        form = Form(frozenset((index,)), {}, None, lambda asked: self.one)
        row = Row(self, form, lambda: self.values[index])
        row.used = 1  # the state is never changed in place
        return row


class Row:
    """A value ``[*batch, units]``, or one that broadcasts to it, that knows how it came about."""

    __slots__ = ("_evaluate", "_kept", "_stamp", "form", "tape", "used")
    __array_ufunc__ = None  # numpy leaves the operation to us

    def __init__(self, tape: Tape, form: Form, evaluate: Callable[[], Any]) -> None:
        self.tape, self.form, self._evaluate = tape, form, evaluate
        self.used = 0
        self._kept: Any = None
        self._stamp = -1

    def value(self) -> Any:
        """The plain value, with the variables as they are now."""
        # What is asked for once need not be kept: memory that is fresh costs more than the operation.
        if self.used < 2:
            return self._evaluate()
        stamp = self.tape.stamp(self.form.depends)
        if self._stamp != stamp:
            self._kept, self._stamp = self._evaluate(), stamp
        return self._kept

    def rate(self, index: int) -> Tensor | None:
        """The coefficient of a variable; None for zero."""
        return self.form.rate(index) if index in self.form.depends else None

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        return _apply(func, tuple(args), dict(kwargs or {}))

    @property
    def shape(self) -> torch.Size:
        """The shape of the value."""
        return torch.Size(self.value().shape)

    @property
    def ndim(self) -> int:
        """The number of its dimensions."""
        return len(self.shape)

    @property
    def dtype(self) -> torch.dtype:
        """Its dtype."""
        kind: torch.dtype = self.value().dtype
        return kind

    @property
    def device(self) -> torch.device:
        """Its device."""
        place: torch.device = self.value().device
        return place

    def __getattr__(self, name: str) -> Any:
        return method(self, name)

    def __getitem__(self, index: Any) -> Any:
        return _apply(torch.Tensor.__getitem__, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        leak("an assignment into its elements")

    def __iter__(self) -> NoReturn:
        leak("a loop over units")

    def __len__(self) -> NoReturn:
        leak("a loop over units")

    def __bool__(self) -> NoReturn:
        leak("a branch on a value")

    def __float__(self) -> NoReturn:
        leak("a value taken out of its tensor")

    __int__ = __index__ = __complex__ = __float__

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        leak("a call of numpy")

    __hash__ = object.__hash__


_FORBIDDEN = frozenset({"item", "tolist", "numpy", "data", "grad", "data_ptr", "storage", "untyped_storage"})


def method(value: Any, name: str) -> Any:
    """A method of tensors for a tracked value."""
    if name in _FORBIDDEN:
        leak(f"the use of .{name}")
    if name.startswith("__"):  # what copy, pickle and their like look for
        raise AttributeError(name)
    function = getattr(torch.Tensor, name, None)
    if function is None:
        raise AttributeError(f"'Tensor' object has no attribute {name!r}")
    if not callable(function):
        leak(f"the use of .{name}")
    return lambda *args, **kwargs: _apply(function, (value, *args), kwargs)


def leak(what: str) -> NoReturn:
    """Give up: from here on the value could go anywhere."""
    raise StructureError(f"it has {what}, which cannot be followed")


def _apply(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    tape = _tape_of(args) or _tape_of(kwargs.values())
    return function(*args, **kwargs) if tape is None else tape.apply(function, args, kwargs)


def _tape_of(operands: Iterable[Any]) -> Tape | None:
    for each in operands:
        # A row or a stack of rows: both have one.
        found = _tape_of(each) if isinstance(each, (tuple, list)) else getattr(each, "tape", None)
        if isinstance(found, Tape):
            return found
    return None


def _in_place(function: Any, value: Any, other: Any) -> Any:
    # What was computed from the value before must not see the change; so it is allowed only before.
    if not isinstance(value, Row) or value.used:
        leak("an operation in place")
    old = Row(value.tape, value.form, value._evaluate)
    new = _apply(function, (old, other), {})
    if not isinstance(new, Row):
        leak("an operation in place")
    value.form, value._evaluate, value._stamp = new.form, new._evaluate, -1
    return value


_OPERATORS = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor")
_COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")
_SIGNS = ("neg", "pos", "abs", "invert")


def equip(kind: type) -> None:
    """Give a tracked class the operators of Python."""
    for name in (*_OPERATORS, *_COMPARISONS):
        function = getattr(operator, f"__{name}__")
        setattr(kind, f"__{name}__", lambda self, other, f=function: _apply(f, (self, other), {}))
        if name in _OPERATORS:
            setattr(kind, f"__r{name}__", lambda self, other, f=function: _apply(f, (other, self), {}))
            setattr(kind, f"__i{name}__", lambda self, other, f=function: _in_place(f, self, other))
    for name in _SIGNS:
        function = getattr(operator, f"__{name}__")
        setattr(kind, f"__{name}__", lambda self, f=function: _apply(f, (self,), {}))


equip(Row)
