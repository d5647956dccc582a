"""What reaches the units of a population in a step from others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from torch import Tensor

Jump: TypeAlias = Callable[["Tensor", Any, "Sequence[Tensor | None]", "Tensor | None"], "Tensor"]
"""``jump(y, params, weights, held)``: a new tensor, of states ``[D, *batch, units]`` those after arrivals."""


class Arrivals(NamedTuple):
    """What arrives in a step, in units of weight.

    Attributes:
        jump: What it does to the states.
        weights: By each synapse, what arrives in sum, ``[*batch, units]``; None: nothing. With times of
            their own ``[n, K]``, for units side by side.
        times: When, ms from the start of the step, float64 ``[n, K]``, ascending, infinite where there is
            nothing; None: all at the end of the step.
    """

    jump: Jump
    weights: Sequence[Tensor | None]
    times: Tensor | None = None

    def at_end(self, params: Any) -> Callable[[Tensor, Tensor | None], Tensor]:
        """What happens at the end of a step on the grid, as a function of the states and of who is held."""
        return lambda y, held: self.jump(y, params, self.weights, held)
