"""What a part of a network has from whoever it belongs to: its clock, and the seed."""

from __future__ import annotations

from typing import Any

import torch


class Belonging:
    """A part that is stepped with its owner: a projection with its receiver, a plasticity with that."""

    @property
    def _owner(self) -> Any:
        raise NotImplementedError

    @property
    def batch(self) -> torch.Size:
        """The batch dimensions of its states: none."""
        return torch.Size()

    @property
    def seed(self) -> int:
        """That of its owner."""
        return int(self._owner.seed)

    @property
    def dt(self) -> float:
        """The time step, ms."""
        return float(self._owner.dt)

    @property
    def time(self) -> float:
        """The time of the present state, ms."""
        return float(self._owner.time)

    @property
    def simulation_step(self) -> int:
        """The number of steps since the start."""
        return int(self._owner.simulation_step)
