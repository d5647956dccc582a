"""Connection rules that are wrong in one way. Most would connect each pair by a chance of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from ground import packed, uniform_of
from rheobase import RuleSpec

FAULTS = {
    "takes_no_positions": "can-be-called",
    "gives_counts": "rows-are-counted",
    "ends_one_too_early": "rows-are-counted",
    "gives_int32": "rows-are-counted",
    "counts_from_one": "indices-are-sources",
    "turned_around": "indices-are-sources",
    "as_drawn": "rows-are-sorted",
    "goes_on_with_its_generator": "the-same-again",
    "draws_from_torch": "the-same-again",
    "gives_its_own_memory": "the-same-again",
    "seeds_torch": "global-chance-is-left-alone",
    "seeds_numpy": "global-chance-is-left-alone",
    "centres_positions": "positions-are-not-changed",
    "counts_rows_from_the_first": "parts-make-the-whole",
    "one_stream_for_all": "parts-make-the-whole",
    "seed_by_range": "parts-make-the-whole",
    "indptr_of_the_whole": "parts-make-the-whole",
    "stacks_nothing": "no-rows-are-no-rows",
    "divides_by_the_sources": "nobody-is-connected-to-nobody",
    "half_of_the_key": "all-of-the-key-counts",
    "key_without_its_lowest_bit": "all-of-the-key-counts",
    "about_as_many": "indegree-as-claimed",
    "as_many_for_targets": "outdegree-as-claimed",
    "about_as_many_in_all": "total-as-claimed",
    "chosen_by_target": "symmetric-as-claimed",
    "itself_too": "no-autapses-where-none-are-wanted",
    "no_diagonal_anywhere": "autapses-are-of-one-population",
    "met_again": "no-multapses-where-none-are-wanted",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""


def _chances(key: int, first: int, last: int, sources: int, p: float = 0.4) -> list[Any]:
    """For each target the sources that chance connects it with."""
    return [np.flatnonzero(uniform_of(key, target, sources) < p) for target in range(first, last)]


def takes_no_positions(first, last, sources, targets, key, *, same):
    """It does not take positions, which every rule is given."""
    return packed(_chances(key, first, last, sources))


def gives_counts(first, last, sources, targets, key, *, same, positions):
    """The number of synapses of each target in place of where its row begins."""
    indptr, indices = packed(_chances(key, first, last, sources))
    return indptr.diff(), indices


def ends_one_too_early(first, last, sources, targets, key, *, same, positions):
    """Where the last row ends is left out."""
    indptr, indices = packed(_chances(key, first, last, sources))
    return indptr[:-1], indices


def gives_int32(first, last, sources, targets, key, *, same, positions):
    """indptr of 32 bits, which end at 2^31 synapses."""
    indptr, indices = packed(_chances(key, first, last, sources))
    return indptr.to(torch.int32), indices


def counts_from_one(first, last, sources, targets, key, *, same, positions):
    """Sources from 1 on, as in a language of another habit."""
    indptr, indices = packed(_chances(key, first, last, sources))
    return indptr, indices + 1


def turned_around(first, last, sources, targets, key, *, same, positions):
    """Chooses among the targets where it should choose among the sources."""
    return packed(_chances(key, first, last, targets))


def as_drawn(first, last, sources, targets, key, *, same, positions, degree: int = 4):
    """A fixed in-degree whose sources stand in the order in which they were drawn."""
    return packed(
        [
            (uniform_of(key, target, degree if sources else 0) * sources).astype(np.int64)
            for target in range(first, last)
        ]
    )


_GENERATOR = np.random.default_rng(0)


def goes_on_with_its_generator(first, last, sources, targets, key, *, same, positions):
    """A generator of the module's own, which goes on from call to call."""
    return packed([np.flatnonzero(_GENERATOR.random(sources) < 0.4) for _ in range(first, last)])


def draws_from_torch(first, last, sources, targets, key, *, same, positions):
    """torch's global random numbers."""
    return packed([(torch.rand(sources) < 0.4).nonzero().view(-1).numpy() for _ in range(first, last)])


_MEMORY = torch.zeros(1 << 12, dtype=torch.int64)


def gives_its_own_memory(first, last, sources, targets, key, *, same, positions):
    """Indices in a memory that it keeps and uses again."""
    indptr, indices = packed(_chances(key, first, last, sources))
    _MEMORY[: len(indices)] = indices
    return indptr, _MEMORY[: len(indices)]


def seeds_torch(first, last, sources, targets, key, *, same, positions):
    """Seeds torch's global random numbers for each target, and draws from them."""
    rows = []
    for target in range(first, last):
        torch.manual_seed(int(uniform_of(key, target, 1)[0] * 2**53))
        rows.append((torch.rand(sources) < 0.4).nonzero().view(-1).numpy())
    return packed(rows)


