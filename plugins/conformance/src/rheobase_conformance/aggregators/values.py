"""What an aggregator computes: unit by unit, precisely, with gradients, and the same in a neuron."""

from __future__ import annotations

import torch
from rheobase import AnalogNeuron, create

from ..property import prop
from ..subject import AggregatorSubject
from ..violation import require, violated
from .case import AggregatorCase
from .cases import ALIKE, SHAPES, inputs, require_close, result_of

BATCHED = (((2, 3), (2, 3), (2, 3)), ((2, 3), (3,)), ((2, 4), (), (4,)))


@prop(
    "aggregator",
    "units-know-nothing-of-each-other",
    "components",
    cases=lambda subject, profile: inputs(subject, profile, shapes=BATCHED + ALIKE),
    why="the inputs of a unit are its own: what others receive is not its business",
)
def units_know_nothing_of_each_other(subject: AggregatorSubject, case: AggregatorCase) -> None:
    """A unit's result follows from its own inputs: alone it is the same."""
    given, names = case.inputs(), case.names()
    whole = result_of(subject, given, names)
    for unit in (0, whole.shape[-1] - 1):
        own = [each[..., unit : unit + 1] if each.ndim else each for each in given]
        alone = result_of(subject, own, names)
        require_close(
            alone, whole[..., unit : unit + 1], f"unit {unit} alone, and among all", 4.0 * case.scale
        )


@prop(
    "aggregator",
    "batch-rows-know-nothing-of-each-other",
    "components",
    cases=lambda subject, profile: inputs(subject, profile, shapes=BATCHED),
    why="the rows of a batch are different runs",
)
def batch_rows_know_nothing_of_each_other(subject: AggregatorSubject, case: AggregatorCase) -> None:
    """A row of a batch gives the same alone."""
    given, names = case.inputs(), case.names()
    whole = result_of(subject, given, names)
    for row in range(2):
        own = [each[row] if each.ndim == 2 else each for each in given]
        alone = result_of(subject, own, names)
        require_close(alone, whole[row], f"row {row} alone, and in the batch", 4.0 * case.scale)


@prop(
    "aggregator",
    "float64-is-precise",
    "components",
    cases=lambda subject, profile: inputs(subject, profile, shapes=ALIKE, dtypes=("float64",)),
    why="a step through float32 loses half the digits, whatever the type of the result",
)
def float64_is_precise(subject: AggregatorSubject, case: AggregatorCase) -> None:
    """In float64 a change of the inputs by 1e-9 is seen, where one by 1e-3 is."""
    given, names = case.inputs(), case.names()
    before = result_of(subject, given, names)
    changes = [
        result_of(subject, [each * (1.0 + by) for each in given], names) - before for by in (1e-3, 1e-9)
    ]
    smooth = bool((changes[0].abs() > 1e-6).all())
    require(
        not smooth or bool((changes[1] != 0).any()),
        f"inputs of float64 that are larger by 1e-3 move the result by {changes[0].tolist()}, and by "
        "1e-9 not "
        "at all; compute in the type of the inputs",
    )


@prop(
    "aggregator",
    "gradients-flow",
    "components",
    cases=lambda subject, profile: inputs(subject, profile, shapes=ALIKE, dtypes=("float64",)),
    why="weights of synapses are learnt through the aggregator",
)
def gradients_flow(subject: AggregatorSubject, case: AggregatorCase) -> None:
    """The gradient of the result by each input is finite, and equals finite differences."""
    given, names, far = case.inputs(), case.names(), 1e-6 * case.scale
    leaves = [each.clone().requires_grad_() for each in given]
    total = result_of(subject, leaves, names).sum()
    gradients = (
        torch.autograd.grad(total, leaves, allow_unused=True) if total.requires_grad else [None] * len(given)
    )
    for index, gradient in enumerate(gradients):
        sides = [
            result_of(
                subject, [x + sign * far * (place == index) for place, x in enumerate(given)], names
            ).sum()
            for sign in (1.0, -1.0)
        ]
        slope = float(sides[0] - sides[1]) / (2.0 * far)
        found = 0.0 if gradient is None else float(gradient.sum())
        require(
            abs(found - slope) <= 1e-4 * (1.0 + abs(slope)),
            f"by input {index} the gradient is {found if gradient is not None else 'missing'}, and "
            "differences "
            f"give {slope:.9g}",
        )


@prop(
    "aggregator",
    "serves-a-neuron",
    "components",
    cases=lambda subject, profile: inputs(subject, profile, shapes=SHAPES[:3] + ALIKE),
    why="a modeller uses it through create(..., aggregator=name)",
)
def it_serves_a_neuron(subject: AggregatorSubject, case: AggregatorCase) -> None:
    """A neuron that is given the inputs as a list receives what the aggregator gives."""
    given, names = case.inputs(), case.names()
    expected = result_of(subject, case.inputs(), names)
    units = expected.shape[-1] if expected.ndim else 1
    neuron = create(AnalogNeuron, units, aggregator=subject.obj, dtype=given[0].dtype)
    out = neuron(given, names)["voltage"]
    if not torch.equal(out, expected.expand_as(out)):
        violated(f"a neuron receives {out.tolist()}, and called by itself it gives {expected.tolist()}")
