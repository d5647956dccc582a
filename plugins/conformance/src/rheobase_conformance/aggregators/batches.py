"""Batches of up to three dimensions, some of one row, whose rows are different runs."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from ..property import prop
from ..subject import AggregatorSubject
from ..violation import require
from .case import AggregatorCase
from .cases import inputs, require_close, result_of

BATCHES = (
    ((2, 3, 2, 4), (2, 3, 2, 4), (2, 3, 2, 4)),
    ((3, 2, 4), (4,), ()),
    ((2, 1, 2, 3), (3, 1, 1), (1, 3, 2, 3)),
    ((2, 2, 3), (2, 3)),
    ((1, 2, 3), (3,)),
    ((1, 1, 2, 3), (1, 1, 1, 3)),
    ((1, 3), (1, 3)),
    ((2, 1, 1, 1), ()),
)
"""Shapes of inputs with batches of one to three dimensions."""


@prop(
    "aggregator",
    "batches-of-any-shape",
    "components",
    cases=lambda subject, profile: inputs(subject, profile, shapes=BATCHES),
    why="a sweep over two parameters, of several trials, is a batch of three dimensions",
)
def batches_may_have_any_shape(subject: AggregatorSubject, case: AggregatorCase) -> None:
    """In batches of up to three dimensions each row gives what it gives alone."""
    given, names = case.inputs(), case.names()
    shape = torch.broadcast_shapes(*case.shapes)
    whole = result_of(subject, given, names)
    require(
        whole.shape == shape,
        f"inputs of the shapes {[list(each) for each in case.shapes]} gave {list(whole.shape)}, and must "
        f"give {list(shape)}",
    )
    for row in itertools.product(*map(range, shape[:-1])):
        alone = result_of(subject, [_row(each, row) for each in given], names)
        require_close(
            alone,
            whole[row],
            f"row {list(row)} of the batch {list(shape[:-1])} alone, and in it",
            4.0 * case.scale,
        )


def _row(value: Tensor, row: tuple[int, ...]) -> Tensor:
    """A row of the batch, of an input that may have fewer dimensions, or one row for all."""
    own = row[len(row) - (value.ndim - 1) :] if value.ndim > 1 else ()
    return value[tuple(index if size > 1 else 0 for index, size in zip(own, value.shape, strict=False))]
