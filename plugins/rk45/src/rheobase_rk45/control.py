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
from rheobase.spi import Field
from torch import Tensor

from .tolerance import Tolerance

SAFETY = 0.9
SHRINK = 0.2
"""The factor after a step whose error is far too large, or no number."""
STRETCH = 0.08
"""By how much a step may be longer than wanted, to end where it should. Less than 1 - SAFETY, so that a step
that was refused is not tried again."""
TINY = 1e-3
"""An error this far below the tolerance says that the step may grow, but not by how much."""


def error_ratio(error: Tensor, y0: Tensor, y1: Tensor, tolerance: Tolerance) -> Tensor:
    """The largest error of each unit in units of its tolerance; a step with more than 1 is refused.

    Args:
        error: ``[D, *batch, units]``.
        y0: The state before the step, likewise.
        y1: The state after it, likewise.
        tolerance: The tolerances.

    Returns:
        ``[*batch, units]``; NaN where the error or the state is not finite.
    """
    size = torch.maximum(y0.abs(), y1.abs())
    # An infinite state has an infinite tolerance, which would let any error pass; 0 times it is NaN.
    return error.abs().add_(size, alpha=0.0).div_(tolerance.scale(size)).amax(dim=0)


def grown(h: Tensor, ratio: Tensor, order: int) -> Tensor:
    """The step that the error of this one asks for: 0.9 h ratio^(-1/order), nearly, and at least h / 5.

    The power is that of a hyperbola in a root of the ratio, 2^k roots deep. It has the value and the slope of
    the power at 1, and bounds the growth by itself: 4.5 for order 5, 2.7 for order 3.

    Args:
        h: The step, ms, ``[*batch, units]``.
        ratio: Its error in units of the tolerance; may be infinite or NaN.
        order: That of the pair: its error grows like h^order.

    Example:
        >>> import torch
        >>> ratio = torch.tensor([1.0, 0.0, 1e9, float("nan")])
        >>> grown(torch.ones(4), ratio, 5)
        tensor([0.9000, 4.5000, 0.2000, 0.2000])
    """
    halvings = (order - 1).bit_length() - 1
    part = 2.0**halvings / order
    root = ratio.to(h.dtype)
    for _ in range(halvings):
        root = torch.rsqrt(root)
    if halvings % 2:
        root = root.reciprocal()
    divisor = (root * (part / SAFETY)).add_((1.0 - part) / SAFETY)
    return h / divisor.nan_to_num_(nan=1.0 / SHRINK).clamp_(max=1.0 / SHRINK)


def after(h: Tensor, ratio: Tensor, wanted: Tensor, order: int) -> Tensor:
    """The step to try next.

    Args:
        h: The step that was tried, ms, ``[*batch, units]``.
        ratio: Its error in units of the tolerance.
        wanted: What it would have been, had the end not cut it short.
        order: That of the pair.
    """
    # A step that is far too short, since the end was near, says nothing against the one that was wanted.
    return torch.maximum(grown(h, ratio, order), wanted * (ratio < TINY))


def fitted(left: Tensor, longest: Tensor | float, stretch: float = 0.0) -> Tensor:
    """The step to try: as long as may be, such that a whole number of equal ones is left.

    The last of them is what is left, bit for bit.

    Args:
        left: The time to go, ms; with the graph of the end, where it has one: the last step keeps it.
        longest: The longest step that may be tried, ms.
        stretch: The part by which a step may be longer than that, if this saves one; all together are longer
            by half a step at most.

    Example:
        >>> import torch
        >>> left = torch.tensor([1.0, 0.3, 0.1, 0.0])
        >>> fitted(left, 0.15)
        tensor([0.1429, 0.1500, 0.1000, 0.0000])
        >>> fitted(torch.tensor([0.16, 0.17]), 0.15, stretch=0.1)
        tensor([0.1600, 0.0850])
    """
    to_go = left.detach()
    steps = to_go / longest
    steps = torch.maximum(steps * (1.0 - stretch), steps - 0.5) if stretch else steps
    steps = steps.ceil_().clamp_(min=1.0)
    h = to_go / steps
    return torch.where(steps == 1.0, left, h) if left.requires_grad else h


def first_step(
    field: Field, t0: Any, y: Tensor, slope: Tensor, span: Tensor, tolerance: Tolerance, order: int
) -> Tensor:
    """A first guess of the step size, after Hairer, Norsett & Wanner (1993), section II.4.

    Args:
        field: The derivatives; evaluated once.
        t0: The time of ``y``, ms.
        y: The state, ``[D, *batch, units]``.
        slope: The derivatives there.
        span: The time to go, ms, ``[*batch, units]``.
        tolerance: The tolerances.
        order: That of the pair.

    Returns:
        ``[*batch, units]``, at most ``span``.
    """
    scale = tolerance.scale(y.abs())
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
