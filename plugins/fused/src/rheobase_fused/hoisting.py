"""What does not change in a run, and is worked out once for a block of units."""

from __future__ import annotations

from collections.abc import Iterable

from .expression import Node, ordered
from .tracing import Step


class Still:
    """What does not change in a run: a mapping from it to whether it is the same for all units.

    Args:
        step: The step.
        constant: The inputs that do not change in a run.
    """

    def __init__(self, step: Step, constant: frozenset[str]) -> None:
        self._step, self._constant = step, constant
        self._shared: dict[Node, bool | None] = {}

    def __contains__(self, node: object) -> bool:
        return isinstance(node, Node) and self._look(node) is not None

    def __getitem__(self, node: Node) -> bool:
        return bool(self._look(node))

    def _look(self, node: Node) -> bool | None:
        if node not in self._shared:
            for part in ordered([node], self._shared):
                if part not in self._shared:
                    self._shared[part] = self._of(part)
        return self._shared[node]

    def _of(self, node: Node) -> bool | None:
        """Whether something that does not change is shared by all units; None for what changes."""
        if node.operation == "constant":
            return True
        if node.operation == "read":
            letter, name = node.value.split("_", 1)
            if letter == "p":
                return name in self._step.uniform
            return False if letter == "x" and name in self._constant else None
        shared = [self._shared[part] for part in node.parts]
        return None if None in shared else all(shared)


def hoisted(roots: Iterable[Node], step: Step, constant: frozenset[str]) -> dict[Node, bool]:
    """What does not change in a run, as far as it is a part of something that does, or is all there is.

    It is mapped to whether it is the same for all units.

    Args:
        roots: What a step computes.
        step: The step.
        constant: The inputs that do not change in a run.
    """
    roots = list(roots)
    still = Still(step, constant)
    used = dict.fromkeys(
        part for node in ordered(roots) if node not in still for part in node.parts if part in still
    )
    used |= dict.fromkeys(node for node in roots if node in still)
    return {node: still[node] for node in used if node.operation != "constant"}
