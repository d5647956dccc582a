"""The crossing of a threshold by one variable that obeys a linear equation, in closed form.

With v' = a v + b, and g affine in v with the slope c, g moves as

    g(s) = g0 + c f0 (e^(a s) - 1) / a,

which is monotone, so it crosses zero at most once: at

    s = log(1 - a g0 / (c f0)) / a.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class Crossing(NamedTuple):
    """Where one variable crosses.

    Attributes:
        hit: Who crosses in ``(0, h]``, bool ``[*batch, units]``.
        s: When, ms; ``h`` where nobody does.
        y: The variable there, ``[*batch, units]``, on the side where g >= 0; else that at the end.
    """

    hit: Tensor
    s: Tensor
    y: Tensor


def cross(
    gap: Callable[[Tensor], Tensor],
    g0: Tensor,
    c: Tensor,
    a: Tensor,
    f0: Tensor,
    ends: tuple[Tensor, Tensor],
    h: Tensor,
    able: Tensor,
) -> Crossing:
    """The crossing of each unit in ``(0, h]``; all tensors are ``[*batch, units]``.

    Args:
        gap: g of the variable.
        g0: g at the start.
        c: The slope of g by the variable.
        a: The coefficient of the variable in its derivative, 1/ms.
        f0: Its derivative at the start, per ms.
        ends: The variable at the start and after h.
        h: The step, ms.
        able: Who may cross.
    """
    y0, y1 = ends
    with torch.no_grad():
        # Between the ends g only rises or only falls; so the ends decide, and no rounding of s can lose a
        # crossing between two calls. Armed, yet above: it was put there, and crosses where it stands.
        standing = able & (g0 >= 0)
        hit = standing | (able & (gap(y1) >= 0))
        if not bool(hit.any()):
            return Crossing(hit, h, y1)
        moving = hit & ~standing & (c * f0 > 0)
        reaching = moving & (-a * g0 > -c * f0)
    s = torch.minimum(_when(reaching, g0, a, c * f0, h), h)
    s = torch.where(standing, 0.0, s)
    there = y0 - g0 / torch.where(hit, c, 1.0)
    y = torch.where(hit, torch.where(standing, y0, _upper(gap, there, c, hit & ~standing)), y1)
    return Crossing(hit, s, y)


def _when(who: Tensor, g0: Tensor, a: Tensor, speed: Tensor, h: Tensor) -> Tensor:
    """The time at which g = 0, of these units; h for others, without NaN in any gradient."""
    speed = torch.where(who, speed, 1.0)
    straight = torch.where(who, -g0 / speed, 0.0)  # were there no leak
    x = torch.where(who, a, 0.0) * straight
    zero = x.abs() < torch.finfo(x.dtype).tiny
    bend = torch.where(zero, 1.0 - 0.5 * x, torch.log1p(x) / torch.where(zero, 1.0, x))
    return torch.where(who, straight * bend, h)


def _upper(gap: Callable[[Tensor], Tensor], y: Tensor, c: Tensor, hit: Tensor) -> Tensor:
    """The crossing, moved by units in the last place to where g >= 0 is true to the last bit."""
    with torch.no_grad():
        moved, upwards = y, torch.copysign(torch.full_like(y, torch.inf), c)
        for _ in range(4):
            low = hit & (gap(moved) < 0)
            if not bool(low.any()):
                break
            moved = torch.where(low, torch.nextafter(moved, upwards), moved)
        shift = moved - y
    return y + torch.where(hit, shift, 0.0)
