"""Whose the values are: what checks of parameters, states and inputs ask of a neuron."""

from __future__ import annotations

from typing import Any, Protocol

import torch

from .schema import Schema


class Owner(Protocol):
    """A neuron, for what makes its values ready: their number, type and place, and what messages say."""

    @property
    def identifier(self) -> str:
        """How messages call it."""

    @property
    def seed(self) -> int:
        """The seed of what is drawn for it by count."""

    @property
    def schema(self) -> Schema:
        """What its class declares."""

    @property
    def num_units(self) -> int:
        """Its units."""

    @property
    def batch(self) -> torch.Size:
        """The batch dimensions of its states."""

    @property
    def dtype(self) -> torch.dtype:
        """The floating-point type of its tensors."""

    @property
    def device(self) -> torch.device:
        """Where they are."""

    @property
    def dt(self) -> float:
        """The time step, ms."""

    @property
    def time(self) -> float:
        """The time of the present state, ms."""

    @property
    def simulation_step(self) -> int:
        """The steps since the start."""

    @property
    def integrator(self) -> Any:
        """What integrates its steps."""
