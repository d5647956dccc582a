"""Inputs that arrive as jumps: what a step is given of them, beside what arrives from other populations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..model.functions import Model, spread
from .arrivals import Arrivals
from .moments import Moments


def with_jumps(
    model: Model,
    given: Any,
    shape: torch.Size,
    dt: float | None,
    arrivals: Arrivals | None,
    *,
    visible: bool,
    trains: Mapping[str, Moments],
) -> Arrivals | None:
    """All that arrives in a step: by the inputs of a model that are jumps, then by synapses.

    Args:
        model: The model.
        given: All of its inputs, as tensors ``[*batch, units or 1]``.
        shape: ``[*batch, units]``.
        dt: The step, ms, where arrivals have times of their own; else None.
        arrivals: What arrives by synapses.
        visible: Whether values can be looked at.
        trains: Of inputs that have arrivals at times of their own in this step: these, in place of what is
            given, which is their sum. On the grid the sum counts.
    """
    schema = model.schema
    amounts: list[Tensor | None] = [
        # Nothing arrives where nothing is given: slopes of the last step stay what they are. But a gradient
        # is asked for there too.
        spread(each, shape) if not visible or each.requires_grad or bool(each.any()) else None
        for name, each in zip(schema.inputs, given, strict=True)
        if name in schema.jumps
    ]
    own = [None if dt is None else trains.get(name) for name in schema.jumps]
    if all(each is None for each in (*amounts, *own)):
        return arrivals
    rows = [list(schema.states).index(each.into) for each in schema.jumps.values()]
    held = [each.into in schema.held for each in schema.jumps.values()]

    def jump(y: Tensor, params: Any, weights: Sequence[Tensor | None], resting: Tensor | None) -> Tensor:
        parts = list(y.unbind(0))
        # As many as there are inputs; the rest is the synapses'.
        for row, stands, weight in zip(rows, held, weights, strict=False):
            if weight is not None:
                kept = weight if resting is None or not stands else torch.where(resting, 0.0, weight)
                parts[row] = parts[row] + kept
        after, rest = torch.stack(parts), weights[len(rows) :]
        if arrivals is None or all(each is None for each in rest):
            return after
        return arrivals.jump(after, params, rest, resting)

    by_synapses = Arrivals(jump) if arrivals is None else arrivals
    if dt is None:
        return Arrivals(jump, [*amounts, *by_synapses.weights])
    moments = [
        train if train is not None else None if each is None else _at_end(each, dt)
        for train, each in zip(own, amounts, strict=True)
    ]
    return Arrivals(jump, moments=[*moments, *by_synapses.moments])


def _at_end(amount: Tensor, dt: float) -> Moments:
    """What is given for a step arrives at its end, where arrivals have times of their own."""
    flat = amount.reshape(-1)
    there = torch.ones_like(flat, requires_grad=False) if amount.requires_grad else flat
    units = there.nonzero().view(-1)
    times = torch.full((len(units),), dt, dtype=torch.float64, device=units.device)
    return Moments(times, units, flat.index_select(0, units), amount.shape[:-1])
