"""What the loops of all kernels begin with: what is declared before them, loaded in them, and looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .expression import Node
from .writer import TYPES

INDENT = " " * 12
"""Before a line of a loop."""


def declared_hoisted(hoisted: Mapping[Node, bool], pointer: str) -> tuple[list[str], dict[Node, str]]:
    """What does not change in a run: how it is declared before a loop, and called in it.

    Args:
        hoisted: What does not change -> whether it is the same for all units.
        pointer: ``*``, or ``*__restrict__``.
    """
    declared, known = [], {}
    for k, (node, shared) in enumerate(hoisted.items()):
        kind = TYPES[node.type]
        if shared:
            declared.append(f"    const {kind} h{k} = *(const {kind} *)w->h[{k}];")
        else:
            declared.append(f"    const {kind} {pointer} H{k} = (const {kind} *)w->h[{k}];")
        known[node] = f"h{k}" if shared else f"H{k}[i]"
    return declared, known


def declared_rows(varying: Iterable[int]) -> list[str]:
    """The rows of a step and of the next, of the inputs with these places."""
    return [
        f"        const real *const X{k} = w->x[{k}], *N{k} = X{k} + call->step_strides[{k}];"
        for k in varying
    ]


def loads(kinds: Sequence[str], varying: Iterable[int]) -> list[str]:
    """The states, of these types, and the inputs of a vector."""
    lines = [f"{INDENT}const {kind} s{k} = S{k}[i];" for k, kind in enumerate(kinds)]
    for k in varying:
        lines.append(f"{INDENT}const vreal x{k} = load_some(X{k}, i * LANES, w->xw[{k}], there);")
        # Rows lie far apart: the machine does not see where the next one is.
        lines.append(f"{INDENT}__builtin_prefetch(N{k} + i * LANES * w->xw[{k}]);")
    return lines


def check_of(numbers: Iterable[str], varying: Iterable[int]) -> str:
    """What is zero where numbers and inputs are finite: then a number less itself is."""
    looked = [*numbers, *(f"x{k}" for k in varying)]
    return " + ".join(f"({number} - {number})" for number in looked) or "splat(0)"
