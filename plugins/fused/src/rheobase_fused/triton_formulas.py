"""The formulas of a kernel in Triton."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from .expression import Node, ordered
from .operations import OPERATIONS
from .refusal import Refusal


class Formulas:
    """Writes formulas, each once.

    Args:
        single: Whether numbers are float32.
    """

    def __init__(self, single: bool) -> None:
        real = "tl.float32" if single else "tl.float64"
        # Numbers held in float32 are a part of those in float64, and nothing is computed with them.
        self._types = {"f": real, "h": real, "i": "tl.int32", "b": "tl.int1"}
        self._names: dict[Node, str] = {}

    def name(self, node: Node) -> str:
        """How a value is called."""
        return self._names[node]

    def lines(self, roots: Iterable[Node], reads: Mapping[str, str]) -> list[str]:
        """Formulas for all that is not there yet.

        Args:
            roots: What is to be there.
            reads: What is read -> how.
        """
        lines = []
        for node in ordered(roots, self._names):
            if node in self._names:
                continue
            self._names[node] = f"v{node.number}"
            lines.append(f"v{node.number} = {self._formula(node, reads)}")
        return lines

    def _formula(self, node: Node, reads: Mapping[str, str]) -> str:
        if node.operation == "read":
            return reads[node.value]
        if node.operation == "constant":
            return self._constant(node)
        parts = [self._names[part] for part in node.parts]
        if node.operation == "cast":
            return f"({parts[0]} != 0)" if node.type == "b" else f"{parts[0]}.to({self._types[node.type]})"
        form = OPERATIONS[node.operation].triton
        if not form:
            raise Refusal(
                f"the operation {node.operation} has no form in Triton, so no kernel for CUDA does it"
            )
        return form.format(*parts)

    def _constant(self, node: Node) -> str:
        """A block of it: a number alone would be taken for float32."""
        value, kind = node.value, self._types[node.type]
        if node.type in "ib":
            return f"tl.full([BLOCK], {value}, {kind})"
        if value == 0 and math.copysign(1.0, value) < 0:
            # Triton may make a block of zeros of it, which are positive.
            return f"tl.full([BLOCK], 0.0, {kind}) * -1"
        text = repr(value) if math.isfinite(value) else f"float('{value}')"
        return f"tl.full([BLOCK], {text}, {kind})"


def all_finite(names: Sequence[str]) -> str:
    """Whether all of some values are finite, for each unit."""
    form = OPERATIONS["isfinite"].triton
    return " & ".join(form.format(name) for name in names) or "tl.full([BLOCK], True, tl.int1)"
