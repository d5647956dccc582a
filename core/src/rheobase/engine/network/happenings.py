"""Spikes at synapses: of which side, when, and in what order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..step.moments import TOLERANCE
from .connectivity import Connectivity


class Happened(NamedTuple):
    """Spikes at synapses.

    Attributes:
        places: Which synapses, int64 ``[n]``, in the flattened ``[*batch, synapses]``.
        times: When, ms, float64 ``[n]``.
        post: Whether it is one of the target, bool ``[n]``.
        distinct: Whether no synapse occurs twice.
    """

    places: Tensor
    times: Tensor
    post: Tensor
    distinct: bool

    def turns(self) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Which synapses are touched, where each spike is among them, and who is first, second and so on."""
        if self.distinct:
            all_of_them = torch.arange(len(self.places), device=self.places.device)
            return self.places, all_of_them, [all_of_them]
        touched, local = torch.unique(self.places, return_inverse=True)
        return touched, local, _in_turn(local, self.times, self.post)

    def over_before(self, times: Tensor) -> bool:
        """Whether the last of them was there when the first of these is."""
        return not len(self.times) or float(self.times.max()) <= float(times.min())


def together(parts: Sequence[Happened], device: torch.device) -> Happened:
    """All of these."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        nothing = torch.empty(0, dtype=torch.int64, device=device)
        return Happened(nothing, nothing.double(), nothing.bool(), distinct=True)
    places, times, post = (torch.cat(column) for column in list(zip(*parts, strict=True))[:3])
    return Happened(places, times, post, distinct=False)


class Posts(NamedTuple):
    """Spikes of targets on their way to the synapses: who, int64 ``[n]``, in the flattened
    ``[*batch, targets]``, and when they are there, ms."""

    who: Tensor
    times: Tensor

    def split(self, end: float) -> tuple[Posts, Posts]:
        """Those that are there by then, and those that are not."""
        there = self.times <= end
        return Posts(self.who[there], self.times[there]), Posts(self.who[~there], self.times[~there])


class Columns(NamedTuple):
    """The synapses by target.

    Attributes:
        rows: How many each target has.
        order: The place of each, int32 or int64 ``[synapses]``.
    """

    rows: Connectivity
    order: Tensor

    def at(self, posts: Posts, *, of_batch: bool) -> Happened:
        """Spikes of targets, at each of their synapses; ``of_batch``: those are of several networks."""
        who, targets = posts.who, self.rows.sources
        where, count = self.rows.rows_of(who % targets if of_batch else who)
        places = self.order.index_select(0, where).to(torch.int64)
        if of_batch:
            places += torch.repeat_interleave(who // targets, count) * len(self.order)
        return Happened(
            places,
            torch.repeat_interleave(posts.times, count),
            torch.ones(len(where), dtype=torch.bool, device=where.device),
            len(posts.who) < 2 or bool((posts.who.diff() > 0).all()),
        )


def by_target(connectivity: Connectivity) -> Columns:
    """The synapses by target, and among those of one in stored order."""
    target = connectivity.target_of_each()
    order = torch.argsort(target, stable=True)
    indptr = torch.zeros(connectivity.targets + 1, dtype=torch.int64, device=target.device)
    torch.cumsum(torch.bincount(target, minlength=connectivity.targets), 0, out=indptr[1:])
    order = order.to(torch.int32 if len(order) < 2**31 else torch.int64)
    return Columns(Connectivity(indptr, order, connectivity.sources), order)


def _in_turn(local: Tensor, times: Tensor, post: Tensor) -> list[Tensor]:
    """The first spikes of all synapses, then the second ones, and so on.

    Within the tolerance spikes are at one time, and there that of the source is first.
    """
    key = times + TOLERANCE * post
    order = torch.from_numpy(np.lexsort((key.cpu().numpy(), local.cpu().numpy()))).to(local.device)
    who = local[order]
    starts = torch.ones(len(who), dtype=torch.bool, device=who.device)
    starts[1:] = who[1:] != who[:-1]
    count = torch.arange(len(who), device=who.device)
    turn = count - torch.where(starts, count, 0).cummax(0).values
    return [order[turn == each] for each in range(int(turn.max()) + 1)]
