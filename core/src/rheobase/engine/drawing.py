"""What a neuron draws in one step: the numbers of its declared draws, by unit, step and event."""

from __future__ import annotations

from typing import Any, NamedTuple, final

import numpy as np
import torch
from torch import Tensor

from .draw import Draw
from .philox import WORDS, key_of, normal, uniform, words
from .schema import Schema

ONCE = 0
"""The event of what is drawn once: by the initial state, and in a step by ``update``. Spikes count from 1."""

_NEAR = 1000
"""Units whose numbers lie no further apart than this are drawn in one go."""


class Stream(NamedTuple):
    """Whose numbers they are: a neuron's seed, and its identifier."""

    seed: int
    identifier: str


@final
class Drawing:
    """The draws of a neuron in one step.

    Args:
        schema: What the model declares.
        stream: Whose numbers they are.
        step: The step, counted from its reset; -1 for the initial state.
        shape: ``[*batch, units]``.
        dtype: The type of its states.
        device: Where they are.
    """

    def __init__(
        self,
        schema: Schema,
        stream: Stream,
        step: int,
        shape: torch.Size,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self.schema, self.stream = schema, stream
        self.step, self.shape, self.dtype, self.device = step, shape, dtype, device

    def joined(self, params: Any, event: int | Tensor, who: Tensor | None = None) -> Any:
        """The parameters and options, and the draws of an event beside them.

        Args:
            params: The parameters and options, by name.
            event: ``ONCE``, or the place of a spike among those that its unit has in the step, from 1 on: a
                number, or one for each unit, int ``[n]``.
            who: The units' places in the flattened ``[*batch, units]``, int64 ``[n]``; None: all, in their
                shape.
        """
        shape = self.shape if who is None else who.shape
        lanes = np.arange(self.shape.numel()) if who is None else who.cpu().numpy()
        events = event.cpu().numpy() if isinstance(event, Tensor) else np.full(len(lanes), event)
        drawn = [
            torch.from_numpy(self._of(draw, lanes, events)).view(shape) for draw in self.schema.draws.values()
        ]
        return self.schema.with_draws(params, [value.to(self.dtype).to(self.device) for value in drawn])

    def _of(self, draw: Draw, lanes: np.ndarray, events: np.ndarray) -> np.ndarray:
        """The numbers of one draw, float64 ``[n]``, rounded to within the bounds of the distribution."""
        raw = self._words(key_of(*self.stream, draw.name), lanes, events)
        if draw.distribution == "normal":
            pair: np.ndarray = normal(raw[:, :2])
            return pair[:, 0]
        value = uniform(raw[:, 0])
        limits = torch.finfo(self.dtype)
        if draw.distribution == "exponential":
            # Not zero, in whatever type: a target of zero would be reached where it is set.
            return np.maximum(-np.log(value), limits.tiny)
        return np.clip(value, limits.tiny, 1.0 - limits.eps / 2)

    def _words(self, key: int, lanes: np.ndarray, events: np.ndarray) -> np.ndarray:
        """Four words for each lane and event: the count is (unit + 1, row, step + 1, event)."""
        raw = np.empty((len(lanes), WORDS), dtype=np.uint64)
        rows, units = np.divmod(lanes, self.shape[-1])
        order = np.lexsort((units, events, rows))
        ordered = np.stack([rows, events, units])[:, order]
        steps = np.diff(ordered)
        parted = (steps[0] != 0) | (steps[1] != 0) | (steps[2] > _NEAR)
        for part in np.split(np.arange(len(order)), np.flatnonzero(parted) + 1):
            if not len(part):
                continue
            row, event, first = (int(value) for value in ordered[:, part[0]])
            places = ordered[2, part] - first
            found = words(key, (first, row, self.step + 1, event), int(places[-1]) + 1)
            raw[order[part]] = found[places]
        return raw


def for_spikes(drawing: Drawing | None, params: Any, event: int | Tensor, who: Tensor | None = None) -> Any:
    """What ``reset`` receives: ``params``, where the model draws nothing. See :meth:`Drawing.joined`."""
    return params if drawing is None else drawing.joined(params, event, who)
