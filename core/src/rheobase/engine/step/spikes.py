"""The end of a step of a spiking model: who spikes, and what becomes of the units.

Who is held, who spikes and what a reset does stand here once. There are two ways to the same numbers. Where
Python may look at values, on the CPU, only the units at which something happens are worked on
(:func:`finish_indexed`); while compiling, tracing and on other devices all units are, and the new values are
selected (:func:`finish_masked`). Units never interact inside a model, so both agree to the bit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...torch_state import all_finite
from ..model.drawing import Drawing, for_spikes
from ..model.functions import Model, after_reset, gap, held_mask
from .events import crossing_state
from .field import params_of

# The most steps that the counter holds; beyond, int32 would turn negative.
_LONGEST = 2**31 - 1


class Known(NamedTuple):
    """What is known of a state before a step. Each is a promise, which saves time.

    Attributes:
        settled: Nobody changed a state or a parameter since the last step, so that g at the start of this one
            is what it was at the end of that one.
        calm: Everybody is armed, nobody is refractory, and nobody spiked in the last step.
        finite: All states are finite.
    """

    settled: bool = False
    calm: bool = False
    finite: bool = False


class Ends(NamedTuple):
    """A step of a spiking model, as the integrator left it.

    Attributes:
        y0: The states at the start, ``[D, *batch, units]``.
        y1: The states at the end, before anything is held or reset.
        armed: Whether g was below zero at the end of the last step, ``[*batch, units]``.
        steps: The steps left of each refractory period, or None for a model that has none.
        spiked: Who spiked in the last step, where that is known.
        fresh: Whether ``y1`` is nobody else's, so that it may be written to.
    """

    y0: Tensor
    y1: Tensor
    armed: Tensor
    steps: Tensor | None
    spiked: Tensor | None = None
    fresh: bool = False


class Finished(NamedTuple):
    """What a step leaves behind.

    Attributes:
        y: The states after holding and resets, ``[D, *batch, units]``.
        armed: Whether g < 0 there.
        steps: The steps left of each refractory period, or None.
        spiked: Who spiked, int8.
        quiet: Whether it is known that nobody spiked, and nobody was refractory.
        finite: Whether the values after resets are known to be finite.
    """

    y: Tensor
    armed: Tensor
    steps: Tensor | None
    spiked: Tensor
    quiet: bool = False
    finite: bool = False


def decide(reached: Any, above: Any, held: Any = None, ending: Any = None) -> Any:
    """Who spikes. Operators only: the same for tensors, arrays, and what a kernel is made of.

    Args:
        reached: Who is armed and reached the threshold.
        above: Whose g is at or above zero at the end.
        held: Who is refractory; None: nobody.
        ending: Whose refractory period ends there.

    Returns:
        Those who reached it while free, and those who are above it when they are let free.
    """
    return reached if held is None else (reached & ~held) | (above & ending)


def apply(
    model: Model,
    event: str,
    y0: Tensor,
    y1: Tensor,
    g1: Tensor,
    at_end: Tensor | None,
    params: Any,
    drawn: Any,
    dt: float,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Reset units that all spiked in the step.

    Args:
        model: The model.
        event: "crossing" or "step".
        y0: Their states at the start.
        y1: Their states at the end.
        g1: g at the end.
        at_end: Whose refractory period ended with the step, which is when they spiked; None where nobody's
            did.
        params: Their parameters.
        drawn: The same, with what is drawn for the spike.
        dt: The time step, ms.

    Returns:
        The new states, whether g < 0 there, and round(tau_ref / dt) in int32, or None for a model that has no
        refractory period.
    """
    at = y1 if event == "step" else crossing_state(y0, y1, gap(model, y0, params), g1, at_end)
    after = after_reset(model, at, drawn)
    y, g = (y1, g1) if after is None else (after, gap(model, after, params))
    steps = None
    if model.schema.refractory:
        count = torch.round(params.tau_ref / dt).to(torch.int64).clamp(0, _LONGEST).to(torch.int32)
        steps = count.expand(y.shape[1:])
    return y, g < 0, steps


