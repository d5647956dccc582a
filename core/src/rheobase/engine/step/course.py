"""The course of a model's states through a step on the grid: the field that an integrator is given, and what
becomes of units that explode.

A unit that explodes past its threshold goes along a field that stops growing there. What the others get does
not hang on it, whether a graph is kept or not: each unit has the course that it has alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor

from ...signal.segments import Segment
from ...torch_state import all_finite, known_to_numpy, values_visible
from ..integrator import Field, Integrator
from ..model.functions import Model, kinetic_mask, resets_states
from .events import LimitedField, StandingField
from .field import ModelField, ModelGap
from .slopes import SLOPE, completed
from .table import StepState

Bound: TypeAlias = Callable[[Field], Field]
"""What is made of a field before an integrator sees it."""
Run: TypeAlias = Callable[..., "tuple[Tensor, Any]"]
"""Takes the step along a field that something is made of, with some units standing still."""


def integrate(
    model: Model,
    integrator: Integrator,
    event: str,
    state: StepState,
    params: Any,
    data: Any,
    dt: float,
    *,
    begin: Any,  # the input at the start of the step
    visible: bool,  # whether values can be looked at
) -> tuple[Tensor, Any, bool]:
    """The states at the end of a grid step, before holds and resets; the carry; whether all are finite."""
    y0, carry = state.y, state.carry
    steps = state.refractory_steps
    # Held states are put back at the end of the step. Where others that may hang on them go on beside them,
    # as a synapse's do not, or the integrator chooses its steps by what it sees, they must be at rest within
    # the step too.
    resting, schema = None, model.schema
    held = schema.held
    beside = len(schema.states) > len(held) + len(schema.kinetic)
    if steps is not None and held and (integrator.adaptive or beside):
        resting = steps.bool()
    field = ModelField(model, params, data, y0.shape[1:], resting, begin)
    if resting is not None and visible and known_to_numpy(y0):
        field.look()
    # A field that stops growing at the threshold, or that stands still, is not linear.
    general = integrator.field == "general"
    gone = None
    marks = visible and general and integrator.on_failure == "mark" and torch.is_grad_enabled()
    if marks and not all_finite(y0):
        # Units that failed in an earlier step, and are marked, would send NaN back to what all share.
        gone = ~y0.detach().isfinite().all(dim=0)
        y0 = torch.where(gone, finite_state(y0), y0)

    def run(bound: Bound | None, still: Tensor | None = None) -> tuple[Tensor, Any]:
        if gone is not None:
            still = gone if still is None else still | gone
        if still is None:
            return _through(integrator, field, y0, dt, carry, bound)
        standing = still

        def inner(part: Field) -> Field:
            alone = StandingField(part, y0, standing)
            return alone if bound is None else bound(alone)

        return _through(integrator, field, y0, dt, carry, inner)

    bound: Bound | None = None
    if integrator.adaptive and _resets(model, integrator, event) and resets_states(model, y0, params):
        # An adaptive integrator refuses to step past an explosion, so it must never see one.
        gap = ModelGap(model, params, y0.shape[1:])

        def bound(part: Field) -> Field:
            return _limited(part, gap, y0, state.armed, steps, _own_rows(model, y0))

    y1, next_carry = run(bound)
    # False is "not known": where values cannot be looked at, the way of lost units is made as well.
    finite = visible and all_finite(y1)
    if not finite:
        lost = ~y1.detach().isfinite().all(dim=0)
        limits = not integrator.adaptive and _resets(model, integrator, event)
        limits = limits and resets_states(model, y0, params)
        if general and y1.requires_grad and (limits or visible):
            y1, next_carry = _without(run, bound, lost, y1)
        if limits:
            y1, next_carry = _limited_too(
                run, ModelGap(model, params, y0.shape[1:]), y0, lost, y1, next_carry, _own_rows(model, y0)
            )
    # Neighbours' states stood in for those that failed before; NaN is theirs.
    return (y1 if gone is None else torch.where(gone, torch.nan, y1)), next_carry, finite and gone is None


def _resets(model: Model, integrator: Integrator, event: str) -> bool:
    """Whether the state at a spike is that of the crossing, so that nothing need be known beyond it."""
    resets = event == "crossing" and model.reset is not None and model.threshold is not None
    return resets and (integrator.field == "general" or integrator.adaptive)


def _own_rows(model: Model, y: Tensor) -> Tensor | None:
    """The rows that are the model's own, where those of synapses are beside them."""
    return ~kinetic_mask(model.schema, y) if model.schema.kinetic else None


