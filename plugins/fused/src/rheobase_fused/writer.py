"""Formulas in C++."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from .expression import Node, ordered, text_of
from .operations import OPERATIONS

TYPES = {"f": "vreal", "h": "vreal", "b": "vbool", "i": "vint"}
"""The types of nodes, in C++."""

_OF_ONE = re.compile(r"\b([vsxkn]\d+|check|odd)\b")
_PLACE = re.compile(r"\bi\b")


def beside(line: str, u: int) -> str:
    """A line on a vector, as that on one of several that are worked on side by side."""
    line = _OF_ONE.sub(rf"\1_{u}", line)
    return _PLACE.sub(f"(i + {u})", line).replace("there", f"(there - {u} * LANES)") if u else line


class Writer:
    """Writes formulas, each once.

    Args:
        single: Whether numbers are float32.
        reads: What is read -> how.
        known: What is there already -> how it is called.
    """

    def __init__(self, single: bool, reads: Mapping[str, str], known: Mapping[Node, str]) -> None:
        self._single, self._reads, self._known = single, reads, known
        self._names: dict[Node, str] = {}

    def forget(self) -> None:
        """Begin anew, in another scope."""
        self._names = {}

    def name(self, node: Node) -> str:
        """How a value is called."""
        return self._names[node]

    def lines(self, roots: Iterable[Node], indent: str) -> list[str]:
        """Formulas for all that is not there yet."""
        lines = []
        for node in ordered(roots, self._known):
            if node in self._names:
                continue
            if node in self._known:
                self._names[node] = self._known[node]
            elif node.operation == "constant":
                self._names[node] = self._constant(node)
            else:
                if node.operation == "read":
                    text = self._reads[node.value]
                else:
                    text = self._formula(node, [self._names[part] for part in node.parts])
                self._names[node] = f"v{node.number}"
                lines.append(f"{indent}const {TYPES[node.type]} v{node.number} = {text};")
        return lines

    def _constant(self, node: Node) -> str:
        if node.type in "fh":
            return f"splat({text_of(node.value, self._single)})"
        return f"splat_{'bool' if node.type == 'b' else 'int'}({int(node.value)})"

    def _formula(self, node: Node, parts: list[str]) -> str:
        if node.operation != "cast":
            return OPERATIONS[node.operation].c.format(*parts)
        source, target = node.parts[0].type, node.type
        if source == "h":
            return parts[0]
        if target == "b":
            return f"rb_ne({parts[0]}, {'splat(0)' if source == 'f' else 'splat_int(0)'})"
        if source == "b" and target == "f":
            return f"rb_where({parts[0]}, splat(1), splat(0))"
        whole = {"f": f"rb_int({parts[0]})", "b": f"int_of({parts[0]})", "i": parts[0]}[source]
        return f"rb_real({whole})" if target == "f" else whole
