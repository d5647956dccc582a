"""Projections as a backend delivers by them that takes many steps of a whole network at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .delivery import GridDelivery
from .parts import Parts
from .projection import Projection
from .underway import Sent


class Line(NamedTuple):
    """A projection whose spikes arrive at ends of steps, by weights that stay.

    Attributes:
        identifier: That of the projection.
        sender: The population whose spikes it carries.
        receiver: The one that they reach.
        place: Which of what reaches the receiver it adds to: the index of its group.
        indptr: Where the synapses of each source begin, and their number, int64 ``[sources + 1]``.
        target: Their targets, int16 or int32 ``[synapses]``.
        weight: ``[]`` or ``[synapses]``.
        steps: Their delays in steps: a number, or int32 ``[synapses]``.
        ring: The sums under way, ``[longest delay + 1, targets]``, a copy, which is to be taken on: what
            arrives at the end of step ``n`` is in the row ``n`` modulo their number.
    """

    identifier: str
    sender: str
    receiver: str
    place: int
    indptr: Tensor
    target: Tensor
    weight: Tensor
    steps: Tensor | int
    ring: Tensor


def lines_of(net: Parts) -> list[Line]:
    """The projections of a network as they stand, by receiver, place and identifier.

    Raises:
        NotImplementedError: If one is no such projection; with the reason.
    """
    found = []
    for receiver in net._order:
        incoming = net._reached().get(receiver)
        for place, group in enumerate(() if incoming is None else incoming.groups):
            found += [_line(net, each, place) for each in group]
    return found


def _line(net: Parts, projection: Projection, place: int) -> Line:
    delivery, steps, kinetics = projection.delivery, projection.delays.steps, projection.kinetics
    if not isinstance(delivery, GridDelivery) or steps is None:
        raise NotImplementedError(f"{projection.identifier}: spikes or arrivals have times of their own")
    if kinetics.transmit is not None or kinetics.held or projection.plasticity is not None:
        raise NotImplementedError(f"{projection.identifier}: what it brings is worked out in every step")
    ring = delivery.sums(net.simulation_step + 1, projection.weights)
    if ring.shape[-1] != projection.connectivity.targets:
        raise NotImplementedError(f"{projection.identifier}: spikes of a batch are under way")
    indptr, target, _ = projection.connectivity
    weight = projection.weights.detach().contiguous()
    ends = projection.identifier, projection.sender, projection.receiver
    return Line(*ends, place, indptr, target, weight, steps, ring)


def sent_by(
    net: Parts, lines: Sequence[Line], first: int, spikes: Mapping[str, tuple[np.ndarray, np.ndarray]]
) -> None:
    """Let the spikes of many steps be under way, by every projection.

    Args:
        net: The network, after these steps.
        lines: The projections, each with the sums that there are after them.
        first: The number of the end of the first of them.
        spikes: Population -> the step of each spike, from 0, ascending; and its unit, int64 ``[n]``.
    """
    sent: dict[str, Sequence[Sent]] = {}
    for name in spikes:
        outgoing = [each for each in net.projections.values() if each.sender == name]
        # Those that one projection waits for are among those of the one that waits longest.
        longest = max((each.delivery.longest for each in outgoing), default=0)
        sent[name] = _by_step(first, *spikes[name], longest)
    for line in lines:
        projection = net.projections[line.identifier]
        delivery = projection.delivery
        if isinstance(delivery, GridDelivery):
            delivery.passed(sent[line.sender], line.ring, projection.weights)


def _by_step(first: int, when: np.ndarray, who: np.ndarray, longest: int) -> Sequence[Sent]:
    """The last spikes, by step."""
    if not len(when):
        return ()
    begin = int(np.searchsorted(when, when[-1] - longest))
    when, who = when[begin:], who[begin:]
    starts = [0, *(np.flatnonzero(np.diff(when)) + 1).tolist(), len(when)]
    return [
        Sent(first + int(when[a]), torch.from_numpy(who[a:b].copy()), None, torch.Size())
        for a, b in pairwise(starts)
    ]