def _limited_too(
    run: Run, gap: ModelGap, y0: Tensor, lost: Tensor, y1: Tensor, carry: Any, own: Tensor | None
) -> tuple[Tensor, Any]:
    """The course, with the units that explode along a field that stops growing at the threshold."""
    # Only they take the step again; all others keep the result they have, and what was carried of it.

    def limit(part: Field) -> Field:
        return LimitedField(part, gap, y0, own=own)

    again, other = run(limit)
    if again.requires_grad and values_visible(again) and not all_finite(again):
        again, _ = _without(run, limit, ~again.detach().isfinite().all(dim=0), again)
    if carry is not None and other is not None:
        carry = {name: torch.where(lost, other[name], value) for name, value in carry.items()}
    return torch.where(lost, again, y1), carry


def finite_state(y: Tensor) -> Tensor:
    """A state of numbers, for units that have none: that of a neighbour. Nothing of it is kept."""
    finite = y.detach().isfinite().all(dim=0).reshape(-1)
    flat = y.detach().reshape(len(y), -1)
    # By way of int8: torch has no argmax of booleans.
    return flat.index_select(1, finite.to(torch.int8).argmax().view(1)).view(-1, *([1] * (y.ndim - 1)))


def _without(run: Run, bound: Bound | None, lost: Tensor, y1: Tensor) -> tuple[Tensor, Any]:
    """The course with its graph, and no more than the values where units are lost."""
    # Selecting alone would send NaN back through an explosion, to parameters that units share.
    sound, carry = run(bound, lost)
    return torch.where(lost, y1.detach(), sound), carry


def _through(
    integrator: Integrator, field: ModelField, y0: Tensor, dt: float, carry: Any, bound: Bound | None
) -> tuple[Tensor, Any]:
    """The state after a step, and the carry; segment by segment where the input has breakpoints."""

    def on_segment(segment: Segment) -> Field:
        part = field.on_segment(segment)
        return part if bound is None else bound(part)

    kept = carry is not None and SLOPE in carry
    if field.autonomous:
        whole = field if bound is None else bound(field)
        carry = completed(carry, whole, 0.0, y0) if kept else carry
        result = integrator.advance(whole, y0, 0.0, dt, carry=carry)
        if result.status is not None:
            integrator.refuse_failed(result, dt)
    else:
        steps = field.segments(0.0, dt)
        carry = completed(carry, on_segment(steps[0]), steps[0].t0, y0) if kept else carry
        result = integrator.advance_segments(steps, on_segment, y0, carry)
    return result.y, result.carry


def _limited(
    field: Field,
    gap: ModelGap,
    y0: Tensor,
    armed: Tensor | None,
    steps: Tensor | None,
    own: Tensor | None,
) -> Field:
    """The field for an integrator that must see no explosion, limited for the units that may spike."""
    may = armed
    if steps is not None:
        free = steps == 0
        may = free if may is None else may & free
    # Those that spike where they stand, kicked above the threshold, do not move.
    kicked = gap(y0) >= 0
    if may is not None:
        kicked = kicked & may
    if own is not None:
        kicked = kicked & own
    return LimitedField(lambda t, y: torch.where(kicked, 0.0, field(t, y)), gap, y0, may, own)
