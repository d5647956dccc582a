"""The step of an exponential integrator, y + h phi1(b h) f with phi1(x) = (e^x - 1) / x."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def phi1(x: Tensor) -> Tensor:
    """(e^x - 1) / x, and 1 at zero, right to a few units in the last place everywhere.

    Example:
        >>> phi1(torch.tensor([0.0, 1.0]))
        tensor([1.0000, 1.7183])
    """
    # Zero, and the numbers too small to be stored in full.
    zero = x.abs() < torch.finfo(x.dtype).tiny
    if x.requires_grad:
        # The slope at zero is 1/2.
        return torch.where(zero, 1.0 + 0.5 * x, torch.expm1(x) / torch.where(zero, 1.0, x))
    # The same value at zero in fewer operations: expm1(x) is x where x is tiny.
    x = x.masked_fill(zero, torch.finfo(x.dtype).tiny)
    return torch.expm1(x) / x


def relaxed(y: Tensor, slopes: Tensor, rates: Tensor, h: Any) -> Tensor:
    """The state after h ms in which each variable follows its own linear equation.

    Args:
        y: The state.
        slopes: The derivatives there, per ms.
        rates: The coefficient of each variable in its own derivative, 1/ms.
        h: The step, ms: a number or ``[*batch, units]``.
    """
    return torch.addcmul(y, phi1(h * rates), h * slopes)
