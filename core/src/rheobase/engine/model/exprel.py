"""The relative exponential, by which the rates of ion channels have no hole."""

from __future__ import annotations

import torch
from torch import Tensor

NEAR, TERMS = 0.03, 8
"""Where the series is taken, and its terms: more digits, in value and slope, than numbers have."""


def exprel(x: Tensor) -> Tensor:
    """(e^x - 1) / x, which is 1 at zero; value, gradient and tangent are right there and beside it.

    The rates of Hodgkin and Huxley (1952) are of the kind a x / (1 - e^-x), 0 / 0 at the voltage where x = 0;
    a / exprel(-x) is the same without the hole. It is made of torch's own operations, so whatever takes a
    model takes it.

    Args:
        x: Numbers in any shape, of float32 or float64.

    Returns:
        A tensor like x; infinite where e^x is.

    Example:
        >>> import torch
        >>> x = torch.tensor([0.0, 1.0], dtype=torch.float64, requires_grad=True)
        >>> exprel(x).detach()
        tensor([1.0000, 1.7183], dtype=torch.float64)
        >>> torch.autograd.grad(exprel(x).sum(), x)[0]
        tensor([0.5000, 1.0000], dtype=torch.float64)
    """
    near = x.abs() < NEAR
    # What is not chosen must be finite too: its gradient, times zero, is added.
    small, large = torch.where(near, x, 0.0), torch.where(near, 1.0, x)
    series = 1.0 + small / TERMS
    for k in range(TERMS - 1, 1, -1):
        series = 1.0 + small / k * series
    return torch.where(near, series, torch.expm1(large) / large)
