"""The state between the ends of a step, from the slopes that the step has evaluated anyway."""

from __future__ import annotations

from torch import Tensor

from .tableau import EmbeddedTableau
from .trial import Trial, weighted


def hermite(theta: Tensor, h: Tensor, y0: Tensor, slope0: Tensor, y1: Tensor, slope1: Tensor) -> Tensor:
    """The cubic through two states and their slopes.

    Args:
        theta: Where in the step, 0 to 1, ``[*batch, units]``.
        h: The step, ms, likewise.
        y0: The state at the start, ``[D, *batch, units]``.
        slope0: The derivatives there, per ms.
        y1: The state at the end.
        slope1: The derivatives there.

    Returns:
        The state at ``theta``, in the shape of ``y0``.
    """
    rest = 1.0 - theta
    rise = y1 - y0
    # In the form of a line and what is added to it: exact at both ends.
    bend = rest * (h * slope0 - rise) + theta * (rise - h * slope1)
    return y0 + theta * (rise + rest * bend)


def interpolate(table: EmbeddedTableau, theta: Tensor, h: Tensor, y0: Tensor, trial: Trial) -> Tensor:
    """The state at a part of a step, of the order that the tableau claims.

    Args:
        table: The pair.
        theta: Which part, 0 to 1, ``[*batch, units]``.
        h: The step, ms, likewise.
        y0: The state at its start, ``[D, *batch, units]``.
        trial: The step, with the slopes of all its stages.

    Returns:
        The state, in the shape of ``y0``; that of an end, bit for bit, at ``theta`` 0 and near it at 1.
    """
    smooth = hermite(theta, h, y0, trial.slopes[0], trial.y, trial.slope)
    if not table.bump:
        return smooth
    height = theta * (1.0 - theta)
    return smooth + (h * height * height) * weighted(table.bump, trial.slopes)
