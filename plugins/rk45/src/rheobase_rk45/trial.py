"""One step of an embedded pair, with its error: straight-line tensor code that autograd can follow.

:mod:`~rheobase_rk45.workspace` has the same step in memory that is used again, with the same result bit for
bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from rheobase.spi import Field
from torch import Tensor

from .tableau import EmbeddedTableau


class Trial(NamedTuple):
    """What a step would give.

    Attributes:
        y: The state at the end, ``[D, *batch, units]``.
        error: The difference between the two solutions, in the same shape.
        slope: The derivatives at the end, in the same shape.
        slopes: Those of all stages, where they were kept.
    """

    y: Tensor
    error: Tensor
    slope: Tensor
    slopes: tuple[Tensor, ...] = ()


def try_step(table: EmbeddedTableau, field: Field, t: Any, y: Tensor, h: Tensor, slope: Tensor) -> Trial:
    """Try a step.

    Every operation is element by element, a product, a sum or a multiply-add, so that the result of a
    unit does not depend on where it lies in the tensor.

    Args:
        table: The pair.
        field: The derivatives.
        t: The time of ``y``, ms: a number or ``[*batch, units]``.
        y: The state, ``[D, *batch, units]``.
        h: The step of each unit, ms, ``[*batch, units]``.
        slope: The derivatives at ``t``, in the shape of ``y``.

    Returns:
        The state at ``t + h``, its error and the derivatives there.
    """
    slopes = [slope]
    end = y
    for node, row in zip(table.c[1:], table.a[1:], strict=True):
        end = torch.addcmul(y, weighted(row, slopes), h)
        time = torch.add(t, h, alpha=node) if isinstance(t, Tensor) else t + node * h
        slopes.append(field(time, end))
    return Trial(end, weighted(table.error, slopes) * h, slopes[-1], tuple(slopes))


def weighted(weights: Sequence[float], slopes: Sequence[Tensor]) -> Tensor:
    """The weighted sum of slopes, in their order."""
    total = weights[0] * slopes[0]
    for weight, slope in zip(weights[1:], slopes[1:], strict=True):
        total = torch.add(total, slope, alpha=weight)
    return total
