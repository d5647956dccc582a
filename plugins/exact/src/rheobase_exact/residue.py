"""What rounding took from the state: kept beside it, so that many short steps are as right as one long one.

A state of -60 mV is stored to 7e-15 mV, and each step rounds it once. Over the 1,000 steps of 0.01 ms that a
spike may take the errors gather to some 1e-13 mV, and over 1 s of spikes to more than 5e-13 ms. The part
that was lost is carried to the next call, together with the state that it belongs to: to the unit whose
state is still that one, to the last bit, it is given back.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

STATE, LOST = "exact_state", "exact_lost"


def given_back(carry: Mapping[str, Tensor] | None, y: Tensor) -> Tensor:
    """What is missing from the state of each unit, ``[n]``; zero where another state was put there.

    Args:
        carry: What the last call gave; None at the first.
        y: The state, ``[n]``.
    """
    if carry is None or STATE not in carry or carry[STATE].numel() != y.numel():
        return torch.zeros_like(y)
    before, lost = carry[STATE].detach().to(y).reshape(-1), carry[LOST].detach().to(y).reshape(-1)
    if torch.equal(before, y):  # nobody's state was changed: no new tensor
        return lost
    return torch.where(before == y, lost, 0.0)


def lost(y0: Tensor, change: Tensor, y1: Tensor) -> Tensor:
    """What is missing from ``y1 = y0 + change``, to the last bit (Knuth's two-sum).

    Example:
        >>> lost(torch.tensor(1.0), torch.tensor(1e-9), torch.tensor(1.0))
        tensor(1.0000e-09)
    """
    moved = y1 - y0
    return (y0 - (y1 - moved)) + (change - moved)
