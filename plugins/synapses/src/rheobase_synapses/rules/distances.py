"""The rule in which near units are connected more often than far ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from rheobase.errors import ArgumentError, ParameterError
from torch import Tensor

from .arguments import Rows, blocks, joined, length, packed, probability
from .chances import chances, width_of
from .drawing import numbers

KERNELS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "gaussian": lambda apart: np.exp(-0.5 * apart**2),
    "exponential": lambda apart: np.exp(-apart),
    "box": lambda apart: (apart <= 1.0).astype(np.float64),
}
"""How much of the probability is left at so many scales from each other."""


def distance(
    first: int,
    last: int,
    sources: int,
    targets: int,
    key: int,
    *,
    same: bool,
    positions: tuple[Tensor, Tensor] | None = None,
    p: float = 1.0,
    scale: float,
    kernel: str = "gaussian",
    autapses: bool = True,
    multapses: bool = True,
) -> Rows:
    r"""Each pair by a probability that falls with the distance d of its units, and at most once.

    .. math::
        \text{gaussian: } p e^{-d^2 / 2 s^2}, \qquad \text{exponential: } p e^{-d / s}, \qquad
        \text{box: } p \text{ where } d \le s

    Pairs are drawn with probability p, and kept with what the kernel leaves of it: the time goes with p times
    the pairs, the memory with the synapses. For the other arguments see
    :func:`~rheobase_synapses.rules.all_to_all`.

    Args:
        positions: Where sources and targets are, ``[units, dimensions]`` each; ``Network.add`` takes them.
        p: The probability where the distance is 0.
        scale: s, in the unit of the positions.
        kernel: ``"gaussian"``, ``"exponential"`` or ``"box"``.

    Raises:
        ArgumentError: If there are no positions, or of different numbers of dimensions.
        ParameterError: If p is no number from 0 to 1, scale none above 0, or there is no such kernel.

    Example:
        >>> import torch
        >>> line = torch.arange(5.0)[:, None]
        >>> near = distance(0, 5, 5, 5, 7, same=True, positions=(line, line), scale=1.0, kernel="box")
        >>> near[0].tolist(), near[1].tolist()
        ([0, 2, 5, 8, 11, 13], [0, 1, 0, 1, 2, 1, 2, 3, 2, 3, 4, 3, 4])
    """
    p, scale = probability("distance", p), length("distance", "scale", scale)
    if not isinstance(kernel, str) or kernel not in KERNELS:
        raise ParameterError(f"rule 'distance': kernel is {kernel!r}; there are {', '.join(KERNELS)}")
    theirs, ours = _positions(positions)
    counts, indices = [], []
    width = width_of(sources, p)
    for a, b in blocks(first, last, width):
        rows, chosen, places = chances(key, a, b, sources, p)
        kept = _marks(key, a, b, rows, places, width) < KERNELS[kernel](
            _apart(theirs[chosen], ours[rows + a]) / scale
        )
        if same and not autapses:
            kept &= chosen != rows + a
        counts.append(np.bincount(rows[kept], minlength=b - a))
        indices.append(chosen[kept])
    return packed(joined(counts), joined(indices))


def _marks(key: int, first: int, last: int, rows: np.ndarray, places: np.ndarray, width: int) -> np.ndarray:
    """A number within (0, 1) for each of these places in its row, other than those it was drawn by."""
    marks, usual = np.empty(len(rows)), places < width
    marks[usual] = numbers(key, first, last, width, use=1)[rows[usual], places[usual]]
    for row in np.unique(rows[~usual]).tolist():
        mine = np.flatnonzero((rows == row) & ~usual)
        turns = range(1, int(places[mine].max()) // width + 1)
        more = [numbers(key, first + row, first + row + 1, width, turn=turn, use=1)[0] for turn in turns]
        marks[mine] = np.concatenate(more)[places[mine] - width]
    return marks


def _positions(positions: tuple[Tensor, Tensor] | None) -> tuple[np.ndarray, np.ndarray]:
    if positions is None:
        raise ArgumentError(
            "rule 'distance': sources and targets have no positions; give both with add(..., positions=...)"
        )
    theirs, ours = (each.detach().cpu().double().numpy() for each in positions)
    if theirs.shape[-1] != ours.shape[-1]:
        raise ArgumentError(
            f"rule 'distance': sources have {theirs.shape[-1]} dimensions and targets {ours.shape[-1]}; give "
            "positions in the same space"
        )
    return theirs, ours


def _apart(theirs: np.ndarray, ours: np.ndarray) -> np.ndarray:
    """How far each pair is apart. By dimension, so that a pair has the same bits wherever it stands."""
    squared = np.zeros(len(theirs))
    for each in range(theirs.shape[1]):
        squared += (theirs[:, each] - ours[:, each]) ** 2
    return np.sqrt(squared)
