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
    """I(t) = table[k] for times[k - 1] <= t < times[k]."""

    # When a level begins, ms, increasing.
    times: tuple[float, ...]
    # The level before the first time, and from each: ``[levels + 1]`` or ``[levels + 1, units]``.
    table: Tensor
    # The end, ms.
    until: float
    _edges: Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_edges", torch.tensor(self.times, dtype=torch.float64))

    def __call__(self, t: Tensor) -> Tensor:
        """The value at a time, or at a time for each unit."""
        table = self.table
        if t.ndim == 0:
            # One time for all: Python's bisection takes less than an operation of torch.
            now = float(t)
            self._within(now)
            return table[bisect_right(self.times, now)]
        self._within(float(t.detach().max()) if t.numel() else -math.inf)
        places = torch.searchsorted(self._edges.to(t.device), t.detach().contiguous(), right=True)
        if table.ndim == 1:
            return table.to(t.device)[places]
        units = table.shape[-1]
        # Each unit its own column, at its own time.
        return table[places, torch.arange(units, device=table.device)] if units > 1 else table[places, 0]

    def _within(self, now: float) -> None:
        if now >= self.until:
            raise InputError(
                f"the signal ends at {self.until:.12g} ms, and was asked for {now:.12g} ms; give a longer "
                "one, or a shorter duration"
            )