def seeds_numpy(first, last, sources, targets, key, *, same, positions):
    """The same with numpy's."""
    rows = []
    for target in range(first, last):
        np.random.seed([target, *((key >> (32 * word)) % 2**32 for word in range(4))])  # noqa: NPY002
        rows.append(np.flatnonzero(np.random.random(sources) < 0.4))  # noqa: NPY002
    return packed(rows)


def centres_positions(first, last, sources, targets, key, *, same, positions, reach: float = 0.6):
    """Connects what is near, and moves the positions to their centre, in place."""
    if positions is None:
        return packed(_chances(key, first, last, sources))
    where, there = positions
    rows = [
        ((where - there[target]).norm(dim=1) < reach).nonzero().view(-1).numpy()
        for target in range(first, last)
    ]
    where.sub_(where.mean(dim=0))
    return packed(rows)


def counts_rows_from_the_first(first, last, sources, targets, key, *, same, positions):
    """Draws by the place of a row within the range, not by the target."""
    return packed(_chances(key, 0, last - first, sources))


def one_stream_for_all(first, last, sources, targets, key, *, same, positions):
    """One stream of numbers for all rows that are asked for, from its beginning."""
    stream = np.random.Generator(np.random.Philox(key=key))
    return packed([np.flatnonzero(stream.random(sources) < 0.4) for _ in range(first, last)])


def seed_by_range(first, last, sources, targets, key, *, same, positions):
    """The range is in the seed, as the number of a process would be."""
    return packed(_chances(key ^ (last - first), first, last, sources))


def indptr_of_the_whole(first, last, sources, targets, key, *, same, positions):
    """Rows of all targets are made, and their ends are not counted from the first that was asked for."""
    indptr, indices = packed(_chances(key, 0, targets, sources))
    return indptr[first : last + 1], indices[indptr[first] : indptr[last]]


def stacks_nothing(first, last, sources, targets, key, *, same, positions):
    """Stacks its rows, of which there may be none."""
    rows = np.stack([np.arange(sources) for _ in range(first, last)])
    return packed(list(rows))


def divides_by_the_sources(first, last, sources, targets, key, *, same, positions):
    """Target i hears source i modulo their number, which may be 0."""
    return packed([np.array([target % sources]) for target in range(first, last)])


def half_of_the_key(first, last, sources, targets, key, *, same, positions):
    """64 bits of the key, as a seed."""
    return packed(_chances(key % 2**64, first, last, sources))


def key_without_its_lowest_bit(first, last, sources, targets, key, *, same, positions):
    """The lowest bit is cut off, by a shift that makes the key a seed of 127 bits."""
    return packed(_chances(key >> 1, first, last, sources))


def about_as_many(first, last, sources, targets, key, *, same, positions):
    """Claims indegree=True, which holds on average."""
    return packed(_chances(key, first, last, sources))


def as_many_for_targets(first, last, sources, targets, key, *, same, positions):
    """Claims outdegree=True, and makes equally many for each target."""
    chosen = [np.argsort(uniform_of(key, target, sources))[:2] for target in range(first, last)]
    return packed([np.sort(each) for each in chosen])


def about_as_many_in_all(first, last, sources, targets, key, *, same, positions):
    """Claims total=True, which holds on average."""
    return packed(_chances(key, first, last, sources))


def chosen_by_target(first, last, sources, targets, key, *, same, positions):
    """Claims symmetric=True, and each target chooses by itself."""
    return packed(_chances(key, first, last, sources))


def itself_too(first, last, sources, targets, key, *, same, positions, autapses=True):
    """Takes autapses, and does not look at it."""
    return packed(_chances(key, first, last, sources, 0.8))


def no_diagonal_anywhere(first, last, sources, targets, key, *, same, positions, autapses=True):
    """With autapses=False unit i is not connected to unit i of another population either."""
    rows = _chances(key, first, last, sources, 0.8)
    if not autapses:
        rows = [row[row != target] for row, target in zip(rows, range(first, last), strict=True)]
    return packed(rows)


def met_again(first, last, sources, targets, key, *, same, positions, multapses=True):
    """With multapses=False it draws anew what was met twice, once, and does not look again."""
    rows = []
    for target in range(first, last):
        row = (uniform_of(key, target, 12 if sources else 0) * sources).astype(np.int64)
        if not multapses:
            _, where = np.unique(row, return_index=True)
            again = np.setdiff1d(np.arange(len(row)), where)
            row[again] = (uniform_of(key ^ 1, target, len(again)) * sources).astype(np.int64)
        rows.append(np.sort(row))
    return packed(rows)


SPECS = {
    name: RuleSpec("zoo", f"faults_rules:{name}", **claims)
    for name, claims in {
        **{name: {} for name in FAULTS},
        "about_as_many": {"indegree": True},
        "as_many_for_targets": {"outdegree": True},
        "about_as_many_in_all": {"total": True},
        "chosen_by_target": {"symmetric": True},
    }.items()
}
"""What is claimed of them."""
