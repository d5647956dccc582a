"""The shape that shapes broadcast to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch


def broadcast_shape(*shapes: Sequence[int]) -> torch.Size:
    """The shape that shapes broadcast to: what ``torch.broadcast_shapes`` gives.

    torch's own takes half a second when it is first used: it makes its symbolic shapes ready.

    Args:
        *shapes: The shapes.

    Raises:
        RuntimeError: If they do not fit each other.

    Example:
        >>> broadcast_shape((2, 1), (3,))
        torch.Size([2, 3])
    """
    if torch.compiler.is_compiling():
        return torch.Size(torch.broadcast_shapes(*shapes))
    try:
        return torch.Size(np.broadcast_shapes(*(tuple(shape) for shape in shapes)))
    except ValueError as error:
        raise RuntimeError(str(error)) from error
