"""The rule in which the number of all connections is given."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from .arguments import Rows, blocks, by_target, count, others
from .drawing import distinct_of_all, pairs


def fixed_total(
    first: int,
    last: int,
    sources: int,
    targets: int,
    key: int,
    *,
    same: bool,
    positions: tuple[Tensor, Tensor] | None = None,
    total: int,
    autapses: bool = True,
    multapses: bool = True,
) -> Rows:
    """So many connections in all, each between any source and any target with equal probability.

    For a part of the targets all connections are drawn, and what ends elsewhere is dropped. For the other
    arguments see :func:`all_to_all`.

    Args:
        total: How many connections there are, a pair met twice counted twice.
        multapses: Whether a pair may be met twice. If not, all sets of so many pairs are alike in
            probability.

    Raises:
        ParameterError: If the total is negative, no whole number, or more than the pairs there are.

    Example:
        >>> indptr, indices = fixed_total(0, 50, 200, 50, 7, same=False, total=1234)
        >>> len(indices)
        1234
    """
    among = others(sources, same, autapses)
    most = among * targets
    total = count("fixed-total", "total", total, None if multapses and most else most, "pairs to choose from")
    if multapses:
        chosen = [_of_rows(each, first, last, among) for each in pairs(key, total, targets, among)]
    elif 2 * total <= most:
        chosen = [_of_rows(distinct_of_all(key, total, targets, among), first, last, among)]
    else:
        # Few are left out, so those are drawn.
        left = _of_rows(distinct_of_all(key, most - total, targets, among), first, last, among)
        chosen = [_without(left, a - first, b - first, among) for a, b in blocks(first, last, among)]
    if among != sources:
        chosen = [_beside(each, first, among, sources) for each in chosen]
    return by_target(chosen, last - first, sources)


def _of_rows(chosen: np.ndarray, first: int, last: int, among: int) -> np.ndarray:
    """The pairs of these targets, counted from the first."""
    here: np.ndarray = chosen[(chosen >= first * among) & (chosen < last * among)] - first * among
    return here


def _without(left: np.ndarray, first: int, last: int, among: int) -> np.ndarray:
    """All pairs of these rows but those, which are in order."""
    start, end = first * among, last * among
    kept = np.ones(end - start, dtype=bool)
    kept[left[slice(*np.searchsorted(left, (start, end)))] - start] = False
    remaining: np.ndarray = np.flatnonzero(kept) + start
    return remaining


def _beside(chosen: np.ndarray, first: int, among: int, sources: int) -> np.ndarray:
    """Pairs with all sources but the target itself, as pairs with all."""
    rows, columns = np.divmod(chosen, among)
    columns += columns >= rows + first
    rows *= sources
    rows += columns
    return rows
