"""The worker's side of integrators.py: what a contestant must know, and what is timed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from support.ode_task import DURATION, Request
from support.turns import Stopwatch, serve

Solve = Callable[[], Any]
"""What is timed: it integrates from the start to the end, and gives the final state."""

WARM_UP = 0.02
"""The share of the time that is integrated first, untimed: the first run of a size pays for its memory."""


class Tally:
    """Counts evaluations of derivatives, each by its units."""

    evaluations: int = 0


TALLY = Tally()
"""To be raised by every right-hand side."""


class Worker(ABC):
    """One library."""

    @abstractmethod
    def hello(self) -> dict[str, Any]:
        """Versions."""

    @abstractmethod
    def prepare(self, request: Request, units: range, until: float) -> Solve:
        """All that a user does once, untimed: parameters as tensors, objects made.

        Args:
            request: The problem, the method and its tolerance.
            units: Which units are solved together.
            until: The time of the final state, ms.
        """

    @abstractmethod
    def rows(self, final: Any, count: int) -> list[list[float]]:
        """Of the final state, the variables of the first units: a list for each unit."""

    def solve(self, request: Request) -> dict[str, Any]:
        """Answer a request: seconds, evaluations for each unit, and the final states to be compared.

        Where it fails, the answer has no states and says why.
        """
        batches = self.batches(request)
        spent = {"seconds": 0.0, "cpu": 0.0}
        states: list[list[float]] = []
        evaluations = 0
        for units in batches:
            warm_up = self.prepare(request, units, WARM_UP * DURATION)
            run = self.prepare(request, units, DURATION)
            try:
                warm_up()
                TALLY.evaluations = 0
                clock = Stopwatch()
                final = run()
            except Exception as error:  # a step too long for the method; the ladder goes on
                return {"failure": f"{type(error).__name__}: {error}"}
            read = clock.read()
            evaluations += TALLY.evaluations
            spent = {name: spent[name] + read[name] for name in spent}
            states += self.rows(final, request.compared() - len(states))
        solved = sum(map(len, batches))
        # The time of one unit, or of the batch; some methods solve only a part of it.
        share = request.units / solved
        answer = {name: value * share for name, value in spent.items()}
        return {**answer, "evaluations": evaluations / solved, "states": states}

    def batches(self, request: Request) -> list[range]:
        """The units that are solved together."""
        return request.batches()

    def serve(self) -> None:
        """Answer until standard input ends."""
        serve(_Actions({"hello": self.hello}, self.solve))


class _Actions(dict[str, Callable[[], dict[str, Any]]]):
    """Actions by name; any other line is a request."""

    def __init__(
        self, named: dict[str, Callable[[], dict[str, Any]]], solve: Callable[[Request], dict[str, Any]]
    ) -> None:
        super().__init__(named)
        self._solve = solve

    def __missing__(self, line: str) -> Callable[[], dict[str, Any]]:
        return lambda: self._solve(Request.from_line(line))


remembered = lru_cache(maxsize=8)
"""For the tensors of a problem, which are the same in every request."""
