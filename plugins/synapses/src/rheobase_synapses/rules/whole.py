"""Rules without chance: everyone to everyone, and each to its own."""

from __future__ import annotations

import numpy as np
from rheobase.errors import ParameterError
from torch import Tensor

from .arguments import Rows, beside_itself, blocks, joined, others, packed


def all_to_all(
    first: int,
    last: int,
    sources: int,
    targets: int,
    key: int,
    *,
    same: bool,
    positions: tuple[Tensor, Tensor] | None = None,
    autapses: bool = True,
    multapses: bool = True,
) -> Rows:
    """Every source to every target.

    Args:
        first: The first target whose row is made.
        last: One more than the last.
        sources: How many there are.
        targets: How many there are.
        key: Of 128 bits, as :func:`rheobase.spi.key_of` makes it; nothing is drawn here.
        same: Whether sources and targets are one population.
        positions: Not looked at.
        autapses: Whether a unit of one population may be connected to itself.
        multapses: Nothing follows from it: each pair is met once.

    Returns:
        Where each row begins, int64 ``[last - first + 1]``, and the sources in it, int64, ascending.

    Example:
        >>> indptr, indices = all_to_all(0, 3, 3, 3, 0, same=True, autapses=False)
        >>> indptr.tolist(), indices.tolist()
        ([0, 2, 4, 6], [1, 2, 0, 2, 0, 1])
    """
    width = others(sources, same, autapses)
    row = np.arange(width, dtype=np.int64)
    if width == sources:
        return packed(np.full(last - first, width), np.tile(row, last - first))
    parts = [beside_itself(row, np.arange(a, b)[:, None]).reshape(-1) for a, b in blocks(first, last, width)]
    return packed(np.full(last - first, width), joined(parts))


def one_to_one(
    first: int,
    last: int,
    sources: int,
    targets: int,
    key: int,
    *,
    same: bool,
    positions: tuple[Tensor, Tensor] | None = None,
    autapses: bool = True,
    multapses: bool = True,
) -> Rows:
    """Source k to target k. For the arguments see :func:`all_to_all`.

    Raises:
        ParameterError: If there are not as many sources as targets.

    Example:
        >>> indptr, indices = one_to_one(1, 4, 5, 5, 0, same=False)
        >>> indptr.tolist(), indices.tolist()
        ([0, 1, 2, 3], [1, 2, 3])
    """
    if sources != targets:
        raise ParameterError(
            f"rule 'one-to-one': {sources} sources and {targets} targets; there must be as many of both"
        )
    # In one population that is each unit to itself.
    each = 0 if same and not autapses else 1
    row = np.arange(first, last if each else first, dtype=np.int64)
    return packed(np.full(last - first, each), row)
