"""The end of a step on the CPU: only the units at which something happens are worked on.

numpy finds and compares several times faster than torch, which does not vectorise booleans.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from .model import Model, gap
from .spiking import Ends, Outcome, reset_state


def finish_some(model: Model, event: str, ends: Ends, params: Any, dt: float) -> Outcome:
    """Hold, find spikes and reset; see :mod:`.spiking`.

    Args:
        model: The model.
        event: "crossing" or "step".
        ends: The step; its values can be looked at.
        params: The parameters and options, by name.
        dt: The time step, ms.

    Returns:
        The outcome.
    """
    shape = ends.y1.shape[1:]
    start, y = _flat(ends.y0), _flat(_own(ends.y1, ends.y0))
    before = None if ends.hold is None else ends.hold.reshape(-1)
    hold = None
    if before is not None:
        hold = (before - 1).clamp_(min=0)
        held = before.numpy() != 0
        for row, name in enumerate(model.schema.states):
            if name in model.schema.held:
                _put_back(y[row], start[row], held)

    spread = _spread_params(params, shape)
    g = gap(model, y.view(ends.y1.shape), params).detach().reshape(-1).numpy()
    above = g >= 0
    found = np.flatnonzero(above)
    if event == "crossing" and ends.moved:
        # An armed unit with g >= 0 at the start was kicked above the threshold since the last step.
        g0 = gap(model, ends.y0, params).detach().reshape(-1).numpy()
        found = np.flatnonzero(above | (g0 >= 0))
    armed = torch.from_numpy(~above)
    spiked = torch.zeros(armed.shape, dtype=torch.int8)
    if len(found):
        spikes = ends.armed.reshape(-1).numpy()[found]
        if before is not None:
            left = before.numpy()[found]
            spikes = np.where(left > 0, (left == 1) & above[found], spikes)
        who = torch.from_numpy(found[spikes])
        if len(who):
            old = start.index_select(1, who)
            was_held = None if before is None else before.index_select(0, who) > 0
            new, below, again = reset_state(
                model, event, old, y.index_select(1, who), was_held, spread(who), dt
            )
            y.index_copy_(1, who, new)
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


def _own(y1: Tensor, y0: Tensor) -> Tensor:
    """The end of the step as a tensor that may be written to.

    An integrator's result is its own, unless it gave back what it was given, or the step belongs to a
    graph, whose values must stay.
    """
    fresh = y1._base is None and y1.is_contiguous() and y1.data_ptr() != y0.data_ptr()
    return y1 if fresh and not y1.requires_grad else y1.clone(memory_format=torch.contiguous_format)


def _spread_params(params: Any, shape: torch.Size) -> Any:
    """A function that picks the parameters of some units."""

    def pick(who: Tensor) -> Any:
        units = who if len(shape) == 1 else who % shape[-1]
        return params._replace(
            **{
                name: value.index_select(0, units)
                for name, value in params._asdict().items()
                if isinstance(value, Tensor) and value.ndim == 1
            }
        )

    return pick
