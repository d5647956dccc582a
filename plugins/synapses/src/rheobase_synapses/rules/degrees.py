"""Rules in which each unit has so many connections."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from .arguments import Rows, beside_itself, blocks, by_target, count, joined, others, packed
from .drawing import below, distinct, numbers


def fixed_indegree(
    first: int,
    last: int,
    sources: int,
    targets: int,
    key: int,
    *,
    same: bool,
    positions: tuple[Tensor, Tensor] | None = None,
    degree: int,
    autapses: bool = True,
    multapses: bool = True,
) -> Rows:
    """Each target from so many sources, all choices alike in probability.

    For the other arguments see :func:`all_to_all`.

    Args:
        degree: How many sources each target has, a pair met twice counted twice.
        multapses: Whether a pair may be met twice. If not, all sets of so many sources are alike in
            probability.

    Raises:
        ParameterError: If the degree is negative, no whole number, or more than the sources there are.

    Example:
        >>> indptr, indices = fixed_indegree(0, 50, 200, 50, 7, same=False, degree=20, multapses=False)
        >>> bool((indptr.diff() == 20).all()), len(set(indices[:20].tolist()))
        (True, 20)
        >>> fixed_indegree(3, 4, 200, 50, 7, same=False, degree=20, multapses=False)[1].equal(indices[60:80])
        True
    """
    among = others(sources, same, autapses)
    degree = _degree("fixed-indegree", degree, among, multapses, "sources to choose from")
    parts = [
        chosen.reshape(-1)
        for a, b in blocks(first, last, degree)
        for chosen in [_chosen(key, a, b, degree, among, sources, multapses)]
    ]
    return packed(np.full(last - first, degree), joined(parts))


def fixed_outdegree(
    first: int,
    last: int,
    sources: int,
    targets: int,
    key: int,
    *,
    same: bool,
    positions: tuple[Tensor, Tensor] | None = None,
    degree: int,
    autapses: bool = True,
    multapses: bool = True,
) -> Rows:
    """Each source to so many targets, all choices alike in probability.

    The choice is the source's: for a part of the targets all sources choose, in blocks, and what ends
    elsewhere is dropped. For the other arguments see :func:`all_to_all`.

    Args:
        degree: How many targets each source has, a pair met twice counted twice.
        multapses: Whether a pair may be met twice. If not, all sets of so many targets are alike in
            probability.

    Raises:
        ParameterError: If the degree is negative, no whole number, or more than the targets there are.

    Example:
        >>> indptr, indices = fixed_outdegree(0, 50, 200, 50, 7, same=False, degree=3)
        >>> bool((indices.bincount(minlength=200) == 3).all())
        True
    """
    among = others(targets, same, autapses)
    degree = _degree("fixed-outdegree", degree, among, multapses, "targets to choose from")
    pairs = []
    for a, b in blocks(0, sources, degree):
        chosen = _chosen(key, a, b, degree, among, targets, multapses)
        here = (chosen >= first) & (chosen < last)
        source = np.broadcast_to(np.arange(a, b)[:, None], chosen.shape)
        pairs.append((chosen[here] - first) * sources + source[here])
    return by_target(pairs, last - first, sources)


def _chosen(
    key: int, first: int, last: int, degree: int, among: int, units: int, multapses: bool
) -> np.ndarray:
    """The choice of each of these rows, ascending, ``[last - first, degree]``."""
    if multapses:
        chosen = below(numbers(key, first, last, degree), among)
        chosen.sort(axis=1)
    else:
        chosen = distinct(key, first, last, degree, among)
    return chosen if among == units else beside_itself(chosen, np.arange(first, last)[:, None])


def _degree(rule: str, degree: int, among: int, multapses: bool, of: str) -> int:
    """The degree, checked: where nobody is, nobody can be chosen."""
    return count(rule, "degree", degree, None if multapses and among else among, of)
