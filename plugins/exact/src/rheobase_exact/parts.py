"""Crossings of models of several variables: the step in parts, each short for the fastest of them.

One variable is monotone between resets. Several are not: a synaptic potential rises and falls, and may
cross the threshold to and fro between two ends at which it is below. So a step is divided into parts of
at most 1/2 of the fastest time constant (for an oscillation, 1/2 radian), and each is shown to
:meth:`rheobase.Event.check`, which sees a top by the cubic through g and its slopes at both ends, and to
:func:`rheobase.locate`. Over such a part the cubic is right to about 0.5% of the height of a top above the
ends of its part, and a top is looked into where it misses the threshold by a tenth of that height: so a
top is found by however little it is above. What is not resolved are two tops within one part.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import rheobase as rb
import torch
from torch import Tensor

from .propagator import change, propagators

RESOLUTION = 0.5
"""The longest part of a step, in units of the fastest time constant."""


class Reached(NamedTuple):
    """Where units stopped, ``n`` of them.

    Attributes:
        hit: Who stands at a crossing, bool ``[n]``.
        s: When it stopped, ms, ``[n]``; ``h`` where there is no crossing.
        y: The state there, ``[D, n]``; that at the end where there is no crossing.
        lost: For whom the search did not converge, bool ``[n]``.
    """

    hit: Tensor
    s: Tensor
    y: Tensor
    lost: Tensor


def search(
    event: rb.Event, matrix: Tensor, y0: Tensor, f0: Tensor, y1: Tensor, h: Tensor, rate: Tensor
) -> Reached:
    """The first crossing of each unit in ``(0, h]``.

    Args:
        event: What to stop at, of these units.
        matrix: A for each unit, ``[n, D, D]``, 1/ms.
        y0: The state, ``[D, n]``; finite.
        f0: The derivatives there, per ms.
        y1: The state after h.
        h: The step, ms, ``[n]``.
        rate: How fast each unit moves, 1/ms, ``[n]``.
    """
    count = max(1, math.ceil(float((h.detach() * rate).max()) / RESOLUTION))
    part = h / count
    hit, lost = torch.zeros_like(h, dtype=torch.bool), torch.zeros_like(h, dtype=torch.bool)
    stop, end, armed = h, y1, event.armed
    with torch.no_grad():
        start, slope = y0.detach(), f0.detach()
        moves = propagators(matrix.detach(), part)
        turns = matrix.detach() @ moves
    for index in range(count):
        with torch.no_grad():
            now, pace = start, slope
            start = y1.detach() if index == count - 1 else now + _times(moves, pace)
            slope = pace + _times(turns, pace)
            seen, below = event.check(armed, now, pace, start, slope, part)
            who = torch.nonzero(seen & ~hit & (h > 0))[:, 0]
        if len(who):
            found = _locate(
                event.take(who), armed[who], matrix[who], y0[:, who], f0[:, who], index * part[who], part[who]
            )
            lost = lost.index_put((who,), ~found.converged)
            hit = hit.index_put((who,), found.found)
            stop = stop.index_put((who,), torch.where(found.found, index * part[who] + found.s, h[who]))
            end = end.index_copy(1, who, torch.where(found.found, found.y, end[:, who]))
            # What the search saw of its end counts, if rounding shows that on the other side.
            below = below.index_put((who,), event.take(who).gap(found.y.detach()) < 0)
            if bool((hit | (h == 0)).all()):
                break
        armed = below
    return Reached(hit, stop, end, lost)


def _times(matrices: Tensor, vectors: Tensor) -> Tensor:
    return (matrices @ vectors.movedim(0, -1)[..., None])[..., 0].movedim(-1, 0)


def _locate(
    event: rb.Event, armed: Tensor, matrix: Tensor, y0: Tensor, f0: Tensor, t: Tensor, h: Tensor
) -> rb.Located:
    """Search a part that begins at ``t``. Its states are computed from the first: no rounding gathers."""
    here = rb.Event(event.gap, armed, event.watched)

    def at(s: Tensor) -> Tensor:
        return y0 + change(matrix, f0, t + s)

    # For the speed at the crossing nothing of what led to the start need be known.
    ys, fs, ts, a = (each.detach() for each in (y0, f0, t, matrix))

    def still(s: Tensor) -> Tensor:
        return ys + change(a, fs, ts + s)

    return rb.locate(at, here, at(torch.zeros_like(h)), at(h), h, still=still)
