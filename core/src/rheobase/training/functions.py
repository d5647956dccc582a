r"""Surrogates: smooth functions that stand for the step by which a spike is decided.

Each is a function S(z) of one number, applied pointwise: finite, never falling, with S'(0) = 1. Its
derivative is what autograd makes of it, so value and derivative cannot disagree. For the size of one in use
see :func:`rheobase.surrogate`; which to choose matters less than its width (Zenke and Vogels 2021, Neural
Computation 33, 899-925).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def atan(z: Tensor) -> Tensor:
    r"""S = 1/2 + atan(pi z) / pi, S' = 1 / (1 + (pi z)^2). Heavy tails: units far from threshold learn too.

    Example:
        >>> import torch
        >>> atan(torch.tensor([-1.0, 0.0, 1.0]))
        tensor([0.0981, 0.5000, 0.9019])
    """
    return 0.5 + torch.atan(math.pi * z) / math.pi


def sigmoid(z: Tensor) -> Tensor:
    r"""S = 1 / (1 + exp(-4 z)), S' = 4 S (1 - S).

    Example:
        >>> import torch
        >>> sigmoid(torch.tensor([-1.0, 0.0, 1.0]))
        tensor([0.0180, 0.5000, 0.9820])
    """
    return torch.sigmoid(4.0 * z)


def fast_sigmoid(z: Tensor) -> Tensor:
    r"""S = 1/2 + z / (1 + 2 \|z\|), S' = 1 / (1 + 2 \|z\|)^2.

    Example:
        >>> import torch
        >>> fast_sigmoid(torch.tensor([-1.0, 0.0, 1.0]))
        tensor([0.1667, 0.5000, 0.8333])
    """
    return 0.5 + z / (1.0 + 2.0 * z.abs())


def super_spike(z: Tensor) -> Tensor:
    r"""S = z / (1 + \|z\|), S' = 1 / (1 + \|z\|)^2, from -1 to 1.

    Paper: F. Zenke and S. Ganguli (2018), SuperSpike, Neural Computation 30, 1514-1541.
    Its derivative 1 / (1 + 25 \|u\|)^2 is that of width = height = 0.04.

    Example:
        >>> import torch
        >>> super_spike(torch.tensor([-1.0, 0.0, 1.0]))
        tensor([-0.5000,  0.0000,  0.5000])
    """
    return z / (1.0 + z.abs())


def gaussian(z: Tensor) -> Tensor:
    r"""S = Phi(sqrt(2 pi) z), the normal distribution; S' = exp(-pi z^2).

    Example:
        >>> import torch
        >>> gaussian(torch.tensor([-1.0, 0.0, 1.0]))
        tensor([0.0061, 0.5000, 0.9939])
    """
    return 0.5 + 0.5 * torch.erf(math.sqrt(math.pi) * z)


def triangle(z: Tensor) -> Tensor:
    r"""S' = 1 - \|z\| for \|z\| < 1, else 0; S = 1/2 + z - z \|z\| / 2 between.

    Example:
        >>> import torch
        >>> triangle(torch.tensor([-1.0, 0.0, 1.0]))
        tensor([0.0000, 0.5000, 1.0000])
    """
    near = z.clamp(-1.0, 1.0)
    return 0.5 + near - 0.5 * near * near.abs()


def rectangle(z: Tensor) -> Tensor:
    r"""S' = 1 for \|z\| < 1/2, else 0; S = 1/2 + z between.

    Example:
        >>> import torch
        >>> rectangle(torch.tensor([-1.0, 0.0, 1.0]))
        tensor([0.0000, 0.5000, 1.0000])
    """
    return 0.5 + z.clamp(-0.5, 0.5)
