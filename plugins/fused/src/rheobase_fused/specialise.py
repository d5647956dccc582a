"""The usual step and the rare one.

In nearly all steps of nearly all units there is no spike, and all is finite. What is computed for these
alone is derived from the whole step by assuming just that; conditions say for whom it does not hold, and
those take the form that does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from .expression import Node, ordered, rebuilt
from .hoisting import Still
from .linear import condensed
from .tracing import Step


@dataclass(frozen=True)
class Split:
    """A step in its forms.

    Attributes:
        usual: Name -> the state after a step without a spike, all finite.
        finite: Name -> the state after a step with or without one, all finite.
        spiked: Whether there is one, all finite; None for a model that does not spike.
        assumed: The numbers that are assumed to be finite in both, beside the states at the end.
    """

    usual: Mapping[str, Node]
    finite: Mapping[str, Node]
    spiked: Node | None
    assumed: tuple[Node, ...]


def short_split(step: Step, constant: frozenset[str]) -> Split:
    """A step in its forms, their sums written anew where that makes them shorter.

    Args:
        step: The step.
        constant: The inputs that do not change in a run.
    """
    forms = split(step)
    spiked = [] if forms.spiked is None else [forms.spiked]
    roots = [*forms.usual.values(), *spiked, *forms.finite.values()]
    new = condensed(step.builder, Still(step, constant), roots)
    if not new:
        return forms
    computed = set(ordered(new[root] for root in roots))
    return replace(
        forms,
        usual={name: new[node] for name, node in forms.usual.items()},
        finite={name: new[node] for name, node in forms.finite.items()},
        spiked=new[spiked[0]] if spiked else None,
        # A sum that is gone was finite if what it was a part of is.
        assumed=tuple(new[node] for node in forms.assumed if new.get(node) in computed),
    )


def split(step: Step) -> Split:
    """Split a step into the usual and the rare."""
    builder, names = step.builder, list(step.states)
    roots = [step.states[name] for name in names]
    if step.spiked is not None:
        roots.append(step.spiked)
    yes, no = builder.constant(True, "b"), builder.constant(False, "b")
    assumed = {node for node in ordered(roots) if node.operation == "isfinite"}
    while True:
        finite = rebuilt(builder, roots, dict.fromkeys(assumed, yes))
        usual, conditions = finite, []
        if step.spiked is not None:
            conditions = [finite.pop()]
            # Without a spike, all that follows from one falls away.
            usual = rebuilt(builder, finite, {conditions[0]: no})
        computed = set(ordered([*usual, *conditions]))
        # Only what is computed anyway can be looked at for nothing.
        kept = {node for node in assumed if node.parts[0] in computed}
        if kept == assumed:
            break
        assumed = kept
    return Split(
        dict(zip(names, usual, strict=True)),
        dict(zip(names, finite, strict=True)),
        conditions[0] if conditions else None,
        tuple(
            node.parts[0]
            for node in sorted(assumed, key=lambda node: node.number)
            # Inputs are looked at in any case, and states were at the end of the last step.
            if node.parts[0].operation != "read" or node.parts[0].value.startswith("p_")
        ),
    )
