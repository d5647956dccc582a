"""A pass over a graph: in which of its leaves a value is affine, by the rules of its operations.

Numbers are not tried, so what is told holds for all states. Coefficients are computed when they are asked
for.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from .graph import TIME, Leaves, Node, plain


class Reason(NamedTuple):
    """Why something is not affine: a text with gaps, and the leaves that fill them."""

    text: str
    leaves: tuple[Leaves, ...]

    def tell(self, names: Sequence[str]) -> str:
        """The reason in words, with the names of the state's variables."""
        words = [
            " and ".join("time" if number == TIME else names[number] for number in sorted(each))
            for each in self.leaves
        ]
        return self.text.format(*words)


class Form(NamedTuple):
    """What is known of a value without computing it.

    Attributes:
        bends: The leaves in which it is not affine while the others stand still, each with why.
        joint: Why it is not affine in all of them together; None where it is.
        rate: The coefficient of a leaf; None for zero. It is asked only for leaves it depends on and does not
            bend in.
    """

    bends: Mapping[int, Reason]
    joint: Reason | None
    rate: Callable[[int], Tensor | None]


Rule: TypeAlias = "Callable[..., Form | None]"
"""Takes the operands, nodes whose form is known among them; None: used in a way that it does not know."""


def _no_rate(number: int) -> None:
    return None


_CONSTANT = Form({}, None, _no_rate)
_NOWHERE: Leaves = frozenset()


def _form_of(operand: Any) -> Form:
    form: Form = operand.form if type(operand) is Node else _CONSTANT
    return form


def _leaves(operand: Any) -> Leaves:
    return operand.leaves if type(operand) is Node else _NOWHERE


def _rate(operand: Any, number: int) -> Tensor | None:
    return rate_of(operand, number) if type(operand) is Node else None


def rate_of(node: Node, number: int) -> Tensor | None:
    """The coefficient of a leaf in a value whose form is known; None for zero."""
    rate: Tensor | None = node.form.rate(number) if number in node.leaves else None
    return rate


def form_of(node: Node, table: Mapping[Any, Any]) -> Form:
    """What is known of a value without computing it.

    Args:
        node: The value.
        table: The operations: the rule and the title of each, if there are any.
    """
    if node.form is None:
        if node.operation is None:
            one = node.graph.one
            node.form = Form({}, None, lambda number: one)
        else:
            operands = node.parts()
            for operand in operands:
                if operand.form is None:
                    form_of(operand, table)
            entry = table.get(node.operation)
            rule = None if entry is None else entry.affine
            try:
                form = None if rule is None else rule(*node.arguments, **(node.options or {}))
            except TypeError:  # called in a way that the rule does not know
                form = None
            node.form = form or _bent(node.leaves, operands, title_of(node.operation, entry))
    form_: Form = node.form
    return form_


def title_of(operation: Any, entry: Any) -> str:
    """How an operation is called in a reason."""
    if entry is not None and entry.title:
        return str(entry.title)
    return str(getattr(operation, "__name__", "an unknown function")).strip("_") + " of {}"


def _bent(leaves: Leaves, operands: Sequence[Node], text: str) -> Form:
    """The form of a value that is not affine in any leaf that it depends on."""
    reason = Reason(text, (leaves,))
    bends, joint = dict.fromkeys(leaves, reason), None
    for each in operands:
        # What was bent before has its reason already.
        bends.update(each.form.bends)
        joint = joint or each.form.joint
    return Form(bends, joint or reason, _no_rate)


def _merged(one: Mapping[int, Reason], two: Mapping[int, Reason]) -> Mapping[int, Reason]:
    # Shared where they can be.
    if not two or one is two:
        return one
    return {**two, **one} if one else two


# --- the rules ----------------------------------------------------------------------------------------


def add(a: Any, b: Any, *, alpha: Any = 1, sign: int = 1) -> Form | None:
    """``a + alpha b``."""
    if type(alpha) is Node:
        return None
    one, two = _form_of(a), _form_of(b)
    rate = partial(_add_rate, a, b, alpha, sign)
    return Form(_merged(one.bends, two.bends), one.joint or two.joint, rate)


def _add_rate(a: Any, b: Any, alpha: Any, sign: int, number: int) -> Tensor | None:
    first, second = _rate(a, number), _rate(b, number)
    if second is None:
        return first
    if not (isinstance(alpha, (int, float)) and alpha == 1):
        second = alpha * second
    if first is None:
        return second if sign > 0 else -second
    return first + second if sign > 0 else first - second


def sub(a: Any, b: Any, *, alpha: Any = 1) -> Form | None:
    """``a - alpha b``."""
    return add(a, b, alpha=alpha, sign=-1)


def rsub(a: Any, b: Any, *, alpha: Any = 1) -> Form | None:
    """``b - alpha a``."""
    return sub(b, a, alpha=alpha)


def neg(a: Any) -> Form | None:
    """``-a``."""
    return sub(0.0, a)


