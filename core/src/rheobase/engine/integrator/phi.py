"""phi1, the function by which exact and exponential integrators turn a slope into a change."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.forward_ad import unpack_dual

from ...torch_state import transforming


def phi1(x: Tensor) -> Tensor:
    """(e^x - 1) / x, and 1 at zero, right to a few units in the last place everywhere.

    The solution of y' = a y + b is y(h) = y(0) + h phi1(a h) f, with f the derivative at its start (Hochbruck
    and Ostermann 2010). It can be differentiated, at zero too.

    Args:
        x: a h for each unit, in any shape.

    Example:
        >>> phi1(torch.tensor([0.0, 1.0]))
        tensor([1.0000, 1.7183])
    """
    # Zero, and the numbers too small to be stored in full.
    zero = x.abs() < torch.finfo(x.dtype).tiny
    if x.requires_grad or transforming() or unpack_dual(x).tangent is not None:
        # The slope at zero is 1/2.
        return torch.where(zero, 1.0 + 0.5 * x, torch.expm1(x) / torch.where(zero, 1.0, x))
    # The same value at zero in fewer operations: expm1(x) is x where x is tiny.
    x = x.masked_fill(zero, torch.finfo(x.dtype).tiny)
    return torch.expm1(x) / x
