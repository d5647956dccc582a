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

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from .events import limited_field
from .integrator import Integrator
from .model import Model, gap, held_mask, pack, pack_all, slopes, spread
from .resets import Ends, Outcome, reset
from .tracing import values_visible


def step(
    model: Model,
    integrator: Integrator,
    event: str,
    state: Mapping[str, Any],
    params: Any,
    data: Any,
    dt: float,
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

    Returns:
        The state at t + dt, and what the step reports: the states, and ``spiked`` (int8).
    """
    schema = model.schema
    shape = _shape(state, model, data)
    y0 = pack([spread(state[name], shape) for name in schema.states])
    hold = None if state.get("hold") is None else spread(state["hold"], shape)
    held = None if hold is None else hold.bool()

    own = _own_update(model, y0, params, data, dt)
    if own is None:
        y1, carry = _integrate(model, integrator, event, y0, params, data, dt, held, state.get("carry"))
    else:
        y1, carry, event = own, state.get("carry"), "step"
    if held is not None and (own is not None or _all_held(model)):
        y1 = torch.where(held if _all_held(model) else held & held_mask(schema, y0), y0, y1)

    if model.threshold is None:
        states = dict(zip(schema.states, y1.unbind(0), strict=True))
        return {**states, "carry": carry}, dict(states)
    outcome, spiked = _spike(model, event, state["armed"], hold, held, params, dt, y0, y1)
    states = dict(zip(schema.states, outcome.y.unbind(0), strict=True))
    new = {**states, "armed": outcome.armed, "carry": carry}
    if outcome.hold is not None:
        new["hold"] = outcome.hold
    return new, {**states, "spiked": spiked.to(torch.int8)}


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


def _own_update(model: Model, y0: Tensor, params: Any, data: Any, dt: float) -> Tensor | None:
    """The state at the end of the step by the model's own rule, where it has one for these options."""
    if model.update is None:
        return None
    values = model.update(model.schema.pack_state(*y0.unbind(0)), params, data, dt)
    return None if values is NotImplemented else pack_all(model.schema, values, y0, "update")


def _integrate(
    model: Model,
    integrator: Integrator,
    event: str,
    y0: Tensor,
    params: Any,
    data: Any,
    dt: float,
    held: Tensor | None,
    carry: Any,
) -> tuple[Tensor, Any]:
    field = _field(model, params, data, held)
    if event != "crossing" or model.threshold is None or model.reset is None:
        return integrator.advance(field, y0, 0.0, dt, carry=carry)
    if integrator.adaptive:
        # It would refuse to step past an explosion, so it never sees one.
        return integrator.advance(limited_field(model, field, y0, params), y0, 0.0, dt, carry=carry)
    y1, next_carry = integrator.advance(field, y0, 0.0, dt, carry=carry)
    if values_visible(y1) and all_finite(y1):
        return y1, next_carry
    # A unit that explodes past its threshold takes the step again, along a field that stops growing
    # at the threshold. All others keep the result they have.
    again = integrator.advance(limited_field(model, field, y0, params), y0, 0.0, dt, carry=carry).y
    return torch.where(y1.isfinite().all(dim=0), y1, again), next_carry


def _field(model: Model, params: Any, data: Any, held: Tensor | None) -> Callable[[Any, Tensor], Tensor]:
    # Where every state is held, the step's result is put back as a whole; here only where the
    # others go on and must see the held ones at rest.
    partly = held is not None and model.schema.held and not _all_held(model)

    def field(t: Any, y: Tensor) -> Tensor:
        slope = slopes(model, y, params, data)
        if partly and held is not None:
            slope = torch.where(held & held_mask(model.schema, y), 0.0, slope)
        return slope

    return field


def _spike(
    model: Model,
    event: str,
    armed: Tensor,
    hold: Tensor | None,
    held: Tensor | None,
    params: Any,
    dt: float,
    y0: Tensor,
    y1: Tensor,
) -> tuple[Outcome, Tensor]:
    """What the step leaves behind, and who spiked in it."""
    g1 = gap(model, y1, params)
    g0 = gap(model, y0, params) if event == "crossing" else g1
    above = at_least_zero(g1)
    reached = above
    if event == "crossing" and not all_below_zero(g0):
        # An armed unit with g0 >= 0 was kicked above the threshold since the last step.
        reached = above | (g0 >= 0)
    spiked = reached & armed
    if hold is not None and held is not None:
        hold = hold - held.to(hold.dtype)
        ends_now = held & ~hold.bool()
        spiked = (spiked & ~held) | (above & ends_now)
    return reset(model, event, Ends(y0, y1, g0, g1, held), ~above, spiked, hold, params, dt), spiked


def at_least_zero(g: Tensor) -> Tensor:
    """``g >= 0``, for a tensor of any size."""
    if values_visible(g) and g.device.type == "cpu":
        # numpy compares several times faster than torch, which does not vectorise it.
        return torch.from_numpy(g.detach().numpy() >= 0)
    return g >= 0


def all_below_zero(g: Tensor) -> bool:
    """Whether g < 0 everywhere, as far as that can be seen."""
    return values_visible(g) and g.amax().item() < 0


def all_finite(y: Tensor) -> bool:
    """Whether all values are finite. One pass, unless the sum of finite numbers overflows."""
    return math.isfinite(y.sum().item()) or bool(y.isfinite().all())
