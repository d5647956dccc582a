"""Arrivals at their own times within a step."""

from __future__ import annotations

from typing import Any, final

import torch
from torch import Tensor

from ..step.moments import TOLERANCE, Moments
from .underway import Delivery, Sent, amounts


@final
class LocatedDelivery(Delivery):
    """Where the receiver has arrivals at their own times. See :class:`Delivery`."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        # Step -> when, where, by which synapse and by what factor. Not the weights: those that hold then
        # count.
        self._due: dict[int, list[tuple[Tensor, Tensor, Tensor, Tensor | None]]] = {}
        self._batch = torch.Size()

    def clear(self) -> None:
        """Forget what is under way."""
        super().clear()
        self._due.clear()

    def restore(self, sent: list[Sent]) -> None:
        """Let these spikes be under way."""
        super().restore(sent)
        for spikes in sent:
            self._place(spikes)

    def _take(self, spikes: Sent, weight: Tensor) -> None:
        self._place(spikes)

    def _place(self, spikes: Sent) -> None:
        self._batch = spikes.batch
        places, at, times, factor = self.synapses_of(spikes)
        if not len(places):
            return
        moments = self.moments(spikes, places, times)
        labels = self.labels(moments)
        first, last = int(labels.min()), int(labels.max())
        if first == last:
            self._due.setdefault(first, []).append((moments, at, places, factor))
            return
        for label in labels.unique().tolist():
            here = labels == label
            some = None if factor is None else factor[here]
            self._due.setdefault(label, []).append((moments[here], at[here], places[here], some))

    def arriving(self, label: int, weight: Tensor) -> Moments | None:
        """What arrives in the step that ends at ``label``, and forget it and what is older."""
        for old in [each for each in self._due if each < label]:
            del self._due[old]
        found = self._due.pop(label, None)
        if not found:
            return None
        times, units, places = (torch.cat(column) for column in list(zip(*found, strict=True))[:3])
        factors = [each[3] for each in found if each[3] is not None]
        factor = torch.cat(factors) if factors else None
        since = since_start(times, label, self.dt)
        return Moments(since, units, amounts(weight, places, factor), self._batch)


def since_start(times: Tensor, label: int, dt: float) -> Tensor:
    """How long after the start of the step that ends at ``label`` these times are, ms."""
    since = times - (label - 1) * dt
    # Within the tolerance of the end it is at the end.
    return torch.where(since > dt - TOLERANCE, dt, since)
