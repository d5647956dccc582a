"""Who is connected with whom: rows of targets by source, the one form in which synapses are kept."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...errors import ArgumentError

_NARROW = 2**15
"""Below so many targets an index takes two bytes."""


class Connectivity(NamedTuple):
    """Synapses by source, and among those of one source in the order in which they were given.

    Attributes:
        indptr: Where the synapses of each source begin, and their number, int64 ``[sources + 1]``.
        target: Their targets, int16 or int32 ``[synapses]``.
        targets: The number of targets.
    """

    indptr: Tensor
    target: Tensor
    targets: int

    @property
    def sources(self) -> int:
        """The number of sources."""
        return len(self.indptr) - 1

    @property
    def synapses(self) -> int:
        """The number of synapses."""
        return len(self.target)

    def within(self, source: int, target: int, sources: int, targets: int) -> Connectivity:
        """The same synapses, of units that are ranges of larger populations.

        Args:
            source: The first of the sources.
            target: The first of the targets.
            sources: The number of units that there are.
            targets: Likewise.
        """
        after = sources - source - self.sources
        indptr = torch.cat([self.indptr.new_zeros(source), self.indptr, self.indptr[-1:].expand(after)])
        return Connectivity(indptr, _narrow(self.target.to(torch.int64) + target, targets), targets)

    def source_of_each(self) -> Tensor:
        """The source of each synapse, int64 ``[synapses]``."""
        return torch.repeat_interleave(self.indptr.diff())

    def target_of_each(self) -> Tensor:
        """The target of each synapse, int64 ``[synapses]``."""
        return self.target.to(torch.int64)

    def rows_of(self, who: Tensor) -> tuple[Tensor, Tensor]:
        """The synapses of some sources, one after the other.

        Args:
            who: The sources, int64 ``[n]``; one may occur twice.

        Returns:
            The place of each of their synapses, int64, and how many each source has, int64 ``[n]``.
        """
        if who.device.type == "cpu":
            found, counts = self.rows_by_numpy(who.numpy())
            return torch.from_numpy(found), torch.from_numpy(counts)
        first = self.indptr.index_select(0, who)
        many = self.indptr.index_select(0, who + 1) - first
        # Each row is a range: the places count up from the first, and jump where the next row begins.
        places = torch.repeat_interleave(first - (many.cumsum(0) - many), many)
        return places + torch.arange(len(places), device=places.device), many

    def rows_by_numpy(self, who: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same on the CPU, in a tenth of the time for some hundred rows, which is what a step has."""
        indptr = self.indptr.numpy()
        start = indptr[who]
        count = indptr[who + 1] - start
        places: np.ndarray = np.repeat(start - (count.cumsum() - count), count)
        places += np.arange(len(places))
        return places, count


def of_pairs(source: Tensor, target: Tensor, sources: int, targets: int) -> tuple[Connectivity, Tensor]:
    """The connectivity of given pairs.

    Args:
        source: The source of each synapse, ``[synapses]``.
        target: The target of each.
        sources: The number of sources.
        targets: The number of targets.

    Returns:
        It, and the place that each kept synapse had among those given, int64 ``[synapses]``.

    Raises:
        ArgumentError: If they are no indices of units, or not as many of one as of the other.
    """
    source, target = (_index(*each) for each in (("source", source, sources), ("target", target, targets)))
    if len(source) != len(target):
        raise ArgumentError(
            f"{len(source)} sources and {len(target)} targets were given; give one of each for every synapse"
        )
    order = torch.argsort(source, stable=True)
    indptr = torch.zeros(sources + 1, dtype=torch.int64)
    torch.cumsum(torch.bincount(source, minlength=sources), 0, out=indptr[1:])
    return Connectivity(indptr, _narrow(target[order], targets), targets), order


def of_rows(indptr: Any, indices: Any, sources: int, targets: int) -> tuple[Connectivity, Tensor]:
    """The connectivity of what a rule gave: for each target the sources that it hears.

    Returns:
        It, and the place that each kept synapse had among those of the rule, int64 ``[synapses]``.

    Raises:
        ArgumentError: If it is not in the form that rules give.
    """
    wrong = "a rule gives (indptr, indices): the sources of target i are indices[indptr[i]:indptr[i + 1]]"
    if not (isinstance(indptr, Tensor) and isinstance(indices, Tensor)) or indptr.ndim != 1:
        raise ArgumentError(f"the rule gave {type(indptr).__name__} and {type(indices).__name__}; {wrong}")
    if indptr.dtype != torch.int64 or indices.dtype != torch.int64:
        raise ArgumentError(f"the rule gave {indptr.dtype} and {indices.dtype}, not int64; {wrong}")
    counts = indptr.diff()
    if len(indptr) != targets + 1 or int(indptr[0]) or bool((counts < 0).any()):
        raise ArgumentError(f"the rule's indptr does not count the synapses of {targets} targets; {wrong}")
    if int(indptr[-1]) != len(indices):
        raise ArgumentError(f"the rule gave {len(indices)} indices for {int(indptr[-1])} synapses; {wrong}")
    return of_pairs(indices, torch.repeat_interleave(counts), sources, targets)


def of_matrix(indptr: Tensor, indices: Tensor, sources: int, targets: int) -> tuple[Connectivity, Tensor]:
    """The connectivity of a matrix ``[source, target]`` in compressed rows."""
    if len(indptr) != sources + 1:
        raise ArgumentError(
            f"the matrix has {len(indptr) - 1} rows for {sources} sources; give one of shape "
            f"[{sources}, {targets}]"
        )
    index = _index("target", indices, targets)
    return Connectivity(indptr.to(torch.int64), _narrow(index, targets), targets), torch.arange(len(index))


def _index(what: str, given: Any, units: int) -> Tensor:
    try:
        index = torch.as_tensor(given)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ArgumentError(f"{what} is {given!r}; give the numbers of units, int64 [synapses]") from error
    if index.numel() == 0:
        index = index.to(torch.int64)
    if index.ndim != 1 or index.is_floating_point() or index.is_complex() or index.dtype == torch.bool:
        raise ArgumentError(
            f"{what} is {index.dtype} of shape {list(index.shape)}; give numbers of units, int64 [synapses]"
        )
    wrong = ((index < 0) | (index >= units)).nonzero()
    if len(wrong):
        place = int(wrong[0, 0])
        raise ArgumentError(
            f"{what} {int(index[place])} of synapse {place} is no unit; there are {units}, from 0 on"
        )
    return index.to(torch.int64)


def _narrow(index: Tensor, targets: int) -> Tensor:
    return index.to(torch.int16 if targets <= _NARROW else torch.int32)
