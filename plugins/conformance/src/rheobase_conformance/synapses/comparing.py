"""How near two results of a synapse are."""

from __future__ import annotations

import torch
from torch import Tensor

from ..violation import require


def size_of(*values: Tensor) -> float:
    """The largest number among these."""
    return max((float(each.detach().abs().max()) for each in values if each.numel()), default=0.0)


def require_near(one: Tensor, other: Tensor, what: str, *, of: float = 0.0, parts: float = 256.0) -> None:
    """Two results must agree to rounding: so many units of the last place, of their size.

    Args:
        one: A result.
        other: What it must be.
        what: The sentence that tells them, up to a colon.
        of: The size of what they are made of, where that is larger.
        parts: How many units of the last place.
    """
    room = parts * torch.finfo(other.dtype).eps * max(of, size_of(one, other))
    apart = (one - other).abs()
    require(
        bool((apart <= room).all()),
        f"{what}: {one.tolist()}, and must be {other.tolist()}",
    )
