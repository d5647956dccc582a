"""What rules are given, checked; what they give, packed."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
import torch
from rheobase.errors import ParameterError
from torch import Tensor

Rows = tuple[Tensor, Tensor]
"""Where each row begins, int64 ``[targets + 1]``, and the sources in it, int64 ``[synapses]``."""

BLOCK = 1 << 20
"""Of so many numbers at once the temporary arrays are made."""


def probability(rule: str, value: Any) -> float:
    """A number from 0 to 1."""
    number = _number(value)
    if not 0.0 <= number <= 1.0:
        raise ParameterError(f"rule {rule!r}: p is {value!r}; it must be a number from 0 to 1")
    return number


def length(rule: str, name: str, value: Any) -> float:
    """A finite number above 0."""
    number = _number(value)
    if not 0.0 < number < math.inf:
        raise ParameterError(f"rule {rule!r}: {name} is {value!r}; it must be a finite number above 0")
    return number


def count(rule: str, name: str, value: Any, most: int | None, of: str) -> int:
    """A whole number from 0 to as many as there are to choose from; None: as often as one likes."""
    try:
        number = -1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = -1
    if number < 0:
        raise ParameterError(f"rule {rule!r}: {name} is {value!r}; it must be a whole number, 0 or more")
    if most is not None and number > most:
        raise ParameterError(f"rule {rule!r}: {name} is {number}, but there are only {most} {of}")
    return number


def others(units: int, same: bool, autapses: bool) -> int:
    """How many of these units one may be connected to, itself left out where that is asked."""
    return units - 1 if same and not autapses and units else units


def beside_itself(chosen: np.ndarray, itself: np.ndarray) -> np.ndarray:
    """The numbers of units that were chosen among all but one."""
    beside: np.ndarray = chosen + (chosen >= itself)
    return beside


def blocks(first: int, last: int, width: int) -> list[tuple[int, int]]:
    """Ranges of rows, each of about :data:`BLOCK` numbers where a row has ``width``."""
    step = max(1, BLOCK // max(1, width))
    return [(start, min(start + step, last)) for start in range(first, last, step)]


def packed(counts: np.ndarray, indices: np.ndarray) -> Rows:
    """Rows of these lengths."""
    indptr = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=indptr[1:])
    return torch.from_numpy(indptr), torch.from_numpy(np.ascontiguousarray(indices, dtype=np.int64))


def joined(parts: list[np.ndarray]) -> np.ndarray:
    """One array of several, also of none."""
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def by_target(pairs: list[np.ndarray], rows: int, sources: int) -> Rows:
    """Rows of pairs in any order, each given as ``row * sources + source``."""
    ordered = joined(pairs)
    if (ordered[1:] < ordered[:-1]).any():
        ordered.sort()
    bounds = np.arange(rows + 1, dtype=np.int64) * sources
    counts = np.diff(np.searchsorted(ordered, bounds))
    # Its own row subtracted, and no remainder of each: a division costs more than all else here.
    ordered -= np.repeat(bounds[:-1], counts)
    return packed(counts, ordered)


def _number(value: Any) -> float:
    try:
        return math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return math.nan
