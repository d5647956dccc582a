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
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .dense import finish_all
from .events import limited_field
from .finite import all_finite
from .integrator import Field, Integrator
from .model import Model, after_reset, gap, held_mask, own_update, pack, slopes, spread
from .sparse import finish_some
from .spiking import Ends
from .tracing import values_visible

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
    moved: bool = True,
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """One step of a declared model.

    Args:
        model: Its functions.
        integrator: What integrates it.
        event: "crossing" or "step".
        state: The declared states ``[*batch, units]``; for a spiking model also ``armed`` (bool) and,
            with ``tau_ref``, ``hold`` (int32, the steps left of the refractory period); ``carry``.
        params: The parameters and options, by name.
        data: The input, ``[*batch, units]``, or several of them by name.
        dt: The time step, ms.
        moved: Whether states or parameters may have changed since the last step, so that g at the start
            is to be looked at. False is a promise; it saves time.

    Returns:
        The state at t + dt, and what the step reports: the states, and ``spiked`` (int8).
    """
    schema = model.schema
    shape = _shape(state, model, data)
    y0 = pack([spread(state[name], shape) for name in schema.states])
    hold = None if state.get("hold") is None else spread(state["hold"], shape)

    own = own_update(model, y0, params, data, dt)
    if own is None:
        before = Before(state.get("armed"), hold)
        y1, carry = _integrate(model, integrator, event, y0, params, data, dt, before, state.get("carry"))
    else:
        y1, carry, event = own, state.get("carry"), "step"
    if model.threshold is None:
        states = dict(zip(schema.states, y1.unbind(0), strict=True))
        return {**states, "carry": carry}, states

    ends = Ends(y0, y1, spread(state["armed"], shape), hold, moved)
    some = values_visible(y1) and y1.device.type == "cpu" and y1.dtype in _NUMPY
    outcome = (finish_some if some else finish_all)(model, event, ends, params, dt)
    states = dict(zip(schema.states, outcome.y.unbind(0), strict=True))
    new = {**states, "armed": outcome.armed, "carry": carry}
    if outcome.hold is not None:
        new["hold"] = outcome.hold
    return new, {**states, "spiked": outcome.spiked}


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
    return torch.Size(torch.broadcast_shapes(*shapes, *(value.shape for value in values)))


def _all_held(model: Model) -> bool:
    return len(model.schema.held) == len(model.schema.states)


class Before(NamedTuple):
    """Who may spike in a step, and who is refractory; None for models without either."""

    armed: Tensor | None
    hold: Tensor | None


def _integrate(
    model: Model,
    integrator: Integrator,
    event: str,
    y0: Tensor,
    params: Any,
    data: Any,
    dt: float,
    before: Before,
    carry: Any,
) -> tuple[Tensor, Any]:
    field = _field(model, params, data, before.hold, whole=integrator.adaptive)
    resets = event == "crossing" and model.reset is not None and model.threshold is not None
    if integrator.adaptive:
        # It refuses to step past an explosion, so it must never see one.
        if resets and after_reset(model, y0, params) is not None:
            field = limited_field(model, _at_rest_above(model, field, y0, params, before), y0, params)
        return integrator.advance(field, y0, 0.0, dt, carry=carry)
    y1, next_carry = integrator.advance(field, y0, 0.0, dt, carry=carry)
    if not resets or (values_visible(y1) and all_finite(y1)) or after_reset(model, y0, params) is None:
        return y1, next_carry
    # A unit that explodes past its threshold takes the step again, along a field that stops growing
    # at the threshold. All others keep the result they have.
    again = integrator.advance(limited_field(model, field, y0, params), y0, 0.0, dt, carry=carry)
    finite = y1.isfinite().all(dim=0)
    if next_carry is not None and again.carry is not None:
        next_carry = {
            name: torch.where(finite, value, again.carry[name]) for name, value in next_carry.items()
        }
    # In a graph, selecting would still send NaN back through the explosion.
    return again.y if y1.requires_grad else torch.where(finite, y1, again.y), next_carry


def _at_rest_above(model: Model, field: Field, y0: Tensor, params: Any, before: Before) -> Field:
    """The field, with no motion for units that spike where they stand: kicked above the threshold."""
    kicked = gap(model, y0, params) >= 0
    if before.armed is not None:
        kicked = kicked & before.armed
    return lambda t, y: torch.where(kicked, 0.0, field(t, y))


def _field(model: Model, params: Any, data: Any, hold: Tensor | None, *, whole: bool) -> Field:
    # Held states are put back at the end of the step. Where others go on beside them, or the integrator
    # chooses its steps by what it sees, they must be at rest within the step too.
    held = None
    if hold is not None and model.schema.held and (whole or not _all_held(model)):
        held = hold.bool()

    def field(t: Any, y: Tensor) -> Tensor:
        slope = slopes(model, y, params, data)
        return slope if held is None else torch.where(held & held_mask(model.schema, y), 0.0, slope)

    return field
