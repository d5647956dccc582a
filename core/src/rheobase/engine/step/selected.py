"""The end of a step without a look at values: all units are worked on, and what is new is selected."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..model.drawing import Drawing, for_spikes
from ..model.functions import Model, after_release, gap, held_mask
from .ends import Arrive, Ends, Finished, Known, Path, Surrogate
from .spikes import apply, decide


def finish_masked(
    model: Model,
    event: str,
    ends: Ends,
    params: Any,
    dt: float,
    drawing: Drawing | None = None,
    known: Known | None = None,  # not asked: compiled code must do the same whatever happened in between
    surrogate: Surrogate | None = None,
    arrive: Arrive | None = None,
) -> Finished:
    """Hold, find spikes and reset, without a look at values."""
    y0, y1, steps = ends.y0, ends.y1, ends.steps
    held = ending = None
    if steps is not None:
        held, ending = steps > 0, steps == 1
        if model.schema.held:
            y1 = torch.where(held & held_mask(model.schema, y1), y0, y1)
        if model.release is not None:
            # All are asked, and for those whose period goes on the result is not selected.
            y1 = torch.where(ending, after_release(model, y1, params), y1)
    path = None
    if arrive is not None:
        if event == "crossing":
            path = Path(y1, gap(model, y1, params))
        y1 = arrive(y1, held)
    g1 = gap(model, y1, params)
    above = g1 >= 0
    # An armed unit with g >= 0 at the start was kicked above the threshold since the last step.
    reached = above | (gap(model, y0, params) >= 0) if event == "crossing" else above
    spiked = decide(reached & ends.armed, above, held, ending)
    # All units are reset, and for those that did not spike the result is not selected. A held one that
    # spikes does so as its period ends, at the end of the step.
    drawn = for_spikes(drawing, params, 1)
    new, armed, again = apply(model, event, y0, y1, g1, held, params, drawn, dt, path)
    if steps is not None and held is not None and again is not None:
        steps = torch.where(spiked, again, steps - held.to(steps.dtype))
    y, armed = torch.where(spiked, new, y1), torch.where(spiked, armed, ~above)
    spike = None
    if surrogate is not None:
        spike = _differentiable(surrogate, g1, spiked, held)
        if surrogate.attached:
            if event == "crossing":
                # The crossing of those that did not spike means nothing: they would reset where they are.
                new = torch.where(spiked, new, apply(model, "step", y0, y1, g1, held, params, drawn, dt)[0])
            y = _blended(y1 if surrogate.smooth else y, spike, new - y1, surrogate.smooth)
    return Finished(y, armed, steps, spiked.to(torch.int8), spike=spike)


def _differentiable(surrogate: Surrogate, g: Tensor, spiked: Tensor, held: Tensor | None) -> Tensor:
    """The spikes, 0 or 1 in value, with the derivative of S; none while refractory."""
    soft = surrogate.function(g / surrogate.scale)
    if held is not None:
        # One whose period ends with the step is free where it spikes at that end.
        soft = torch.where(held & ~spiked, 0.0, soft)
    return soft if surrogate.smooth else spiked.to(g.dtype) + (soft - soft.detach())


def _blended(y: Tensor, spike: Tensor, jump: Tensor, smooth: bool) -> Tensor:
    """The states with the derivative by the spike of (1 - s) y1 + s reset."""
    # Selected before it is multiplied: 0 times an infinite jump is no number.
    jump = torch.where(jump.isfinite(), jump, 0.0)
    return y + (spike if smooth else spike - spike.detach()) * jump
