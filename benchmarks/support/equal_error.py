"""What two methods are asked to do alike: to be wrong by the same amount.

The same tolerance makes different methods wrong by factors of a hundred. So each is run with a ladder of
tolerances first, which says at which one its error is the target, and then timed there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


class Rung(NamedTuple):
    """One run of a ladder: the tolerance (or another knob), and the error that it gave."""

    knob: float
    error: float


class Setting(NamedTuple):
    """Where the knob must stand.

    Attributes:
        knob: The value that gives the target.
        slope: d log error / d log knob there.
        reached: Whether a rung had at most this error; else the knob is that of the best one.
    """

    knob: float
    slope: float
    reached: bool


def setting(ladder: Sequence[Rung], target: float) -> Setting:
    """Interpolate a ladder at an error, logarithm against logarithm.

    Taken is the last pair of rungs between which the error falls below the target, so that one lucky rung
    says nothing. Where even the first rung is good enough, its own knob is given: nothing looser was tried.

    Args:
        ladder: The rungs, from loose to tight; an error may be infinite or NaN, where the method failed.
        target: The error to reach.

    Example:
        >>> ladder = [Rung(1e-3, 1e-2), Rung(1e-4, 1e-3), Rung(1e-5, 1e-5)]
        >>> found = setting(ladder, 1e-4)
        >>> f"{found.knob:.3g}", round(found.slope, 6), found.reached
        ('3.16e-05', 2.0, True)
        >>> setting([Rung(1e-3, 1e-7), Rung(1e-5, 1e-5), Rung(1e-6, 1e-9)], 1e-6).knob > 1e-6
        True
        >>> setting(ladder, 1e-9)
        Setting(knob=1e-05, slope=1.0, reached=False)
        >>> setting(ladder, 1.0)
        Setting(knob=0.001, slope=1.0, reached=True)
    """
    above = [index for index, rung in enumerate(ladder) if not rung.error <= target]
    if not above:
        return Setting(ladder[0].knob, 1.0, True)
    if above[-1] == len(ladder) - 1:
        return Setting(min(ladder, key=_badness).knob, 1.0, False)
    loose, tight = ladder[above[-1]], ladder[above[-1] + 1]
    if not math.isfinite(loose.error) or tight.error == 0:
        return Setting(tight.knob, 1.0, True)
    slope = math.log(loose.error / tight.error) / math.log(loose.knob / tight.knob)
    knob = tight.knob * (target / tight.error) ** (1.0 / slope)
    return Setting(knob, slope, True)


def _badness(rung: Rung) -> float:
    return rung.error if math.isfinite(rung.error) else math.inf


def polished(found: Setting, error: float, target: float) -> Setting:
    """The setting after a run with it, which shows what it gives at the size that is timed.

    Args:
        found: The setting that was run.
        error: The error of that run.
        target: The error to reach.

    Example:
        >>> f"{polished(Setting(1e-5, 1.0, True), 2e-4, 1e-4).knob:.3g}"
        '5e-06'
        >>> f"{polished(Setting(1e-5, 1.0, True), 9.0, 1e-4).knob:.3g}"  # never by more than a decade
        '1e-06'
    """
    if not math.isfinite(error) or error <= 0 or not found.reached:
        return found
    change = (target / error) ** (1.0 / found.slope)
    return found._replace(knob=found.knob * min(max(change, 0.1), 10.0))


def distance(error: float, target: float) -> float:
    """How far an error is from the target, on the logarithmic scale, either way.

    Example:
        >>> round(distance(1e-5, 1e-4), 9), round(distance(1e-3, 1e-4), 9)
        (2.302585093, 2.302585093)
        >>> distance(0.0, 1e-4)
        inf
    """
    return abs(math.log(error / target)) if 0 < error < math.inf else math.inf


def at_target(seconds: float, error: float, target: float, order: int) -> float:
    """The time that a method of some order takes for the target, from a run that was near it.

    The error of a method of order p falls like the p-th power of the number of steps.

    Example:
        >>> round(at_target(1.0, 32e-6, 1e-6, order=5), 9)
        2.0
    """
    return float(seconds * (error / target) ** (1.0 / order))


def worst(found: Sequence[Sequence[float]], truth: Sequence[Sequence[float]]) -> float:
    """The largest difference in any variable of any unit; infinite where a value is not finite.

    Example:
        >>> worst([[1.0, 2.0], [3.0, 4.5]], [[1.0, 2.0], [3.0, 4.0]])
        0.5
        >>> worst([[float("nan")], [1.0]], [[1.0], [1.0]])
        inf
    """
    differences = [
        abs(value - true)
        for unit, expected in zip(found, truth, strict=True)
        for value, true in zip(unit, expected, strict=True)
    ]
    return max(differences) if all(map(math.isfinite, differences)) else math.inf
