"""Small problems whose solutions are known: what integrators are tried on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

FieldOf = Callable[[Tensor], Callable[[Any, Tensor], Tensor]]
KINDS = ("linear", "conditionally_linear", "general")
"""What an integrator may claim to take: each takes those before it too."""


@dataclass(frozen=True)
class Problem:
    """An initial value problem for each unit, with a rate of its own.

    Args:
        field_of: ``field_of(rates)`` is the field for units of these rates, 1/ms, ``[*batch, units]``.
        solution: ``solution(rates, t)``: the state at t ms, ``[D, *batch, units]``; it starts at t = 0, and
            where the field looks at the time, any t is a start.
        kind: The narrowest claim by which an integrator takes it.
        timed: Whether the field looks at the time.
        end: How long it is followed, ms.
    """

    field_of: FieldOf
    solution: Callable[[Tensor, Any], Tensor]
    kind: str
    timed: bool = False
    end: float = 2.0

    def taken_by(self, claim: str) -> bool:
        """Whether an integrator takes it that claims to take such fields."""
        return KINDS.index(self.kind) <= KINDS.index(claim) and not (self.timed and claim == "linear")


def _decay(rates: Tensor) -> Any:
    return lambda t, y: torch.stack([-rates * y[0]])


def _rotation(rates: Tensor) -> Any:
    def field(t: Any, y: Tensor) -> Tensor:
        u, v = y
        return torch.stack([-rates * v, rates * u])

    return field


_MATRIX = ((-1.0, 0.5, 0.0), (-0.5, -1.0, 0.3), (0.2, 0.0, -0.5))
_OFFSET = (0.4, 0.0, -0.2)
_START = (1.0, 0.5, -0.3)


def _chain(rates: Tensor) -> Any:
    def field(t: Any, y: Tensor) -> Tensor:
        u, v, w = y
        return torch.stack(
            [rates * (a * u + b * v + c * w + d) for (a, b, c), d in zip(_MATRIX, _OFFSET, strict=True)]
        )

    return field


def _chain_solution(rates: Tensor, t: Any) -> Tensor:
    # With a fourth variable that is always one.
    whole = torch.zeros(4, 4, dtype=torch.float64)
    whole[:3, :3] = torch.tensor(_MATRIX, dtype=torch.float64)
    whole[:3, 3] = torch.tensor(_OFFSET, dtype=torch.float64)
    start = torch.tensor([*_START, 1.0], dtype=torch.float64)
    end: Tensor = torch.linalg.matrix_exp(whole * (rates * t)[..., None, None]) @ start
    return end[..., :3].movedim(-1, 0)


def _ring(rates: Tensor) -> Any:
    """So many variables as the state has, each drawn to the next, and the last to the first."""

    def field(t: Any, y: Tensor) -> Tensor:
        rows = y.unbind(0)
        return torch.stack([rates * (rows[place - len(rows) + 1] - row) for place, row in enumerate(rows)])

    return field


def _ring_of(count: int) -> Problem:
    start = (1.5 + torch.arange(count, dtype=torch.float64) * 7.0 % count) / count
    whole = torch.eye(count, dtype=torch.float64).roll(1, 1) - torch.eye(count, dtype=torch.float64)

    def solution(rates: Tensor, t: Any) -> Tensor:
        end: Tensor = torch.linalg.matrix_exp(whole * (rates * t)[..., None, None]) @ start
        return end.movedim(-1, 0)

    return Problem(_ring, solution, "linear")


def _mutual(rates: Tensor) -> Any:
    """Coupled and nonlinear, and each derivative is linear in its own variable."""

    def field(t: Any, y: Tensor) -> Tensor:
        u, v, w = y
        return torch.stack([rates * (v * v - 3.0 * u), rates * (w - v - u * v), rates * (u * v - 4.0 * w)])

    return field


def _mutual_solution(rates: Tensor, t: Any) -> Tensor:
    return torch.stack([torch.exp(-power * rates * t) for power in (2.0, 1.0, 3.0)])


def _kaps(rates: Tensor) -> Any:
    """Kaps' problem."""

    def field(t: Any, y: Tensor) -> Tensor:
        u, v = y
        return torch.stack([rates * (v * v - 3.0 * u), rates * (u - v - v * v)])

    return field


def _decays(rates: Tensor, t: Any) -> Tensor:
    return torch.stack([torch.exp(-2.0 * rates * t), torch.exp(-rates * t)])


def _turning(rates: Tensor) -> Any:
    """A point on a circle, which turns at the square of its distance from the middle."""

    def field(t: Any, y: Tensor) -> Tensor:
        u, v = y
        speed = rates * (u * u + v * v)
        return torch.stack([-speed * v, speed * u])

    return field


