"""Connection rules with nothing wrong, each unusual in a way that a hasty property takes for a fault."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from ground import packed, uniform_of
from rheobase import RuleSpec
from rheobase.errors import ParameterError

SOUND = [
    "nobody",
    "everybody",
    "ring",
    "pairs_by_chance",
    "small_world",
    "hubs",
    "near_ones",
    "both_ways",
    "as_many_each",
    "by_name",
    "at_most_of_each",
]
DEAR = ["as_many_each", "ring"]


def nobody(first, last, sources, targets, key, *, same, positions):
    """No synapse at all."""
    return torch.zeros(last - first + 1, dtype=torch.int64), torch.zeros(0, dtype=torch.int64)


def everybody(first, last, sources, targets, key, *, same, positions, autapses=True, multapses=False):
    """All pairs; takes choices that mean little to it."""
    every = np.arange(sources)
    left_out = same and not autapses
    return packed([every[every != target] if left_out else every for target in range(first, last)])


def ring(first, last, sources, targets, key, *, same, positions):
    """Target i hears source i - 1; refuses two populations of other sizes."""
    if sources != targets:
        raise ParameterError(f"rule 'ring': {sources} sources and {targets} targets; give as many of both")
    return packed([np.array([(target - 1) % sources]) for target in range(first, last)])


def pairs_by_chance(
    first: int, last: int, sources: int, targets: int, key: int, *, same: bool, positions: Any, p: float
) -> Any:
    """Each pair with probability p, which has no default."""
    if not 0 <= p <= 1:
        raise ParameterError(f"p is {p}; it must be from 0 to 1")
    return packed([np.flatnonzero(uniform_of(key, target, sources) < p) for target in range(first, last)])


def small_world(first, last, sources, targets, key, *, same, positions, neighbours, rewired=0.1):
    """A ring of neighbours, some of them drawn anew (Watts and Strogatz 1998); parameters without a type."""
    if sources != targets or neighbours != int(neighbours) or not 0 <= neighbours <= sources:
        raise ParameterError(
            "rule 'small-world': give one population, and a number of neighbours that it has"
        )
    rows = []
    for target in range(first, last):
        row = (target + 1 + np.arange(int(neighbours))) % sources if sources else np.zeros(0, dtype=np.int64)
        drawn = uniform_of(key, target, 2 * int(neighbours)).reshape(2, -1)
        rows.append(np.sort(np.where(drawn[0] < rewired, (drawn[1] * sources).astype(np.int64), row)))
    return packed(rows)


def hubs(first, last, sources, targets, key, *, same, positions):
    """Some sources, drawn once, reach everybody: all rows are alike, and follow from the key."""
    chosen = np.flatnonzero(uniform_of(key, 0, sources) < 0.5)
    return packed([chosen for _ in range(first, last)])


def near_ones(first, last, sources, targets, key, *, same, positions, scale=0.3):
    """A chance that falls with the distance; refuses populations without positions."""
    if positions is None:
        raise ParameterError("rule 'near-ones': the populations have no positions; give them in Network.add")
    where, there = (each.numpy() for each in positions)
    rows = []
    for target in range(first, last):
        far = np.linalg.norm(where - there[target], axis=1)
        rows.append(np.flatnonzero(uniform_of(key, target, sources) < np.exp(-far / scale)))
    return packed(rows)


def both_ways(first, last, sources, targets, key, *, same, positions):
    """Within a population with every synapse its opposite; between two, by chance."""
    rows = []
    for target in range(first, last):
        if same:
            drawn = [
                uniform_of(key, min(target, each), targets)[max(target, each)] for each in range(sources)
            ]
            rows.append(np.flatnonzero(np.array(drawn) < 0.3))
        else:
            rows.append(np.flatnonzero(uniform_of(key, target, sources) < 0.3))
    return packed(rows)


def as_many_each(
    first: int,
    last: int,
    sources: int,
    targets: int,
    key: int,
    *,
    same: bool,
    positions: Any,
    degree: int,
    autapses: bool = True,
    multapses: bool = True,
) -> Any:
    """A fixed in-degree, with all choices."""
    among = sources - 1 if same and not autapses else sources
    if degree < 0 or among < 1 or (not multapses and degree > among):
        raise ParameterError(f"degree is {degree}, and there are {among} to choose from")
    rows = []
    for target in range(first, last):
        if multapses:
            row = np.sort((uniform_of(key, target, degree) * among).astype(np.int64))
        else:
            row = np.sort(np.argsort(uniform_of(key, target, among), kind="stable")[:degree])
        rows.append(row + (row >= target) if among < sources else row)
    return packed(rows)


def by_name(first, last, sources, targets, key, *, same, positions, kernel: str = "nearest"):
    """A choice by name, with a default."""
    if kernel != "nearest":
        raise ParameterError(f"kernel is {kernel!r}; it must be 'nearest'")
    return packed([np.arange(max(target - 1, 0), min(target + 2, sources)) for target in range(first, last)])


class _AtMost:
    """An object that can be called, with a setting of its own."""

    def __init__(self, most: int) -> None:
        self.most = most

    def __call__(self, first, last, sources, targets, key, *, same, positions):
        """Up to so many sources, as many as are drawn for the target."""
        rows = []
        for target in range(first, last):
            drawn = uniform_of(key, target, 1 + self.most)
            count = int(drawn[0] * (1 + self.most))
            row = (
                (drawn[1 : 1 + count] * sources).astype(np.int64) if sources else np.zeros(0, dtype=np.int64)
            )
            rows.append(np.unique(row))
        return packed(rows)


at_most_of_each = _AtMost(5)

SPECS = {
    name: RuleSpec("zoo", f"sound_rules:{name}", **claims)
    for name, claims in {
        **{name: {} for name in SOUND},
        "nobody": {"indegree": True, "outdegree": True, "total": True, "symmetric": True},
        "everybody": {"indegree": True, "outdegree": True, "total": True, "symmetric": True},
        "ring": {"indegree": True, "outdegree": True, "total": True},
        "small_world": {"indegree": True, "total": True},
        "hubs": {"indegree": True},
        "both_ways": {"symmetric": True},
        "as_many_each": {"indegree": True, "total": True},
    }.items()
}
"""What is claimed of them."""
