"""How unlikely it is that two columns of marks coincide so often, or so seldom, by chance: an exact bound.

Of n pairs of marks the first is set in r and the second in c. Where the two are independent and all orders
alike, both are set in a hypergeometric number of pairs, of mean r c / n. Its moment generating function is at
most that of r draws with replacement (Hoeffding 1963), so by Chernoff's bound

    P(more than k) <= exp(-max over u of [u k - sum over groups of r log(1 + (c / n) (e^u - 1))])

for the sum over groups of pairs that are independent of each other. It holds for any n, and needs no normal
approximation: rare marks simply prove nothing.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

_SLOPES = torch.cat([torch.logspace(-2.5, 1.0, 60, dtype=torch.float64), torch.tensor([20.0, 40.0])])

CHANCE = 1e-10
"""What a coincidence is told below: chance tells one of ten thousand comparisons once in a million times."""

LIMIT = math.log(2.0 / CHANCE)


class Coincidence(NamedTuple):
    """How often two marks coincide.

    Attributes:
        seen: The pairs in which both are set.
        expected: How many chance makes of it.
        bound: Minus the logarithm of what bounds the probability, of as many or more, or as few or fewer.
    """

    seen: int
    expected: float
    bound: float

    @property
    def told(self) -> bool:
        """Whether it is no chance."""
        return self.bound > LIMIT

    def __str__(self) -> str:
        return f"{self.seen} times, where chance makes it {self.expected:.0f} (p < {CHANCE:g})"


def coincidence(one: Tensor, other: Tensor) -> Coincidence:
    """How often two marks are both set.

    Args:
        one: The first marks, bool ``[groups, n]``: those of a group may be in any order, by chance.
        other: The second ones.

    Example:
        >>> marks = torch.arange(400).reshape(1, 400) % 2 == 0
        >>> coincidence(marks, marks).told, coincidence(marks, marks[:, torch.randperm(400)]).told
        (True, False)
    """
    n = one.shape[-1]
    first, second = one.sum(dim=-1).double(), other.sum(dim=-1).double()
    # The draws are those of the rarer mark: another choice would bound it less well.
    draws, share = torch.minimum(first, second), torch.maximum(first, second) / n
    seen = int((one & other).sum())
    expected = float((draws * share).sum())
    slopes = _SLOPES if seen >= expected else -_SLOPES
    # log(1 + share (e^u - 1)), of which nothing is lost where the share is 1.
    growth = torch.logaddexp(torch.log1p(-share).unsqueeze(0), share.log().unsqueeze(0) + slopes.unsqueeze(1))
    bound = slopes * seen - (draws * growth).sum(dim=1)
    return Coincidence(seen, expected, max(0.0, float(bound.max())))
