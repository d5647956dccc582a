r"""Random numbers by count: Philox4x64 of 10 rounds (Salmon et al. 2011).

A count (four words of 64 bits) and a key (128 bits) give four words; nothing is drawn before or after. So
what a unit gets in a step depends on no other unit, on no other step, and on no order of asking.

With a word w, :math:`u = (\lfloor w / 2^{11} \rfloor + 1/2) / 2^{53}` lies within (0, 1); of two of them
:math:`\sqrt{-2 \ln u_0} \cos 2 \pi u_1`, and the same with the sine, are normal (Box and Muller 1958).
"""

from __future__ import annotations

import functools
import hashlib
import math
from typing import NamedTuple

import numpy as np

Count = tuple[int, int, int, int]
"""Four words, the lowest first."""

WORDS = 4
"""What one count gives."""


class Stream(NamedTuple):
    """Whose numbers they are: a neuron's seed, and its identifier."""

    seed: int
    identifier: str


NOBODY = Stream(0, "")
"""Of numbers that are no neuron's."""


def words(key: int, start: Count, counts: int) -> np.ndarray:
    """The words of consecutive counts, uint64 ``[counts, 4]``; ``start`` is the count *before* the first.

    Example:
        >>> whole = words(7, (0, 3, 0, 0), 5)
        >>> bool((words(7, (2, 3, 0, 0), 3) == whole[2:]).all())
        True
    """
    counter = sum(word << 64 * place for place, word in enumerate(start))
    # numpy adds one to the counter before each four words; the key is below 2^128.
    raw: np.ndarray = np.random.Philox(key=key, counter=counter).random_raw(WORDS * counts)
    return raw.reshape(counts, WORDS)


def uniform(raw: np.ndarray) -> np.ndarray:
    """A number within (0, 1) of each word, in float64."""
    within: np.ndarray = ((raw >> np.uint64(11)) + 0.5) * 2.0**-53
    return within


def normal(raw: np.ndarray) -> np.ndarray:
    """Two normal numbers of each two words, ``[..., 2]``."""
    within = uniform(raw)
    size, angle = np.sqrt(-2.0 * np.log(within[..., 0])), (2.0 * math.pi) * within[..., 1]
    return np.stack([size * np.cos(angle), size * np.sin(angle)], axis=-1)


@functools.lru_cache(maxsize=4096)
def key_of(*names: str | int) -> int:
    """A key of 128 bits for what has these names; other names, an unrelated key.

    Example:
        >>> key_of(0, "gif", "target") == key_of(0, "gif", "other")
        False
    """
    # repr tells 1 from "1", and where one name ends.
    return int.from_bytes(hashlib.blake2b(repr(names).encode(), digest_size=16).digest(), "little")
