"""An operation of torch on tracked values: its form by rule, its value when it is asked for."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ...errors import StructureError
from .rules import RULES, bent, plain
from .stack import Stack, apply_stacked
from .tracked import Row, leak


def _functions(names: str) -> frozenset[Any]:
    homes = (torch, torch.Tensor, torch.special, torch.nn.functional, operator)
    return frozenset(getattr(home, name) for home in homes for name in names.split() if hasattr(home, name))


# What looks at the shape, dtype and device only.
_SHAPELY = _functions(
    "zeros_like ones_like full_like empty_like rand_like randn_like new_zeros new_ones new_full new_empty "
    "new_tensor size dim numel nelement element_size is_floating_point is_complex is_signed result_type "
    "is_contiguous stride get_device"
)

# What works on one element at a time, so that its value can wait.
ELEMENTWISE = _functions(
    "exp exp2 expm1 log log2 log10 log1p sin cos tan sinh cosh tanh asin acos atan atan2 sigmoid logit "
    "sqrt rsqrt square reciprocal abs sign sgn relu elu selu gelu silu softplus logsigmoid tanhshrink erf "
    "erfc expit exprel sinc clamp clip clamp_min clamp_max maximum minimum fmax fmin floor ceil round trunc "
    "frac fmod remainder floor_divide hypot logaddexp xlogy nan_to_num heaviside lt le gt ge eq ne less "
    "less_equal greater greater_equal not_equal logical_and logical_or logical_not logical_xor bitwise_and "
    "bitwise_or bitwise_not bitwise_xor isfinite isnan isinf bool "
    "__lt__ __le__ __gt__ __ge__ __eq__ __ne__ __and__ __or__ __xor__ __invert__ __abs__ __mod__ "
    "__pow__ __rpow__ pow __rtruediv__ __floordiv__ mod floordiv and_ or_ xor invert inv"
) | frozenset(RULES)

_TITLES = {
    **dict.fromkeys(("lt", "le", "gt", "ge", "eq", "ne", "less", "greater"), "a comparison of {}"),
    "pow": "a power of {}",
    "square": "a square of {}",
}


def apply(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Apply a function to operands of which some are tracked.

    Returns:
        A tracked value, or several; the plain result where it looks at no values.

    Raises:
        StructureError: If the result would leave what can be followed: a change in place, a Python number.
    """
    quick = _quickly(function, args) if not kwargs else None
    if quick is not None:
        return quick
    name: str = getattr(function, "__name__", "an unknown function")
    bare = name.strip("_")
    written = (name.endswith("_") and not name.endswith("__") and function not in ELEMENTWISE) or (
        name == "__setitem__" or kwargs.get("out") is not None or kwargs.get("inplace")
    )
    if written:
        leak("an operation in place" if name != "__setitem__" else "an assignment into elements")
    operands = list(_tracked((args, kwargs)))
    if not operands:
        return function(*args, **kwargs)
    if function in _SHAPELY:
        return function(*_plain(args), **_plain(kwargs))
    wide = function in ELEMENTWISE and _too_wide(operands[0], (args, kwargs))
    if wide or any(isinstance(each, Stack) for each in operands) or function in _STACKING:
        return apply_stacked(function, args, kwargs, apply, elementwise=function in ELEMENTWISE)
    for operand in operands:
        operand.used += 1
    form = None
    if function in RULES:
        try:
            form = RULES[function](*args, **kwargs)
        except TypeError:  # called in a way that the rule does not know
            form = None
    tape = operands[0].tape
    evaluate = _later(function, args, kwargs)
    if form is not None:
        return Row(tape, form, evaluate)
    form = bent(operands, _TITLES.get(bare, bare + " of {}"))
    row = Row(tape, form, evaluate)
    if function in ELEMENTWISE:
        return row
    return _opened(row, name)


def _quickly(function: Any, args: tuple[Any, ...]) -> Row | None:
    """The usual case in less time: rows, numbers, and tensors of no more dimensions than rows."""
    tape, versions = None, None
    for each in args:
        kind = type(each)
        if kind is Row:
            tape = each.tape
        elif kind is Tensor:
            versions = _NONE
        elif kind is not float and kind is not int:
            return None
    if tape is None or function not in ELEMENTWISE:
        return None
    if versions is not None:
        most = len(tape.shape)
        if any(type(each) is Tensor and each.ndim > most for each in args):
            return None
        versions = _versions(args)
    for each in args:
        if type(each) is Row:
            each.used += 1
    rule = RULES.get(function)
    form = None if rule is None else rule(*args)
    if form is None:
        bare: str = function.__name__.strip("_")
        form = bent([each for each in args if type(each) is Row], _TITLES.get(bare, bare + " of {}"))
    return Row(tape, form, partial(_value, function, args, versions))


_NONE: tuple[Any, ...] = ()


def _value(function: Any, args: tuple[Any, ...], versions: Any) -> Any:
    if versions is not None:
        _check(versions)
    return function(*[each.value() if type(each) is Row else each for each in args])


def _versions(where: Any) -> Any:
    return [(each, each._version) for each in _tensors(where) if not each.is_inference()]


def _check(versions: Any) -> None:
    for tensor, version in versions:
        if tensor._version != version:
            raise StructureError("it has a tensor that is changed in place, which cannot be followed")


_STACKING = _functions("stack cat unsqueeze getitem __getitem__")


def _opened(row: Row, name: str) -> Any:
    """What a function that is not known gives: its value tells what kind of thing that is."""
    value = row.value()
    if isinstance(value, Tensor):
        if value.ndim == len(row.tape.shape) + 1:
            return Stack([_entry(row, place) for place in range(len(value))])
        return row
    if isinstance(value, (tuple, list)) and all(isinstance(each, Tensor) for each in value):
        return tuple(_opened(_entry(row, place), name) for place in range(len(value)))
    leak(f"the use of {name}")


def _entry(row: Row, place: int) -> Row:
    return Row(row.tape, row.form, lambda: row.value()[place])


def _too_wide(first: Any, where: Any) -> bool:
    """Whether a plain operand has the dimension of the variables, which rows lack."""
    if isinstance(where, dict):
        return any(_too_wide(first, each) for each in where.values())
    if isinstance(where, tuple):
        return any(_too_wide(first, each) for each in where)
    return isinstance(where, Tensor) and where.ndim > len(first.tape.shape)


def _later(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[[], Any]:
    versions = _versions((args, kwargs))

    def evaluate() -> Any:
        _check(versions)
        return function(*_plain(args), **_plain(kwargs))

    return evaluate


def _tracked(where: Any) -> Any:
    if isinstance(where, (Row, Stack)):
        yield where
    elif isinstance(where, (tuple, list)):
        for each in where:
            yield from _tracked(each)
    elif isinstance(where, dict):
        yield from _tracked(list(where.values()))


def _tensors(where: Any) -> Any:
    if isinstance(where, Tensor):
        yield where
    elif isinstance(where, (tuple, list)):
        for each in where:
            yield from _tensors(each)
    elif isinstance(where, dict):
        yield from _tensors(list(where.values()))


def _plain(where: Any) -> Any:
    if isinstance(where, Stack):
        return where.value()
    if isinstance(where, tuple) and type(where) is tuple:
        return tuple(_plain(each) for each in where)
    if isinstance(where, list):
        return [_plain(each) for each in where]
    if isinstance(where, dict):
        return {name: _plain(each) for name, each in where.items()}
    return plain(where)
