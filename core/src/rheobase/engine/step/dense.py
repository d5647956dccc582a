"""The end of a step without looking at values: every unit is worked on, and new values are selected."""

from __future__ import annotations

from typing import Any

import torch

from ..model.drawing import Drawing, for_spikes
from ..model.functions import Model, gap, held_mask
from .spiking import Ends, Outcome, reset_state


def finish_all(
    model: Model, event: str, ends: Ends, params: Any, dt: float, drawing: Drawing | None = None
) -> Outcome:
    """Hold, find spikes and reset; see :mod:`.spiking`.

    Args:
        model: The model.
        event: "crossing" or "step".
        ends: The step.
        params: The parameters and options, by name.
        dt: The time step, ms.
        drawing: What the model draws in the step; None for one without draws.

    Returns:
        The outcome.
    """
    y0, y1, hold = ends.y0, ends.y1, ends.hold
    held = None
    if hold is not None:
        held = hold > 0
        if model.schema.held:
            y1 = torch.where(held & held_mask(model.schema, y1), y0, y1)
    g1 = gap(model, y1, params)
    above = g1 >= 0
    reached = above | (gap(model, y0, params) >= 0) if event == "crossing" else above
    spiked = reached & ends.armed
    if hold is not None and held is not None:
        spiked = torch.where(held, above & (hold == 1), spiked)
        hold = hold - held.to(hold.dtype)
    drawn = for_spikes(drawing, params, 1)
    y, armed, again = reset_state(model, event, y0, y1, g1, held, params, drawn, dt)
    if hold is not None and again is not None:
        hold = torch.where(spiked, again, hold)
    return Outcome(
        torch.where(spiked, y, y1), torch.where(spiked, armed, ~above), hold, spiked.to(torch.int8)
    )
