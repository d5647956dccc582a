"""What arrives at its own times within a step: by sender, and all that a population receives in one table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...errors import InputError

TOLERANCE = 1e-9
"""What is so near to the end of a step is at it, and what arrives so near together is one arrival, ms."""


class Moments(NamedTuple):
    """What arrives in a step by one projection.

    Attributes:
        times: When, ms from the start of the step, within (0, dt], float64 ``[n]``.
        units: Where, in the flattened ``[*batch, targets]``, int64 ``[n]``.
        weights: How much, ``[n]``.
        batch: The batch.
        alone: Whether each is an arrival of its own, whatever comes at the same time: where times have
            derivatives, which those of a sum have not.
    """

    times: Tensor
    units: Tensor
    weights: Tensor
    batch: torch.Size
    alone: bool = False

    def in_batch(self, batch: torch.Size, targets: int) -> Moments:
        """The same in each row of a batch, where its source has none."""
        if self.batch == batch:
            return self
        if self.batch:
            raise InputError(
                f"a population with the batch {list(self.batch)} sends to one with {list(batch)}; all of "
                "a network have one"
            )
        rows = batch.numel()
        first = torch.arange(rows, device=self.units.device).repeat_interleave(len(self.units)) * targets
        return Moments(
            self.times.repeat(rows),
            self.units.repeat(rows) + first,
            self.weights.repeat(rows),
            batch,
            self.alone,
        )


def table(parts: Sequence[Moments | None], units: int) -> tuple[Tensor, list[Tensor | None]]:
    """All that arrives in a step, by unit and in order of time.

    Args:
        parts: What arrives by each projection.
        units: The number of units, those of a batch side by side.

    Returns:
        The times, float64 ``[units, K + 1]``, infinite in places left over; and for each projection what
        arrives then, ``[units, K + 1]``, in sum; None where nothing does.
    """
    there = [(place, part) for place, part in enumerate(parts) if part is not None]
    device = there[0][1].times.device
    times = torch.cat([part.times for _, part in there])
    where = torch.cat([part.units for _, part in there])
    order = torch.from_numpy(np.lexsort((times.detach().cpu().numpy(), where.cpu().numpy()))).to(device)
    when, who = times[order], where[order]
    # What arrives at a unit within the tolerance of what came before it is one arrival with it.
    new = torch.ones(len(who), dtype=torch.bool, device=device)
    new[1:] = (who[1:] != who[:-1]) | (when[1:] - when[:-1] > TOLERANCE)
    if any(part.alone for _, part in there):
        alone = [torch.full((len(part.times),), part.alone, device=device) for _, part in there]
        new = new | torch.cat(alone)[order]
    group = new.cumsum(0) - 1
    starts = new.nonzero().view(-1)
    units_of = who[starts]
    first = torch.ones(len(starts), dtype=torch.bool, device=device)
    first[1:] = units_of[1:] != units_of[:-1]
    begins = torch.where(first, torch.arange(len(starts), device=device), 0).cummax(0).values
    column = torch.arange(len(starts), device=device) - begins
    width = int(column.max()) + 2
    found = torch.full((units, width), math.inf, dtype=torch.float64, device=device)
    found[units_of, column] = when[starts]
    # Back from the order by time to that in which they were sent, which is that of the sums.
    column_of = torch.empty_like(order)
    column_of[order] = column[group]
    weights: list[Tensor | None] = [None] * len(parts)
    begin = 0
    for place, part in there:
        end = begin + len(part.times)
        sums = torch.zeros(units * width, dtype=part.weights.dtype, device=device)
        sums.index_add_(0, part.units * width + column_of[begin:end], part.weights)
        weights[place] = sums.view(units, width)
        begin = end
    return found, weights
