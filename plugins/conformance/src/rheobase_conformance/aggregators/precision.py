"""Results in float32 are those in float64, for inputs of every size and sign."""

from __future__ import annotations

import torch

from ..property import prop
from ..subject import AggregatorSubject
from ..violation import require
from .case import AggregatorCase
from .cases import ALIKE, inputs, refused, result_of, size_of, with_all_values
from .ranges import MANY

SHAPES = (*ALIKE[:2], ((3,),), ALIKE[3], ((3,),) * MANY)


@prop(
    "aggregator",
    "float32-close-to-float64",
    "components",
    cases=lambda subject, profile: inputs(subject, profile, shapes=SHAPES, dtypes=("float32",)),
    share=0.5,
    why="models run in float32, which has seven digits: a rule that goes through fewer loses them in silence",
)
def float32_is_close_to_float64(subject: AggregatorSubject, case: AggregatorCase) -> None:
    """The same numbers give in float32 what they give in float64, up to rounding."""
    eps = torch.finfo(torch.float32).eps
    for each in with_all_values(case):
        given, names = each.inputs(), each.names()
        if refused(subject, given, names) is not None:
            continue
        found = result_of(subject, given, names)
        exact = result_of(subject, [value.double() for value in given], names)
        if not bool(found.isfinite().all() and exact.isfinite().all()):
            continue  # vacuous: that is told by finite-inputs-give-finite-results
        room = 64.0 * eps * max(size_of(subject, given, names), float(exact.abs().max()))
        require(
            float((found.double() - exact).abs().max()) <= room,
            f"the {each.values} inputs {[value.tolist() for value in given]} give {found.tolist()} in "
            f"float32, and in float64 {exact.tolist()}; rounding makes {room:.2g} of it",
        )
