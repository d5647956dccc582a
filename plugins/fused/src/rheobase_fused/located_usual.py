"""The usual step of a unit whose spikes are located: none lies in it, nor may.

A unit is free for the whole of it, or refractory for the whole of it. For whom that does not hold, or may
not, a condition says so, and ``located.h`` takes the step of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from rheobase.spi import PROBE

from .expression import Node, ordered, rebuilt
from .hoisting import Still
from .linear import condensed
from .located_tracing import Parts
from .tracing import Step


@dataclass(frozen=True)
class Usual:
    """A usual step.

    Attributes:
        states: Name -> the state at its end. ``hold`` counts the steps in which a unit is still refractory,
            be it in a part of the last of them.
        odd: Whether it is not usual.
        looked: The numbers that are finite if it is; with them the states are.
        before: The derivatives at its start.
        after: The derivatives at its end.
    """

    states: Mapping[str, Node]
    odd: Node
    looked: tuple[Node, ...]
    before: tuple[Node, ...]
    after: tuple[Node, ...]


def usual_step(parts: Parts, dtype: torch.dtype) -> Usual:
    """The usual step, from its parts.

    Args:
        parts: The parts.
        dtype: The run's floating-point type.
    """
    return _Making(parts, dtype).all()


def short_usual(usual: Usual, step: Step, constant: frozenset[str]) -> Usual:
    """A usual step, its sums written anew where that makes it shorter.

    Args:
        usual: The usual step.
        step: It, as the caller of the kernel sees it.
        constant: The inputs that do not change in a run.
    """
    roots = [*usual.states.values(), usual.odd, *usual.looked, *usual.before, *usual.after]
    new = condensed(step.builder, Still(step, constant), roots)
    if not new:
        return usual
    return Usual(
        {name: new[node] for name, node in usual.states.items()},
        new[usual.odd],
        *(tuple(new[node] for node in nodes) for nodes in (usual.looked, usual.before, usual.after)),
    )


class _Making:
    def __init__(self, parts: Parts, dtype: torch.dtype) -> None:
        self.parts, self.dtype = parts, dtype
        self.make, self.read = parts.builder.make, parts.builder.read
        self.start = tuple(self.read(f"s_{name}", "f") for name in parts.names)

    def all(self) -> Usual:
        """The usual step."""
        parts, make = self.parts, self.make
        refractory = parts.tau_ref is not None
        left, nothing = self.read("s_hold", "i"), parts.builder.constant(0, "i")
        resting = make("ne", "b", left, nothing) if refractory else parts.builder.constant(False, "b")
        given = {
            self.read("t_0", "f"): self.number(0.0),
            self.read("t_1", "f"): self.number(parts.dt),
            self.read("r_resting", "b"): resting,
        }
        moved = rebuilt(parts.builder, parts.advance, given)
        end = moved
        if refractory and parts.all_held:
            end = [make("where", "f", resting, *each) for each in zip(self.start, moved, strict=True)]
        after = self.at(parts.slope, end)
        odd = self.crosses(end, after)
        states = dict(zip(parts.names, end, strict=True))
        if refractory:
            last = make("eq", "b", left, parts.builder.constant(1, "i"))
            odd = make("or", "b", last, make("and", "b", make("eq", "b", left, nothing), odd))
            states["hold"] = make("sub", "i", left, make("cast", "i", resting))
        return Usual(states, odd, tuple(moved), parts.slope, tuple(after))

    def crosses(self, end: list[Node], after: list[Node]) -> Node:
        """Whether g crosses zero, or turns so that it may have done so in between: see ``rheobase.Event``."""
        gap, before, make = self.parts.gap, self.parts.slope, self.make
        zero, limit = self.number(0.0), self.limit()
        if limit is None:
            # A sixty-fourth of the way from the start on, and back from the end.
            step = self.number(PROBE * torch.tensor(self.parts.dt, dtype=self.dtype).item())
            on = [make("mul", "f", step, slope) for slope in before]
            back = [make("mul", "f", step, slope) for slope in after]
            near = [make("add", "f", *each) for each in zip(self.start, on, strict=True)]
            far = [make("sub", "f", *each) for each in zip(end, back, strict=True)]
            (first,), (last,), (early,), (late,) = (
                self.at((gap,), each) for each in (list(self.start), end, near, far)
            )
            armed, below = make("lt", "b", first, zero), make("lt", "b", last, zero)
            rises, falls = make("gt", "b", early, first), make("lt", "b", early, first)
            comes_down, comes_up = make("gt", "b", late, last), make("lt", "b", late, last)
        else:
            # g rises where the state does, or stays as it is by rounding, which located.h will see.
            k, level = limit
            armed, below = make("lt", "b", self.start[k], level), make("lt", "b", end[k], level)
            rises, falls = make("gt", "b", before[k], zero), make("lt", "b", before[k], zero)
            comes_down, comes_up = make("lt", "b", after[k], zero), make("gt", "b", after[k], zero)
        # From below to below over a top, from above to above through a dip, or up.
        top = make("and", "b", armed, make("and", "b", rises, comes_down))
        dip = make("or", "b", armed, make("and", "b", falls, comes_up))
        return make("where", "b", below, top, dip)

    def limit(self) -> tuple[int, Node] | None:
        """The state and its limit, where g is a state less what no state is a part of."""
        gap = self.parts.gap
        if gap.operation != "sub" or gap.parts[0] not in self.start:
            return None
        if any(node in self.start for node in ordered([gap.parts[1]])):
            return None
        return self.start.index(gap.parts[0]), gap.parts[1]

    def number(self, value: float) -> Node:
        """A constant, in the run's type."""
        return self.parts.builder.constant(torch.tensor(value, dtype=self.dtype).item(), "f")

    def at(self, roots: tuple[Node, ...], places: list[Node]) -> list[Node]:
        """Expressions of the states, of other states."""
        return rebuilt(self.parts.builder, roots, dict(zip(self.start, places, strict=True)))
