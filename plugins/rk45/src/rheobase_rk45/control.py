"""The size of the steps: how large an error is, and how long the next step may be.

Each unit is judged by itself: a norm goes over the variables of a unit, never over units. The
operations used give one result wherever in the tensor a unit lies (``pow`` does not: its vectorised and
scalar forms differ in the last bit), so that a unit takes the same steps alone and in a crowd.

The error of a step decides on the next one by itself. With that of the step before as well (PI control,
Gustafsson 1991; Hairer, Norsett & Wanner, section II.4) a third of the refused steps disappears, but
evaluations at equal error fall by 2% only, and the time of a step grows by 5%.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .trial import Field

SAFETY = 0.9
SHRINK = 0.2
GROW = 5.0
NOT_FINITE = 0.1
"""The factor after a step whose error is NaN or infinite."""


def error_ratio(error: Tensor, y0: Tensor, y1: Tensor, rtol: float, atol: float) -> Tensor:
    """The largest error of each unit in units of its tolerance; a step with more than 1 is refused.

    Args:
        error: ``[D, *batch, units]``.
        y0: The state before the step, likewise.
        y1: The state after it, likewise.
        rtol: Relative tolerance.
        atol: Absolute tolerance, in the units of the states.

    Returns:
        ``[*batch, units]``; NaN where the error or the state is not finite.
    """
    scale = torch.maximum(y0.abs(), y1.abs()).mul_(rtol).add_(atol)
    ratio = error.abs().div_(scale).amax(dim=0)
    # An infinite state has an infinite tolerance, which would let any error pass.
    return torch.where(torch.isfinite(y1).all(dim=0), ratio, torch.nan)


def factor(ratio: Tensor, order: int) -> Tensor:
    """By how much the step may change: 0.9 ratio^(-1/order), nearly, between 0.2 and 5.

    Args:
        ratio: The error of each unit in units of its tolerance.
        order: That of the pair: its error grows like h^order.

    Example:
        >>> import torch
        >>> factor(torch.tensor([1.0, 0.0, 1e9, float("nan")]), 5)
        tensor([0.9000, 5.0000, 0.2000, 0.1000])
    """
    change = (SAFETY * shrinking(ratio, order)).clamp_(SHRINK, GROW)
    return torch.where(torch.isfinite(ratio), change, NOT_FINITE)


def shrinking(x: Tensor, order: int) -> Tensor:
    """x^(-n/16), with n/16 as near to 1/order as can be: infinite at 0, and 0 at infinity.

    For order 5 the exponent is 3/16, for order 3 it is 5/16: sixteenths are what four square roots make.

    Args:
        x: Not negative.
        order: 2 to 16.

    Example:
        >>> import torch
        >>> shrinking(torch.tensor([0.0, 1.0, 65536.0]), 5).tolist()
        [inf, 1.0, 0.125]
        >>> shrinking(torch.tensor([0.0, 1.0, 65536.0]), 3).tolist()
        [inf, 1.0, 0.03125]
    """
    sixteenths = round(16 / order)
    power, root = torch.ones_like(x), x
    for bit in (8, 4, 2, 1):
        # Unlike sqrt, which MKL runs on all threads, however short the tensor. The inverse root of an
        # inverse root is a root: the signs of the exponents alternate.
        root = root.rsqrt()
        if sixteenths & bit:
            power = power * root if bit in (8, 2) else power / root
    return power


def first_step(
    field: Field, t0: Any, y: Tensor, slope: Tensor, span: Tensor, rtol: float, atol: float, order: int
) -> Tensor:
    """A first guess of the step size, after Hairer, Norsett & Wanner (1993), section II.4.

    Args:
        field: The derivatives; evaluated once.
        t0: The time of ``y``, ms.
        y: The state, ``[D, *batch, units]``.
        slope: The derivatives there.
        span: The time to go, ms, ``[*batch, units]``.
        rtol: Relative tolerance.
        atol: Absolute tolerance.
        order: That of the pair.

    Returns:
        ``[*batch, units]``, at most ``span``.
    """
    scale = y.abs() * rtol + atol
    size = (y.abs() / scale).amax(dim=0)
    speed = (slope.abs() / scale).amax(dim=0)
    # A step that moves the state by a hundredth of itself; a thousandth of the span where the state
    # or its slope says nothing.
    probe = torch.where((size < 1e-5) | (speed < 1e-5), 1e-3 * span, 0.01 * size / speed)
    probe = torch.minimum(probe, span)
    bent = (field(t0 + probe, torch.addcmul(y, slope, probe)) - slope).abs() / scale
    bend = torch.maximum(speed, bent.amax(dim=0) / probe)
    guess = torch.where(bend > 1e-15, shrinking(100.0 * bend, order), span)
    guess = torch.where(torch.isfinite(guess), guess, probe)
    return torch.minimum(torch.minimum(100.0 * probe, guess), span)
