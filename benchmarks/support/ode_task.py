"""The problems that every integrator is given. Imports nothing but the standard library.

FitzHugh-Nagumo oscillators, each with parameters and a start of its own, so that no two keep step:

    v' = v - v^3 / 3 - w + drive
    w' = (v + a - b w) / tau

and leaky membranes that never spike, under a sinusoidal current of one frequency and a phase of their own:

    V' = (volt_rest - V + amplitude sin(omega t + phase)) / tau

Times in ms, V in mV; the amplitude is that of the current over the leak conductance, mV.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import NamedTuple

DURATION = 100.0
"""The time that is integrated, ms."""

SINGLES = 8
"""Of a problem with one unit: how many units are solved, one after the other."""

SAMPLE = 64
"""How many units of a batch are compared with the reference: the first."""

VOLT_REST, AMPLITUDE, OMEGA = -75.0, 10.0, 2.0 * math.pi * 0.04


class Problem(NamedTuple):
    """A problem for each unit.

    Attributes:
        title: What it is.
        states: The names of the variables.
        ranges: For each parameter, and then each start, the range that the units' values fill.
    """

    title: str
    states: tuple[str, ...]
    ranges: dict[str, tuple[float, float]]


PROBLEMS = {
    "fhn": Problem(
        "FitzHugh-Nagumo",
        ("v", "w"),
        {
            "drive": (0.5, 1.0),
            "a": (0.65, 0.75),
            "b": (0.7, 0.85),
            "tau": (10.0, 15.0),
            "v0": (-2.0, 2.0),
            "w0": (-0.4, 1.4),
        },
    ),
    "lif": Problem(
        "leaky membrane",
        ("voltage",),
        {"tau": (5.0, 30.0), "phase": (0.0, 2.0 * math.pi), "voltage0": (-80.0, -70.0)},
    ),
}


def values(problem: str, units: Iterable[int]) -> dict[str, list[float]]:
    """The parameters and starts of some units.

    They are additive recurrences (Roberts 2018): any first units fill the ranges evenly, and every
    environment has the same numbers without sharing a random generator.

    Args:
        problem: Its name.
        units: Which units.

    Example:
        >>> few = values("lif", range(3))
        >>> [round(tau, 3) for tau in few["tau"]]
        [17.5, 12.979, 8.459]
        >>> values("lif", [2])["tau"] == few["tau"][2:]
        True
    """
    ranges, numbers = PROBLEMS[problem].ranges, tuple(units)
    ratio = 2.0
    for _ in range(60):  # the root of x^(d+1) = x + 1
        ratio = (1.0 + ratio) ** (1.0 / (len(ranges) + 1))
    found = {}
    for index, (name, (low, high)) in enumerate(ranges.items()):
        step = ratio ** -(index + 1)
        found[name] = [low + (high - low) * ((0.5 + number * step) % 1.0) for number in numbers]
    return found


@dataclass(frozen=True)
class Request:
    """One thing to be timed.

    Attributes:
        problem: ``"fhn"`` or ``"lif"``.
        units: The number of units.
        method: The contestant's name for the method.
        knob: rtol and atol; of a method with a fixed step, the step, ms.
    """

    problem: str
    units: int
    method: str
    knob: float

    def batches(self) -> list[range]:
        """The units that are solved together; a single unit is taken several times, not by chance.

        Example:
            >>> Request("fhn", 1, "rk45", 1e-6).batches()[:3]
            [range(0, 1), range(1, 2), range(2, 3)]
            >>> Request("fhn", 1000, "rk45", 1e-6).batches()
            [range(0, 1000)]
        """
        return singles(SINGLES) if self.units == 1 else [range(self.units)]

    def compared(self) -> int:
        """How many units are compared with the reference."""
        return SINGLES if self.units == 1 else min(SAMPLE, self.units)

    def to_line(self) -> str:
        """The request as a line of text.

        Example:
            >>> request = Request("fhn", 1000, "rk45", 1e-6)
            >>> Request.from_line(request.to_line()) == request
            True
        """
        return json.dumps(asdict(self))

    @classmethod
    def from_line(cls, line: str) -> Request:
        """The request that :meth:`to_line` wrote."""
        return cls(**json.loads(line))


def singles(count: int) -> list[range]:
    """The first units, each by itself."""
    return [range(unit, unit + 1) for unit in range(count)]
