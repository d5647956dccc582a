"""Arrivals at synapses whose weights change: the weight of a spike is that which it meets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import torch
from torch import Tensor

from ..step.moments import Moments
from .moments import since_start
from .underway import Delivery, Sent

if TYPE_CHECKING:
    from .connectivity import Connectivity
    from .delays import Delays
    from .learning import Learning


@final
class PlasticDelivery(Delivery):
    """Where the weights change. See :class:`Delivery`.

    Args:
        learning: What changes them.
        located: Whether the receiver has arrivals at their own times, or at the ends of steps.
    """

    def __init__(
        self, connectivity: Connectivity, delays: Delays, dt: float, learning: Learning, located: bool
    ) -> None:
        super().__init__(connectivity, delays, dt)
        self._changing, self._located = learning.changing, located
        # Step -> where, by which synapse, by what factor and when; all at its end where no time is given.
        self._due: dict[int, list[tuple[Tensor, Tensor, Tensor | None, Tensor | None]]] = {}
        self._arrived: tuple[Tensor, Tensor | None, Tensor] | None = None
        self._batch = torch.Size()

    def send(self, spikes: Sent, weight: Tensor) -> None:
        """As of every delivery; what a source sends that has no batch goes to each network of one."""
        batch = self._changing.batch
        if batch and not spikes.batch:
            rows, many = batch.numel(), len(spikes.who)
            first = torch.arange(rows, device=spikes.who.device).repeat_interleave(many)
            who = spikes.who.repeat(rows) + first * self.connectivity.sources
            times, factor = (
                None if each is None else each.repeat(rows) for each in (spikes.times, spikes.factor)
            )
            spikes = Sent(spikes.label, who, times, batch, factor)
        super().send(spikes, weight)

    def clear(self) -> None:
        """Forget what is under way."""
        super().clear()
        self._due.clear()
        self._arrived = None

    def restore(self, sent: list[Sent]) -> None:
        """Let these spikes be under way."""
        super().restore(sent)
        for spikes in sent:
            self._place(spikes)

    def take_back(self, label: int) -> None:
        """A step failed: what it took off its way is under way again, and the weights are as they were."""
        super().take_back(label)
        self._changing.take_back()

    def commit(self) -> None:
        """A step is over."""
        self._changing.commit()

    def _take(self, spikes: Sent, weight: Tensor) -> None:
        self._changing.in_batch(spikes.batch)
        self._place(spikes)

    def _place(self, spikes: Sent) -> None:
        self._batch = spikes.batch
        places, at, times, factor = self.synapses_of(spikes)
        if not len(places):
            return
        steps, which = self.delays.steps, places
        if spikes.batch:
            # Each network of a batch has synapses of its own.
            which = places + at // self.connectivity.targets * self.connectivity.synapses
        if isinstance(steps, int):
            self._due.setdefault(spikes.label + steps, []).append((which, at, factor, None))
            return
        moments = None
        if steps is None:
            moments = self.moments(spikes, places, times)
            labels = self.labels(moments)
        else:
            labels = spikes.label + steps.index_select(0, places).to(torch.int64)
        for label in labels.unique().tolist():
            here = labels == label
            its_factor, its_times = (None if each is None else each[here] for each in (factor, moments))
            self._due.setdefault(label, []).append((which[here], at[here], its_factor, its_times))

    def arriving(self, label: int, weight: Tensor) -> Any:
        """What arrives in the step that ends at ``label``, and forget it and what is older.

        Returns:
            As the receiver takes it: sums of weights ``[*batch, targets]``, or :class:`Moments`; None where
            nothing does.
        """
        for old in [each for each in self._due if each < label]:
            del self._due[old]
        found = self._due.pop(label, [])
        if not found:
            nothing = torch.empty(0, dtype=torch.int64, device=weight.device)
            self._arrived = None
            self._changing.arrive(label, nothing, nothing.double(), distinct=True)
            return None
        places, at = (torch.cat(column) for column in list(zip(*found, strict=True))[:2])
        factors = [each[2] for each in found if each[2] is not None]
        times = [
            torch.full((len(each[0]),), label * self.dt, dtype=torch.float64, device=weight.device)
            if each[3] is None
            else each[3]
            for each in found
        ]
        moments = torch.cat(times)
        # On the grid a source spikes once a step, and reaches no synapse twice in one.
        distinct = all(each[3] is None for each in found)
        self._arrived = at, torch.cat(factors) if factors else None, moments
        return self.given(label, self._changing.arrive(label, places, moments, distinct))

    def in_batch(self, batch: torch.Size) -> None:
        """See :meth:`Changing.in_batch`."""
        self._changing.in_batch(batch)

    def settle(self, label: int, spiked: Tensor, times: Tensor | None) -> Tensor | None:
        """See :meth:`Changing.settle`."""
        return self._changing.settle(label, spiked, times)

    def given(self, label: int, weights: Tensor) -> Any:
        """What arrives in the step, with these weights: :meth:`arriving` again."""
        if self._arrived is None or not len(weights):
            return None
        at, factor, moments = self._arrived
        amount = weights if factor is None else weights * factor
        if self._located:
            return Moments(since_start(moments, label, self.dt), at, amount, self._batch)
        units = self._batch.numel() * self.connectivity.targets
        sums = torch.zeros(units, dtype=amount.dtype, device=amount.device)
        # Added one after the other, in the order in which they were sent.
        return sums.index_add_(0, at, amount).view(*self._batch, -1)
