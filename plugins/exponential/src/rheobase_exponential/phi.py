"""The step of an exponential integrator, y + h phi1(b h) f with phi1(x) = (e^x - 1) / x."""

from __future__ import annotations

from typing import Any

import torch
from rheobase.spi import phi1
from torch import Tensor


def relaxed(y: Tensor, slopes: Tensor, rates: Tensor, h: Any) -> Tensor:
    """The state after h ms in which each variable follows its own linear equation.

    Args:
        y: The state.
        slopes: The derivatives there, per ms.
        rates: The coefficient of each variable in its own derivative, 1/ms.
        h: The step, ms: a number or ``[*batch, units]``.
    """
    return torch.addcmul(y, phi1(h * rates), h * slopes)
