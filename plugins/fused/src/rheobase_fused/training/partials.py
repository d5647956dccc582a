"""The derivative of each operation of the table: what a cotangent adds to those of an operation's parts."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable
from typing import NamedTuple, TypeAlias

from ..expression import Builder, Node


class Part(NamedTuple):
    """What is added to a cotangent.

    Attributes:
        of: Whose cotangent.
        value: The number, or a factor of it.
        factor: The other factor, or None.
    """

    of: Node
    value: Node
    factor: Node | None = None


class Makes:
    """Makes the nodes of derivatives.

    Args:
        builder: What makes nodes.
        slope: S'(u), of u.
        still: What does not change in a run, which is finite.
    """

    def __init__(self, builder: Builder, slope: Callable[[Node], Node], still: Container[Node]) -> None:
        self._builder, self.slope, self._still = builder, slope, still

    def number(self, value: float) -> Node:
        """A constant."""
        return self._builder.constant(value, "f")

    def f(self, operation: str, *parts: Node) -> Node:
        """An operation that gives a number."""
        return self._builder.make(operation, "f", *parts)

    def b(self, operation: str, *parts: Node) -> Node:
        """An operation that gives a condition."""
        return self._builder.make(operation, "b", *parts)

    def where(self, condition: Node, one: Node | None, other: Node | None) -> Node:
        """One or the other; None for 0."""
        zero = self.number(0.0)
        return self.f("where", condition, one or zero, other or zero)

    def part(self, of: Node, cotangent: Node, derivative: Node) -> Part:
        """A cotangent times a derivative; 0 where the cotangent is, whatever the derivative is there."""
        if self._finite(derivative):
            return Part(of, cotangent, derivative)
        return Part(of, self.product(cotangent, derivative))

    def product(self, cotangent: Node, derivative: Node) -> Node:
        """The same, as a number."""
        return self.f("mul" if self._finite(derivative) else "times", cotangent, derivative)

    def _finite(self, node: Node) -> bool:
        return node.operation in ("read", "constant") or node in self._still


Rule: TypeAlias = Callable[[Makes, Node, Node], Iterable[Part]]
"""Of an operation's node and its cotangent, what is added to the cotangents of its parts."""


def _add(m: Makes, y: Node, c: Node) -> list[Part]:
    return [Part(part, c) for part in y.parts]


def _sub(m: Makes, y: Node, c: Node) -> list[Part]:
    return [Part(y.parts[0], c), Part(y.parts[1], m.f("neg", c))]


def _mul(m: Makes, y: Node, c: Node) -> list[Part]:
    one, other = y.parts
    return [m.part(one, c, other), m.part(other, c, one)]


def _fma(m: Makes, y: Node, c: Node) -> list[Part]:
    one, other, added = y.parts
    return [m.part(one, c, other), m.part(other, c, one), Part(added, c)]


def _div(m: Makes, y: Node, c: Node) -> list[Part]:
    one, other = y.parts
    by = m.product(c, m.f("div", m.number(1.0), other))
    return [Part(one, by), Part(other, m.f("neg", m.product(by, y)))]


def _where(m: Makes, y: Node, c: Node) -> list[Part]:
    condition, one, other = y.parts
    return [Part(one, m.where(condition, c, None)), Part(other, m.where(condition, None, c))]


def _larger(sign: str) -> Rule:
    def rule(m: Makes, y: Node, c: Node) -> list[Part]:
        one, other = y.parts
        half = m.f("mul", c, m.number(0.5))
        same = m.b("eq", one, other)
        return [
            Part(x, m.f("where", same, half, m.where(m.b(sign, x, z), c, None)))
            for x, z in ((one, other), (other, one))
        ]

    return rule


def _fmod(m: Makes, y: Node, c: Node) -> list[Part]:
    one, other = y.parts
    return [Part(one, c), m.part(other, c, m.f("neg", m.f("trunc", m.f("div", one, other))))]


