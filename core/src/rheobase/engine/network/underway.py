"""Spikes on their way: what both forms of delivery have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..step.moments import TOLERANCE
from .connectivity import Connectivity
from .delays import Delays


def has_moments(neuron: Any) -> bool:
    """Whether a neuron's spikes, and what arrives at it, have times of their own within steps."""
    model = neuron._model
    return neuron.event == "located" and model is not None and model.threshold is not None


class Sent(NamedTuple):
    """The spikes of a step.

    Attributes:
        label: The number of its end.
        who: The sources in the flattened ``[*batch, sources]``, int64 ``[n]``; one may occur twice.
        times: When each spiked, ms, float64 ``[n]``; None: at the end of the step.
        batch: The batch.
        factor: What the weight of each is multiplied by, ``[n]``; None: nothing.
    """

    label: int
    who: Tensor
    times: Tensor | None
    batch: torch.Size
    factor: Tensor | None = None


class Synapses(NamedTuple):
    """The synapses of those that spiked, one after the other, ``[m]``.

    Attributes:
        places: Which they are, int64.
        at: Their targets in the flattened ``[*batch, targets]``, int64.
        times: When their source spiked, or None.
        factor: That of their source, or None.
    """

    places: Tensor
    at: Tensor
    times: Tensor | None
    factor: Tensor | None


_ALONE = torch.Size()


def spikes_of(label: int, spiked: Tensor, times: Tensor | None) -> Sent | None:
    """The spikes of a step; None where there are none.

    Args:
        label: The number of the step's end.
        spiked: Who spiked, ``[*batch, sources]``.
        times: When, ms, ``[*batch, sources, K]``, NaN in places left over; None: at the step's end.
    """
    flat = spiked if spiked.ndim == 1 else spiked.reshape(-1)
    if flat.is_cpu:
        array = flat.numpy() if flat.dtype == torch.int8 else flat.detach().numpy()
        # Bytes of 0 and 1 are booleans as they lie, which numpy searches several times faster.
        (found,) = (array.view(np.bool_) if array.dtype == np.int8 else array).nonzero()
        if not found.size:
            return None
        who = torch.from_numpy(found)
    else:
        who = flat.nonzero().view(-1)
        if not len(who):
            return None
    moments = None
    if times is not None:
        table = times.detach().reshape(-1, times.shape[-1]).index_select(0, who)
        there = ~table.isnan()
        who, moments = torch.repeat_interleave(who, there.sum(dim=1)), table[there]
    return Sent(label, who, moments, spiked.shape[:-1] if spiked.ndim > 1 else _ALONE)


class Delivery(ABC):
    """What is under way in one projection.

    Args:
        connectivity: Its synapses.
        delays: Their delays.
        dt: The step, ms.

    Attributes:
        sent: The spikes that may be under way, by step.
        longest: The longest delay, in steps.
    """

    def __init__(self, connectivity: Connectivity, delays: Delays, dt: float) -> None:
        self.connectivity, self.delays, self.dt = connectivity, delays, dt
        self.longest = delays.longest(dt)
        # How many steps after its own a spike may arrive the soonest.
        self.soonest = 0 if delays.at_once else 1
        self.sent: deque[Sent] = deque()

    def send(self, spikes: Sent, weight: Tensor) -> None:
        """Let the spikes of a step be under way; ``weight`` is ``[]`` or ``[synapses]``."""
        self._append(spikes)
        self._take(spikes, weight)

    def _append(self, spikes: Sent) -> None:
        while self.sent and self.sent[0].label + self.longest < spikes.label + self.soonest:
            self.sent.popleft()
        self.sent.append(spikes)

    def restore(self, sent: list[Sent]) -> None:
        """Let these spikes be under way, and no others."""
        self.clear()
        self.sent.extend(sent)

    def clear(self) -> None:
        """Forget what is under way."""
        self.sent.clear()

    def take_back(self, label: int) -> None:
        """The step that ends at ``label`` failed: what it took off its way is under way again."""
        self.restore([each for each in self.sent if each.label < label])

    def commit(self) -> None:  # noqa: B027 - nothing, for most
        """A step is over."""

    @abstractmethod
    def arriving(self, label: int, weight: Tensor) -> Any:
        """What arrives in the step that ends at ``label``, as the receiver takes it; and forget it.

        Args:
            label: The number of the step's end.
            weight: ``[]`` or ``[synapses]``.

        Returns:
            Sums of weights, or :class:`~.moments.Moments`; None where nothing arrives.
        """

    @abstractmethod
    def _take(self, spikes: Sent, weight: Tensor) -> None:
        """What has just been sent goes on its way."""

    def synapses_of(self, spikes: Sent) -> Synapses:
        """The synapses of those that spiked."""
        who, row = spikes.who, None
        if spikes.batch:
            row, who = who // self.connectivity.sources, who % self.connectivity.sources
        places, count = self.connectivity.rows_of(who)
        at = self.connectivity.target.index_select(0, places).to(torch.int64)
        if row is not None:
            at += torch.repeat_interleave(row * self.connectivity.targets, count)
        times, factor = (
            None if each is None else torch.repeat_interleave(each, count)
            for each in (spikes.times, spikes.factor)
        )
        return Synapses(places, at, times, factor)

    def moments(self, spikes: Sent, places: Tensor, times: Tensor | None) -> Tensor:
        """When each arrives, ms, float64."""
        delay = self.delays.ms if self.delays.ms.ndim == 0 else self.delays.ms.index_select(0, places)
        start = spikes.label * self.dt if times is None else times
        return (start + delay).expand(len(places))

    def labels(self, moments: Tensor) -> Tensor:
        """The end of the step in which each of these times lies, int64."""
        return torch.ceil((moments - TOLERANCE) / self.dt).to(torch.int64)


def amounts(weight: Tensor, places: Tensor, factor: Tensor | None) -> Tensor:
    """What each of these synapses sends: its weight, by the factor of its source."""
    weight = weight.detach()
    amount = weight.expand(len(places)) if weight.ndim == 0 else weight.index_select(0, places)
    return amount if factor is None else amount * factor
