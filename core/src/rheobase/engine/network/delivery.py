"""Arrivals at the ends of steps: one ring of sums for each projection.

All that arrives there at a unit is summed in the order in which it was sent: by time, then source, then
synapse.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import torch
from torch import Tensor

from ...torch_state import known_to_numpy
from .ring import ArrayRing
from .underway import Delivery, Sent, amounts


@final
class GridDelivery(Delivery):
    """Where the receiver is on the grid. See :class:`Delivery`."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._ring: Tensor | None = None
        # The same, where numpy works on it.
        self._arrays: ArrayRing | None = None
        self._batch = torch.Size()
        # The last step at whose end something may arrive.
        self._last = 0
        self._weight: tuple[Tensor, int] | None = None

    def __getstate__(self) -> dict[str, Any]:
        # Arrays would not be copied together with the ring that they are views of; it is made anew.
        return {**self.__dict__, "_ring": None, "_arrays": None, "_weight": None}

    def clear(self) -> None:
        """Forget what is under way."""
        super().clear()
        self._ring, self._arrays, self._last, self._weight = None, None, 0, None

    def restore(self, sent: list[Sent]) -> None:
        """Let these spikes be under way; the ring is made from them when it is next asked for."""
        super().restore(sent)
        self._last = max((each.label + self.longest for each in sent), default=0)

    def passed(self, spikes: Sequence[Sent], sums: Tensor, weight: Tensor) -> None:
        """Somebody else has taken steps: let these spikes be under way, and these sums what they come to.

        Args:
            spikes: Those that were sent in these steps, as far as they may be under way.
            sums: As :meth:`sums`, after them; it is kept.
            weight: What they are sums of.
        """
        for each in spikes:
            self._append(each)
            self._last = max(self._last, each.label + self.longest)
        self._batch = torch.Size()
        self._hold(sums, weight)

    def sums(self, label: int, weight: Tensor) -> Tensor:
        """A copy of the sums of what is under way from the step ``label`` on: see :class:`~.lines.Line`."""
        ring = self._ring
        return (self._rebuild(label, weight) if ring is None or self._stale(weight) else ring).clone()

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
        if self._arrays is not None:
            sums = self._arrays.taken(label)
            return sums.view(*self._batch, -1) if self._batch else sums
        slot = ring[label % len(ring)]
        sums = slot.view(*self._batch, -1).clone()
        slot.zero_()
        return sums

    def _take(self, spikes: Sent, weight: Tensor) -> None:
        if self._ring is None or self._stale(weight) or spikes.batch != self._batch:
            self._rebuild(spikes.label + self.soonest, weight)
        else:
            self._add(self._ring, spikes, weight)

    def _stale(self, weight: Tensor) -> bool:
        known = self._weight
        if (
            known is None
            or self._ring is None
            or self._ring.is_inference() != torch.is_inference_mode_enabled()
        ):
            return True
        # Inference tensors keep no count of how often they were written to.
        version = -1 if weight.is_inference() else weight._version
        return known[0] is not weight or known[1] != version

    def _rebuild(self, now: int, weight: Tensor) -> Tensor:
        """Sum anew what is under way from the step ``now`` on, with these weights."""
        self._batch = self.sent[-1].batch if self.sent else torch.Size()
        size = self._batch.numel() * self.connectivity.targets
        ring = torch.zeros(self.longest + 1, size, dtype=weight.dtype, device=weight.device)
        self._hold(ring, weight)
        for spikes in self.sent:
            self._add(ring, spikes, weight, now)
        return ring

    def _hold(self, ring: Tensor, weight: Tensor) -> None:
        """Let these be the sums, by these weights."""
        self._ring, self._weight = ring, (weight, -1 if weight.is_inference() else weight._version)
        steps = self.delays.steps
        if steps is not None and known_to_numpy(ring):
            self._arrays = ArrayRing(ring, self.connectivity, steps, weight)

    def _add(self, ring: Tensor, spikes: Sent, weight: Tensor, first: int = 0) -> None:
        """Add what was sent to the sums; that of steps before ``first`` has arrived."""
        self._last = max(self._last, spikes.label + self.longest)
        if self._arrays is not None:
            self._arrays.add(spikes, first)
            return
        places, at, times, factor = self.synapses_of(spikes)
        if not len(places):
            return
        amount, steps = amounts(weight, places, factor), self.delays.steps
        if isinstance(steps, int):
            if spikes.label + steps >= first:
                # Added one after the other, which is the order of the sum.
                ring[(spikes.label + steps) % len(ring)].index_add_(0, at, amount)
            return
        if steps is None:
            due = self.labels(self.moments(spikes, places, times))
        else:
            due = spikes.label + (steps if steps.ndim == 0 else steps.index_select(0, places)).to(torch.int64)
        if first:
            late = due >= first
            due, at, amount = due[late], at[late], amount[late]
        ring.view(-1).index_add_(0, (due % len(ring)) * ring.shape[1] + at, amount)