def mul(a: Any, b: Any) -> Form:
    """``a b``."""
    one, two = _form_of(a), _form_of(b)
    for each in (a, b):
        if type(each) is Node:
            each.uses += 1  # by the coefficient of the other
    bends, joint = _merged(one.bends, two.bends), one.joint or two.joint
    left, right = _leaves(a), _leaves(b)
    if left and right:
        product = _product(left, right)
        joint = joint or product
        both = left & right
        if both:
            bends = {**dict.fromkeys(both, product), **bends}
    return Form(bends, joint, partial(_mul_rate, a, b))


def _mul_rate(a: Any, b: Any, number: int) -> Tensor | None:
    factor, other = (a, b) if number in _leaves(a) else (b, a)
    value = _rate(factor, number)
    return None if value is None else value * plain(other)


def _product(one: Leaves, two: Leaves) -> Reason:
    if one == two and len(one) == 1:
        return Reason("a product of {} with itself", (one,))
    return Reason("a product of {} with {}", (one, two))


def div(a: Any, b: Any, *, rounding_mode: Any = None) -> Form | None:
    """``a / b``."""
    if rounding_mode is not None:
        return None
    one, two = _form_of(a), _form_of(b)
    bends, joint = _merged(one.bends, two.bends), one.joint or two.joint
    if type(b) is Node:
        b.uses += 1
        under = Reason("a division by {}", (b.leaves,))
        joint = joint or under
        bends = {**dict.fromkeys(b.leaves, under), **bends}
    return Form(bends, joint, partial(_div_rate, a, b))


def _div_rate(a: Any, b: Any, number: int) -> Tensor | None:
    value = _rate(a, number)
    return None if value is None else value / plain(b)


def where(condition: Any, a: Any = None, b: Any = None, **names: Any) -> Form | None:
    """``a`` where the condition holds, else ``b``."""
    a, b = names.get("input", a), names.get("other", b)
    if a is None or b is None:
        return None
    one, two = _form_of(a), _form_of(b)
    bends, joint = _merged(one.bends, two.bends), one.joint or two.joint
    if type(condition) is Node:
        condition.uses += 1
        by = Reason("a selection by {}", (condition.leaves,))
        bends, joint = {**bends, **dict.fromkeys(condition.leaves, by)}, by
    return Form(bends, joint, partial(_where_rate, condition, a, b))


def _where_rate(condition: Any, a: Any, b: Any, number: int) -> Tensor | None:
    first, second = _rate(a, number), _rate(b, number)
    if first is None and second is None:
        return None
    return torch.where(plain(condition), 0.0 if first is None else first, 0.0 if second is None else second)


def kept_where(a: Any, condition: Any, b: Any) -> Form | None:
    """``a`` where the condition holds, else ``b``: as a method of ``a``."""
    return where(condition, a, b)


def masked_fill(a: Any, mask: Any, value: Any) -> Form | None:
    """``value`` where the mask holds, else ``a``."""
    return where(mask, value, a)


def addcmul(a: Any, b: Any, c: Any, *, value: Any = 1) -> Form | None:
    """``a + value b c``."""
    return add(a, _between(operator.mul, mul, b, c), alpha=value)


def addcdiv(a: Any, b: Any, c: Any, *, value: Any = 1) -> Form | None:
    """``a + value b / c``."""
    return add(a, _between(operator.truediv, div, b, c), alpha=value)


def lerp(a: Any, b: Any, weight: Any) -> Form | None:
    """``a + weight (b - a)``."""
    return add(a, _between(operator.mul, mul, weight, _between(operator.sub, sub, b, a)))


def _between(operation: Callable[..., Any], rule: Rule, a: Any, b: Any) -> Any:
    """What an operation that is several computes on its way."""
    graph = next((each.graph for each in (a, b) if type(each) is Node), None)
    if graph is None:
        return operation(a, b)
    node = graph.node(operation, (a, b))
    node.form = rule(a, b)
    return node


def same(a: Any, *args: Any, **kwargs: Any) -> Form | None:
    """``a``, in another shape or dtype: coefficients broadcast, and are cast at the end."""
    return None if any(type(each) is Node for each in (*args, *kwargs.values())) else _form_of(a)


def pack(one: Tensor, shape: torch.Size, *rows: Any) -> Form:
    """Several values as one, of which the rates are nobody's."""
    forms = [_form_of(row) for row in rows]
    bends, joint = forms[0].bends, forms[0].joint
    for form in forms[1:]:
        bends, joint = _merged(bends, form.bends), joint or form.joint
    return Form(bends, joint, _no_rate)


def to(a: Any, *args: Any, **kwargs: Any) -> Form | None:
    """``a``, if it does not become a whole number, which rounds."""
    given = (*args, *kwargs.values())
    kinds = [each for each in given if isinstance(each, torch.dtype)]
    kinds += [each.dtype for each in given if isinstance(each, Tensor)]
    if any(not kind.is_floating_point for kind in kinds):
        return None
    return same(a, *args, **kwargs)


def power(a: Any, exponent: Any) -> Form | None:
    """``a`` to the power of 1."""
    return _form_of(a) if isinstance(exponent, (int, float)) and exponent == 1 else None
