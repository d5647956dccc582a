"""A ring of sums on the CPU, by numpy: a tenth of the time of torch's calls, for few numbers in a step."""

from __future__ import annotations

from typing import final

import numpy as np
import torch
from torch import Tensor

from .connectivity import Connectivity
from .underway import Sent

_FEW = 24
"""So many rows of synapses are put together one by one; more are found all at once."""


@final
class ArrayRing:
    """Sums as arrays, with the synapses whose weights they are of.

    Args:
        ring: The sums, ``[steps, *batch * targets]``; they are written to.
        connectivity: The synapses.
        steps: Their delays in steps: a number, or ``[synapses]``.
        weight: Their weights, ``[]`` or ``[synapses]``.
    """

    def __init__(self, ring: Tensor, connectivity: Connectivity, steps: Tensor | int, weight: Tensor) -> None:
        self._connectivity, self._flat = connectivity, ring.view(-1).numpy()
        self._rows = list(ring.numpy())
        self._indptr, self._target = connectivity.indptr.numpy(), connectivity.target.numpy()
        self._weight = weight.detach().numpy()
        self._steps = steps if isinstance(steps, int) else None
        self._each = np.empty(0) if isinstance(steps, int) else steps.expand(connectivity.synapses).numpy()

    def taken(self, label: int) -> Tensor:
        """A copy of the sums of what arrives at the end of a step; in their place is nothing."""
        row = self._rows[label % len(self._rows)]
        sums = torch.from_numpy(row.copy())
        row.fill(0)
        return sums

    def add(self, spikes: Sent, first: int) -> None:
        """Add the weights of spikes, one after the other, which is the order of the sums.

        Args:
            spikes: The spikes.
            first: What arrives before the end of this step has arrived.
        """
        who, steps, weight = spikes.who.numpy(), self._steps, self._weight
        if steps is not None and spikes.label + steps < first:
            return
        if steps is not None and len(who) < _FEW and not spikes.batch and spikes.factor is None:
            begin, end = self._indptr[who].tolist(), self._indptr[who + 1].tolist()
            ranges = [slice(*each) for each in zip(begin, end, strict=True)]
            at = np.concatenate([self._target[each] for each in ranges], dtype=np.intp)
            if weight.ndim:
                weight = np.concatenate([weight[each] for each in ranges])
            np.add.at(self._rows[(spikes.label + steps) % len(self._rows)], at, weight)
            return
        self._add_many(spikes, first, who)

    def _add_many(self, spikes: Sent, first: int, who: np.ndarray) -> None:
        connectivity, weight, row = self._connectivity, self._weight, None
        if spikes.batch:
            row, who = np.divmod(who, connectivity.sources)
        places, count = connectivity.rows_by_numpy(who)
        at = self._target[places].astype(np.intp)
        if row is not None:
            at += np.repeat(row * connectivity.targets, count)
        if weight.ndim:
            weight = weight[places]
        if spikes.factor is not None:
            weight = weight * np.repeat(spikes.factor.detach().numpy(), count)
        if self._steps is not None:
            np.add.at(self._rows[(spikes.label + self._steps) % len(self._rows)], at, weight)
            return
        due = spikes.label + self._each[places].astype(np.intp)
        late = due >= first
        if not late.all():
            due, at = due[late], at[late]
            weight = weight[late] if weight.ndim else weight
        np.add.at(self._flat, due % len(self._rows) * len(self._rows[0]) + at, weight)
