"""The course of a model's states through a step on the grid: the field that an integrator is given, and what
becomes of units that explode.

A unit that explodes past its threshold goes along a field that stops growing there. What the others get does
not hang on it, whether a graph is kept or not: each unit has the course that it has alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from ...signal.pieces import Piece
from ...torch_state import all_finite, values_visible
from ..integrator import Field, Integrator
from ..model.functions import Model, resets_states
from .events import LimitedField, StandingField
from .field import ModelField, ModelGap
from .slopes import SLOPE, completed

Bound: TypeAlias = Callable[[Field], Field]
"""What is made of a field before an integrator sees it."""


class Before(NamedTuple):
    """Who may spike in a step, and who is refractory; None for models without either."""

    armed: Tensor | None
    hold: Tensor | None


def integrate(
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
    """The states at the end of a step on the grid, before anything is held or reset.

    Args:
        model: Its functions.
        integrator: What integrates it.
        event: "crossing" or "step".
        y0: The states at the start, ``[D, *batch, units]``.
        params: The parameters and options, by name.
        data: The input.
        dt: The time step, ms.
        before: Who may spike, and who is refractory.
        carry: What the integrator gave back last.

    Returns:
        The states at the end, and what the integrator carries on.

    Raises:
        IntegrationError: If the integration fails.
    """
    field = _field(model, params, data, y0.shape[1:], before.hold, whole=integrator.adaptive)
    gap = ModelGap(model, params, y0.shape[1:])
    # A field that stops growing at the threshold, or that stands still, is not linear.
    general = integrator.field == "general"
    resets = event == "crossing" and model.reset is not None and model.threshold is not None
    resets = resets and (general or integrator.adaptive)
    gone = None
    marks = integrator.on_failure == "mark"
    if marks and general and torch.is_grad_enabled() and values_visible(y0) and not all_finite(y0):
        # Units that failed in an earlier step, and are marked, would send NaN back to what all share.
        gone = ~y0.detach().isfinite().all(dim=0)
        y0 = torch.where(gone, finite_state(y0), y0)

    def run(bound: Bound, still: Tensor | None = None) -> tuple[Tensor, Any]:
        if gone is not None:
            still = gone if still is None else still | gone
        inner = bound if still is None else lambda part: bound(StandingField(part, y0, still))
        return _through(integrator, field, y0, dt, carry, inner)

    def limit(part: Field) -> Field:
        return LimitedField(part, gap, y0)

    def limit_who_may(part: Field) -> Field:
        return _limited(part, gap, y0, before)

    # An adaptive integrator refuses to step past an explosion, so it must never see one.
    adaptive = integrator.adaptive and resets and resets_states(model, y0, params)
    bound = limit_who_may if adaptive else _as_it_is
    y1, next_carry = run(bound)
    if not (values_visible(y1) and all_finite(y1)):
        lost = ~y1.detach().isfinite().all(dim=0)
        limits = resets and not integrator.adaptive and resets_states(model, y0, params)
        if general and y1.requires_grad and (limits or values_visible(y1)):
            y1, next_carry = _without(run, bound, lost, y1)
        if limits:
            # Only those that explode take the step again; all others keep the result they have.
            again, other_carry = run(limit)
            if again.requires_grad and values_visible(again) and not all_finite(again):
                again, _ = _without(run, limit, ~again.detach().isfinite().all(dim=0), again)
            y1 = torch.where(lost, again, y1)
            if next_carry is not None and other_carry is not None:
                next_carry = {
                    name: torch.where(lost, other_carry[name], value) for name, value in next_carry.items()
                }
    return y1 if gone is None else torch.where(gone, torch.nan, y1), next_carry


def finite_state(y: Tensor) -> Tensor:
    """A state of numbers, for units that have none: that of a neighbour. Nothing of it is kept."""
    finite = y.detach().isfinite().all(dim=0).reshape(-1)
    flat = y.detach().reshape(len(y), -1)
    return flat.index_select(1, finite.to(torch.int8).argmax().view(1)).view(-1, *([1] * (y.ndim - 1)))


def _without(run: Any, bound: Bound, lost: Tensor, y1: Tensor) -> tuple[Tensor, Any]:
    """The course with its graph, and no more than the values where units are lost.

    Selecting alone would send NaN back through an explosion, to parameters that units share.
    """
    sound, carry = run(bound, lost)
    return torch.where(lost, y1.detach(), sound), carry


def _as_it_is(part: Field) -> Field:
    return part


def _through(
    integrator: Integrator, field: ModelField, y0: Tensor, dt: float, carry: Any, bound: Bound
) -> tuple[Tensor, Any]:
    """The state after a step, and the carry; piece by piece where the input has breakpoints."""

    def on_piece(piece: Piece) -> Field:
        return bound(field.on_piece(piece))

    steps = field.pieces(0.0, dt)
    if carry is not None and SLOPE in carry:
        carry = completed(carry, on_piece(steps[0]), steps[0].t0, y0)
    result = integrator.through(steps, on_piece, y0, carry)
    return result.y, result.carry


def _limited(field: Field, gap: ModelGap, y0: Tensor, before: Before) -> Field:
    """The field for an integrator that must see no explosion, limited for the units that may spike.

    Those that spike where they stand, kicked above the threshold, do not move.
    """
    may = before.armed
    if before.hold is not None:
        free = before.hold == 0
        may = free if may is None else may & free
    kicked = gap(y0) >= 0
    if may is not None:
        kicked = kicked & may
    return LimitedField(lambda t, y: torch.where(kicked, 0.0, field(t, y)), gap, y0, may)


def _field(
    model: Model, params: Any, data: Any, shape: torch.Size, hold: Tensor | None, *, whole: bool
) -> ModelField:
    # Held states are put back at the end of the step. Where others go on beside them, or the integrator
    # chooses its steps by what it sees, they must be at rest within the step too.
    resting = None
    some = 0 < len(model.schema.held) < len(model.schema.states)
    if hold is not None and (some or (whole and model.schema.held)):
        resting = hold.bool()
    return ModelField(model, params, data, shape, resting)
