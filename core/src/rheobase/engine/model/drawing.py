"""What a neuron draws in one step: the numbers of its declared draws, by unit, step and event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from ...philox import WORDS, Stream, key_of, normal, uniform, words
from .schema import Schema

ONCE = 0
"""The event of what is drawn once: by the initial state, and in a step by ``update``. Spikes count from 1."""

_NEAR = 1000
"""Units whose numbers lie no further apart than this are drawn in one go."""


@final
class Drawing:
    """The draws of a neuron in one step, for ``[*batch, units]``."""

    def __init__(
        self,
        schema: Schema,
        stream: Stream,
        step: Tensor,
        shape: torch.Size,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        # The step is counted from the neuron's reset, int64 and 0-dimensional; -1 is the initial state.
        self.schema, self.stream, self.step = schema, stream, step
        self.shape, self.dtype, self.device = shape, dtype, device

    def joined(self, params: Any, event: int | Tensor, who: Tensor | None = None) -> Any:
        """The parameters and options, and the draws of an event beside them."""
        # The event is ONCE, or the place of a spike among those that its unit has in the step, from 1 on: a
        # number, or one for each of ``who``, places in the flattened ``[*batch, units]``; None: all units.
        drawn = [self._of(name, event, who).to(self.dtype) for name in self.schema.draws]
        # Drawn on the CPU for every device, so that all have the same numbers.
        return self.schema.with_draws(params, [value.to(self.device) for value in drawn])

    def _of(self, name: str, event: int | Tensor, who: Tensor | None) -> Tensor:
        distribution = self.schema.draws[name].distribution
        if who is None and isinstance(event, int):
            given = self.step, *self.stream, name, distribution, list(self.shape), event, self.dtype
            # Compiled code calls what it cannot look into; elsewhere that costs more than the numbers.
            return (_draw_all if torch.compiler.is_compiling() else draw_all)(*given)
        lanes = np.arange(self.shape.numel()) if who is None else who.cpu().numpy()
        events = event.cpu().numpy() if isinstance(event, Tensor) else np.full(len(lanes), event)
        # Places to rows of the batch and units within them: a unit's number is the same in every batch.
        key, rows = key_of(*self.stream, name), np.divmod(lanes, self.shape[-1])
        return _numbers(_words(key, *rows, int(self.step), events), distribution, self.dtype)


def for_spikes(drawing: Drawing | None, params: Any, event: int | Tensor, who: Tensor | None = None) -> Any:
    """What ``reset`` receives: ``params``, where the model draws nothing. See :meth:`Drawing.joined`."""
    return params if drawing is None else drawing.joined(params, event, who)


def draw_all(
    step: Tensor,
    seed: int,
    identifier: str,
    name: str,
    distribution: str,
    shape: Sequence[int],
    event: int,
    dtype: torch.dtype,
) -> Tensor:
    """One draw for all units, float64 on the CPU, within the bounds of its distribution in ``dtype``."""
    rows, units = torch.Size(shape[:-1]).numel(), shape[-1]
    # The initial state is step -1, and a count is never below zero.
    key, at = key_of(seed, identifier, name), int(step) + 1
    raw = [words(key, (0, row, at, event), units) for row in range(rows)]
    return _numbers(np.concatenate(raw), distribution, dtype).view(*shape)


# An operator of its own: a graph holds the call of it, and not the numbers of the step that was traced.
_draw_all = torch.library.custom_op(
    "rheobase::draw_all",
    draw_all,
    mutates_args=(),
    schema="(Tensor step, int seed, str identifier, str name, str distribution, SymInt[] shape, int event, "
    "ScalarType dtype) -> Tensor",
)


@_draw_all.register_fake
def _unknown(step: Tensor, *given: Any) -> Tensor:
    """What compiled code sees of them: their shape."""
    return torch.empty(given[4], dtype=torch.float64, device="cpu")


def _words(key: int, rows: np.ndarray, units: np.ndarray, step: int, events: np.ndarray) -> np.ndarray:
    """Four words for each unit and event, ``[n, 4]``: the count is (unit + 1, row, step + 1, event)."""
    raw = np.empty((len(units), WORDS), dtype=np.uint64)
    if not len(units):
        return raw
    # By rows, then events, then units: units near each other, in one row and event, are drawn by one call.
    order = np.lexsort((units, events, rows))
    ordered = np.stack([rows, events, units])[:, order]
    jumps = np.diff(ordered)
    parted = (jumps[0] != 0) | (jumps[1] != 0) | (jumps[2] > _NEAR)
    for part in np.split(np.arange(len(order)), np.flatnonzero(parted) + 1):
        row, event, first = (int(value) for value in ordered[:, part[0]])
        places = ordered[2, part] - first
        found = words(key, (first, row, step + 1, event), int(places[-1]) + 1)
        raw[order[part]] = found[places]
    return raw


def _numbers(raw: np.ndarray, distribution: str, dtype: torch.dtype) -> Tensor:
    """A number of each four words, float64 ``[n]``; what it is rounded to keeps the open bounds."""
    if distribution == "normal":
        return torch.from_numpy(np.ascontiguousarray(normal(raw[:, :2])[:, 0]))
    value, limits = uniform(raw[:, 0]), torch.finfo(dtype)
    if distribution == "exponential":
        # A target of zero would be reached where it is set.
        return torch.from_numpy(np.maximum(-np.log(value), limits.tiny))
    return torch.from_numpy(np.clip(value, limits.tiny, 1.0 - limits.eps / 2))
