"""One step of a declared model, as a pure function.

The order of things in a step from t to t + dt:

1. the integrator takes the states from t to t + dt; held states of a refractory unit stand still;
2. what arrives at t + dt, by inputs that are jumps and from other populations, changes the states of units
   that are not held;
3. g is evaluated, and a unit spikes if it is *armed and g >= 0* and not refractory, or if its
   refractory period ends with this step and g >= 0;
4. ``reset`` gives new values to the units that spiked;
5. ``armed`` becomes g < 0 after the reset; the refractory counter runs down by one, or is set to
   round(tau_ref / dt) where a unit spiked.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ...errors import ArgumentError, EventModeError, InputError
from ...philox import Stream
from ...signal.segments import at_start, segments_between, signals_in
from ...torch_state import broadcast_shape, known_to_numpy, values_visible
from ..integrator import Integrator, Status
from ..model.drawing import ONCE, Drawing
from ..model.functions import Model, own_update
from .arrivals import Arrivals
from .course import integrate
from .ends import Ends, Finished, Known, Surrogate
from .indexed import finish_indexed
from .jumps import with_jumps
from .located import located_step
from .moments import Moments
from .selected import finish_masked
from .slopes import SLOPE, forgotten
from .table import StepState, with_batch

NO_TRAINS: Mapping[str, Moments] = MappingProxyType({})


class Report(NamedTuple):
    """What a step says of itself, beside the state that it leaves."""

    # What is known of that state. Nothing, where values could not be looked at.
    known: Known = Known()
    # Where spikes are located: how many each unit had, int32 ``[*batch, units]``.
    counts: Tensor | None = None
    # When, ms from the start of the step, float64 ``[*batch, units, K]``; NaN where there is none.
    times: Tensor | None = None
    # The spikes as numbers with a derivative, ``[*batch, units]``, where a surrogate was given.
    spike: Tensor | None = None


def step(
    model: Model,
    integrator: Integrator,
    event: str,
    state: StepState,
    params: Any,
    data: Any,  # ``[*batch, units]``, a signal on a clock that starts with the step, or several by name
    dt: float,
    *,
    known: Known = Known(),  # noqa: B008 - a tuple, which nobody can change
    stream: Stream | None = None,  # whose random numbers the model draws
    clock: Tensor | None = None,  # the steps taken so far, int64, by which draws are counted
    begin: Any = None,  # the input at the start of the step, where it is known
    visible: bool | None = None,  # whether values can be looked at; None: it is asked here
    surrogate: Surrogate | None = None,  # what stands for the derivative of spikes; none: they have none
    arrivals: Arrivals | None = None,  # what reaches it from other populations
    trains: Mapping[str, Moments] = NO_TRAINS,  # what inputs that are jumps have at times of their own
) -> tuple[StepState, Report]:
    """One step of a declared model: the state at t + dt, and what the step says of itself."""
    schema = model.schema
    if begin is None:
        begin = data if isinstance(data, Tensor) else at_start(data, dt)
    shape = _shape(state.y, begin)
    if shape != state.y.shape[1:]:
        state = with_batch(state, shape)
    y0, visible = state.y, values_visible(state.y) if visible is None else visible
    if schema.jumps:
        within = dt if event == "located" and model.threshold is not None else None
        arrivals = with_jumps(model, begin, shape, within, arrivals, visible=visible, trains=trains)
        data, begin = schema.lasting(data), schema.lasting(begin)

    drawing = None
    if schema.draws and stream is not None:
        if clock is None:
            raise ArgumentError(
                f"{schema.owner}: the state has no 'step_count', by which its draws are counted; go on from "
                "neuron.state, or from what neuron.step gave"
            )
        params = schema.without_draws(params)
        drawing = Drawing(schema, stream, clock, shape, y0.dtype, y0.device)
    own = None
    if model.update is not None:
        given = params if drawing is None else drawing.joined(params, ONCE)
        own = own_update(model, y0, given, begin, dt)
        if own is not None:
            _check_own(model, data, dt)
    if event == "located" and model.threshold is not None:
        _check_located(model, own, visible)
        if surrogate is not None:
            raise EventModeError(
                f"{schema.owner}: located spikes have times with exact derivatives, and no surrogate's; use "
                "event='step' or 'crossing' with it"
            )
        after, counts, times = located_step(
            model, integrator, state, params, data, dt, drawing, known, arrivals
        )
        return after, Report(Known(settled=True), counts=counts, times=times)
    if own is None:
        y1, carry, finite = integrate(
            model, integrator, event, state, params, data, dt, begin=begin, visible=visible
        )
    else:
        # The rule gives states and no slopes, and no path on which a crossing could lie: g counts at the end.
        y1, carry, finite, event = own, forgotten(state.carry, True), False, "step"
    status = None
    if state.status is not None:
        # A unit that failed in an earlier step stays NaN, whatever number its course gave.
        status = _mark(state.status, y1)
        y1, finite = torch.where(status == Status.OK, y1, torch.nan), False
    fresh = own is None and integrator.fresh
    if model.threshold is None:
        if arrivals is not None:
            y1, fresh = arrivals.at_end(y1, params, None), True
            carry, finite = forgotten(carry, True), finite and not arrivals.own
        # A result may be something that the integrator, or the model, keeps.
        y1 = y1 if fresh else y1.clone(memory_format=torch.contiguous_format)
        return StepState(y1, status=status, carry=carry), Report(Known(finite=finite))
    if state.armed is None:
        raise ArgumentError(
            f"{schema.owner}: the state has no 'armed', who may spike; go on from neuron.state, or from what "
            "neuron.step gave"
        )
    ends = Ends(y0, y1, state.armed, state.refractory_steps, state.spiked, fresh)
    # The indexed way works on numpy's view of the memory; all else takes the masked one, to the same bits.
    some = visible and known_to_numpy(y1) and surrogate is None
    if some:
        done = finish_indexed(model, event, ends, params, dt, drawing, known, arrivals)
    else:
        done = finish_masked(model, event, ends, params, dt, drawing, known, surrogate, arrivals)
    if arrivals is not None:
        # Slopes that were kept are of the states before; that what arrived is finite nobody has looked at.
        carry, finite = forgotten(carry, True), finite and not arrivals.own
    # A reset or a hold changes states behind the integrator, so its slopes there are of another state.
    if carry is not None and SLOPE in carry:
        carry = forgotten(carry, _disturbed(some, done, state.refractory_steps))
    after = StepState(done.y, done.armed, done.steps, None, status, done.spiked, carry)
    return after, Report(Known(some, done.quiet, finite and done.finite), spike=done.spike)


def _check_located(model: Model, own: Tensor | None, visible: bool) -> None:
    if own is not None:
        raise EventModeError(
            f"{model.schema.owner}: with these options the model makes its own step, within which no spike "
            "can be located; use event='step', or options that leave the step to the integrator"
        )
    if not visible:
        raise EventModeError(
            f"{model.schema.owner}: event='located' looks at values, so it cannot be compiled, traced, or "
            "put under a function transform; use event='crossing' there"
        )


def _check_own(model: Model, data: Any, dt: float) -> None:
    cuts = [segment.start for segment in segments_between(signals_in(data), 0.0, dt)[1:]]
    if cuts:
        raise InputError(
            f"{model.schema.owner}: with these options the model makes its own step, with one input for the "
            f"whole of it, and the signal jumps {cuts[0]:.10g} ms after the step's start; choose dt so that "
            "its breakpoints lie on steps, or options that leave the step to the integrator"
        )


def _mark(status: Tensor, y: Tensor) -> Tensor:
    """The status of each unit; one that failed before remains so."""
    failed = (status == Status.OK) & ~y.detach().isfinite().all(dim=0)
    return torch.where(failed, Status.NOT_FINITE, status).to(torch.int8)


def _disturbed(visible: bool, done: Finished, steps: Tensor | None) -> Tensor | bool:
    """Who spiked, or was refractory in the step: its next field, or its state, is another one."""
    if done.quiet:
        return False
    who = done.spiked.bool()
    if steps is not None:
        who = who | (steps > 0)
    return who if not visible or bool(who.any()) else False


def _shape(y: Tensor, data: Any) -> torch.Size:
    own = y.shape[1:]
    values = (data,) if isinstance(data, Tensor) else tuple(data)
    # torch's own broadcasting of shapes takes longer than a small neuron's step.
    for value in values:
        if value.ndim > 1 and value.shape[:-1] != own[:-1]:
            return broadcast_shape(own, *(value.shape for value in values))
    return own
