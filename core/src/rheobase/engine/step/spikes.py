"""Who spikes at the end of a step, and what a reset does.

There are two ways to the same numbers. Where Python may look at values, on the CPU, only the units at which
something happens are worked on (``indexed.py``); while compiling, tracing and on other devices all units are,
and the new values are selected (``selected.py``). Both ask here. Units never interact inside a model, so both
agree to the bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..model.functions import Model, after_reset, gap, kinetic_mask
from .ends import Path
from .events import crossing_state

# The most steps that the counter holds; beyond, int32 would turn negative.
_LONGEST = 2**31 - 1


def decide(reached: Any, above: Any, held: Any = None, ending: Any = None) -> Any:
    """Who spikes, of masks, which are all tensors or all arrays."""
    if held is None:
        return reached
    # Those who are armed and reached the threshold while free, and those above it when they are let free. By
    # a selection, which in a kernel takes a tenth less time of a whole step than by and, or and not.
    select: Any = np.where if isinstance(held, np.ndarray) else torch.where
    return select(held, above & ending, reached)


def apply(
    model: Model,
    event: str,
    y0: Tensor,
    y1: Tensor,
    g1: Tensor,
    at_end: Tensor | None,  # whose refractory period ended with the step, which is when they spiked
    params: Any,
    drawn: Any,  # the parameters, with what is drawn for the spike
    dt: float,
    path: Path | None = None,  # the end before arrivals, if there were any and crossings are interpolated
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Reset units that all spiked: the states, whether g < 0 there, and their refractory steps or None."""
    at, others = y1, None
    if event != "step":
        at, others = _crossed(model, y0, y1, g1, at_end, params, path)
    after = after_reset(model, at, drawn, others)
    # A reset that names no state leaves the end of the step, not the crossing.
    y, g = (y1, g1) if after is None else (after, gap(model, after, params))
    steps = None
    if model.schema.refractory:
        # By way of int64: what int32 cannot hold is cut off, and not converted to anything.
        count = torch.round(params.tau_ref / dt).to(torch.int64).clamp(0, _LONGEST).to(torch.int32)
        steps = count.expand(y.shape[1:])
    return y, g < 0, steps


def _crossed(
    model: Model,
    y0: Tensor,
    y1: Tensor,
    g1: Tensor,
    at_end: Tensor | None,
    params: Any,
    path: Path | None,
) -> tuple[Tensor, Tensor | None]:
    """The states that a reset is given, those at the crossing, and what becomes of those it does not name."""
    g0 = gap(model, y0, params)
    if path is None:
        at = crossing_state(y0, y1, g0, g1, at_end)
        others = at
    else:
        # Who was above the threshold before anything arrived crossed it on the way there; who was lifted
        # above it by what arrived crossed it at the end.
        earlier = path.g >= 0
        at = torch.where(earlier, crossing_state(y0, path.y, g0, path.g, at_end), y1)
        others = torch.where(earlier, at + (y1 - path.y), y1)
    if not model.schema.kinetic:
        return at, (None if path is None else others)
    # No spike of the target changes what its synapses do.
    kinetic = kinetic_mask(model.schema, y1)
    return torch.where(kinetic, y1, at), torch.where(kinetic, y1, others)
