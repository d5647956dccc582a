"""Crossings of a threshold within a step: who crosses, by the ends of the step and the path between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import torch
from torch import Tensor

PROBE = 1.0 / 64.0
"""The part of a step over which the slope of g is taken."""

MARGIN = 0.1
"""A hidden top is looked into if it misses zero by up to this part of its height above the ends."""


@final
class Event:
    """The event that an integrator is to stop at: g crosses zero from below.

    A crossing lies in a step where g < 0 at its start and g >= 0 at its end. Where both ends are on one
    side, the path may have been on the other in between: the cubic through g and its slopes at both ends
    (Hermite) shows a top. One that reaches zero, or misses it by less than a tenth of its height, is
    reported as a hit, which :func:`locate` then confirms or refutes. So a crossing to and fro is found
    where the cubic is right to a tenth of the height of the excursion; that is so once the step resolves
    the curve, which an error-controlled step does.

    Args:
        gap: ``gap(y)`` gives g ``[*batch, units]`` at a state ``[D, *batch, units]``. Where g depends on
            parameters of single units it must have a method ``take(who)``, the same for some units.
        armed: Who may cross at the start, bool ``[*batch, units]``: g was below zero. Others may once g
            has been below.
        watched: Whose crossings count, bool ``[*batch, units]``; None, the default: everybody's. A
            refractory unit's do not.

    Example:
        >>> import torch
        >>> event = Event(lambda y: y[0] - 1.0, armed=torch.tensor([True, True]))
        >>> start, end = torch.tensor([[0.0, 0.0]]), torch.tensor([[0.9, 1.2]])
        >>> hit, armed = event.check(event.armed, start, end - start, end, end - start, torch.tensor(1.0))
        >>> hit, armed
        (tensor([False,  True]), tensor([ True, False]))
    """

    def __init__(self, gap: Callable[[Tensor], Tensor], armed: Tensor, watched: Tensor | None = None) -> None:
        self.gap = gap
        self.armed = armed
        self.watched = watched

    def take(self, who: Any) -> Event:
        """The same event for some units.

        Args:
            who: Their places in the flattened ``[*batch, units]``: int64 ``[n]``, or a slice.

        Returns:
            An event for states ``[D, n]``.
        """
        take = getattr(self.gap, "take", None)
        return Event(
            self.gap if take is None else take(who),
            pick(self.armed, who),
            None if self.watched is None else pick(self.watched, who),
        )

    def check(
        self, armed: Tensor, y0: Tensor, slope0: Tensor, y1: Tensor, slope1: Tensor, h: Any
    ) -> tuple[Tensor, Tensor]:
        """Who crosses, or may cross, in a step.

        Args:
            armed: Who may cross at the start of this step.
            y0: The state at the start, ``[D, *batch, units]``.
            slope0: The derivatives there, per ms.
            y1: The state at the end.
            slope1: The derivatives there.
            h: The step, ms: a number or ``[*batch, units]``.

        Returns:
            Whether a crossing lies, or may lie, in ``(0, h]``; and who is armed for the next step. Both
            bool ``[*batch, units]``.
        """
        # Who crosses is a matter of values; where, which has a gradient, is what locate finds.
        with torch.no_grad():
            g1 = self.gap(y1)
            below = g1 < 0
            hit = armed & ~below
            # A unit whose ends are on one side, which could have been on the other in between.
            same = armed == below
            hidden = self._turns(same, below, g1, y0, slope0, y1, slope1, h)
            if hidden is not None:
                hit = hit | hidden
            return hit if self.watched is None else hit & self.watched, below

    def _turns(
        self,
        same: Tensor,
        below: Tensor,
        g1: Tensor,
        y0: Tensor,
        slope0: Tensor,
        y1: Tensor,
        slope1: Tensor,
        h: Any,
    ) -> Tensor | None:
        g0 = self.gap(y0)
        # The rise of g over the step, were it to go on as at the start, and as at the end. By differences
        # along the slopes: an author gives g, and no gradient of it.
        first = (self.gap(y0 + (PROBE * h) * slope0) - g0) / PROBE
        last = (g1 - self.gap(y1 - (PROBE * h) * slope1)) / PROBE
        # From here on upside down where both ends are above: a dip is a top.
        sign = torch.where(below, 1.0, -1.0).to(g1.dtype)
        first, last = sign * first, sign * last
        turning = same & (first > 0) & (last < 0)
        if not bool(turning.any()):
            return None
        start, end = sign * g0, sign * g1
        top = hermite_top(start, first, end, last)
        height = top - torch.maximum(start, end)
        return turning & (top >= -MARGIN * height)


def hermite_top(start: Tensor, first: Tensor, end: Tensor, last: Tensor) -> Tensor:
    """The largest value on [0, 1] of the cubic with these values and slopes at its ends; first > 0 > last.

    Example:
        >>> value = torch.tensor(0.0)
        >>> hermite_top(value, torch.tensor(4.0), value, torch.tensor(-4.0))
        tensor(1.)
    """
    # A zero of the derivative, in the form that divides by no coefficient of the cubic, which may be zero.
    rise = end - start
    square, cube = 3.0 * rise - 2.0 * first - last, first + last - 2.0 * rise
    where = first / (torch.sqrt((square * square - 3.0 * first * cube).clamp(min=0.0)) - square)
    return start + where * (first + where * (square + where * cube))


def pick(value: Tensor, who: Any) -> Tensor:
    """The values of some units, by their places in the flattened tensor."""
    flat = value.reshape(-1)
    return flat[who] if isinstance(who, slice) else flat.index_select(0, who)
