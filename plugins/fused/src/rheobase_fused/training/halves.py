"""The two halves of a layer's step: its values, and its derivative, both as expressions of one unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from ..cost import cost_of
from ..expression import Builder, Node, ordered, rebuilt
from ..hoisting import Still, hoisted
from ..lanes import Lanes
from ..linear import condensed
from ..setting import UNITS
from ..tracing import Step
from .adjoint import adjoints, total
from .forms import Forms, Values, forms_of, regrouped
from .partials import Part
from .rates import with_rates
from .setting import MARKS, OUT, SPIKED, LayerSetting, slope_nodes

DEAR = 20
"""What a value costs, in additions, that is kept of a step for its derivative: to write it costs less."""
FEW = 3
"""So many learned parameters are summed over steps themselves, and not by way of what follows from them."""
ALL: frozenset[str] = frozenset()
"""The inputs that do not change in a run: none, since each step has a derivative by its own."""


@dataclass(frozen=True)
class Halves:
    """A step, and its derivative.

    Attributes:
        pattern: What was followed, hashable.
        step: The values: states at the end, parameters, inputs.
        out: The output.
        adjoint: State, of those that are numbers -> the cotangent of what it was before the step.
        inputs: Input -> its cotangent; an input that nothing depends on is not there.
        gathered: What is learned, or what does not change in a run and depends on that -> its cotangent in
            a step.
        carried: Parameter -> its cotangent, from those of ``gathered`` summed over steps, which are read as
            ``a_0``, ``a_1``, ...
        hoisted: What does not change -> whether it is the same for all units.
        forward: The forms of the states at the end, and of the output.
        backward: Those of ``adjoint``, ``gathered`` and ``inputs``.
    """

    pattern: tuple[Any, ...]
    step: Step
    out: Node
    adjoint: Mapping[str, Node]
    inputs: Mapping[str, Node]
    gathered: Mapping[Node, Node]
    carried: Mapping[str, Node]
    hoisted: Mapping[Node, bool]
    forward: Forms
    backward: Forms

    @property
    def taped(self) -> list[Node]:
        """Dear values of which the derivative is made; none where a unit may take another form of it."""
        if self.forward.looks or self.forward.spiked is not None:
            return []
        of_cotangents: set[Node] = set()
        found = []
        for node in ordered(self.backward.usual, self.hoisted):
            read = node.operation == "read" and str(node.value).startswith(("c_", "o_"))
            if read or not of_cotangents.isdisjoint(node.parts):
                of_cotangents.add(node)
            elif node not in self.hoisted and cost_of([node], node.parts) >= DEAR:
                found.append(node)
        return found


def halves_of(setting: LayerSetting, learn: Iterable[str], *, holds: bool) -> Halves:
    """Follow a layer's step, and take its derivative.

    Args:
        setting: A few units.
        learn: The parameters of which a derivative is asked for.
        holds: Whether a unit may be refractory.

    Raises:
        Refusal: If it cannot be followed, or does what a kernel cannot.
    """
    dtype, builder = setting.neuron.dtype, Builder()
    traced = setting.traced()
    lanes = Lanes(builder, dtype, UNITS, MARKS)
    lanes.write(traced)
    names = [name for name in setting.states if holds or name != "hold"]
    ends = [lanes.single(lanes.of(traced.results[name]), setting.states[name].dtype) for name in names]
    roots = [*ends, lanes.single(lanes.of(traced.results[OUT]), dtype)]
    spiked = traced.results.get(SPIKED)
    if spiked is not None:
        roots.append(lanes.single(lanes.of(spiked), torch.bool))
    if not holds and "hold" in setting.states:
        roots = rebuilt(builder, roots, {builder.read("s_hold", "i"): builder.constant(0, "i")})

    roots = with_rates(builder, roots, dtype)

    def step_with(states: Mapping[str, Node]) -> Step:
        return Step(builder, states, None, tuple(setting.params), setting.uniform, tuple(setting.data))

    still = Still(step_with({}), ALL)
    shorter = condensed(builder, still, roots)
    roots = [shorter.get(root, root) for root in roots]
    who = None if spiked is None else roots.pop()
    numbers = [name for name in names if setting.states[name].dtype == dtype]
    u, slope = slope_nodes(builder, setting.unrolling.function, dtype)
    seeds: dict[Node, Node] = {}
    given = {name: builder.read(f"c_{name}", "f") for name in numbers}
    for root, seed in [*zip(roots, given.values(), strict=False), (roots[-1], builder.read("o_out", "f"))]:
        seeds[root] = builder.make("add", "f", seeds[root], seed) if root in seeds else seed
    before = {name: builder.read(f"s_{name}", "f") for name in numbers}
    data = {name: builder.read(f"x_{name}", "f") for name in setting.data}
    learnt = {name: builder.read(f"p_{name}", "f") for name in learn}
    used = [node for node in hoisted(roots, step_with({}), ALL) if _depends(node, learnt.values())]

    def derivative(cotangents: Mapping[Node, Node], leaves: Iterable[Node]) -> dict[Node, Node]:
        return adjoints(
            builder,
            cotangents,
            [*leaves],
            lambda node: rebuilt(builder, [slope], {u: node})[0],
            still,
        )

    found = derivative(seeds, [*before.values(), *data.values(), *used])
    of_still = {node: found[node] for node in used if node in found}
    if len(learnt) <= FEW:
        # Carried to the parameters in each step: there is less to add up.
        one, sums_of = builder.constant(1.0, "f"), dict[Node, list[Part]]()
        for node, cotangent in of_still.items():
            for leaf, slope_of in derivative({node: one}, learnt.values()).items():
                part = Part(leaf, cotangent, None if slope_of is one else slope_of)
                sums_of.setdefault(leaf, []).append(part)
        of_still = {leaf: total(builder, parts) for leaf, parts in sums_of.items()}
    sums = {node: builder.read(f"a_{k}", "f") for k, node in enumerate(of_still)}
    carried = derivative(sums, learnt.values())
    zero = builder.constant(0.0, "f")
    values = Values(builder)
    states = {name: values.of(root) for name, root in zip(names, roots, strict=False)}
    out = values.of(roots[-1])
    adjoint = {name: values.of(found.get(node, zero)) for name, node in before.items()}
    inputs = {name: values.of(found[node]) for name, node in data.items() if node in found}
    gathered = {node: values.of(cotangent) for node, cotangent in of_still.items()}
    step = step_with(states)
    who = None if who is None else values.of(who)
    forward = forms_of(builder, [*states.values(), out], who)
    # Who spikes must be told by the same bits as in the forward; the rest may be rounded otherwise.
    taken = [*adjoint.values(), *gathered.values(), *inputs.values()]
    taken = regrouped(builder, still, taken, [*forward.whole, *([] if who is None else [who])])
    backward = forms_of(builder, taken, who)
    return Halves(
        traced.pattern(),
        step,
        out,
        adjoint,
        inputs,
        gathered,
        {name: values.of(carried[node]) for name, node in learnt.items() if node in carried},
        hoisted([*forward.nodes, *backward.nodes], step, ALL),
        forward,
        backward,
    )


def _depends(node: Node, leaves: Iterable[Node]) -> bool:
    return not {*ordered([node])}.isdisjoint(leaves)
