"""How long expressions take, about."""

from __future__ import annotations

from collections.abc import Container, Iterable

from .expression import Node, ordered
from .operations import OPERATIONS


def cost_of(roots: Iterable[Node], whole: Container[Node] = ()) -> int:
    """The cost of expressions, in additions.

    Args:
        roots: The expressions.
        whole: What is there already. Default nothing.
    """
    nodes = (node for node in ordered(roots, whole) if node not in whole)
    return sum(OPERATIONS[node.operation].cost for node in nodes if node.operation in OPERATIONS)
