"""A step of one variable, by the same h as the step before."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import final

import torch
from rheobase import Advance
from rheobase.spi import phi1
from torch import Tensor

from .residue import LOST, STATE, given_back, lost


@final
class Stride:
    """The step h of the units that have the coefficients A: h phi1(A h), which later steps use again.

    Args:
        matrix: A, ``[1, 1, *batch, units]``, 1/ms, without a graph.
        h: The step, ms, a number above 0.
    """

    def __init__(self, matrix: Tensor, h: float) -> None:
        self._matrix, self._h = matrix, h
        self._rate = matrix.reshape(-1)
        s = torch.as_tensor(h, dtype=matrix.dtype, device=matrix.device).expand(self._rate.shape)
        self._factor = s * phi1(self._rate * s)
        self._usual = bool(self._factor.isfinite().all())

    def serves(self, matrix: Tensor, h: float) -> bool:
        """Whether it is that of these coefficients, the same tensor, and this step."""
        return matrix is self._matrix and h == self._h

    def taken(self, y: Tensor, slope: Tensor, carry: Mapping[str, Tensor] | None) -> Advance | None:
        """The states after the step.

        Args:
            y: The state, ``[1, *batch, units]``.
            slope: The derivatives there, per ms.
            carry: What the last step gave.

        Returns:
            The states; None where some are not finite, for whoever looks at each unit.
        """
        if not self._usual:
            return None
        shape, y0 = y.shape[1:], y.reshape(-1)
        rest = given_back(carry, y0)
        move = self._factor * (slope.reshape(-1) + self._rate * rest) + rest
        y1 = y0 + move
        with torch.no_grad():
            # Of a sum with what is infinite or no number nothing finite is left.
            if not math.isfinite(torch.dot(y1, y1).item()) and not bool(y1.isfinite().all()):
                return None
            missing = lost(y0, move, y1)
        return Advance(y1.reshape(y.shape), {STATE: y1.detach().reshape(shape), LOST: missing.reshape(shape)})
