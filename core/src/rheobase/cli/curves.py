"""A surrogate's curves: S and S' as numbers, and as a picture of characters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

WIDTH, HEIGHT, REACH = 61, 11, 3.0
"""Columns and rows of the picture, and how far to both sides of the threshold it goes."""


def curves(function: Callable[..., Any]) -> dict[str, list[float]]:
    """S and S' from -3 to 3: ``z``, ``S`` and ``S'``, by name.

    Args:
        function: S(z).

    Example:
        >>> found = curves(lambda z: 0.5 + z.clamp(-0.5, 0.5))
        >>> round(found["S"][30], 9), found["S'"][30]
        (0.5, 1.0)
    """
    z = torch.linspace(-REACH, REACH, WIDTH, dtype=torch.float64).requires_grad_()
    with torch.enable_grad():
        value = function(z)
        (slope,) = torch.autograd.grad(value.sum(), z)
    return {"z": z.tolist(), "S": value.tolist(), "S'": slope.tolist()}


def picture(found: dict[str, list[float]]) -> list[str]:
    """The lines of a picture: S as ``.``, S' as ``*``, and the scale at both sides.

    Example:
        >>> lines = picture(curves(lambda z: 0.5 + z.clamp(-0.5, 0.5)))
        >>> lines[0].count("."), lines[0].count("*"), lines[-1].split()
        (25, 11, ['-3', 'z', '3'])
    """
    both: dict[str, Sequence[float]] = {".": found["S"], "*": found["S'"]}
    low = min(map(min, both.values()))
    high = max(map(max, both.values()))
    rows = [[" "] * WIDTH for _ in range(HEIGHT)]
    for mark, values in both.items():
        for column, value in enumerate(values):
            place = round((high - value) / (high - low or 1.0) * (HEIGHT - 1))
            rows[place][column] = mark
    said = {0: f"{high:.3g}", HEIGHT - 1: f"{low:.3g}"}
    lines = [f"{said.get(place, ''):>6} |{''.join(row).rstrip()}" for place, row in enumerate(rows)]
    ends = f"{-REACH:g}", f"{REACH:g}"
    middle = "z".center(WIDTH - len(ends[0]) - len(ends[1]))
    return [*lines, f"{'':>8}{ends[0]}{middle}{ends[1]}"]
