"""What is left of refractory periods where spikes are located: a time; between steps, steps and a rest."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .table import StepState


class Refractory(NamedTuple):
    """What was left of each refractory period when the step began.

    Attributes:
        steps: The whole steps, int32 ``[n]``.
        part: What is left beside them, ms, float64 ``[n]``.
    """

    # Steps are counted, since taking dt from a time again and again would round it each time alike.
    steps: Tensor
    part: Tensor

    def left(self, dt: float) -> Tensor:
        """Both, ms, float64 ``[n]``."""
        return self.steps.to(torch.float64) * dt + self.part

    def after(self, left: Tensor, spiked: Tensor, dt: float) -> Refractory:
        """What is left at the end of the step.

        Args:
            left: The same, ms, float64 ``[n]``.
            spiked: Who spiked in it, bool ``[n]``.
            dt: The time step, ms.
        """
        through = (self.steps > 0) & ~spiked
        count = torch.floor(left.detach() / dt).clamp(0, 2**31 - 1)
        # A quotient that was rounded up.
        count = torch.where(count * dt > left, count - 1.0, count)
        return Refractory(
            torch.where(through, self.steps - 1, count.to(torch.int32)),
            torch.where(through, self.part, left - count * dt),
        )


def refractory_of(state: StepState, shape: torch.Size) -> Refractory | None:
    """That of a state, flattened; None for a model without refractory periods."""
    steps, part = state.refractory_steps, state.refractory_time
    if steps is None or part is None:
        return None
    # In float64 also where the neuron was converted to another type since.
    flat = part.to(torch.float64).expand(shape).reshape(-1)
    return Refractory(steps.expand(shape).reshape(-1), flat)
