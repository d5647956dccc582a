"""The usual step and the rare one.

In nearly all steps of nearly all units there is no spike, and all is finite. What is computed for these
alone is derived from the whole step by assuming just that; conditions say for whom it does not hold, and
those take the form that does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .expression import Node, ordered, rebuilt
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
