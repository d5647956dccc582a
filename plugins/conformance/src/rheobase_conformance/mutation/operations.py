"""Slips of the pen: each an operation on a node of a model's source, which gives what may stand there."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Mapping
from itertools import combinations
from typing import TypeAlias

Change: TypeAlias = tuple[tuple[ast.expr, ast.expr], ...]
"""Expressions, each with what stands in its place: together they are one slip."""

Operation: TypeAlias = Callable[[ast.AST, Mapping[str, str]], list[Change]]
"""Gives the changes of a node. It is told the unit of each parameter."""

_Chain: TypeAlias = "list[tuple[type[ast.operator], ast.expr]]"

_TURNED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.Gt, ast.LtE),
    ast.LtE: (ast.GtE, ast.Lt),
    ast.Gt: (ast.Lt, ast.GtE),
    ast.GtE: (ast.LtE, ast.Gt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
}
"""A comparison -> the one in the other direction, and the one that is strict where it is not."""


def terms_dropped(node: ast.AST) -> list[ast.expr]:
    """``a + b`` -> ``b`` and ``a``; ``a - b`` -> ``-b`` and ``a``; of a longer sum each term by itself."""
    terms = _chain(node, (ast.Add, ast.Sub))
    return [_sum(terms[:place] + terms[place + 1 :]) for place in range(len(terms))]


def signs_flipped(node: ast.AST) -> list[ast.expr]:
    """``a - b`` -> ``a + b``, and the reverse; ``-a`` -> ``a``."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return [node.operand]
    terms = _chain(node, (ast.Add, ast.Sub))
    other: dict[type[ast.operator], type[ast.operator]] = {ast.Add: ast.Sub, ast.Sub: ast.Add}
    return [
        _sum([*terms[:place], (other[sign], term), *terms[place + 1 :]])
        for place, (sign, term) in enumerate(terms)
        if place
    ]


def factors_dropped(node: ast.AST) -> list[ast.expr]:
    """``a * b`` -> ``b`` and ``a``; ``a / b`` -> ``1.0 / b`` and ``a``; ``a ** b`` -> ``a``."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return [node.left]
    factors = _chain(node, (ast.Mult, ast.Div))
    return [_product(factors[:place] + factors[place + 1 :]) for place in range(len(factors))]


def _chain(node: ast.AST, kinds: tuple[type[ast.operator], ...]) -> _Chain:
    """The operands of a sum or a product, each with the operator before it; of what is neither, none."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, kinds):
        return []
    first: _Chain = [(kinds[0], node.left)]
    return [*(_chain(node.left, kinds) or first), (type(node.op), node.right)]


def _sum(terms: _Chain) -> ast.expr:
    (sign, first), *more = terms
    return _joined(ast.UnaryOp(ast.USub(), first) if sign is ast.Sub else first, more)


def _product(factors: _Chain) -> ast.expr:
    (_, first), *more = factors if factors[0][0] is ast.Mult else [(ast.Mult, ast.Constant(1.0)), *factors]
    return _joined(first, more)


def _joined(first: ast.expr, more: _Chain) -> ast.expr:
    for operator, operand in more:
        first = ast.BinOp(first, operator(), operand)
    return first


def comparisons_turned(node: ast.AST) -> list[ast.expr]:
    """``a < b`` -> ``a > b`` and ``a <= b``; ``a == b`` -> ``a != b``; each of a chain by itself."""
    if not isinstance(node, ast.Compare):
        return []
    return [
        ast.Compare(node.left, [*node.ops[:place], other(), *node.ops[place + 1 :]], node.comparators)
        for place, found in enumerate(node.ops)
        for other in _TURNED.get(type(found), ())
    ]


def numbers_off(node: ast.AST) -> list[ast.expr]:
    """``x`` -> ``2 x``, and zero -> one."""
    match node:
        case ast.Constant(bool()):
            return []
        case ast.Constant(int() | float() as value):
            return [ast.Constant(2 * value or type(value)(1))]
    return []


def parameters_swapped(node: ast.AST, units: Mapping[str, str]) -> list[Change]:
    """Two parameters of one unit exchanged throughout a function."""
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        return []
    places: dict[str, list[ast.Attribute]] = {}
    for each in ast.walk(node):
        if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.attr in units:
            places.setdefault(each.attr, []).append(each)
    return [
        tuple((each, _renamed(each, new)) for old, new in ((a, b), (b, a)) for each in places[old])
        for a, b in combinations(places, 2)
        if units[a] == units[b]
    ]


def _renamed(node: ast.Attribute, name: str) -> ast.Attribute:
    renamed = copy.copy(node)
    renamed.attr = name
    return renamed


def _alone(rule: Callable[[ast.AST], list[ast.expr]]) -> Operation:
    """A rule on one expression as an operation."""

    def operation(node: ast.AST, units: Mapping[str, str]) -> list[Change]:
        return [((node, new),) for new in rule(node) if isinstance(node, ast.expr)]

    return operation


OPERATIONS: dict[str, Operation] = {
    "parameters swapped": parameters_swapped,
    "term dropped": _alone(terms_dropped),
    "sign flipped": _alone(signs_flipped),
    "factor dropped": _alone(factors_dropped),
    "comparison turned": _alone(comparisons_turned),
    "number off": _alone(numbers_off),
}
"""What it is called -> the operation."""
