"""The worker's side of throughput.py: what a contestant must know, and what is timed."""

from __future__ import annotations

import resource
import sys
from abc import ABC, abstractmethod
from typing import Any

from support.throughput_task import Case
from support.turns import Stopwatch, serve


class Worker(ABC):
    """One simulator on one case.

    Args:
        case: What to run.
    """

    def __init__(self, case: Case) -> None:
        self.case = case

    @abstractmethod
    def hello(self) -> str:
        """The simulator and its version."""

    @abstractmethod
    def reset(self) -> None:
        """Back to the initial state, untimed; at the first time also all that a user does once."""

    @abstractmethod
    def run(self) -> Any:
        """A round, timed: all steps, with every spike recorded."""

    @abstractmethod
    def spikes(self, recorded: Any) -> int:
        """The number of spikes in what :meth:`run` gave, untimed."""

    def round(self) -> dict[str, Any]:
        """A round: its seconds, and its spikes."""
        self.reset()
        clock = Stopwatch()
        recorded = self.run()
        return {**clock.read(), "spikes": self.spikes(recorded)}

    def memory(self) -> dict[str, Any]:
        """The most memory that this process has had, bytes."""
        unit = 1 if sys.platform == "darwin" else 1024
        return {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}


def work(contestant: type[Worker]) -> None:
    """Serve the actions of a contestant; the case is the argument of the command line."""
    worker = contestant(Case.from_json(sys.argv[1]))
    serve(
        {
            "hello": lambda: {"simulator": worker.hello()},
            "round": worker.round,
            "memory": worker.memory,
        }
    )
