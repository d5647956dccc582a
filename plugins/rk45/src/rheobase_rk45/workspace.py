"""The step of :mod:`~rheobase_rk45.trial` in memory that is used again, for when no gradient is asked for.

A slope is added to the sums of all later stages, and to that of the error, in one operation. So a step of
seven stages is 19 operations beside those of the field, where a sum for each stage takes 45.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from rheobase.spi import Field
from torch import Tensor

from .tableau import EmbeddedTableau
from .trial import Trial


class Workspace:
    """The sums of the stages, for states of one shape.

    Args:
        table: The pair.
        like: A state, ``[D, *batch, units]``.
    """

    def __init__(self, table: EmbeddedTableau, like: Tensor) -> None:
        self.table, self.shape = table, like.shape
        stages = len(table.c)
        # A row for each stage but the first, and one for the error.
        self._sums = torch.empty(stages, *like.shape, dtype=like.dtype, device=like.device)
        self._rows = self._sums.unbind(0)
        self._later = [self._sums[index:] for index in range(stages)]
        self._weights = columns(table, like.ndim, like.dtype, like.device)

    def try_step(
        self, field: Field, t: Any, y: Tensor, h: Tensor, slope: Tensor, *, autonomous: bool = False
    ) -> Trial:
        """Try a step; see :func:`~rheobase_rk45.trial.try_step`. The error is valid until the next one.

        Args:
            field: The derivatives.
            t: The time of ``y``, ms, ``[*batch, units]``; where the field is autonomous, anything.
            y: The state, ``[D, *batch, units]``.
            h: The step of each unit, ms, ``[*batch, units]``.
            slope: The derivatives at ``t``.
            autonomous: Whether the field does not look at the time.
        """
        nodes, last = self.table.c, len(self.table.c) - 1
        torch.mul(self._weights[0], slope, out=self._sums)
        end, time = y, t
        for stage in range(1, last + 1):
            end = torch.addcmul(y, self._rows[stage - 1], h)
            if not autonomous and nodes[stage] != nodes[stage - 1]:
                time = torch.add(t, h, alpha=nodes[stage])
            slope = field(time, end)
            if stage < last:
                self._later[stage].addcmul_(self._weights[stage], slope)
        error = torch.add(self._rows[last], slope, alpha=self.table.error[last], out=self._rows[last])
        return Trial(end, error.mul_(h), slope)


@lru_cache(maxsize=32)
def columns(table: EmbeddedTableau, ndim: int, dtype: torch.dtype, device: torch.device) -> list[Tensor]:
    """For each stage, the weights of its slope in all later stages and in the error."""
    stages = len(table.c)
    found = []
    for stage in range(stages):
        weights = [table.a[later][stage] for later in range(stage + 1, stages)]
        column = torch.tensor([*weights, table.error[stage]], dtype=dtype, device=device)
        found.append(column.view(-1, *([1] * ndim)))
    return found
