"""Numbers of rows by count: each row has its own, whoever asks for it, and in whatever order.

The counter of the key is (four numbers of a row, nothing, turn, use), by Philox4x64 (:mod:`rheobase.spi`):
rows lie one after the other, so that one call draws many; a row that needs more takes a further turn.
"""

from __future__ import annotations

import math

import numpy as np
from rheobase.spi import uniform, words

from .arguments import blocks

_WORDS = 4
"""Numbers of one count."""


def numbers(key: int, first: int, last: int, width: int, *, turn: int = 0, use: int = 0) -> np.ndarray:
    """Numbers within (0, 1), float64 ``[last - first, width]``. One row's depend on the width too."""
    counts = -(-width // _WORDS)
    raw = words(key, (first * counts, 0, turn, use), (last - first) * counts)
    within: np.ndarray = uniform(raw.reshape(last - first, _WORDS * counts)[:, :width])
    return within


def below(quantiles: np.ndarray, bound: int) -> np.ndarray:
    """Whole numbers from 0 to the bound, without it, int64."""
    # The largest number below 1 may be rounded to 1.
    return np.minimum((quantiles * bound).astype(np.int64), bound - 1)


def distinct(key: int, first: int, last: int, chosen: int, among: int) -> np.ndarray:
    """So many different numbers below ``among``, all sets alike in probability; int64, a row ascending."""
    if 2 * chosen > among:
        # Few are left out, so those are drawn.
        left = distinct(key, first, last, among - chosen, among)
        parts = [_complement(left[a:b], among) for a, b in blocks(0, last - first, among)]
        return np.concatenate(parts) if parts else np.empty((0, chosen), dtype=np.int64)
    if chosen == 0:
        return np.empty((last - first, 0), dtype=np.int64)
    width = _width(chosen, among)
    return np.concatenate(
        [
            np.empty((0, chosen), dtype=np.int64),
            *(
                _first(below(numbers(key, a, b, width), among), key, a, chosen, among)
                for a, b in blocks(first, last, width)
            ),
        ]
    )


def _width(chosen: int, among: int) -> int:
    """As many draws as nearly every row needs until there are so many different ones."""
    # A coupon collector's expectation, and a bound of its variance.
    expected = -among * math.log1p(-chosen / among)
    return math.ceil(expected + 5.0 * math.sqrt(expected - chosen + 1.0) + 1.0)


def _first(drawn: np.ndarray, key: int, first: int, chosen: int, among: int) -> np.ndarray:
    """The first different ones of each row; a row that has too few draws on."""
    width = drawn.shape[1]
    bits = width.bit_length()
    # Ordered by value, then by place: the first of a value is where the value changes.
    ordered = (drawn << bits) | np.arange(width)
    ordered.sort(axis=1)
    values = ordered >> bits
    new = np.ones(values.shape, dtype=bool)
    np.not_equal(values[:, 1:], values[:, :-1], out=new[:, 1:])
    short = new.sum(axis=1) < chosen
    # Of those that are new the ones with the smallest places, whatever comes after.
    places = np.where(new, ordered & ((1 << bits) - 1), width)
    enough = np.partition(places, chosen - 1, axis=1)[:, chosen - 1]
    kept = places <= np.minimum(enough, width - 1)[:, None]
    kept[short, :chosen], kept[short, chosen:] = True, False
    found: np.ndarray = values[kept].reshape(-1, chosen)
    for row in np.flatnonzero(short):
        found[row] = _longer(drawn[row], key, first + int(row), chosen, among)
    return found


def _longer(drawn: np.ndarray, key: int, row: int, chosen: int, among: int) -> np.ndarray:
    """The same for one row, by as many turns as it takes."""
    seen, turn = dict.fromkeys(drawn.tolist()), 0
    while len(seen) < chosen:
        turn += 1
        more = below(numbers(key, row, row + 1, len(drawn), turn=turn), among)[0]
        seen.update(dict.fromkeys(more.tolist()))
    return np.sort(np.array(list(seen)[:chosen], dtype=np.int64))


def _complement(left: np.ndarray, among: int) -> np.ndarray:
    """What is not in each row."""
    kept = np.ones((len(left), among), dtype=bool)
    np.put_along_axis(kept, left, False, axis=1)
    return np.nonzero(kept)[1].reshape(len(left), among - left.shape[1])


def distinct_of_all(key: int, chosen: int, rows: int, columns: int) -> np.ndarray:
    """So many different pairs, each as ``row * columns + column``; int64, ascending."""
    # In each turn as many as are still missing: one after the other, stopping at the last.
    known, later = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    turn = 0
    while missing := chosen - len(known) - len(later):
        drawn = np.concatenate(pairs(key, missing, rows, columns, turn=turn))
        drawn.sort()
        drawn = drawn[np.concatenate([[True], drawn[1:] != drawn[:-1]])]
        if turn == 0:
            known = drawn
        else:
            drawn = drawn[~(_within(drawn, known) | _within(drawn, later))]
            later = np.sort(np.concatenate([later, drawn]))
        turn += 1
    return np.insert(known, np.searchsorted(known, later), later)


def _within(values: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Which of the values are among these."""
    if not len(ordered):
        return np.zeros(len(values), dtype=bool)
    found: np.ndarray = ordered[np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)] == values
    return found


def pairs(key: int, count: int, rows: int, columns: int, *, turn: int = 0) -> list[np.ndarray]:
    """So many pairs, each drawn for itself, as ``row * columns + column``; in blocks."""
    drawn = []
    for start, end in blocks(0, count, 2):
        # Two pairs of each count; blocks start at an even one.
        raw = words(key, (start // 2, 0, turn, 0), -(-(end - start) // 2)).reshape(-1, 2)[: end - start]
        both = uniform(raw)
        drawn.append(below(both[:, 0], rows) * columns + below(both[:, 1], columns))
    return drawn
