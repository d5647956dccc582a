"""What reaches the units of a population in a step from others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from .moments import Moments, table

Jump: TypeAlias = Callable[["Tensor", Any, "Sequence[Tensor | None]", "Tensor | None"], "Tensor"]
"""``jump(y, params, weights, held)``: a new tensor, of states ``[D, *batch, units]`` those after arrivals."""


class Arrivals(NamedTuple):
    """What arrives in a step, in units of weight.

    Attributes:
        jump: What it does to the states.
        weights: By each synapse, what arrives at the end of the step in sum, ``[*batch, units]``; None:
            nothing.
        moments: In place of these, where arrivals have times of their own: by each synapse, what arrives
            when; None: nothing.
        own: Whether it may change the model's own states, or those of synapses alone.
    """

    jump: Jump
    weights: Sequence[Tensor | None] = ()
    moments: Sequence[Moments | None] = ()
    own: bool = True

    def table(self, shape: torch.Size) -> tuple[Tensor, Sequence[Tensor | None]]:
        """The times of arrivals, and what arrives then by each synapse; see :func:`~.moments.table`.

        Args:
            shape: ``[*batch, units]``.
        """
        wide = [None if each is None else each.in_batch(shape[:-1], shape[-1]) for each in self.moments]
        return table(wide, shape.numel())

    def at_end(self, y: Tensor, params: Any, held: Tensor | None) -> Tensor:
        """What happens at the end of a step on the grid, to states of whom some may be held."""
        return self.jump(y, params, self.weights, held)
