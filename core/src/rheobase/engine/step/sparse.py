"""The end of a step on the CPU: only the units at which something happens are worked on.

numpy finds and compares several times faster than torch, which does not vectorise booleans.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..model.drawing import Drawing, for_spikes
from ..model.functions import Model, gap
from .spiking import Ends, Outcome, reset_state


def finish_some(
    model: Model, event: str, ends: Ends, params: Any, dt: float, drawing: Drawing | None = None
) -> Outcome:
    """Hold, find spikes and reset; see :mod:`.spiking`.

    Args:
        model: The model.
        event: "crossing" or "step".
        ends: The step; its values can be looked at.
        params: The parameters and options, by name.
        dt: The time step, ms.
        drawing: What the model draws in the step; None for one without draws.

    Returns:
        The outcome.
    """
    shape = ends.y1.shape[1:]
    # A copy: the integrator's result may be something that it, or the model, keeps.
    start, y = _flat(ends.y0), _flat(ends.y1.clone(memory_format=torch.contiguous_format))
    before = None if ends.hold is None else ends.hold.reshape(-1)
    hold = None
    if before is not None:
        hold = (before - 1).clamp_(min=0)
        held = before.numpy() != 0
        for row, name in enumerate(model.schema.states):
            if name in model.schema.held:
                _put_back(y[row], start[row], held)

    g1 = gap(model, y.view(ends.y1.shape), params).reshape(-1)
    above = g1.detach().numpy() >= 0
    found = np.flatnonzero(above)
    if event == "crossing" and ends.moved:
        # An armed unit with g >= 0 at the start was kicked above the threshold since the last step.
        g0 = gap(model, ends.y0, params).detach().reshape(-1).numpy()
        found = np.flatnonzero(above | (g0 >= 0))
    armed = torch.from_numpy(~above)
    spiked = torch.zeros(armed.shape, dtype=torch.int8)
    if len(found):
        spikes = ends.armed.reshape(-1).numpy()[found]
        ended = None
        if before is not None:
            left = before.numpy()[found]
            spikes = np.where(left > 0, (left == 1) & above[found], spikes)
            ended = left[spikes] > 0
        who = torch.from_numpy(found[spikes])
        if len(who):
            own = _params_of(who, params, shape)
            new, below, again = reset_state(
                model,
                event,
                start.index_select(1, who),
                y.index_select(1, who),
                g1.index_select(0, who),
                torch.from_numpy(ended) if ended is not None and ended.any() else None,
                own,
                for_spikes(drawing, own, 1, who),
                dt,
            )
            # The graph of g1 may need y as it is.
            y = y.index_copy(1, who, new) if y.requires_grad else y.index_copy_(1, who, new)
            armed.index_copy_(0, who, below)
            spiked.index_fill_(0, who, 1)
            if hold is not None and again is not None:
                hold.index_copy_(0, who, again)
    return Outcome(
        y.view(ends.y1.shape),
        armed.view(shape),
        None if hold is None else hold.view(shape),
        spiked.view(shape),
    )


def _flat(y: Tensor) -> Tensor:
    return y.reshape(y.shape[0], -1)


def _put_back(y: Tensor, start: Tensor, held: np.ndarray) -> None:
    if y.requires_grad:
        y.copy_(torch.where(torch.from_numpy(held), start, y))
    else:
        np.copyto(y.numpy(), start.detach().numpy(), where=held)


def _params_of(who: Tensor, params: Any, shape: torch.Size) -> Any:
    """The parameters of some units, given by their place in the flattened state."""
    by_unit = {
        name: value
        for name, value in zip(params._fields, params, strict=True)
        if isinstance(value, Tensor) and value.ndim == 1
    }
    if not by_unit:
        return params
    units = who if len(shape) == 1 else who % shape[-1]
    return params._replace(**{name: value.index_select(0, units) for name, value in by_unit.items()})
