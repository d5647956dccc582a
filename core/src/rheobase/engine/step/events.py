"""The state at a crossing of the threshold, on the grid of the time step.

The path between the ends of a step is taken as straight, so the crossing g = 0 lies at the fraction
theta = -g0 / (g1 - g0) of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import torch
from torch import Tensor

from ..integrator import Event, Field


def crossing_state(y0: Tensor, y1: Tensor, g0: Tensor, g1: Tensor, ended: Tensor | None) -> Tensor:
    """The state at which each unit crosses its threshold, were it to cross in this step, shaped as ``y0``."""
    # Where g is >= 0 at the start already, the crossing is the start itself. Where g is < 0 at the end the
    # state means nothing, and the caller does not select it.
    # A g that is infinite at the end makes theta 0, the start.
    theta = torch.where(g0 < 0, -g0 / torch.where(g1 > g0, g1 - g0, 1.0), 0.0)
    # Whose refractory period lasts through the step cannot cross before its end.
    if ended is not None:
        theta = torch.where(ended, 1.0, theta)
    # Where theta is 0 the end may be infinite, and 0 times that is no number, in the derivative by theta too.
    return y0 + theta * torch.where(theta > 0, y1 - y0, 0.0)


@final
class LimitedField:
    """A field that does not grow beyond the threshold, so that the stages of a step cannot explode.

    Args:
        field: The field to be limited.
        gap: ``gap(y)`` gives g ``[*batch, units]`` at a state ``[D, *batch, units]``.
        y0: The state at the start of the step, ``[D, *batch, units]``.
        who: Whose field is limited, bool ``[*batch, units]``; None, the default: everybody's that starts
            below its threshold.
        own: The rows that are limited, bool ``[D, 1, ...]``; None, the default: all. Others must not hang on
            these, as a synapse's do not: its target's spike does not hold them up.

    Example:
        >>> import torch
        >>> from rheobase.spi import LimitedField
        >>> start = torch.tensor([[0.0]])
        >>> limited = LimitedField(lambda t, y: y**2, lambda y: y[0] - 1.0, start)
        >>> limited(0.0, torch.tensor([[0.5]])), limited(0.0, torch.tensor([[100.0]]))
        (tensor([[0.2500]]), tensor([[1.]]))
    """

    def __init__(
        self,
        field: Field,
        gap: Callable[[Tensor], Tensor],
        y0: Tensor,
        who: Tensor | None = None,
        own: Tensor | None = None,
    ) -> None:
        self.field, self.y0, self.g0, self.own = field, y0, gap(y0), own
        # Units that start at or above the threshold are not limited. An integrator may leave a unit at this
        # crossing, where the speed is more than any step can follow.
        self.event = Event(gap, self.g0 < 0 if who is None else who & (self.g0 < 0))

    def __call__(self, t: Any, y: Tensor) -> Tensor:
        # A point past the threshold is moved back to where the straight line from ``y0`` crosses it, and the
        # field is asked there. Every point below is asked as it is.
        finite = torch.nan_to_num(y)
        g, g0 = self.event.gap(finite), self.g0
        theta = torch.where(g.isfinite(), -g0 / torch.where(g > g0, g - g0, 1.0), 0.0)
        # Not g > 0: a g that is no number is beyond too.
        beyond = self.event.armed & ~(g <= 0)
        if self.own is not None:
            beyond = beyond & self.own
        return self.field(t, torch.where(beyond, self.y0 + theta * (finite - self.y0), y))


@final
class StandingField:
    """A field in which some units stand still, wherever an integrator takes them."""

    def __init__(self, field: Field, y0: Tensor, who: Tensor) -> None:
        self.field, self.y0, self.who = field, y0, who

    def __call__(self, t: Any, y: Tensor) -> Tensor:
        # Both selections are needed: the inner one keeps what is infinite out of the graph, in which NaN
        # would reach parameters that units share.
        return torch.where(self.who, 0.0, self.field(t, torch.where(self.who, self.y0, y)))
