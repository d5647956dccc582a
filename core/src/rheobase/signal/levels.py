"""The function of a signal that is constant between its breakpoints."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import final

import torch
from torch import Tensor

from ..errors import InputError


@final
@dataclass(frozen=True, eq=False)
class Levels:
    """I(t) = table[k] for times[k - 1] <= t < times[k].

    Args:
        times: When a level begins, ms, increasing.
        table: The level before the first time, and from each: ``[levels + 1]`` or ``[levels + 1, units]``.
        until: The end, ms.
    """

    times: tuple[float, ...]
    table: Tensor
    until: float
    _edges: Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_edges", torch.tensor(self.times, dtype=torch.float64))

    def __call__(self, t: Tensor) -> Tensor:
        """The value at a time, or at a time for each unit."""
        table = self.table
        if t.ndim == 0:
            now = float(t)
            self._within(now)
            return table[bisect_right(self.times, now)]
        self._within(float(t.detach().max()) if t.numel() else -math.inf)
        places = torch.searchsorted(self._edges.to(t.device), t.detach().contiguous(), right=True)
        if table.ndim == 1:
            return table.to(t.device)[places]
        units = table.shape[-1]
        return table[places, torch.arange(units, device=table.device)] if units > 1 else table[places, 0]

    def _within(self, now: float) -> None:
        if now >= self.until:
            raise InputError(
                f"the signal ends at {self.until:.12g} ms, and was asked for {now:.12g} ms; give a longer "
                "one, or a shorter duration"
            )
