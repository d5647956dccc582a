"""The end of a step where values can be looked at: work is done only on units at which something happens."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...torch_state import all_finite
from ..model.drawing import Drawing, for_spikes
from ..model.functions import Model, after_release, gap
from .arrivals import Arrivals
from .ends import Ends, Finished, Known, Path
from .field import params_of
from .spikes import apply, decide

_NOBODY = np.empty(0, dtype=np.int64)


def finish_indexed(
    model: Model,
    event: str,
    ends: Ends,
    params: Any,
    dt: float,
    drawing: Drawing | None = None,
    known: Known | None = None,
    arrivals: Arrivals | None = None,
) -> Finished:
    """The same where values can be looked at: only the units at which something happens are worked on."""
    # numpy finds and compares several times faster than torch, which does not vectorise booleans.
    known = known or Known()
    shape = ends.y1.shape[1:]
    # The integrator's result may be something that it, or the model, keeps.
    y1 = ends.y1.contiguous() if ends.fresh else ends.y1.clone(memory_format=torch.contiguous_format)
    g1: Tensor | None = None
    # What arrives comes to states that were held or free; of a calm neuron all are free.
    before_arrivals = y1
    if arrivals is not None and known.calm:
        y1 = arrivals.at_end(y1, params, None)
    # A quiet step of a calm neuron: one reduction. For crossings g at the start counts too, unless settled.
    if known.calm and (known.settled or event == "step") and ends.spiked is not None:
        g1 = gap(model, y1, params)
        # Of a single unit there is nothing to reduce. Below is false, where one is no number.
        most = g1 if g1.numel() == 1 else g1.max() if g1.numel() else None
        if most is not None and most.item() < 0:
            return Finished(y1, ends.armed, ends.steps, ends.spiked, quiet=True, finite=True)
    flat = len(shape) == 1
    start = ends.y0 if flat else ends.y0.reshape(len(y1), -1)
    y = y1 if flat else y1.view(len(y1), -1)
    before, held, finite = ends.steps, None, True
    if before is not None and not known.calm:
        before = before.reshape(-1)
        left = before.numpy()
        mask = left > 0
        if np.count_nonzero(mask):
            held = mask
            _put_back(model, y, start, held)
            ended = (left == 1).nonzero()[0] if model.release is not None else _NOBODY
            if len(ended):
                who = torch.from_numpy(ended)
                new = after_release(model, y.index_select(1, who), params_of(params, who, shape))
                finite = all_finite(new)
                y = y.index_copy(1, who, new) if y.requires_grad else y.index_copy_(1, who, new)
                y1 = before_arrivals = y.view(y1.shape)
    if arrivals is not None and not known.calm:
        y1 = arrivals.at_end(y1, params, None if held is None else _shaped(held, shape))
        y = y1 if flat else y1.view(len(y1), -1)

    # Of a calm neuron g is known by now: nothing was put back since.
    g1 = (gap(model, y1, params) if g1 is None else g1).reshape(-1)
    above = (g1.detach() if g1.requires_grad else g1).numpy() >= 0
    reached = above
    if event == "crossing" and not known.settled:
        # An armed unit with g >= 0 at the start was kicked above the threshold since the last step.
        reached = above | (gap(model, ends.y0, params).detach().reshape(-1).numpy() >= 0)
    # Whether they are armed is asked below, of these few alone.
    found = reached.nonzero()[0] if np.count_nonzero(reached) else _NOBODY
    quiet = not len(found) and held is None
    steps = before
    if before is not None and not known.calm:
        # A copy also where nobody is refractory: what the step was given may be somebody's.
        steps = before.clone() if held is None else torch.from_numpy(left - held)
    armed, spiked = ~above, np.zeros(len(above), dtype=np.int8)
    if len(found):
        spikes = ends.armed.reshape(-1).numpy()[found]
        if held is not None:
            spikes = decide(spikes, above[found], held[found], left[found] == 1)
        spiking = found[spikes]
        if len(spiking):
            who = torch.from_numpy(spiking)
            # Held and spiking: at the end of the period, which is that of the step.
            at_end = None if held is None else held[spiking]
            own = params_of(params, who, shape)
            path = None
            if arrivals is not None and arrivals.own and event == "crossing":
                at = before_arrivals.view(len(y1), -1).index_select(1, who)
                path = Path(at, gap(model, at, own))
            new, below, again = apply(
                model,
                event,
                start.index_select(1, who),
                y.index_select(1, who),
                g1.index_select(0, who),
                torch.from_numpy(at_end) if at_end is not None and at_end.any() else None,
                own,
                for_spikes(drawing, own, 1, who),
                dt,
                path,
            )
            finite = finite and all_finite(new)
            # The graph of g1 may need y as it is.
            if y.requires_grad:
                y1 = y.index_copy(1, who, new).view(y1.shape)
            else:
                y.index_copy_(1, who, new)
            armed[spiking], spiked[spiking] = below.numpy(), 1
            if steps is not None and again is not None:
                steps = (steps.clone() if steps is before else steps).reshape(-1)
                steps.index_copy_(0, who, again)
    return Finished(
        y1,
        _shaped(armed, shape),
        None if steps is None else steps.view(shape),
        _shaped(spiked, shape),
        quiet,
        finite,
    )


def _shaped(values: np.ndarray, shape: torch.Size) -> Tensor:
    """An array of units side by side as a tensor ``[*batch, units]`` that shares its memory."""
    tensor = torch.from_numpy(values)
    return tensor if len(shape) == 1 else tensor.view(shape)


def _put_back(model: Model, y: Tensor, start: Tensor, held: np.ndarray) -> None:
    """Let held states ``[D, n]`` be those at the start again."""
    rows = [row for row, name in enumerate(model.schema.states) if name in model.schema.held]
    if y.requires_grad:
        mask = torch.from_numpy(held)
        for row in rows:
            y[row].copy_(torch.where(mask, start[row], y[row]))
    elif rows:
        # In place, which no graph would know of.
        ends, starts = y.numpy(), start.detach().numpy()
        for row in rows:
            np.putmask(ends[row], held, starts[row])
