"""torch's operations that are more than one of the table: what each is on nodes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from .expression import Node
from .lanes import Call, Lanes
from .refusal import Refusal


def _sum(sign: float) -> Callable[..., Any]:
    def rule(self: Lanes, call: Call, one: Any, other: Any, *, alpha: Any = 1) -> Any:
        if alpha == 1:
            return self.each("add" if sign > 0 else "sub", one, other)
        one, other = self.array(one), self.array(other)
        # torch adds a multiple with one rounding.
        factor = self.array(sign * alpha)
        return self.apply(lambda x, y, a: self.node("fma", y, a, x), one, other, factor)

    return rule


def _reversed_sub(self: Lanes, call: Call, one: Any, other: Any, alpha: Any = 1) -> Any:
    return _sum(-1.0)(self, call, other, one, alpha=alpha)


def _product_added(self: Lanes, call: Call, start: Any, one: Any, other: Any, *, value: float = 1.0) -> Any:
    if value != 1:
        one = self.each("mul", one, value)
    parts = [self.array(each) for each in (one, other, start)]
    return self.apply(lambda *nodes: self.node("fma", *nodes), *parts)


def _where(self: Lanes, call: Call, condition: Any, one: Any, other: Any) -> Any:
    kind = self.type_of(call.dtype)
    parts = [self.array(each, kind) for each in (condition, one, other)]
    return self.apply(lambda *nodes: self.node("where", *nodes), *parts)


def _power(self: Lanes, call: Call, base: Any, exponent: Any) -> Any:
    if exponent in (2, 3):
        square = self.each("mul", base, base)
        return square if exponent == 2 else self.each("mul", square, base)
    if exponent == 0.5:
        return self.each("sqrt", base)
    if exponent == -1:
        return self.each("div", 1.0, base)
    if isinstance(exponent, (int, float)) and exponent in range(4, 17):
        # By products, each of half of those before: as right as a logarithm and an exponential.
        half = _power(self, call, base, int(exponent) // 2)
        square = self.each("mul", half, half)
        return self.each("mul", square, base) if exponent % 2 else square
    return self.each("pow", base, exponent if isinstance(exponent, np.ndarray) else float(exponent))


def _clamp(self: Lanes, call: Call, value: Any, min: Any = None, max: Any = None) -> Any:  # noqa: A002
    kind = self.type_of(call.dtype)
    for bound, compare in ((min, "lt"), (max, "gt")):
        if bound is not None:
            limit = self.array(bound, kind)
            value = self.apply(
                lambda x, b, compare=compare: self.node("where", self.node(compare, x, b), b, x), value, limit
            )
    return value


def _nan_to_num(
    self: Lanes, call: Call, value: Any, nan: float | None = None, posinf: Any = None, neginf: Any = None
) -> Any:
    limits = torch.finfo(self.dtype)
    high = self.array(limits.max if posinf is None else posinf)
    low = self.array(limits.min if neginf is None else neginf)
    infinite, least = self.array(math.inf), self.array(-math.inf)
    number = self.array(0.0 if nan is None else nan)

    def one(x: Node, h: Node, lo: Node, n: Node, top: Node, bottom: Node) -> Node:
        inner = self.node("where", self.node("eq", x, bottom), lo, x)
        inner = self.node("where", self.node("eq", x, top), h, inner)
        # What is finite is as it was; said so that it can be seen.
        kept = self.node("where", self.node("ne", x, x), n, inner)
        return self.node("where", self.builder.make("isfinite", "b", x), x, kept)

    return self.apply(one, value, high, low, number, infinite, least)


def _cast(self: Lanes, call: Call, value: Any, *_: Any, dtype: Any = None, **__: Any) -> Any:
    kind = self.type_of(call.dtype)
    return self.apply(lambda x: self.cast(x, kind), value)


def _full(self: Lanes, call: Call, *arguments: Any, **__: Any) -> Any:
    value = next(part for part in reversed(arguments) if isinstance(part, (bool, int, float)))
    kind = self.type_of(call.dtype)
    return np.broadcast_to(self.array(value, kind), self.shape_of(call))


def _filled(value: float) -> Callable[..., Any]:
    def rule(self: Lanes, call: Call, *_: Any, **__: Any) -> Any:
        return np.broadcast_to(self.array(value, self.type_of(call.dtype)), self.shape_of(call))

    return rule


def _reduced(operation: str) -> Callable[..., Any]:
    def rule(self: Lanes, call: Call, value: Any, dim: Any = None, keepdim: bool = False, **_: Any) -> Any:
        dims = [dim] if isinstance(dim, int) else list(range(value.ndim)) if not dim else list(dim)
        dims = [each % value.ndim for each in dims]
        units = call.before
        if any(units[each] == self.units for each in dims):
            raise Refusal("units are summed or compared with one another within the model")
        for each in sorted(dims, reverse=True):
            slices = [np.take(value, index, axis=each) for index in range(value.shape[each])]
            total = slices[0] if isinstance(slices[0], np.ndarray) else _wrapped(slices[0])
            for part in slices[1:]:
                part = part if isinstance(part, np.ndarray) else _wrapped(part)
                total = self.apply(lambda x, y: self.node(operation, x, y), total, part)
            value = np.expand_dims(total, each) if keepdim else total
        return value

    return rule


def _wrapped(node: Any) -> Any:
    found = np.empty((), dtype=object)
    found[()] = node
    return found


def _unbind(self: Lanes, call: Call, value: Any, dim: int = 0) -> Any:
    self_units = call.before[dim]
    if self_units == self.units:
        raise Refusal("units are taken apart within the model")
    return [_like_array(np.take(value, index, axis=dim)) for index in range(value.shape[dim])]


def _like_array(value: Any) -> Any:
    return value if isinstance(value, np.ndarray) else _wrapped(value)


def _select(self: Lanes, call: Call, value: Any, dim: int, index: int) -> Any:
    if call.before[dim] == self.units:
        raise Refusal("a unit is singled out within the model")
    return _like_array(np.take(value, index, axis=dim))


def _slice(
    self: Lanes, call: Call, value: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1
) -> Any:
    size = call.before[dim]
    if size == self.units:
        if (start or 0) == 0 and (end is None or end >= size) and step == 1:
            return value
        raise Refusal("some units are singled out within the model")
    chosen = [slice(None)] * value.ndim
    chosen[dim] = slice(start, end, step)
    return value[tuple(chosen)]


def _stack(self: Lanes, call: Call, parts: list[Any], dim: int = 0) -> Any:
    return np.stack(np.broadcast_arrays(*parts), axis=dim)


def _cat(self: Lanes, call: Call, parts: list[Any], dim: int = 0) -> Any:
    if call.shape[dim] >= self.units:
        raise Refusal("units are strung together within the model")
    return np.concatenate(parts, axis=dim)


def _reshaped(self: Lanes, call: Call, value: Any, *_: Any, **__: Any) -> Any:
    before, after = call.before, call.shape
    if (self.units in before) != (self.units in after) or (
        self.units in before and (before[-1] != self.units or after[-1] != self.units)
    ):
        raise Refusal("units are put in another order within the model")
    return value.reshape(self.shape_of(call))


def _expand(self: Lanes, call: Call, value: Any, *_: Any, **__: Any) -> Any:
    return np.broadcast_to(value, self.shape_of(call))


def _unsqueeze(self: Lanes, call: Call, value: Any, dim: int) -> Any:
    return np.expand_dims(value, dim if dim >= 0 else value.ndim + 1 + dim)


def _same(self: Lanes, call: Call, value: Any, *_: Any, **__: Any) -> Any:
    return value


def _square(self: Lanes, call: Call, value: Any) -> Any:
    return self.each("mul", value, value)


def _reciprocal(self: Lanes, call: Call, value: Any) -> Any:
    return self.each("div", 1.0, value)


def _relu(self: Lanes, call: Call, value: Any) -> Any:
    return _clamp(self, call, value, 0)


def _absolute(self: Lanes, call: Call, value: Any) -> Any:
    return self.each("abs", value)


def _isfinite(self: Lanes, call: Call, value: Any) -> Any:
    return self.apply(lambda x: self.builder.make("isfinite", "b", x), value)


def _isnan(self: Lanes, call: Call, value: Any) -> Any:
    return self.apply(lambda x: self.node("ne", x, x), value)


def _softplus(self: Lanes, call: Call, value: Any, beta: float = 1, threshold: float = 20) -> Any:
    scaled = self.each("mul", value, float(beta))
    soft = self.each("div", self.each("log1p", self.each("exp", scaled)), float(beta))
    return self.apply(
        lambda c, x, y: self.node("where", c, x, y), self.each("gt", scaled, float(threshold)), value, soft
    )


def _sign(self: Lanes, call: Call, value: Any) -> Any:
    above, below = self.each("gt", value, 0.0), self.each("lt", value, 0.0)
    lower = self.apply(lambda c, x, y: self.node("where", c, x, y), below, self.array(-1.0), self.array(0.0))
    return self.apply(lambda c, x, y: self.node("where", c, x, y), above, self.array(1.0), lower)


def _tanh_backward(self: Lanes, call: Call, cotangent: Any, value: Any) -> Any:
    return self.each("mul", cotangent, self.each("sub", 1.0, self.each("mul", value, value)))


def _sigmoid_backward(self: Lanes, call: Call, cotangent: Any, value: Any) -> Any:
    return self.each("mul", self.each("mul", cotangent, self.each("sub", 1.0, value)), value)


def _threshold_backward(self: Lanes, call: Call, cotangent: Any, x: Any, limit: float) -> Any:
    return _where(self, call, self.each("le", x, float(limit)), 0.0, cotangent)


def _softplus_backward(self: Lanes, call: Call, cotangent: Any, x: Any, beta: float, threshold: float) -> Any:
    scaled = self.each("mul", x, float(beta))
    rise = self.each("exp", scaled)
    soft = self.each("div", self.each("mul", cotangent, rise), self.each("add", rise, 1.0))
    return _where(self, call, self.each("gt", scaled, float(threshold)), cotangent, soft)


def _hardtanh_backward(self: Lanes, call: Call, cotangent: Any, x: Any, low: float, high: float) -> Any:
    outside = self.each("or", self.each("le", x, float(low)), self.each("ge", x, float(high)))
    return _where(self, call, outside, 0.0, cotangent)


RULES: dict[str, Callable[..., Any]] = {
    "add": _sum(1.0),
    "sub": _sum(-1.0),
    "rsub": _reversed_sub,
    "addcmul": _product_added,
    "where": _where,
    "masked_fill": lambda self, call, value, mask, new: _where(self, call, mask, new, value),
    "pow": _power,
    "clamp": _clamp,
    "clamp_min": lambda self, call, value, bound: _clamp(self, call, value, bound),
    "clamp_max": lambda self, call, value, bound: _clamp(self, call, value, None, bound),
    "nan_to_num": _nan_to_num,
    "_to_copy": _cast,
    "scalar_tensor": _full,
    "full": _full,
    "full_like": _full,
    "zeros_like": _filled(0.0),
    "ones_like": _filled(1.0),
    "zeros": _filled(0.0),
    "ones": _filled(1.0),
    "all": _reduced("and"),
    "any": _reduced("or"),
    "sum": _reduced("add"),
    "unbind": _unbind,
    "select": _select,
    "slice": _slice,
    "stack": _stack,
    "cat": _cat,
    "view": _reshaped,
    "_unsafe_view": _reshaped,
    "reshape": _reshaped,
    "squeeze": _reshaped,
    "expand": _expand,
    "unsqueeze": _unsqueeze,
    "clone": _same,
    "detach": _same,
    "alias": _same,
    "lift_fresh_copy": _same,
    "lift_fresh": _same,
    "square": _square,
    "reciprocal": _reciprocal,
    "relu": _relu,
    "abs": _absolute,
    "isfinite": _isfinite,
    "isnan": _isnan,
    "softplus": _softplus,
    "sgn": _sign,
    "sign": _sign,
    # Of derivatives that autograd takes: a surrogate's.
    "tanh_backward": _tanh_backward,
    "sigmoid_backward": _sigmoid_backward,
    "threshold_backward": _threshold_backward,
    "softplus_backward": _softplus_backward,
    "hardtanh_backward": _hardtanh_backward,
    "hardtanh": lambda self, call, value, low=-1.0, high=1.0: _clamp(self, call, value, low, high),
    "new_zeros": _filled(0.0),
    "new_ones": _filled(1.0),
}
"""torch's operation -> what it is here."""