def _pow(m: Makes, y: Node, c: Node) -> list[Part]:
    base, power = y.parts
    zero = m.number(0.0)
    lower = m.f("mul", power, m.f("pow", base, m.f("sub", power, m.number(1.0))))
    by_base = m.where(m.b("eq", power, zero), None, lower)
    # 0 to the power of what is positive has no logarithm, and 0 for one.
    flat = m.b("and", m.b("eq", base, zero), m.b("ge", power, zero))
    by_power = m.where(flat, None, m.f("mul", y, m.f("log", base)))
    return [m.part(base, c, by_base), m.part(power, c, by_power)]


def _atan2(m: Makes, y: Node, c: Node) -> list[Part]:
    one, other = y.parts
    size = m.f("fma", one, one, m.f("mul", other, other))
    return [
        m.part(one, c, m.f("div", other, size)),
        m.part(other, c, m.f("neg", m.f("div", one, size))),
    ]


def _of(derivative: Callable[[Makes, Node, Node], Node]) -> Rule:
    """A function of one number, by its derivative at x, with y the value."""

    def rule(m: Makes, y: Node, c: Node) -> list[Part]:
        return [m.part(y.parts[0], c, derivative(m, y.parts[0], y))]

    return rule


def _one_less_square(m: Makes, y: Node) -> Node:
    return m.f("sub", m.number(1.0), m.f("mul", y, y))


def _sign(m: Makes, x: Node, y: Node) -> Node:
    zero, one = m.number(0.0), m.number(1.0)
    return m.f("where", m.b("gt", x, zero), one, m.where(m.b("lt", x, zero), m.number(-1.0), None))


def _bell(m: Makes, x: Node, height: float) -> Node:
    return m.f("mul", m.number(height), m.f("exp", m.f("neg", m.f("mul", x, x))))


def _inverse_root(m: Makes, x: Node) -> Node:
    return m.f("div", m.number(1.0), m.f("sqrt", _one_less_square(m, x)))


_OF_ERF = 2.0 / math.sqrt(math.pi)

PARTIALS: dict[str, Rule] = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "div": _div,
    "fma": _fma,
    "where": _where,
    "minimum": _larger("lt"),
    "maximum": _larger("gt"),
    "fmod": _fmod,
    "pow": _pow,
    "atan2": _atan2,
    "neg": lambda m, y, c: [Part(y.parts[0], m.f("neg", c))],
    "times": _mul,
    "times_add": _fma,
    "abs": _of(_sign),
    "sqrt": _of(lambda m, x, y: m.f("div", m.number(0.5), y)),
    "exp": _of(lambda m, x, y: y),
    "expm1": _of(lambda m, x, y: m.f("add", y, m.number(1.0))),
    "log": _of(lambda m, x, y: m.f("div", m.number(1.0), x)),
    "log1p": _of(lambda m, x, y: m.f("div", m.number(1.0), m.f("add", x, m.number(1.0)))),
    "tanh": _of(lambda m, x, y: _one_less_square(m, y)),
    "rate": _of(lambda m, x, y: m.f("rate_slope", x)),
    "sigmoid": _of(lambda m, x, y: m.f("mul", y, m.f("sub", m.number(1.0), y))),
    "sin": _of(lambda m, x, y: m.f("cos", x)),
    "cos": _of(lambda m, x, y: m.f("neg", m.f("sin", x))),
    "tan": _of(lambda m, x, y: m.f("fma", y, y, m.number(1.0))),
    "asin": _of(lambda m, x, y: _inverse_root(m, x)),
    "acos": _of(lambda m, x, y: m.f("neg", _inverse_root(m, x))),
    "atan": _of(lambda m, x, y: m.f("div", m.number(1.0), m.f("fma", x, x, m.number(1.0)))),
    "sinh": _of(lambda m, x, y: m.f("cosh", x)),
    "cosh": _of(lambda m, x, y: m.f("sinh", x)),
    "erf": _of(lambda m, x, y: _bell(m, x, _OF_ERF)),
    "erfc": _of(lambda m, x, y: _bell(m, x, -_OF_ERF)),
    # Of the surrogate's value nothing is seen; its derivative is what the surrogate itself says.
    "soft": lambda m, y, c: [Part(y.parts[0], c, m.slope(y.parts[0]))],
}
"""Operation -> its rule. What is not here has no derivative but 0: what rounds, and ``stop``."""
