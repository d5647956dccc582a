"""Where surrogates are looked at."""

from __future__ import annotations

import torch

DTYPES = (torch.float64, torch.float32)
SOME = (-7.3, -1.31, -0.42, -0.11, 0.07, 0.29, 0.83, 2.6, 11.9)
"""Numbers on both sides of the threshold, none of them where a surrogate may have an edge."""
FAR = (-1e6, -1e3, -1e2, -10.0, -1.0, -0.5, 0.0, 0.5, 1.0, 10.0, 1e2, 1e3, 1e6)
"""Distances from threshold up to those of a unit that explodes."""


def grid(dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Numbers from -12 to 12 in steps of 2^-10, exact in float32 as well."""
    return torch.arange(-12 * 1024, 12 * 1024 + 1).to(dtype) / 1024
