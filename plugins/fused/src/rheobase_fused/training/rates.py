"""The rates of ion channels, a / exprel(x), as one operation: a x / (e^x - 1).

``rb.exprel`` is made of torch's own operations: two branches, each with what keeps the other finite. In a
kernel, and in its derivative, all of them would be computed for every unit.
"""

from __future__ import annotations

from collections.abc import Iterable

import rheobase as rb
import torch
from rheobase import spi

from ..expression import Builder, Node, ordered, rebuilt
from ..lanes import Lanes
from ..setting import UNITS


def with_rates(builder: Builder, roots: Iterable[Node], dtype: torch.dtype) -> list[Node]:
    """Formulas in which what is divided by exprel(x) is multiplied by x / (e^x - 1).

    Args:
        builder: What makes the nodes.
        roots: The formulas.
        dtype: The type of numbers.
    """
    roots = list(roots)
    u, exprel = _exprel(builder, dtype)
    arguments = {}
    for node in ordered(roots):
        x = _bounded(node)
        # There is one node for each expression: this is exprel(x), or something else.
        if x is not None and rebuilt(builder, [exprel], {u: x})[0] is node:
            arguments[node] = x
    known: dict[Node, Node] = {}
    for node in ordered(roots):
        parts = [known[part] for part in node.parts]
        if node.operation == "div" and node.parts[1] in arguments:
            rate = builder.make("rate", "f", known[arguments[node.parts[1]]])
            one = parts[0] is builder.constant(1.0, "f")
            known[node] = rate if one else builder.make("mul", "f", parts[0], rate)
        else:
            same = all(new is old for new, old in zip(parts, node.parts, strict=True))
            known[node] = node if same else builder.make(node.operation, node.type, *parts)
    return [known[root] for root in roots]


def _exprel(builder: Builder, dtype: torch.dtype) -> tuple[Node, Node]:
    """u, and exprel(u)."""
    traced = spi.trace(rb.exprel, "exprel", u=torch.linspace(-1.0, 1.0, UNITS, dtype=dtype))
    lanes = Lanes(builder, dtype, UNITS)
    lanes.write(traced)
    return builder.read("u", "f"), lanes.single(lanes.of(traced.results), dtype)


def _bounded(node: Node) -> Node | None:
    """The x of a choice by |x| < c."""
    for operation in ("where", "lt", "abs"):
        if node.operation != operation:
            return None
        node = node.parts[0]
    return node
