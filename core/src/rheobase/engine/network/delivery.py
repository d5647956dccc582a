"""Spikes on their way, on the grid of the time step: one ring of sums for each projection.

A spike of the step that ends at label * dt arrives at the end of a step, so many later as its delay has. All
that arrives there at a unit is summed in the order in which it was sent: by time, then source, then synapse.
"""

from __future__ import annotations

from collections import deque
from typing import final

import torch
from torch import Tensor

from .connectivity import Connectivity


@final
class GridDelivery:
    """What is under way in one projection.

    Args:
        connectivity: Its synapses.
        steps: The delay of each, in steps, int32 ``[synapses]``; or one number for all, at least 1.

    Attributes:
        longest: The longest delay, in steps.
    """

    def __init__(self, connectivity: Connectivity, steps: Tensor | int) -> None:
        self.connectivity, self.steps = connectivity, steps
        self.longest = steps if isinstance(steps, int) else int(steps.max()) if len(steps) else 1
        # Who spiked, in which step, for as long as it may be under way.
        self.sent: deque[tuple[int, Tensor, torch.Size]] = deque()
        self._ring: Tensor | None = None
        self._batch = torch.Size()
        self._last = 0
        self._weight: tuple[Tensor, int] | None = None

    def clear(self) -> None:
        """Forget what is under way."""
        self.sent.clear()
        self._ring, self._last, self._weight = None, 0, None

    def restore(self, sent: list[tuple[int, Tensor, torch.Size]]) -> None:
        """Let these spikes be under way: (label, sources, batch) of each step."""
        self.clear()
        self.sent.extend(sent)
        # The ring is made from them when it is next asked for.
        self._last = max((label + self.longest for label, _, _ in sent), default=0)

    def arriving(self, label: int, weight: Tensor) -> Tensor | None:
        """The sum of what arrives at each target at the end of the step ``label``, and forget it.

        Args:
            label: The number of the step's end.
            weight: ``[]`` or ``[synapses]``.

        Returns:
            ``[*batch, targets]``; None where nothing can arrive.
        """
        if label > self._last:
            return None
        ring = self._ring
        if ring is None or self._stale(weight):
            ring = self._rebuild(label, weight)
        slot = ring[label % len(ring)]
        sums = slot.view(*self._batch, -1).clone()
        slot.zero_()
        return sums

    def send(self, label: int, spiked: Tensor, weight: Tensor) -> None:
        """Let the spikes of a step be under way.

        Args:
            label: The number of the step's end.
            spiked: Who spiked, ``[*batch, sources]``.
            weight: ``[]`` or ``[synapses]``.
        """
        while self.sent and self.sent[0][0] + self.longest <= label:
            self.sent.popleft()
        who = spiked.reshape(-1).nonzero().view(-1)
        if not len(who):
            return
        batch = spiked.shape[:-1]
        self.sent.append((label, who, batch))
        if self._ring is None or self._stale(weight) or batch != self._batch:
            self._rebuild(label + 1, weight)
        else:
            self._add(label, who, weight)

    def _stale(self, weight: Tensor) -> bool:
        known = self._weight
        return known is None or known[0] is not weight or known[1] != weight._version

    def _rebuild(self, now: int, weight: Tensor) -> Tensor:
        """Sum anew what is under way from the step ``now`` on, with these weights."""
        self._weight = weight, weight._version
        self._batch = self.sent[-1][2] if self.sent else torch.Size()
        size = self._batch.numel() * self.connectivity.targets
        self._ring = ring = torch.zeros(self.longest + 1, size, dtype=weight.dtype, device=weight.device)
        for label, who, _ in self.sent:
            self._add(label, who, weight, now)
        return ring

    def _add(self, label: int, who: Tensor, weight: Tensor, first: int = 0) -> None:
        ring, connectivity = self._ring, self.connectivity
        if ring is None:
            return
        self._last = max(self._last, label + self.longest)
        row = None
        if self._batch:
            row, who = who // connectivity.sources, who % connectivity.sources
        places, count = connectivity.rows_of(who)
        if not len(places):
            return
        at = connectivity.target.index_select(0, places).to(torch.int64)
        if row is not None:
            at += torch.repeat_interleave(row * connectivity.targets, count)
        amount = weight.detach()
        amount = amount.expand(len(at)) if amount.ndim == 0 else amount.index_select(0, places)
        if isinstance(self.steps, int):
            if label + self.steps < first:
                return
            # Added one after the other, which is the order of the sum.
            ring[(label + self.steps) % len(ring)].index_add_(0, at, amount)
            return
        due = label + self.steps.index_select(0, places).to(torch.int64)
        if first:
            late = due >= first
            due, at, amount = due[late], at[late], amount[late]
        ring.view(-1).index_add_(0, (due % len(ring)) * ring.shape[1] + at, amount)
