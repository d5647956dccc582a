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
    """The state at which each unit crosses its threshold, were it to cross in this step.

    Args:
        y0: The state at the start of the step, ``[D, *batch, units]``.
        y1: The state at its end.
        g0: g at the start. Where it is >= 0, the crossing is the start itself.
        g1: g at the end. Values < 0 give a meaningless state, which the caller does not select.
        ended: Whose refractory period lasts through the step: they cross at its end. Or None.

    Returns:
        The state at the crossing, in the shape of ``y0``.
    """
    # A g that is infinite at the end makes theta 0, the start.
    theta = torch.where(g0 < 0, -g0 / torch.where(g1 > g0, g1 - g0, 1.0), 0.0)
    if ended is not None:
        theta = torch.where(ended, 1.0, theta)
    # Where theta is 0 the end may be infinite, and 0 times that is no number.
    return torch.where(theta > 0, y0 + theta * (y1 - y0), y0)


@final
class LimitedField:
    """A field that does not grow beyond the threshold.

    A point past the threshold is moved back to where the straight line from ``y0`` crosses it, and
    the field is evaluated there. So the stages of a step cannot explode, while every point below
    the threshold is untouched. A unit that starts at or above its threshold is not limited.

    Args:
        field: The field of the model.
        gap: g, its threshold function, of a state.
        y0: The state at the start of the step, ``[D, *batch, units]``.
        who: Whose field is limited, bool ``[*batch, units]``: those that may spike. None, the default:
            everybody's.

    Attributes:
        event: The crossing beyond which it does not grow. Where the speed there is more than any step can
            follow, an integrator may leave a unit at it.
    """

    def __init__(
        self, field: Field, gap: Callable[[Tensor], Tensor], y0: Tensor, who: Tensor | None = None
    ) -> None:
        self.field, self.y0, self.g0 = field, y0, gap(y0)
        self.event = Event(gap, self.g0 < 0 if who is None else who & (self.g0 < 0))

    def __call__(self, t: Any, y: Tensor) -> Tensor:
        finite = torch.nan_to_num(y)
        g, g0 = self.event.gap(finite), self.g0
        theta = torch.where(g.isfinite(), -g0 / torch.where(g > g0, g - g0, 1.0), 0.0)
        beyond = self.event.armed & ~(g <= 0)
        return self.field(t, torch.where(beyond, self.y0 + theta * (finite - self.y0), y))


@final
class StandingField:
    """A field in which some units stand still, wherever an integrator takes them.

    It is evaluated for them at the start of the step. So nothing in a graph that goes through it is infinite
    on their account, while all other units have the field as it is.

    Args:
        field: The field of the model.
        y0: The state at the start of the step, ``[D, *batch, units]``.
        who: Who stands still, bool ``[*batch, units]``.
    """

    def __init__(self, field: Field, y0: Tensor, who: Tensor) -> None:
        self.field, self.y0, self.who = field, y0, who

    def __call__(self, t: Any, y: Tensor) -> Tensor:
        return torch.where(self.who, 0.0, self.field(t, torch.where(self.who, self.y0, y)))
