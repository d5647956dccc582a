r"""Rules in which each pair is connected by a chance of its own."""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor

from .arguments import Rows, blocks, joined, packed, probability
from .drawing import numbers


def bernoulli(
    first: int,
    last: int,
    sources: int,
    targets: int,
    key: int,
    *,
    same: bool,
    positions: tuple[Tensor, Tensor] | None = None,
    p: float,
    autapses: bool = True,
    multapses: bool = True,
) -> Rows:
    r"""Each pair with probability p, independently of all others, and at most once.

    Along the row of a target the gaps between its sources are geometric,
    :math:`\lfloor \ln u / \ln (1 - p) \rfloor` with u within (0, 1) (Batagelj and Brandes 2005): the cost
    goes with the synapses, not with the pairs. For the other arguments see :func:`all_to_all`.

    Args:
        p: From 0 to 1.

    Raises:
        ParameterError: If p is no number from 0 to 1.

    Example:
        >>> indptr, indices = bernoulli(0, 100, 1000, 100, 7, same=False, p=0.1)
        >>> bool(9000 < len(indices) < 11000)
        True
        >>> bernoulli(40, 50, 1000, 100, 7, same=False, p=0.1)[1].equal(indices[indptr[40] : indptr[50]])
        True
    """
    p = probability("bernoulli", p)
    counts, indices = [], []
    for a, b in blocks(first, last, width_of(sources, p)):
        rows, chosen, _ = chances(key, a, b, sources, p)
        if same and not autapses:
            apart = chosen != rows + a
            rows, chosen = rows[apart], chosen[apart]
        counts.append(np.bincount(rows, minlength=b - a))
        indices.append(chosen)
    return packed(joined(counts), joined(indices))


def chances(
    key: int, first: int, last: int, sources: int, p: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pairs that chance makes, by row and then source.

    Returns:
        Rows, counted from ``first``; sources; and the place that each pair has among those of its row.
    """
    width = width_of(sources, p)
    if not width:
        return (np.empty(0, dtype=np.int64),) * 3
    at = _steps(numbers(key, first, last, width), sources, p)
    np.cumsum(at, axis=1, out=at)
    at -= 1
    rows, places = np.nonzero(at < sources)
    chosen = at[rows, places]
    short = np.flatnonzero(at[:, -1] < sources)
    if len(short):
        more = [_longer(key, first + int(row), int(at[row, -1]), sources, p) for row in short]
        rows = np.concatenate([rows, np.repeat(short, [len(each) for each in more])])
        places = np.concatenate([places, *(width + np.arange(len(each)) for each in more)])
        order = np.argsort(rows, kind="stable")
        rows, places, chosen = rows[order], places[order], np.concatenate([chosen, *more])[order]
    return rows, chosen, places


def _longer(key: int, row: int, reached: int, sources: int, p: float) -> np.ndarray:
    """What follows in a row that has not come to its end, by as many turns as it takes."""
    parts, turn, width = [], 0, width_of(sources, p)
    while reached < sources:
        turn += 1
        at = reached + np.cumsum(_steps(numbers(key, row, row + 1, width, turn=turn)[0], sources, p))
        parts.append(at[at < sources])
        reached = int(at[-1])
    return joined(parts)


def _steps(quantiles: np.ndarray, sources: int, p: float) -> np.ndarray:
    """From one source to the next, 1 or more; what leads out of the row is cut there."""
    # p = 1 gives 0 / -inf or less / -inf: no gap.
    per = math.log1p(-p) if p < 1.0 else -math.inf
    gaps = np.log(quantiles)
    # A probability near the smallest numbers overflows to infinity, which is beyond the row.
    with np.errstate(over="ignore"):
        gaps /= per
    np.minimum(gaps, float(sources), out=gaps)
    steps: np.ndarray = gaps.astype(np.int64)
    steps += 1
    return steps


def width_of(sources: int, p: float) -> int:
    """As many gaps as nearly every row has, and one that leads out of it."""
    expected = sources * p
    return math.ceil(expected + 5.0 * math.sqrt(expected * (1.0 - p)) + 4.0) if expected > 0 else 0
