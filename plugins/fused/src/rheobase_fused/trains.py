"""The spikes of a run, put in order when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from .contract import Happened


@dataclass
class Trains:
    """What the blocks of a run gave. It keeps nothing of the neuron, which goes on.

    Attributes:
        first_step: The neuron's clock at the start of the run, in steps.
        dt: The time step, ms.
        shape: ``[*batch, units]``.
        located: Whether spikes have their own times.
        blocks: Of each block: its first step, and what happened in it.
    """

    first_step: int
    dt: float
    shape: torch.Size
    located: bool
    blocks: list[tuple[int, Happened]] = field(default_factory=list)

    def __call__(self) -> tuple[Tensor, Tensor, Tensor]:
        """All of them, as :meth:`between` gives them."""
        return self._in_order(self.blocks)

    def between(self, first: int, last: int) -> tuple[Tensor, Tensor, Tensor]:
        """Times, units and rows of the batch of the spikes of some blocks, in order."""
        return self._in_order([block for block in self.blocks if first <= block[0] < last])

    def _in_order(self, blocks: Sequence[tuple[int, Happened]]) -> tuple[Tensor, Tensor, Tensor]:
        lanes = _joined([each.lanes for _, each in blocks])
        times, at = np.empty(len(lanes)), 0
        for done, each in blocks:
            part = times[at : at + len(each.lanes)]
            # One product for each time, no running sum: a time is the same number however long the run.
            np.add(each.steps, self.first_step + done + (0 if self.located else 1), out=part)
            part *= self.dt
            if self.located:
                part += each.times
            at += len(part)
        batch, units = np.zeros(len(lanes), dtype=np.int64), lanes
        if len(self.shape) > 1:
            batch, units = np.divmod(lanes, self.shape[-1])
        if self.located or len(self.shape) > 1:
            order = _by_time(times, units, batch)
            times, batch, units = times[order], batch[order], units[order]
        return torch.from_numpy(times), torch.from_numpy(units), torch.from_numpy(batch)


def _by_time(times: np.ndarray, units: np.ndarray, batch: np.ndarray) -> np.ndarray:
    """The order of spikes by time; of those at one time by unit, then by row of the batch."""
    order = np.argsort(times)
    same = np.flatnonzero(np.diff(times[order]) == 0)
    # Of those at one time, few mostly, what stands where is settled by itself.
    places = np.union1d(same, same + 1)
    some = order[places]
    order[places] = some[np.lexsort((batch[some], units[some], times[some]))]
    return order


def _joined(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Integers, one array after the other; a single one as it is."""
    return arrays[0] if len(arrays) == 1 else np.concatenate([np.empty(0, np.int64), *arrays])
