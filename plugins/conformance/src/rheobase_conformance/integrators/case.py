"""A case for an integrator: a problem, and how it is stepped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from .problems import PROBLEMS, Problem

DTYPES = {"float64": torch.float64, "float32": torch.float32}


@dataclass(frozen=True)
class IntegratorCase:
    """A problem, and how it is stepped.

    Args:
        problem: The name of a problem of :mod:`rheobase.conformance.integrators.problems`.
        dt: The step, ms.
        t0: The time at which it starts, ms, where the problem looks at the time.
        units: The number of units; each has a rate of its own.
        batch: The batch dimensions.
        dtype: "float64" or "float32".
        seed: Of the rates, from 0.7 to 1.3 / ms.

    Example:
        >>> case = IntegratorCase("rotation", units=2)
        >>> case.field()(0.0, case.start()).shape
        torch.Size([2, 2])
    """

    problem: str = "decay"
    dt: float = 0.125
    t0: float = 0.0
    units: int = 3
    batch: tuple[int, ...] = ()
    dtype: str = "float64"
    seed: int = 0

    def __repr__(self) -> str:
        usual = IntegratorCase()
        told = [
            f"{each.name}={getattr(self, each.name)!r}"
            for each in fields(self)
            if each.name in ("problem", "seed") or getattr(self, each.name) != getattr(usual, each.name)
        ]
        return f"IntegratorCase({', '.join(told)})"

    @property
    def what(self) -> Problem:
        """The problem."""
        return PROBLEMS[self.problem]

    @property
    def type(self) -> torch.dtype:
        """The floating-point type."""
        return DTYPES[self.dtype]

    def rates(self) -> Tensor:
        """The rates, 1/ms, ``[*batch, units]``, float64."""
        generator = torch.Generator().manual_seed(self.seed)
        drawn = torch.rand(*self.batch, self.units, generator=generator, dtype=torch.float64)
        # A few digits, so that a message can be read.
        return ((0.7 + 0.6 * drawn) * 1000).round() / 1000

    def field(self) -> Callable[[Any, Tensor], Tensor]:
        """The field."""
        return self.what.field_of(self.rates().to(self.type))

    def start(self) -> Tensor:
        """The state at :attr:`t0`."""
        return self.exact(self.t0).to(self.type)

    def exact(self, t: Any) -> Tensor:
        """The solution at a time, float64."""
        return self.what.solution(self.rates(), t)
