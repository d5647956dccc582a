"""A case for an integrator: a problem, and how it is stepped."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class IntegratorCase:
    """A problem, and how it is stepped.

    Args:
        problem: The name of a problem of :mod:`rheobase.conformance.integrators.problems`.
        dt: The step, ms.
        steps: The number of steps.
        units: The number of units; each has a rate of its own.
        batch: The batch dimensions.
        dtype: "float64" or "float32".
        seed: Of the initial states and rates.
    """

    problem: str = "decay"
    dt: float = 0.1
    steps: int = 4
    units: int = 3
    batch: tuple[int, ...] = ()
    dtype: str = "float64"
    seed: int = 0

    def __repr__(self) -> str:
        told = [f"{each.name}={getattr(self, each.name)!r}" for each in fields(self)]
        return f"IntegratorCase({', '.join(told)})"
