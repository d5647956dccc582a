"""What does not change in a run, and is worked out once for a block of units."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .expression import Node, ordered
from .tracing import Step


@dataclass(frozen=True)
class Hoisted:
    """Something that does not change in a run.

    Attributes:
        shared: Whether it is the same for all units.
    """

    shared: bool


def hoisted(roots: Iterable[Node], step: Step, constant: frozenset[str]) -> dict[Node, Hoisted]:
    """What does not change in a run, as far as it is a part of something that does, or is all there is.

    Args:
        roots: What a step computes.
        step: The step.
        constant: The inputs that do not change in a run.
    """
    roots = list(roots)
    still: dict[Node, bool] = {}
    for node in ordered(roots):
        shared = _still(node, still, step, constant)
        if shared is not None:
            still[node] = shared
    used = dict.fromkeys(
        part for node in ordered(roots) if node not in still for part in node.parts if part in still
    )
    used |= dict.fromkeys(node for node in roots if node in still)
    return {node: Hoisted(still[node]) for node in used if node.operation != "constant"}


def _still(node: Node, still: dict[Node, bool], step: Step, constant: frozenset[str]) -> bool | None:
    """Whether something that does not change is shared by all units; None for what changes."""
    if node.operation == "constant":
        return True
    if node.operation == "read":
        letter, name = node.value.split("_", 1)
        if letter == "p":
            return name in step.uniform
        return False if letter == "x" and name in constant else None
    if all(part in still for part in node.parts):
        return all(still[part] for part in node.parts)
    return None
