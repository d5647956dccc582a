"""The times of the spikes of a step, gathered as they are found."""

from __future__ import annotations

import math
from typing import final

import torch
from torch import Tensor


@final
class SpikeTimes:
    """Takes spikes in the order in which each unit has them."""

    def __init__(self, units: int, device: torch.device) -> None:
        # How many each unit had so far, ``[n]``.
        self.count = torch.zeros(units, dtype=torch.int32, device=device)
        self._who: list[Tensor] = []
        self._place: list[Tensor] = []
        self._time: list[Tensor] = []

    def add(self, who: Tensor, time: Tensor) -> None:
        """One spike at ``time``, ms ``[k]``, for each of ``who``, int64 ``[k]``, each once."""
        before = self.count.index_select(0, who)
        self._who.append(who)
        self._place.append(before.to(torch.int64))
        self._time.append(time.to(torch.float64))
        self.count.index_copy_(0, who, before + 1)

    def table(self) -> Tensor:
        """All of them: float64 ``[n, K]``, K the largest count and at least 1; NaN where there is none."""
        units, device = len(self.count), self.count.device
        if not self._who:
            return torch.full((units, 1), math.nan, dtype=torch.float64, device=device)
        who, place, time = torch.cat(self._who), torch.cat(self._place), torch.cat(self._time)
        table = torch.full((units, int(place.max()) + 1), math.nan, dtype=torch.float64, device=device)
        return table.index_put((who, place), time)
