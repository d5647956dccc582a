"""Sums of products with what does not change, with one multiplication-addition for each of their terms.

A step of Runge-Kutta's of tau dv/dt = E - v + R I is v + (a v + b), whatever its stages: a and b do not
change in a run, and are worked out once. Where v also stands in a product, as in 0.04 v^2 + 5 v, what remains
of the step is the products and such sums of them. Rounding differs from that of the operations one by one: by
a few units in the last place of the state, since only what is added to a state is written anew. What is
computed *of* a state, as v - E, and may cancel to little, is computed as it was; divisions by what does not
change become multiplications.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .cost import cost_of
from .expression import Builder, Node, ordered
from .hoisting import Still

_LOAD = 0.5
"""What it costs to read a number of each unit, in additions."""

_LARGEST = 2.0**100
"""The largest constant, and the inverse of the smallest, that is divided by with its inverse."""


def condensed(builder: Builder, still: Still, roots: Iterable[Node]) -> Mapping[Node, Node]:
    """What is computed, and what it becomes; nothing, if that would not be shorter.

    Args:
        builder: What makes the nodes.
        still: What does not change in a run.
        roots: What is wanted.
    """
    roots = list(roots)
    condenser = _Condenser(builder, still, roots)
    made = [condenser.value(root) for root in roots]
    return condenser.values if _cost(made, still) < _cost(roots, still) else {}


def _cost(roots: Iterable[Node], still: Still) -> float:
    """The cost of what changes, in additions."""
    roots = list(roots)
    changing = (node for node in ordered(roots, still) if node not in still)
    read = {part for node in changing for part in node.parts if part in still and not still[part]}
    return cost_of(roots, still) + _LOAD * len(read)


@dataclass(frozen=True)
class _Factor:
    """What something is multiplied by: a whole number and what does not change, None being zero."""

    whole: int = 0
    rest: Node | None = None


_Sum = dict[Node | None, _Factor]
"""A sum of products: what changes -> what it is multiplied by; None -> what is added."""


class _Condenser:
    """Writes sums anew.

    Args:
        builder: What makes the nodes.
        still: What does not change.
        roots: What is wanted.

    Attributes:
        values: Node -> what it becomes.
    """

    def __init__(self, builder: Builder, still: Still, roots: Iterable[Node]) -> None:
        self._builder, self._still = builder, still
        self._anchored: dict[Node, bool] = {}
        self._sums: dict[Node, _Sum] = {}
        self.values: dict[Node, Node] = {}
        self._needed = self._all_needed(roots)

    def value(self, node: Node) -> Node:
        """What a node becomes."""
        if node not in self.values:
            for part in ordered([node], self._still):
                if part in self._needed and part not in self.values:
                    self.values[part] = self._value(part)
        return self.values[node]

    def _value(self, node: Node) -> Node:
        if node in self._still or not node.parts:
            return node
        if self._is_condensed(node):
            return self._written(self._sum(node))
        parts = [self.values[part] for part in node.parts]
        if node.operation == "div" and self._divides(parts[1]):
            return self._make("mul", parts[0], self._inverse(parts[1]))
        return self._builder.make(node.operation, node.type, *parts)

    # --- what is computed by itself ----------------------------------------------------------------

    def _all_needed(self, roots: Iterable[Node]) -> set[Node]:
        """What is read by more than sums that are written anew."""
        needed: set[Node] = set()
        pending = list(roots)
        while pending:
            node = pending.pop()
            if node in needed:
                continue
            needed.add(node)
            if node in self._still:
                continue
            if self._is_condensed(node):
                pending.extend(self._leaves(node))
            else:
                pending.extend(node.parts)
        return needed

    def _leaves(self, node: Node) -> list[Node]:
        """What the terms of a sum are made of."""
        leaves: list[Node] = []
        pending, seen = list(node.parts), set(node.parts)
        while pending:
            part = pending.pop()
            if part in self._still:
                continue
            if self._is_linear(part):
                pending.extend(each for each in part.parts if each not in seen)
                seen.update(part.parts)
            elif part.operation == "fma":
                leaves.extend(part.parts[:2])
                pending.append(part.parts[2])
            else:
                leaves.append(part)
        return leaves

    def _is_linear(self, node: Node) -> bool:
        """Whether a node is a sum of multiples of its parts."""
        if node.type != "f" or node in self._still:
            return False
        if node.operation in ("add", "sub", "neg"):
            return True
        if node.operation in ("mul", "fma"):
            return any(part in self._still for part in node.parts[:2])
        return node.operation == "div" and self._divides(node.parts[1])

    def _is_condensed(self, node: Node) -> bool:
        """Whether a node is a state and what is added to it, which is a sum itself."""
        if not self._is_linear(node) or not self._is_anchored(node) or node.operation == "neg":
            return False
        if node.operation in ("add", "sub") and any(part in self._still for part in node.parts):
            return False
        return any(self._is_linear(part) or part.operation == "fma" for part in node.parts)

    def _is_anchored(self, node: Node) -> bool:
        """Whether a state is one of the terms of a sum, once."""
        if node not in self._anchored:
            parts: tuple[Node, ...] = ()
            if node.type == "f" and node.operation in ("add", "sub"):
                parts = node.parts
            elif node.type == "f" and node.operation == "fma":
                parts = node.parts[2:]
            is_state = node.operation == "read" and node.value.startswith("s_") and node.type == "f"
            self._anchored[node] = is_state or any(map(self._is_anchored, parts))
        return self._anchored[node]

    def _divides(self, node: Node) -> bool:
        """Whether a quotient by it is a product with its inverse."""
        if node not in self._still:
            return False
        return node.operation != "constant" or 1 / _LARGEST < abs(node.value) < _LARGEST

    # --- sums --------------------------------------------------------------------------------------

    def _term(self, node: Node) -> _Sum:
        if node in self._still:
            return {None: _Factor(rest=node)}
        if node not in self._needed and (self._is_linear(node) or node.operation == "fma"):
            return self._sum(node)
        return {self.values[node]: _Factor(1)}

    def _sum(self, node: Node) -> _Sum:
        if node not in self._sums:
            self._sums[node] = self._new_sum(node)
        return self._sums[node]

    def _new_sum(self, node: Node) -> _Sum:
        parts = node.parts
        if node.operation == "add":
            return self._added(self._term(parts[0]), self._term(parts[1]))
        if node.operation == "sub":
            return self._added(self._term(parts[0]), self._negative(self._term(parts[1])))
        if node.operation == "neg":
            return self._negative(self._term(parts[0]))
        if node.operation == "div":
            return self._multiplied(self._term(parts[0]), self._inverse(parts[1]))
        one, other = parts[:2] if parts[1] in self._still else parts[1::-1]
        if other in self._still:
            product = self._multiplied(self._term(one), other)
        else:
            product = {self._make("mul", *(self.values[part] for part in parts[:2])): _Factor(1)}
        return self._added(product, self._term(parts[2])) if node.operation == "fma" else product

    def _added(self, one: _Sum, other: _Sum) -> _Sum:
        found = dict(one)
        for node, factor in other.items():
            before = found.get(node, _Factor())
            rests = [each for each in (before.rest, factor.rest) if each is not None]
            rest = self._make("add", *rests) if len(rests) == 2 else rests[0] if rests else None
            found[node] = _Factor(before.whole + factor.whole, rest)
        return found

    def _negative(self, terms: _Sum) -> _Sum:
        return {
            node: _Factor(-factor.whole, None if factor.rest is None else self._make("neg", factor.rest))
            for node, factor in terms.items()
        }

    def _multiplied(self, terms: _Sum, by: Node) -> _Sum:
        if by.operation == "constant" and by.value in (1.0, -1.0):
            return terms if by.value == 1.0 else self._negative(terms)
        found = {}
        for node, factor in terms.items():
            parts = [] if factor.rest is None else [self._make("mul", factor.rest, by)]
            if factor.whole:
                parts.append(by if factor.whole == 1 else self._make("mul", self._number(factor.whole), by))
            if parts:
                rest = self._make("add", *parts) if len(parts) == 2 else parts[0]
                found[node] = _Factor(0, rest)
        return found

    # --- writing -----------------------------------------------------------------------------------

    def _written(self, terms: _Sum) -> Node:
        """A sum: the small terms first, what they are added to last."""
        terms = dict(terms)
        total = terms.pop(None, _Factor()).rest
        slopes = {
            node: each.rest for node, each in terms.items() if node is not None and each.rest is not None
        }
        for node in sorted(slopes, key=_age):
            # a x + b x y = x (b y + a)
            if node.operation == "mul" and not terms[node].whole:
                for x, y in (node.parts, node.parts[::-1]):
                    if x in slopes and x is not node:
                        slopes[x] = self._make("fma", y, slopes.pop(node), slopes[x])
                        break
        for node in sorted(slopes, key=_age):
            parts = (node, slopes[node])
            total = self._make("mul", *parts) if total is None else self._make("fma", *parts, total)
        whole = [node for node in terms if node is not None and terms[node].whole]
        for node in sorted(whole, key=lambda each: (each.operation == "read", _age(each))):
            total = self._with_multiple(total, node, terms[node].whole)
        return total if total is not None else self._number(0)

    def _with_multiple(self, total: Node | None, node: Node, times: int) -> Node:
        if abs(times) > 1:
            factor = self._number(times)
            return (
                self._make("mul", node, factor) if total is None else self._make("fma", node, factor, total)
            )
        if total is None:
            return node if times > 0 else self._make("neg", node)
        return self._make("add", node, total) if times > 0 else self._make("sub", total, node)

    def _make(self, operation: str, *parts: Node) -> Node:
        return self._builder.make(operation, "f", *parts)

    def _number(self, value: float) -> Node:
        return self._builder.constant(value, "f")

    def _inverse(self, node: Node) -> Node:
        return self._make("div", self._number(1.0), node)


def _age(node: Node) -> int:
    """Old ones first: young ones are waited for."""
    return node.number
