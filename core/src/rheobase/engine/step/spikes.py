"""The end of a step of a spiking model: who spikes, and what becomes of the units.

Who is held, who spikes and what a reset does stand here once. There are two ways to the same numbers. Where
Python may look at values, on the CPU, only the units at which something happens are worked on
(:func:`finish_indexed`); while compiling, tracing and on other devices all units are, and the new values are
selected (:func:`finish_masked`). Units never interact inside a model, so both agree to the bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor

from ...torch_state import all_finite
from ..model.drawing import Drawing, for_spikes
from ..model.functions import Model, after_release, after_reset, gap, held_mask, kinetic_mask
from .events import crossing_state
from .field import params_of

# The most steps that the counter holds; beyond, int32 would turn negative.
_LONGEST = 2**31 - 1


class Known(NamedTuple):
    """What is known of a state before a step. Each is a promise, which saves time."""

    # Nobody changed a state or a parameter since the last step: g at the start is what it was at that end.
    settled: bool = False
    # Everybody is armed, nobody is refractory, and nobody spiked in the last step.
    calm: bool = False
    # All states are finite.
    finite: bool = False


class Surrogate(NamedTuple):
    """What stands for the derivative of a spike, which has none.

    The spike's value is 0 or 1 and is not touched: s = spiked + (S(u) - S(u).detach()) with u = g / scale.
    """

    # S, smooth and finite.
    function: Callable[[Tensor], Tensor]
    # A size of g, such as |g| at the initial state, ``[]`` or ``[units]``.
    scale: Tensor
    # Whether the reset takes part in the derivative, as (1 - s) y1 + s reset(y1) does.
    attached: bool = False
    # S(u) for the spike also in value, and that blend for the reset: a smooth function, to check gradients.
    smooth: bool = False


class Ends(NamedTuple):
    """A step of a spiking model, as the integrator left it: states ``[D, *batch, units]``."""

    y0: Tensor
    # At the end, before anything is held or reset.
    y1: Tensor
    # Whether g was below zero at the end of the last step.
    armed: Tensor
    # The steps left of each refractory period; None for a model that has none.
    steps: Tensor | None
    # Who spiked in the last step, where that is known.
    spiked: Tensor | None = None
    # Whether ``y1`` is nobody else's, so that it may be written to.
    fresh: bool = False


Arrive: TypeAlias = Callable[["Tensor", "Tensor | None"], "Tensor"]
"""What arrives at the end of a step: of states ``[D, *batch, units]`` and who is held, the states after."""


class Path(NamedTuple):
    """The end of a step before what arrived there: the states, and g."""

    y: Tensor
    g: Tensor


class Finished(NamedTuple):
    """What a step leaves behind, after holding and resets."""

    y: Tensor
    armed: Tensor
    steps: Tensor | None
    spiked: Tensor
    # Whether it is known that nobody spiked, and nobody was refractory.
    quiet: bool = False
    # Whether what is new beside the integrator's result is known to be finite.
    finite: bool = False
    # The spikes as numbers of the state's type, with a derivative, where a surrogate was given.
    spike: Tensor | None = None


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


def finish_indexed(
    model: Model,
    event: str,
    ends: Ends,
    params: Any,
    dt: float,
    drawing: Drawing | None = None,
    known: Known | None = None,
    arrive: Arrive | None = None,
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
    if arrive is not None and known.calm:
        y1 = arrive(y1, None)
    # A quiet step of a calm neuron: one reduction. For crossings g at the start counts too, unless settled.
    if known.calm and (known.settled or event == "step") and ends.spiked is not None:
        g1 = gap(model, y1, params)
        if g1.numel() and g1.max().item() < 0:  # false, where one is no number
            return Finished(y1, ends.armed, ends.steps, ends.spiked, quiet=True, finite=True)
    width = y1.shape[0]
    start, y = ends.y0.reshape(width, -1), y1.view(width, -1)
    before, held, finite = ends.steps, None, True
    if before is not None and not known.calm:
        before = before.reshape(-1)
        mask = before.numpy() != 0
        if np.count_nonzero(mask):
            held = mask
            _put_back(model, y, start, held)
            ended = np.flatnonzero(before.numpy() == 1) if model.release is not None else _NOBODY
            if len(ended):
                who = torch.from_numpy(ended)
                new = after_release(model, y.index_select(1, who), params_of(params, who, shape))
                finite = all_finite(new)
                y = y.index_copy(1, who, new) if y.requires_grad else y.index_copy_(1, who, new)
                y1 = before_arrivals = y.view(y1.shape)
    if arrive is not None and not known.calm:
        y1 = arrive(y1, None if held is None else torch.from_numpy(held).view(shape))
        y = y1.view(width, -1)
    path_of = arrive is not None and event == "crossing"

    # Of a calm neuron g is known by now: nothing was put back since.
    g1 = (gap(model, y1, params) if g1 is None else g1).reshape(-1)
    above = g1.detach().numpy() >= 0
    reached = above
    if event == "crossing" and not known.settled:
        # An armed unit with g >= 0 at the start was kicked above the threshold since the last step.
        reached = above | (gap(model, ends.y0, params).detach().reshape(-1).numpy() >= 0)
    # Whether they are armed is asked below, of these few alone.
    found = np.flatnonzero(reached) if np.count_nonzero(reached) else _NOBODY
    quiet = not len(found) and held is None
    steps = before
    if before is not None and not known.calm:
        # A copy also where nobody is refractory: what the step was given may be somebody's.
        steps = before.clone() if held is None else torch.from_numpy(np.maximum(before.numpy() - 1, 0))
    armed, spiked = ~above, np.zeros(len(above), dtype=np.int8)
    if len(found):
        spikes = ends.armed.reshape(-1).numpy()[found]
        if held is not None and before is not None:
            left = before.numpy()[found]
            spikes = decide(spikes, above[found], held[found], left == 1)
        who = torch.from_numpy(found[spikes])
        if len(who):
            # Held and spiking: at the end of the period, which is that of the step.
            at_end = None if held is None else held[found][spikes]
            own = params_of(params, who, shape)
            path = None
            if path_of:
                at = before_arrivals.view(width, -1).index_select(1, who)
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
            spiking = found[spikes]
            armed[spiking], spiked[spiking] = below.numpy(), 1
            if steps is not None and again is not None:
                steps = (steps.clone() if steps is before else steps).reshape(-1)
                steps.index_copy_(0, who, again)
    return Finished(
        y1,
        torch.from_numpy(armed).view(shape),
        None if steps is None else steps.view(shape),
        torch.from_numpy(spiked).view(shape),
        quiet,
        finite,
    )


_NOBODY = np.empty(0, dtype=np.int64)


def _put_back(model: Model, y: Tensor, start: Tensor, held: np.ndarray) -> None:
    """Let held states ``[D, n]`` be those at the start again."""
    rows = [row for row, name in enumerate(model.schema.states) if name in model.schema.held]
    if y.requires_grad:
        for row in rows:
            y[row].copy_(torch.where(torch.from_numpy(held), start[row], y[row]))
        return
    # In place, which no graph would know of.
    new, old, who = y.numpy(), start.detach().numpy(), np.flatnonzero(held)
    for row in rows:
        new[row][who] = old[row][who]