def _logistic(rates: Tensor) -> Any:
    return lambda t, y: torch.stack([rates * y[0] * (1.0 - y[0])])


PULSATION = 2.0
"""Of the drive, 1/ms."""


def _driven(rates: Tensor) -> Any:
    def field(t: Any, y: Tensor) -> Tensor:
        drive = torch.sin(PULSATION * torch.as_tensor(t, dtype=rates.dtype))
        return torch.stack([drive - rates * y[0]])

    return field


def _driven_solution(rates: Tensor, t: Any) -> Tensor:
    time = torch.as_tensor(t, dtype=torch.float64)
    held = rates * torch.sin(PULSATION * time) - PULSATION * torch.cos(PULSATION * time)
    return (held / (rates * rates + PULSATION * PULSATION) + torch.exp(-rates * time))[None]


def _forced(rates: Tensor) -> Any:
    """Two variables, of which each drives the other, and time both."""

    def field(t: Any, y: Tensor) -> Tensor:
        u, v = y
        time = torch.as_tensor(t, dtype=rates.dtype)
        return torch.stack(
            [torch.cos(time) - rates * (v - torch.cos(time)), rates * (u - torch.sin(time)) - torch.sin(time)]
        )

    return field


def _stiff(rates: Tensor) -> Any:
    """Drawn to cos t, a thousand times faster than that moves."""

    def field(t: Any, y: Tensor) -> Tensor:
        time = torch.as_tensor(t, dtype=rates.dtype)
        return torch.stack([-1000.0 * rates * (y[0] - torch.cos(time)) - torch.sin(time)])

    return field


def _along(function: Callable[[Tensor], Tensor], *more: Callable[[Tensor], Tensor]) -> Any:
    def solution(rates: Tensor, t: Any) -> Tensor:
        time = torch.as_tensor(t, dtype=torch.float64).expand(rates.shape)
        return torch.stack([each(time) for each in (function, *more)])

    return solution


PROBLEMS: dict[str, Problem] = {
    "decay": Problem(_decay, lambda r, t: torch.exp(-r * t)[None], "linear"),
    "rotation": Problem(_rotation, lambda r, t: torch.stack([torch.cos(r * t), torch.sin(r * t)]), "linear"),
    "chain": Problem(_chain, _chain_solution, "linear"),
    "ring5": _ring_of(5),
    "ring9": _ring_of(9),
    "mutual": Problem(_mutual, _mutual_solution, "conditionally_linear", end=1.5),
    "driven": Problem(_driven, _driven_solution, "conditionally_linear", timed=True),
    "forced": Problem(_forced, _along(torch.sin, torch.cos), "conditionally_linear", timed=True),
    "stiff": Problem(_stiff, _along(torch.cos), "conditionally_linear", timed=True),
    "logistic": Problem(_logistic, lambda r, t: (1.0 / (1.0 + 9.0 * torch.exp(-r * t)))[None], "general"),
    "kaps": Problem(_kaps, _decays, "general", end=1.5),
    "turning": Problem(
        _turning,
        lambda r, t: 1.1 * torch.stack([torch.cos(1.21 * r * t), torch.sin(1.21 * r * t)]),
        "general",
    ),
}
"""Name -> problem."""

COUPLED = {
    "general": ("kaps", "turning", "rotation", "forced", "logistic", "chain", "mutual", "driven"),
    "conditionally_linear": ("mutual", "rotation", "forced", "chain", "driven"),
    "linear": ("rotation", "chain", "decay"),
}
"""The problems by which the order is judged, the most revealing first, by the fields that are claimed."""

REFUSED = {
    "general": (),
    "conditionally_linear": ("logistic", "kaps", "turning"),
    "linear": ("mutual", "logistic", "kaps", "driven", "turning"),
}
"""The problems that are beyond a claim."""


def pole(rates: Tensor) -> Any:
    """y' = r y^2, which has no solution beyond 1 / (r y0)."""
    return lambda t, y: torch.stack([rates * y[0] * y[0]])


def power(degree: int) -> tuple[Any, Callable[[float], float]]:
    """The field (t / 2)^degree, which looks at nothing but the time, and its integral."""

    def field(t: Any, y: Tensor) -> Tensor:
        value = (0.5 * torch.as_tensor(t, dtype=y.dtype)) ** degree
        return torch.stack([value + 0.0 * y[0]])

    def integral(t: float) -> float:
        return 2.0 * math.pow(0.5 * t, degree + 1) / (degree + 1)

    return field, integral
