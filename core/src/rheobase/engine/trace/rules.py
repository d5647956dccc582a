"""The operations that keep a value affine, and what they do to its coefficients.

A rule takes the operands and gives a :class:`~.tracked.Form`, or None where the operation is used in a
way that it does not know. Whatever has no rule is taken as bending in all that it depends on.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import Tensor

from .tracked import CONSTANT, Form, Reason, Row, Variables, _apply

Rule: TypeAlias = "Callable[..., Form | None]"


def form_of(value: Any) -> Form:
    """What is known of an operand."""
    return value.form if isinstance(value, Row) else CONSTANT


def plain(value: Any) -> Any:
    """An operand's value."""
    return value.value() if isinstance(value, Row) else value


def bent(operands: list[Any], text: str) -> Form:
    """The form of a value that is not affine in any variable that it depends on."""
    if len(operands) == 1:
        form = form_of(operands[0])
        reason = Reason(text, (form.depends,))
        # What was bent before has its reason already.
        bends = {index: form.bends.get(index, reason) for index in form.depends}
        return Form(form.depends, bends, form.joint or reason, _no_rate)
    forms = [form_of(each) for each in operands]
    depends: Variables = frozenset().union(*(form.depends for form in forms))
    reason = Reason(text, (depends,))
    bends = dict.fromkeys(depends, reason)
    for form in forms:
        bends.update(form.bends)
    joint = next((form.joint for form in forms if form.joint is not None), reason)
    return Form(depends, bends, joint, _no_rate)


def _no_rate(index: int) -> None:
    return None


def _joined(one: Form, two: Form) -> Variables:
    # Most values have the variables of one of their operands; sets and mappings are shared where they can be.
    if two.depends <= one.depends:
        return one.depends
    return two.depends if one.depends <= two.depends else one.depends | two.depends


def _merged(one: Mapping[int, Reason], two: Mapping[int, Reason]) -> Mapping[int, Reason]:
    if not two or one is two:
        return one
    return {**two, **one} if one else two


def _add(a: Any, b: Any, *, alpha: Any = 1, sign: int = 1) -> Form | None:
    if isinstance(alpha, Row):
        return None
    one, two = form_of(a), form_of(b)
    rate = partial(_add_rate, a, b, alpha, sign)
    return Form(_joined(one, two), _merged(one.bends, two.bends), one.joint or two.joint, rate)


def _add_rate(a: Any, b: Any, alpha: Any, sign: int, index: int) -> Tensor | None:
    first, second = _rate(a, index), _rate(b, index)
    if second is None:
        return first
    if not (isinstance(alpha, (int, float)) and alpha == 1):
        second = alpha * second
    if first is None:
        return second if sign > 0 else -second
    return first + second if sign > 0 else first - second


def _sub(a: Any, b: Any, *, alpha: Any = 1) -> Form | None:
    return _add(a, b, alpha=alpha, sign=-1)


def _rsub(a: Any, b: Any, *, alpha: Any = 1) -> Form | None:
    return _sub(b, a, alpha=alpha)


def _neg(a: Any) -> Form | None:
    return _sub(0.0, a)


def _mul(a: Any, b: Any) -> Form:
    one, two = form_of(a), form_of(b)
    for each in (a, b):
        if isinstance(each, Row):
            each.used += 1  # by the coefficient of the other
    bends, joint = _merged(one.bends, two.bends), one.joint or two.joint
    if one.depends and two.depends:
        product = _product(one.depends, two.depends)
        joint = joint or product
        both = one.depends & two.depends
        if both:
            bends = {**dict.fromkeys(both, product), **bends}
    return Form(_joined(one, two), bends, joint, partial(_mul_rate, a, b))


def _mul_rate(a: Any, b: Any, index: int) -> Tensor | None:
    factor, other = (a, b) if index in form_of(a).depends else (b, a)
    value = _rate(factor, index)
    return None if value is None else value * plain(other)


def _product(one: Variables, two: Variables) -> Reason:
    if one == two and len(one) == 1:
        return Reason("a product of {} with itself", (one,))
    return Reason("a product of {} with {}", (one, two))


def _div(a: Any, b: Any, *, rounding_mode: Any = None) -> Form | None:
    if rounding_mode is not None:
        return None
    one, two = form_of(a), form_of(b)
    bends, joint = _merged(one.bends, two.bends), one.joint or two.joint
    if isinstance(b, Row):
        b.used += 1
        under = Reason("a division by {}", (two.depends,))
        joint = joint or under
        bends = {**dict.fromkeys(two.depends, under), **bends}
    return Form(_joined(one, two), bends, joint, partial(_div_rate, a, b))


