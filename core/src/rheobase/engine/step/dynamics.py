"""One step of a declared model, as a pure function.

The order of things in a step from t to t + dt:

1. the integrator takes the states from t to t + dt; held states of a refractory unit stand still;
2. g is evaluated, and a unit spikes if it is *armed and g >= 0* and not refractory, or if its
   refractory period ends with this step and g >= 0;
3. ``reset`` gives new values to the units that spiked;
4. ``armed`` becomes g < 0 after the reset; the refractory counter runs down by one, or is set to
   round(tau_ref / dt) where a unit spiked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ...errors import EventModeError, InputError
from ...philox import Stream
from ...signal.pieces import at_start, pieces, signals_in
from ...torch_state import broadcast_shape, values_visible
from ..integrator import Integrator, Status
from ..model.drawing import ONCE, Drawing
from ..model.functions import Model, own_update, pack, spread
from .course import Before, integrate
from .dense import finish_all
from .located import located_step
from .slopes import SLOPE, forgotten
from .sparse import finish_some
from .spiking import Ends, Outcome

_NUMPY = (torch.float32, torch.float64)
"""The types that numpy compares fast; it has no bfloat16."""


def step(
    model: Model,
    integrator: Integrator,
    event: str,
    state: Mapping[str, Any],
    params: Any,
    data: Any,
    dt: float,
    *,
    stream: Stream | None = None,
    moved: bool = True,
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """One step of a declared model.

    Args:
        model: Its functions.
        integrator: What integrates it.
        event: "crossing", "step" or "located".
        state: The declared states ``[*batch, units]``; for a spiking model also ``armed`` (bool) and,
            with ``tau_ref``, ``hold`` (int32, the steps left of the refractory period) and, where spikes
            are located, ``hold_time`` (float64, the ms left of it beside whole steps); ``carry``;
            ``status`` (int8) where failed units are marked; and ``step_count`` where the model has draws.
        params: The parameters and options, by name.
        data: The input, ``[*batch, units]`` or a signal on a clock that starts with the step, or several of
            these by name.
        dt: The time step, ms.
        stream: Whose random numbers the model draws; for one that has draws.
        moved: Whether states or parameters may have changed since the last step, so that g at the start
            is to be looked at. False is a promise; it saves time.

    Returns:
        The state at t + dt, and what the step reports: the states, ``spiked`` (int8) and, where spikes
        are located, ``spike_count`` (int32) and ``spike_times`` ``[*batch, units, K]`` (float64, ms from
        the start of the step, NaN where there is none).

    Raises:
        EventModeError: If spikes are to be located where they cannot be.
        IntegrationError: If the integration fails.
    """
    schema = model.schema
    begin = at_start(data, dt)
    shape = _shape(state, model, begin)
    y0 = pack([spread(state[name], shape) for name in schema.states])
    hold = None if state.get("hold") is None else spread(state["hold"], shape)

    drawing = None
    if schema.draws and stream is not None:
        params = schema.without_draws(params)
        drawing = Drawing(schema, stream, state["step_count"], shape, y0.dtype, y0.device)
    given = params if drawing is None or model.update is None else drawing.joined(params, ONCE)
    own = own_update(model, y0, given, begin, dt)
    if own is not None:
        _check_own(model, data, dt)
    if event == "located" and model.threshold is not None:
        _check_located(model, y0, own)
        y1, after, report = located_step(model, integrator, state, y0, params, data, dt, drawing)
        states = dict(zip(schema.states, y1.unbind(0), strict=True))
        return {**states, **after, **_counted(state)}, {**states, **report}
    if own is None:
        before = Before(state.get("armed"), hold)
        y1, carry = integrate(model, integrator, event, y0, params, data, dt, before, state.get("carry"))
    else:
        y1, carry, event = own, forgotten(state.get("carry"), True), "step"
    after = {"carry": carry, **_counted(state)}
    if state.get("status") is not None:
        after["status"] = _mark(spread(state["status"], shape), y1)
        y1 = torch.where(after["status"] == Status.OK, y1, torch.nan)
    if model.threshold is None:
        states = dict(zip(schema.states, y1.unbind(0), strict=True))
        return {**states, **after}, states

    ends = Ends(y0, y1, spread(state["armed"], shape), hold, moved)
    some = values_visible(y1) and y1.device.type == "cpu" and y1.dtype in _NUMPY
    outcome = (finish_some if some else finish_all)(model, event, ends, params, dt, drawing)
    states = dict(zip(schema.states, outcome.y.unbind(0), strict=True))
    new = {**states, **after, "armed": outcome.armed}
    if outcome.hold is not None:
        new["hold"] = outcome.hold
    if carry is not None and SLOPE in carry:
        new["carry"] = forgotten(carry, _disturbed(some, outcome, hold))
    return new, {**states, "spiked": outcome.spiked}


def _counted(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The clock at t + dt, where a step goes on from it."""
    return {"step_count": state["step_count"] + 1} if "step_count" in state else {}


def _check_located(model: Model, y0: Tensor, own: Tensor | None) -> None:
    if own is not None:
        raise EventModeError(
            f"{model.schema.owner}: with these options the model makes its own step, within which no spike "
            "can be located; use event='step', or options that leave the step to the integrator"
        )
    if not values_visible(y0):
        raise EventModeError(
            f"{model.schema.owner}: event='located' looks at values, so it cannot be compiled, traced, or "
            "put under a function transform; use event='crossing' there"
        )


def _check_own(model: Model, data: Any, dt: float) -> None:
    cuts = [piece.start for piece in pieces(signals_in(data), 0.0, dt)[1:]]
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


def _disturbed(visible: bool, outcome: Outcome, hold: Tensor | None) -> Tensor | bool:
    """Who spiked, or was refractory in the step: its next field, or its state, is another one."""
    who = outcome.spiked.bool()
    if hold is not None:
        who = who | (hold > 0)
    return who if not visible or bool(who.any()) else False


def _shape(state: Mapping[str, Any], model: Model, data: Any) -> torch.Size:
    names = iter(model.schema.states)
    own: torch.Size = state[next(names)].shape
    values = (data,) if isinstance(data, Tensor) else tuple(data)
    # torch's own broadcasting of shapes takes longer than a small neuron's step.
    if all(state[name].shape == own for name in names) and all(
        value.ndim <= 1 or value.shape[:-1] == own[:-1] for value in values
    ):
        return own
    shapes = [state[name].shape for name in model.schema.states]
    return broadcast_shape(*shapes, *(value.shape for value in values))
