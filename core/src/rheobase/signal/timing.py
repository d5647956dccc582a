"""From times in ms to steps of the clock, by integers.

A stimulus is a function of the step's number n, whose time is t = n dt. Comparing ``n * dt`` with a
boundary in floating point goes wrong by one step where both mean the same instant (3 * 0.1 > 0.3), so
boundaries are turned into numbers of steps here, and compared as integers.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from ..errors import StimulusError, nearest, shown

Closed = Literal["left", "right", "both", "neither"]
"""Which ends of a window belong to it."""

CLOSED: tuple[str, ...] = ("left", "right", "both", "neither")

# A time counts as on the grid when it is this near to it, in steps: far above the rounding of a
# division of two doubles, far below anything that is meant.
_ON_GRID = 1e-9
_NEVER = 2**62


def check_closed(owner: object, closed: str) -> None:
    """Refuse what does not name the ends of a window that belong to it."""
    if closed not in CLOSED:
        raise StimulusError(
            f"{type(owner).__name__}(closed={shown(closed)}) cannot be used; give one of "
            f"{', '.join(map(repr, CLOSED))}{nearest(str(closed), CLOSED)}"
        )


def _near(position: Any, on_grid: Any) -> Any:
    """Whether positions, in steps, are those on the grid but for rounding: of numbers, or of arrays."""
    # The relative term is the rounding of the division itself, which grows with the position.
    return abs(position - on_grid) <= _ON_GRID + 4e-16 * abs(position)


def steps_before(time: float, dt: float, *, including: bool) -> int:
    """The number of steps n >= 0 whose time n dt is before ``time``, or at it when ``including``."""
    if time == math.inf:
        return _NEVER
    position = time / dt
    on_grid = round(position)
    if _near(position, on_grid):
        return max(0, on_grid + including)
    return max(0, math.ceil(position))


def arrival_steps(times: np.ndarray, dt: float) -> np.ndarray:
    """For each time from 0 up, the step n with n dt < time <= (n + 1) dt, int64; of time 0 the first."""
    position = times / dt
    on_grid = np.rint(position)
    steps = np.where(_near(position, on_grid), on_grid, np.ceil(position)) - 1
    found: np.ndarray = np.clip(steps, 0, _NEVER).astype(np.int64)
    return found


def window_steps(start: float, stop: float, dt: float, closed: str) -> tuple[int, int]:
    """The steps of a window as ``(first, end)``: those with ``first <= n < end``."""
    # Open at its start, a window begins after a step at that time; closed at its stop, it ends after one.
    first = steps_before(start, dt, including=closed in ("right", "neither"))
    end = steps_before(stop, dt, including=closed in ("right", "both"))
    return first, end


def ratio(dt: float, sample_dt: float) -> Fraction:
    """dt / sample_dt as a fraction: the one that is meant, not the one that rounding made of it."""
    rounded = dt / sample_dt
    if not 1e-12 <= rounded <= 1e12:
        raise StimulusError(
            f"the samples are {sample_dt:g} ms apart, and the time step is {dt:g} ms; give an interval in ms "
            "that is nearer to it"
        )
    meant = Fraction(rounded).limit_denominator(1_000_000)
    # Both times and their quotient are rounded once each, by 1.1e-16 of their size: 4e-16 covers them.
    if meant > 0 and abs(float(meant) - rounded) <= 4e-16 * rounded:
        return meant
    return Fraction(rounded)


def held_indices(first: int, count: int, dt: float, sample_dt: float) -> np.ndarray:
    """For each of the steps, the index of the sample held when it starts, int64 ``[count]``."""
    part = ratio(dt, sample_dt)
    top, bottom = part.numerator, part.denominator
    # The product n * top must fit into int64; beyond, Python's integers have no end.
    if (first + count) * top < 2**63:
        steps = np.arange(first, first + count, dtype=np.int64)
        indices: np.ndarray = steps * top // bottom
        return indices
    return np.array([n * top // bottom for n in range(first, first + count)], dtype=np.int64)


def whole_steps(samples: int, dt: float, sample_dt: float) -> int:
    """The number of whole steps of dt that fit into so many samples."""
    return int(samples / ratio(dt, sample_dt))
