"""Durations in ms, and how many steps of dt they are."""

from __future__ import annotations

import math

from ..errors import ArgumentError, shown


def steps_of(duration: float, dt: float, name: str = "duration") -> int:
    """The number of steps of ``dt`` ms in a duration, which is to be a multiple to a millionth of dt.

    ``name`` is what messages call it.
    """
    try:
        value = math.nan if isinstance(duration, (bool, str)) else float(duration)
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    if not 0.0 < value < math.inf:
        raise ArgumentError(f"{name}={shown(duration)} cannot be used; give a finite time above 0, in ms")
    position = value / dt
    # Beyond, a float64 cannot tell one step from the next.
    if position > 2**53:
        raise ArgumentError(
            f"{name}={shown(duration)} ms is {position:.3g} steps of {dt:g} ms, more than can be counted; "
            "give a shorter duration or a larger dt"
        )
    steps = round(position)
    # A millionth of a step, and the rounding of the division, which grows with the number of steps.
    if steps < 1 or abs(position - steps) > 1e-6 + 4e-16 * position:
        near = max(1, steps)
        raise ArgumentError(
            f"{name}={shown(duration)} ms is no multiple of the time step {dt:g} ms; "
            f"the nearest is {near * dt:.12g} ms, {near} step{'s' if near > 1 else ''}"
        )
    return steps
