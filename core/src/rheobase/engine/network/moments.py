"""Arrivals at their own times within a step, and those of a population in one table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, final

import numpy as np
import torch
from torch import Tensor

from ...errors import InputError
from .underway import TOLERANCE, Delivery, Sent, amounts, infinite


class Moments(NamedTuple):
    """What arrives in a step by one projection.

    Attributes:
        times: When, ms from the start of the step, within (0, dt], float64 ``[n]``.
        units: Where, in the flattened ``[*batch, targets]``, int64 ``[n]``.
        weights: How much, ``[n]``.
        batch: The batch.
    """

    times: Tensor
    units: Tensor
    weights: Tensor
    batch: torch.Size

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
            self.times.repeat(rows), self.units.repeat(rows) + first, self.weights.repeat(rows), batch
        )


@final
class LocatedDelivery(Delivery):
    """Where the receiver has arrivals at their own times. See :class:`Delivery`."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        # Step -> when, where, by which synapse and by what factor. Not the weights: those that hold then
        # count.
        self._due: dict[int, list[tuple[Tensor, Tensor, Tensor, Tensor | None]]] = {}
        self._batch = torch.Size()

    def clear(self) -> None:
        """Forget what is under way."""
        super().clear()
        self._due.clear()

    def restore(self, sent: list[Sent]) -> None:
        """Let these spikes be under way."""
        super().restore(sent)
        for spikes in sent:
            self._place(spikes)

    def _take(self, spikes: Sent, weight: Tensor) -> None:
        self._place(spikes)

    def _place(self, spikes: Sent) -> None:
        self._batch = spikes.batch
        places, at, times, factor = self.synapses_of(spikes)
        if not len(places):
            return
        moments = self.moments(spikes, places, times)
        labels = self.labels(moments)
        first, last = int(labels.min()), int(labels.max())
        if first == last:
            self._due.setdefault(first, []).append((moments, at, places, factor))
            return
        for label in labels.unique().tolist():
            here = labels == label
            some = None if factor is None else factor[here]
            self._due.setdefault(label, []).append((moments[here], at[here], places[here], some))

    def arriving(self, label: int, weight: Tensor) -> Moments | None:
        """What arrives in the step that ends at ``label``, and forget it and what is older."""
        for old in [each for each in self._due if each < label]:
            del self._due[old]
        found = self._due.pop(label, None)
        if not found:
            return None
        times, units, places = (torch.cat(column) for column in list(zip(*found, strict=True))[:3])
        factors = [each[3] for each in found if each[3] is not None]
        factor = torch.cat(factors) if factors else None
        since = since_start(times, label, self.dt)
        return Moments(since, units, amounts(weight, places, factor), self._batch)


def since_start(times: Tensor, label: int, dt: float) -> Tensor:
    """How long after the start of the step that ends at ``label`` these times are, ms."""
    since = times - (label - 1) * dt
    # Within the tolerance of the end it is at the end.
    return torch.where(since > dt - TOLERANCE, dt, since)


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
    order = torch.from_numpy(np.lexsort((times.cpu().numpy(), where.cpu().numpy()))).to(device)
    when, who = times[order], where[order]
    # What arrives at a unit within the tolerance of what came before it is one arrival with it.
    new = torch.ones(len(who), dtype=torch.bool, device=device)
    new[1:] = (who[1:] != who[:-1]) | (when[1:] - when[:-1] > TOLERANCE)
    group = new.cumsum(0) - 1
    starts = new.nonzero().view(-1)
    units_of = who[starts]
    first = torch.ones(len(starts), dtype=torch.bool, device=device)
    first[1:] = units_of[1:] != units_of[:-1]
    begins = torch.where(first, torch.arange(len(starts), device=device), 0).cummax(0).values
    column = torch.arange(len(starts), device=device) - begins
    width = int(column.max()) + 2
    found = infinite((units, width), device)
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