def _div_rate(a: Any, b: Any, index: int) -> Tensor | None:
    value = _rate(a, index)
    return None if value is None else value / plain(b)


def _where(condition: Any, a: Any = None, b: Any = None, **names: Any) -> Form | None:
    a, b = names.get("input", a), names.get("other", b)
    if a is None or b is None:
        return None
    one, two = form_of(a), form_of(b)
    depends, bends, joint = _joined(one, two), _merged(one.bends, two.bends), one.joint or two.joint
    if isinstance(condition, Row):
        condition.used += 1
        choice = condition.form.depends
        by = Reason("a selection by {}", (choice,))
        depends, bends, joint = depends | choice, {**bends, **dict.fromkeys(choice, by)}, by
    return Form(depends, bends, joint, partial(_where_rate, condition, a, b))


def _where_rate(condition: Any, a: Any, b: Any, index: int) -> Tensor | None:
    first, second = _rate(a, index), _rate(b, index)
    if first is None and second is None:
        return None
    return torch.where(plain(condition), 0.0 if first is None else first, 0.0 if second is None else second)


def _masked_fill(a: Any, mask: Any, value: Any) -> Form | None:
    return _where(mask, value, a)


def _addcmul(a: Any, b: Any, c: Any, *, value: Any = 1) -> Form | None:
    return _add(a, _apply(operator.mul, (b, c), {}), alpha=value)


def _addcdiv(a: Any, b: Any, c: Any, *, value: Any = 1) -> Form | None:
    return _add(a, _apply(operator.truediv, (b, c), {}), alpha=value)


def _lerp(a: Any, b: Any, weight: Any) -> Form | None:
    span = _apply(operator.sub, (b, a), {})
    return _add(a, _apply(operator.mul, (weight, span), {}))


def _same(a: Any, *args: Any, **kwargs: Any) -> Form | None:
    # Shape and dtype change; the coefficients broadcast, and are cast at the end.
    return None if any(isinstance(each, Row) for each in (*args, *kwargs.values())) else form_of(a)


def _expand_as(a: Any, other: Any) -> Form | None:
    return form_of(a)


def _to(a: Any, *args: Any, **kwargs: Any) -> Form | None:
    given = (*args, *kwargs.values())
    kinds = [each for each in given if isinstance(each, torch.dtype)]
    kinds += [each.dtype for each in given if isinstance(each, Tensor)]
    if any(not kind.is_floating_point for kind in kinds):
        return None  # to whole numbers: it rounds
    return _same(a, *args, **kwargs)


def _pow(a: Any, exponent: Any) -> Form | None:
    return form_of(a) if isinstance(exponent, (int, float)) and exponent == 1 else None


def _rate(value: Any, index: int) -> Tensor | None:
    return value.rate(index) if isinstance(value, Row) else None


def _named(rule: Rule, *names: str) -> dict[Any, Rule]:
    """The functions of torch and methods of tensors with these names."""
    homes = (torch, torch.Tensor)
    return {getattr(home, name): rule for home in homes for name in names if hasattr(home, name)}


RULES: Mapping[Any, Rule] = {
    operator.add: _add,
    operator.sub: _sub,
    operator.mul: _mul,
    operator.truediv: _div,
    operator.neg: _neg,
    operator.pos: _same,
    operator.pow: _pow,
    **_named(_add, "add", "__add__", "__radd__"),
    **_named(_sub, "sub", "subtract", "__sub__"),
    **_named(_rsub, "rsub", "__rsub__"),
    **_named(_mul, "mul", "multiply", "__mul__", "__rmul__"),
    **_named(_div, "div", "divide", "true_divide", "__truediv__"),
    **_named(_neg, "neg", "negative", "__neg__"),
    **_named(_pow, "pow", "__pow__"),
    **_named(_addcmul, "addcmul"),
    **_named(_addcdiv, "addcdiv"),
    **_named(_lerp, "lerp"),
    **_named(_masked_fill, "masked_fill"),
    **_named(_same, "positive", "clone", "detach", "contiguous", "broadcast_to", "expand"),
    **_named(_expand_as, "expand_as"),
    **_named(_to, "to", "float", "double"),
    torch.where: _where,
}
"""The operations with a rule. ``Tensor.where`` has another order of operands, so none."""
