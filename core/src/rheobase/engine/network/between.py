"""The states of a plasticity between spikes: linear, so their exact solution is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ...errors import DeclarationError
from ..model.functions import ask
from .plasticity import Changes

_NEAR = 1e-9
"""How far from linear the derivatives may be, of their size."""


class Between(NamedTuple):
    """The derivatives x' = A x + b of the states, float64.

    Attributes:
        rates: The diagonal of A where it has nothing else and b is zero, ``[k]``; else None.
        matrix: A, with b as its last column and a row of zeros, ``[k + 1, k + 1]``.
    """

    rates: Tensor | None
    matrix: Tensor

    def later(self, rows: Sequence[Tensor], elapsed: Tensor) -> list[Tensor]:
        """The states some time later.

        Args:
            rows: The states, each ``[n]``.
            elapsed: The time since, ms, float64 ``[n]``.
        """
        if self.rates is not None:
            # Of a state that decays nothing is left of what was infinitely long ago.
            return [
                row if rate == 0 else row * torch.exp(rate * elapsed).to(row.dtype)
                for row, rate in zip(rows, self.rates.tolist(), strict=True)
            ]
        step = torch.linalg.matrix_exp(elapsed[:, None, None] * self.matrix)
        one = torch.ones_like(elapsed)
        now = torch.stack([*(row.to(torch.float64) for row in rows), one], dim=-1).unsqueeze(-1)
        found = (step @ now).squeeze(-1)
        return [found[:, place].to(row.dtype) for place, row in enumerate(rows)]


def between(changes: Changes, params: Any) -> Between | None:
    """What ``derivatives`` says of all states, found by asking for it at a few; None where nothing moves.

    Args:
        changes: The plasticity.
        params: Its parameters, each a number.

    Raises:
        DeclarationError: If they are not linear in the states, or not finite.
    """
    names = tuple(changes.schema.states)
    if changes.derivatives is None or not names:
        return None
    size, device = len(names), params[0].device
    exact = type(params)(*(each.double() if isinstance(each, Tensor) else each for each in params))
    # At zero, at one of each state, and at two more that a line through those must meet.
    points = torch.zeros(size, size + 3, dtype=torch.float64, device=device)
    points[:, 1 : size + 1] = torch.eye(size, dtype=torch.float64, device=device)
    points[:, -2] = torch.linspace(0.7, 2.3, size, dtype=torch.float64, device=device)
    points[:, -1] = torch.linspace(-3.1, 1.9, size, dtype=torch.float64, device=device)
    given = ask(changes, "derivatives", points.unbind(0), exact)  # type: ignore[arg-type]
    owner = f"{changes.schema.owner}.derivatives"
    if not isinstance(given, dict) or given.keys() != set(names):
        raise DeclarationError(f"{owner} gave {given!r}; give a mapping with each of {', '.join(names)}")
    values = [torch.as_tensor(given[name], dtype=torch.float64, device=device) for name in names]
    slopes = torch.stack([each.expand(size + 3) for each in values]).detach()
    constant = slopes[:, :1]
    linear = slopes[:, 1 : size + 1] - constant
    met = linear @ points[:, -2:] + constant
    room = _NEAR * float(slopes.abs().max())
    if not bool(((met - slopes[:, -2:]).abs() <= room).all()):
        raise DeclarationError(
            f"{owner} is not linear in the states, or not finite; between spikes the states follow the exact "
            "solution of x' = A x + b: what is not linear belongs in on_pre and on_post"
        )
    matrix = torch.zeros(size + 1, size + 1, dtype=torch.float64, device=device)
    matrix[:size, :size], matrix[:size, size:] = linear, constant
    apart = bool((linear == linear.diag().diag()).all()) and not bool(constant.any())
    return Between(linear.diag() if apart else None, matrix)
