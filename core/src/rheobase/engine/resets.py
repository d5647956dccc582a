"""Resets: the new state of the units that spiked, who is armed, and the refractory counters.

There are two ways to the same numbers. Where Python may look at values, only the units that spiked
are worked on; while compiling, tracing and on other devices all units are, and the new values are
selected. Units never interact inside a model, so both agree to the bit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .events import crossing_state
from .model import Model, after_reset, gap
from .tracing import values_visible


class Ends(NamedTuple):
    """Both ends of a step, ``[D, *batch, units]`` and ``[*batch, units]``.

    Attributes:
        y0: The state at the start.
        y1: The state at the end, before resets.
        g0: g at the start.
        g1: g at the end.
        held: Who is refractory in this step; None where the model has no refractory period.
    """

    y0: Tensor
    y1: Tensor
    g0: Tensor
    g1: Tensor
    held: Tensor | None


class Outcome(NamedTuple):
    """What a step leaves behind.

    Attributes:
        y: The state after resets, ``[D, *batch, units]``.
        armed: Whether g < 0 there.
        hold: The steps left of each refractory period, or None.
    """

    y: Tensor
    armed: Tensor
    hold: Tensor | None


def reset(
    model: Model,
    event: str,
    ends: Ends,
    below: Tensor,
    spiked: Tensor,
    hold: Tensor | None,
    params: Any,
    dt: float,
) -> Outcome:
    """Reset the units that spiked.

    Args:
        model: The model.
        event: "crossing" or "step".
        ends: The step.
        below: Whether g < 0 at its end, before resets.
        spiked: Who spiked, boolean.
        hold: The refractory counters after this step, or None.
        params: The parameters and options, by name.
        dt: The time step, ms.

    Returns:
        The outcome of the step.
    """
    outcome = Outcome(ends.y1, below, hold)
    if values_visible(spiked) and spiked.device.type == "cpu":
        return _some(model, event, ends, spiked, outcome, params, dt)
    new = _spiking(model, event, ends, params, dt, hold)
    y = torch.where(spiked, new.y, outcome.y)
    armed = torch.where(spiked, new.armed, outcome.armed)
    if hold is not None and new.hold is not None:
        hold = torch.where(spiked, new.hold, hold)
    return Outcome(y, armed, hold)


def _some(
    model: Model, event: str, ends: Ends, spiked: Tensor, outcome: Outcome, params: Any, dt: float
) -> Outcome:
    # numpy searches booleans several times faster than torch.
    where = torch.from_numpy(np.flatnonzero(spiked.numpy()))
    if not len(where):
        return outcome
    shape = spiked.shape

    def pick(tensor: Tensor) -> Tensor:
        lead = tensor.shape[: tensor.ndim - len(shape)]
        return tensor.reshape(*lead, -1).index_select(-1, where)

    def put(tensor: Tensor, values: Tensor) -> Tensor:
        lead = tensor.shape[: tensor.ndim - len(shape)]
        return tensor.reshape(*lead, -1).index_copy(-1, where, values).reshape(tensor.shape)

    units = where if len(shape) == 1 else where % shape[-1]
    picked = [
        value.index_select(0, units) if isinstance(value, Tensor) and value.ndim == 1 else value
        for value in params
    ]
    ends_of_some = Ends(
        pick(ends.y0),
        pick(ends.y1),
        pick(ends.g0),
        pick(ends.g1),
        None if ends.held is None else pick(ends.held),
    )
    hold = outcome.hold
    counters = None if hold is None else pick(hold)
    new = _spiking(model, event, ends_of_some, model.schema.pack_params(*picked), dt, counters)
    if hold is not None and new.hold is not None:
        hold = put(hold, new.hold)
    return Outcome(put(outcome.y, new.y), put(outcome.armed, new.armed), hold)


def _spiking(model: Model, event: str, ends: Ends, params: Any, dt: float, hold: Tensor | None) -> Outcome:
    """The outcome of a step for units that all spiked in it."""
    at = ends.y1 if event == "step" else crossing_state(ends.y0, ends.y1, ends.g0, ends.g1, ends.held)
    after = after_reset(model, at, params)
    y, g = (ends.y1, ends.g1) if after is None else (after, gap(model, after, params))
    if hold is not None:
        hold = torch.round(params.tau_ref / dt).to(hold.dtype).expand(hold.shape)
    return Outcome(y, g < 0, hold)
