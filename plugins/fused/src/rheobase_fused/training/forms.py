"""The forms of a layer's step, and of its derivative: whole, of finite numbers, and without a spike.

In nearly all steps of nearly all units nothing overflows, and in most there is no spike. What is computed for
such steps alone falls away where just that is known. A kernel takes the short form, looks whether what it
assumed was so, and takes the whole one for the units for which it was not.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from ..cost import cost_of
from ..expression import Builder, Node, ordered

LITTLE = 12
"""What a form has to save, in additions, to be worth asking which of them it is."""
_ADDED = {"fma": "mul", "times_add": "times"}
"""What is added to something, and what it is alone."""
_SOUND = {"times": "mul", "times_add": "fma"}
"""What products are where nothing is infinite."""


class Values:
    """What nodes are in value, where some are known: a surrogate is taken from itself, and adds nothing.

    Args:
        builder: What makes the nodes.
        known: Node -> what it is.
        sound: Whether nothing is infinite, so that products are products.
    """

    def __init__(
        self, builder: Builder, known: Mapping[Node, Node] | None = None, *, sound: bool = False
    ) -> None:
        self._builder, self._known, self._sound = builder, dict(known or {}), sound
        self._zero = builder.constant(0.0, "f")

    def of(self, root: Node) -> Node:
        """The node of a value."""
        for node in ordered([root], self._known):
            if node not in self._known:
                self._known[node] = self._of(node)
        return self._known[root]

    def _of(self, node: Node) -> Node:
        if node.operation == "soft":
            # Finite, and whatever it is, it is subtracted again.
            return self._zero
        parts = [self._known[part] for part in node.parts]
        if node.operation == "stop":
            return parts[0]
        if not parts:
            return node
        zeros = [part is self._zero for part in parts]
        if node.operation == "sub" and parts[0] is parts[1] and node.type == "f":
            return self._zero
        if node.operation == "add" and any(zeros):
            return parts[zeros.index(True) - 1]
        if node.operation == "neg" and zeros[0]:
            return self._zero
        if node.operation in ("mul", "times") and any(zeros):
            return self._zero
        if node.operation in _ADDED:
            if any(zeros[:2]):
                return parts[2]
            if zeros[2]:
                return self._make(_ADDED[node.operation], node.type, parts[:2])
        return self._make(node.operation, node.type, parts)

    def _make(self, operation: str, kind: str, parts: list[Node]) -> Node:
        name = _SOUND.get(operation, operation) if self._sound else operation
        return self._builder.make(name, kind, *parts)


@dataclass(frozen=True)
class Forms:
    """Formulas in their forms, each in the order in which they were given.

    Attributes:
        whole: As they are.
        finite: Where all that is ``assumed`` is finite.
        usual: The same, without a spike.
        spiked: Whether there is one, all finite; None where ``usual`` is ``finite``.
        assumed: The numbers that have to be looked at.
        ends: Whether the results have to be, too.
    """

    whole: tuple[Node, ...]
    finite: tuple[Node, ...]
    usual: tuple[Node, ...]
    spiked: Node | None
    assumed: tuple[Node, ...]
    ends: bool

    @property
    def looks(self) -> bool:
        """Whether there are units that may have to take the whole form."""
        return bool(self.assumed) or self.ends

    @property
    def nodes(self) -> list[Node]:
        """All that is computed in one of them."""
        beside = [] if self.spiked is None else [self.spiked]
        return [*self.whole, *self.finite, *self.usual, *beside, *self.assumed]


def regrouped(
    builder: Builder, still: Container[Node], roots: Iterable[Node], kept: Iterable[Node]
) -> list[Node]:
    """Formulas in which factors that do not change are multiplied with one another first, once for a run.

    Args:
        builder: What makes the nodes.
        still: What does not change.
        roots: The formulas.
        kept: What is left as it is, with all that it is made of.
    """
    roots = list(roots)
    known = {node: node for node in ordered(kept)}
    for node in ordered(roots, known):
        if node in known:
            continue
        parts = [known[part] for part in node.parts]
        same = all(new is old for new, old in zip(parts, node.parts, strict=True))
        known[node] = node if same else builder.make(node.operation, node.type, *parts)
        if node.type == "f" and node not in still:
            known[node] = _shorter(builder, still, known[node])
    return [known[root] for root in roots]


def _shorter(builder: Builder, still: Container[Node], node: Node) -> Node:
    parts = node.parts
    if node.operation == "div" and parts[1] is builder.constant(1.0, "f"):
        return parts[0]
    if node.operation == "mul":
        for factor, product in (parts, parts[::-1]):
            if factor in still and (found := _times(builder, still, product, factor)) is not None:
                return found
    if node.operation == "fma" and parts[1] in still:
        found = _times(builder, still, parts[0], parts[1])
        if found is not None and found.operation == "mul":
            return builder.make("fma", "f", *found.parts, parts[2])
    return node


def _times(builder: Builder, still: Container[Node], product: Node, factor: Node) -> Node | None:
    """A product or a quotient times a factor that does not change, in as many operations as it had."""
    if product.operation not in ("mul", "div"):
        return None
    one, other = product.parts
    if one in still:
        return builder.make(product.operation, "f", builder.make("mul", "f", factor, one), other)
    if other in still and product.operation == "mul":
        return builder.make("mul", "f", one, builder.make("mul", "f", other, factor))
    if product.operation == "mul":
        # Of a product, the part that has such a factor already takes the other.
        for part, rest in ((other, one), (one, other)):
            if (found := _times(builder, still, part, factor)) is not None:
                return builder.make("mul", "f", rest, found)
    return None


def forms_of(builder: Builder, roots: Iterable[Node], spiked: Node | None) -> Forms:
    """The forms of formulas.

    Args:
        builder: What makes the nodes.
        roots: The formulas.
        spiked: Whether there is a spike in the step; None for a model that has none.
    """
    roots = _contracted(builder, roots)
    yes, no = builder.constant(True, "b"), builder.constant(False, "b")
    every = [*roots, *([] if spiked is None else [spiked])]
    assumed: dict[Node, Node] = {}
    while True:
        values = Values(builder, assumed, sound=True)
        finite = [values.of(root) for root in every]
        # The last first: what is computed only where it is not so goes with it.
        asked = [node for node in ordered(finite) if node.operation == "isfinite"]
        if not asked:
            break
        assumed[asked[-1]] = yes
    looked = dict.fromkeys(values.of(node.parts[0]) for node in assumed)
    condition = None if spiked is None else finite.pop()
    # A product is 0 where its first factor is only if the other is finite.
    ends = any(node.operation in _SOUND for node in ordered(roots))
    if cost_of(roots) - cost_of(finite) <= LITTLE:
        finite, looked, ends, condition = [*roots], {}, False, spiked
    usual = finite
    if condition is not None:
        without = Values(builder, {condition: no})
        usual = [without.of(root) for root in finite]
        if cost_of(finite) - cost_of(usual) <= LITTLE:
            usual, condition = finite, None
    return Forms(roots, tuple(finite), tuple(usual), condition, tuple(looked), ends)


def _contracted(builder: Builder, roots: Iterable[Node]) -> tuple[Node, ...]:
    """Formulas in which what comes of cotangents is multiplied and added at once, in all forms alike.

    What comes of none is left as it is: of that the step in the forward has the same bits.
    """
    roots = tuple(roots)
    known: dict[Node, Node] = {}
    linear: set[Node] = set()
    for node in ordered(roots):
        known[node] = node
        if node.operation == "read" and str(node.value).startswith(("c_", "o_")):
            linear.add(node)
        elif any(part in linear for part in node.parts):
            linear.add(node)
            parts = [known[part] for part in node.parts]
            if node.operation == "add":
                known[node] = _product_added(builder, parts)
            else:
                known[node] = builder.make(node.operation, node.type, *parts)
    return tuple(known[root] for root in roots)


def _product_added(builder: Builder, parts: list[Node]) -> Node:
    for product, other in (parts[::-1], parts):
        for added, alone in _ADDED.items():
            if product.operation == alone and product.type == "f":
                return builder.make(added, "f", *product.parts, other)
    return builder.make("add", "f", *parts)