def finish_masked(
    model: Model,
    event: str,
    ends: Ends,
    params: Any,
    dt: float,
    drawing: Drawing | None = None,
    known: Known | None = None,
) -> Finished:
    """Hold, find spikes and reset, without a look at values.

    Args:
        model: The model.
        event: "crossing" or "step".
        ends: The step.
        params: The parameters and options, by name.
        dt: The time step, ms.
        drawing: What the model draws in the step; None for one without draws.
        known: Not asked: what compiled code does must not hang on what happened between two steps.
    """
    y0, y1, steps = ends.y0, ends.y1, ends.steps
    held = ending = None
    if steps is not None:
        held, ending = steps > 0, steps == 1
        if model.schema.held:
            y1 = torch.where(held & held_mask(model.schema, y1), y0, y1)
    g1 = gap(model, y1, params)
    above = g1 >= 0
    reached = above | (gap(model, y0, params) >= 0) if event == "crossing" else above
    spiked = decide(reached & ends.armed, above, held, ending)
    y, armed, again = apply(model, event, y0, y1, g1, held, params, for_spikes(drawing, params, 1), dt)
    if steps is not None and held is not None and again is not None:
        steps = torch.where(spiked, again, steps - held.to(steps.dtype))
    y, armed = torch.where(spiked, y, y1), torch.where(spiked, armed, ~above)
    return Finished(y, armed, steps, spiked.to(torch.int8))


def finish_indexed(
    model: Model,
    event: str,
    ends: Ends,
    params: Any,
    dt: float,
    drawing: Drawing | None = None,
    known: Known | None = None,
) -> Finished:
    """The same where values can be looked at: only the units at which something happens are worked on.

    numpy finds and compares several times faster than torch, which does not vectorise booleans.

    Args:
        model: The model.
        event: "crossing" or "step".
        ends: The step.
        params: The parameters and options, by name.
        dt: The time step, ms.
        drawing: What the model draws in the step; None for one without draws.
        known: What is known of the state at the start; None: nothing.
    """
    known = known or Known()
    shape = ends.y1.shape[1:]
    # The integrator's result may be something that it, or the model, keeps.
    y1 = ends.y1.contiguous() if ends.fresh else ends.y1.clone(memory_format=torch.contiguous_format)
    if known.calm and (known.settled or event == "step"):
        g1 = gap(model, y1, params)
        if ends.spiked is not None and g1.numel() and g1.max().item() < 0:  # false, where one is no number
            return Finished(y1, ends.armed, ends.steps, ends.spiked, quiet=True, finite=True)
    width = y1.shape[0]
    start, y = ends.y0.reshape(width, -1), y1.view(width, -1)
    before, held = ends.steps, None
    if before is not None and not known.calm:
        before = before.reshape(-1)
        mask = before.numpy() != 0
        if mask.any():
            held = mask
            for row, name in enumerate(model.schema.states):
                if name in model.schema.held:
                    _put_back(y[row], start[row], held)

    g1 = gap(model, y1, params).reshape(-1)
    above = g1.detach().numpy() >= 0
    reached = above
    if event == "crossing" and not known.settled:
        # An armed unit with g >= 0 at the start was kicked above the threshold since the last step.
        reached = above | (gap(model, ends.y0, params).detach().reshape(-1).numpy() >= 0)
    found = np.flatnonzero(reached) if reached.any() else _NOBODY
    quiet = not len(found) and held is None
    steps = before
    if before is not None and not known.calm:
        # A copy also where nobody is refractory: what the step was given may be somebody's.
        steps = before.clone() if held is None else (before - 1).clamp_(min=0)
    armed = ends.armed if quiet and known.calm else torch.from_numpy(~above)
    finite = True
    spiked = torch.zeros(len(above), dtype=torch.int8)
    if len(found):
        spikes = ends.armed.reshape(-1).numpy()[found]
        if held is not None and before is not None:
            left = before.numpy()[found]
            spikes = decide(spikes, above[found], held[found], left == 1)
        who = torch.from_numpy(found[spikes])
        if len(who):
            at_end = None if held is None else held[found][spikes]
            own = params_of(params, who, shape)
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
            )
            finite = all_finite(new)
            # The graph of g1 may need y as it is.
            if y.requires_grad:
                y1 = y.index_copy(1, who, new).view(y1.shape)
            else:
                y.index_copy_(1, who, new)
            armed.index_copy_(0, who, below)
            spiked.index_fill_(0, who, 1)
            if steps is not None and again is not None:
                steps = (steps.clone() if steps is before else steps).reshape(-1)
                steps.index_copy_(0, who, again)
    return Finished(
        y1,
        armed.view(shape),
        None if steps is None else steps.view(shape),
        spiked.view(shape),
        quiet,
        finite,
    )


_NOBODY = np.empty(0, dtype=np.int64)


def _put_back(y: Tensor, start: Tensor, held: np.ndarray) -> None:
    if y.requires_grad:
        y.copy_(torch.where(torch.from_numpy(held), start, y))
    else:
        np.copyto(y.numpy(), start.detach().numpy(), where=held)
