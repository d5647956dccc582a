r"""The derivative of expressions: reverse mode over their nodes.

With the cotangent of a value y written :math:`\bar y`, each node :math:`y = f(x_1, x_2, ...)` adds
:math:`\bar y \, \partial f / \partial x_i` to that of each of its parts, from the last node to the first.
What comes out are expressions again, which share what they have in common with those that they are of.

Where a cotangent is 0 its products are 0, also with a derivative that is infinite or no number: a branch that
was not selected adds nothing. Ties and kinks are as in torch.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Mapping

from ..expression import Builder, Node, ordered
from .partials import PARTIALS, Makes, Part


def adjoints(
    builder: Builder,
    cotangents: Mapping[Node, Node],
    leaves: Collection[Node],
    slope: Callable[[Node], Node],
    still: Container[Node],
) -> dict[Node, Node]:
    """The cotangents of leaves, of those that anything depends on.

    Args:
        builder: What makes the nodes.
        cotangents: Expression -> its cotangent.
        leaves: What is not taken apart, and whose cotangents are wanted.
        slope: S'(u), of u.
        still: What does not change in a run, which is finite.
    """
    makes, leaves = Makes(builder, slope, still), set(leaves)
    active = _depending(cotangents, leaves)
    parts: dict[Node, list[Part]] = {node: [] for node in active}
    for node, cotangent in cotangents.items():
        if node in active:
            parts[node].append(Part(node, cotangent))
    found = {}
    for node in reversed(ordered(cotangents, leaves)):
        if node not in active or not parts[node]:
            continue
        whole = total(builder, parts[node])
        if node in leaves:
            found[node] = whole
            continue
        for part in PARTIALS[node.operation](makes, node, whole):
            if part.of in active:
                parts[part.of].append(part)
    return found


def _depending(roots: Iterable[Node], leaves: Collection[Node]) -> set[Node]:
    """The numbers that depend on a leaf by more than a condition, or what is taken out of the graph."""
    active: set[Node] = set()
    for node in ordered(roots, leaves):
        depends = node.operation in PARTIALS and any(part in active for part in node.parts)
        if node in leaves or (node.type == "f" and depends):
            active.add(node)
    return active


def total(builder: Builder, parts: Iterable[Part]) -> Node:
    """A cotangent: what was added to it, products last."""
    first, *others = sorted(parts, key=lambda part: part.factor is not None)
    found = first.value if first.factor is None else builder.make("mul", "f", first.value, first.factor)
    for part in others:
        if part.factor is None:
            found = builder.make("add", "f", found, part.value)
        else:
            found = builder.make("fma", "f", part.value, part.factor, found)
    return found
