"""The exact solution of a linear equation with constant coefficients, y' = A y + b.

From the state y0, with the derivative f0 = A y0 + b there,

    y(s) = y0 + s phi1(A s) f0,    phi1(x) = (e^x - 1) / x.

So no equilibrium -b / A is needed, which a singular A does not have, and a short step adds a small change.
"""

from __future__ import annotations

import torch
from rheobase.spi import phi1
from torch import Tensor


def change(matrix: Tensor, slope: Tensor, s: Tensor) -> Tensor:
    """How far the state of each unit moves in s ms.

    Args:
        matrix: A for each unit, ``[n, D, D]``, 1/ms.
        slope: The derivatives f0, ``[D, n]``, per ms.
        s: The time, ms, ``[n]``.

    Returns:
        s phi1(A s) f0, ``[D, n]``.
    """
    if len(slope) == 1:
        return s * phi1(matrix[:, 0, 0] * s) * slope
    # e^M of M = [[A s, v], [0, 0]] holds phi1(A s) v in its last column; v of length one, so that its
    # size does not spoil the precision of the rest.
    size = slope.detach().abs().amax(dim=0)
    size = torch.where(size > 0, size, 1.0)
    top = torch.cat([matrix * s[:, None, None], (slope / size).movedim(0, -1)[..., None]], dim=-1)
    whole = torch.cat([top, torch.zeros_like(top[:, :1])], dim=-2)
    column: Tensor = torch.linalg.matrix_exp(whole)[:, :-1, -1]
    return column.movedim(-1, 0) * (size * s)


def propagators(matrix: Tensor, s: Tensor) -> Tensor:
    """s phi1(A s) of each unit, ``[n, D, D]``: what turns the derivatives into the change of the state.

    Args:
        matrix: A for each unit, ``[n, D, D]``, 1/ms.
        s: The time, ms, ``[n]``.
    """
    count = matrix.shape[-1]
    unit = torch.eye(count, dtype=matrix.dtype, device=matrix.device).expand_as(matrix)
    top = torch.cat([matrix * s[:, None, None], unit], dim=-1)
    whole = torch.cat([top, torch.zeros_like(top)], dim=-2)
    corner: Tensor = torch.linalg.matrix_exp(whole)[:, :count, count:]
    return corner * s[:, None, None]


def fastest(matrix: Tensor, pattern: tuple[frozenset[int], ...]) -> Tensor:
    """The largest size of an eigenvalue of each unit's matrix, ``[n]``, 1/ms: how fast anything moves.

    Args:
        matrix: A for each unit, ``[n, D, D]``.
        pattern: The variables on which each derivative depends.
    """
    with torch.no_grad():
        values = torch.diagonal(matrix, dim1=-2, dim2=-1)
        if not triangular(pattern):
            values = torch.linalg.eigvals(matrix)
        return values.abs().amax(dim=-1)


def triangular(pattern: tuple[frozenset[int], ...]) -> bool:
    """Whether the variables can be put in an order in which each depends on itself and those before.

    Then the eigenvalues are the diagonal.

    Example:
        >>> triangular((frozenset({0, 1}), frozenset({1})))
        True
        >>> triangular((frozenset({1}), frozenset({0})))
        False
    """
    left = set(range(len(pattern)))
    while left:
        first = {index for index in left if not (pattern[index] - {index}) & left}
        if not first:
            return False
        left -= first
    return True
