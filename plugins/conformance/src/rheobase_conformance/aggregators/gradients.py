"""Gradients at inputs of every size and sign, unit by unit."""

from __future__ import annotations

import torch
from rheobase.errors import InputError
from torch import Tensor

from ..property import prop
from ..subject import AggregatorSubject
from ..violation import violated
from .case import AggregatorCase
from .cases import ALIKE, inputs, result_of, with_all_values
from .ranges import EITHER

STEP = 1e-5
"""By which part of themselves inputs are moved for differences."""
BENT, APART = 0.05, 1e-3
"""Where slopes on two sides differ by a larger part, or the slope of a move from the sum of those of its
parts, there is a corner, or nearly, where a gradient is one of many."""

Move = list[Tensor]


@prop(
    "aggregator",
    "gradients-for-all-values",
    "components",
    cases=lambda subject, profile: inputs(
        subject, profile, shapes=(*ALIKE[:2], ((3,),), ALIKE[3]), dtypes=("float64",)
    ),
    share=0.5,
    why="weights are learnt from silence on, and one NaN among the gradients ends all learning",
)
def gradients_for_all_values(subject: AggregatorSubject, case: AggregatorCase) -> None:
    """At zero, negative and large inputs each unit's gradient is that of differences."""
    for each in with_all_values(case):
        # Differences of such small numbers are rounding, where a rule has some of about one; and e^-x, as it
        # is in many a published formula, has no derivative for autograd where it overflows.
        if each.scale < 1.0 or (each.scale > 1.0 and each.values in EITHER):
            continue
        try:
            _compare(subject, each)
        except InputError:
            continue  # vacuous: it refuses them, or some nearby


def _compare(subject: AggregatorSubject, case: AggregatorCase) -> None:
    given, names = case.inputs(), case.names()
    generator = torch.Generator().manual_seed(case.seed)
    way = _move(given, case.scale, generator)

    def at(part: float, move: Move) -> Tensor:
        moved = [value + part * by for value, by in zip(given, move, strict=True)]
        return result_of(subject, moved, names).detach()

    def slope(move: Move, far: float = 1.0) -> Tensor:
        return (at(far, move) - at(-far, move)) / (2.0 * far)

    leaves = [value.clone().requires_grad_() for value in given]
    whole = result_of(subject, leaves, names)
    middle, found = whole.detach(), slope(way)
    noise = 64.0 * torch.finfo(middle.dtype).eps * middle.abs().clamp(min=case.scale)
    up, down = at(1.0, way) - middle, middle - at(-1.0, way)
    parts = [
        slope([by if place == index else 0.0 * by for place, by in enumerate(way)])
        for index in range(len(way))
    ]
    least = torch.minimum(up.abs() + down.abs(), torch.stack(parts).abs().sum(dim=0))
    smooth = (up - down).abs() <= BENT * least + noise
    smooth &= (torch.stack(parts).sum(dim=0) - found).abs() <= APART * least + noise
    # Twice as far and a hundredth of it: how far differences are from a slope, and steps from a line.
    wide, narrow = ((found - slope(way, far)).abs() for far in (2.0, 0.01))
    room = 4.0 * torch.maximum(wide, narrow) + noise
    smooth &= room.isfinite()
    for unit in range(whole.shape[-1]):
        if bool(smooth[unit]):  # else vacuous: there is no gradient, or no number to compare it with
            _require_slope(case, leaves, way, whole[unit], unit, float(found[unit]), float(room[unit]))


def _move(given: Move, scale: float, generator: torch.Generator) -> Move:
    """A move of each input, up or down by a part of itself, or of the scale where it is zero."""
    return [
        STEP
        * torch.where(value != 0, value.abs(), scale)
        * (2.0 * torch.rand(value.shape, generator=generator, dtype=value.dtype) - 1.0)
        for value in given
    ]


def _require_slope(
    case: AggregatorCase, leaves: Move, move: Move, result: Tensor, unit: int, slope: float, room: float
) -> None:
    gradients: list[Tensor | None] = [None] * len(leaves)
    if result.requires_grad:
        gradients = list(torch.autograd.grad(result, leaves, allow_unused=True, retain_graph=True))
    # What the inputs of other units do is another property's; theirs may have no gradient.
    own = [0.0 if gradient is None else gradient[unit].item() for gradient in gradients]
    found = sum(gradient * by[unit].item() for gradient, by in zip(own, move, strict=True))
    if not abs(found - slope) <= room:
        at = [value[unit].item() for value in leaves]
        violated(
            f"at the inputs {at} of unit {unit}, with the identifiers {case.names()}, its gradient is {own}; "
            f"a move by {[by[unit].item() for by in move]} changes the result by {slope:.6g}, and by the "
            f"gradient by {found:.6g}"
        )
