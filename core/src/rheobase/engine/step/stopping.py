"""From one time to another, or to the first crossing of the threshold, with any integrator.

An :class:`EventIntegrator` stops by itself. For any other, the whole way is one step of its method, which
is taken again, shorter, up to the crossing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..integrator import Advance, Event, EventIntegrator, Field, Integrator, Located, Status, locate
from .events import LimitedField, StandingField, crossing_state
from .field import ModelField


def advance_to_event(
    integrator: Integrator,
    field: ModelField,
    y: Tensor,
    t0: Any,
    t1: Any,
    event: Event,
    carry: Mapping[str, Tensor] | None,
) -> tuple[Advance, Tensor | None]:
    """States ``[D, n]`` at ``t1`` or the first crossing; whether g < 0 there, where that was looked at."""
    if isinstance(integrator, EventIntegrator):
        return integrator.advance(field, y, t0, t1, event=event, carry=carry), None
    # A field that stops growing at the threshold is not linear.
    limits = integrator.field == "general"

    def usual(part: Field) -> Field:
        if integrator.adaptive and limits:
            return LimitedField(part, event.gap, y, _may_cross(event))
        return part

    def along(part: Field) -> Advance:
        return integrator.advance(part, y, t0, t1, carry=carry)

    result = along(usual(field))
    end = result.y
    finite = end.detach().isfinite().all(dim=0)
    exploding = ~finite
    if limits and bool(exploding.any()):
        # A unit that explodes past its threshold goes along a field that stops growing there.
        again = along(LimitedField(field, event.gap, y)).y
        if end.requires_grad:
            # Paths that are not finite would send NaN back through their graphs, where they are selected.
            end = along(usual(StandingField(field, y, exploding))).y
            lost = ~again.detach().isfinite().all(dim=0)
            if bool(lost.any()):
                sound = along(LimitedField(StandingField(field, y, lost), event.gap, y)).y
                again = torch.where(lost, again.detach(), sound)
        end = torch.where(finite, end, again)
        # Even there g may be beyond all numbers at the end; a crossing lies on the way all the same.
        passed = _may_cross(event) & (event.gap(end.detach()) == torch.inf)
        finite = end.detach().isfinite().all(dim=0) | passed
    h = torch.as_tensor(t1 - t0, dtype=y.dtype, device=y.device).expand(y.shape[1:])
    # The search for crossings needs values alone; the crossing found gets its gradient in locate.
    with torch.no_grad():
        slopes = field(t0, y.detach()), field(t1, end.detach())
    hit, below = event.check(event.armed, y, slopes[0], end, slopes[1], h)
    who = (hit & finite & (h > 0)).nonzero().squeeze(1)
    status = None
    if not bool(finite.all()):
        status = torch.where(finite, Status.OK, Status.NOT_FINITE).to(torch.int8)
    if not len(who):
        return Advance(end, result.carry, status=status), below

    some = event.take(who)
    # Only those that cross take shorter steps; the others stand at the end already.
    way = _Way(integrator, field.take(who), some, y.index_select(1, who), _of(t0, who))
    start, length = way.start, h.index_select(0, who)
    still = _Way(
        integrator, way.field, some, way.y.detach(), _of(t0, who).detach() if isinstance(t0, Tensor) else t0
    )
    found = locate(way.step, some, way.y, end.index_select(1, who), length, still=still.step)
    there = way.at_crossing(found, length, exploding.index_select(0, who))
    reached = torch.as_tensor(t1, dtype=y.dtype, device=y.device).expand(y.shape[1:])
    at = torch.where(found.found, start + found.s, reached.index_select(0, who))
    crossed = torch.zeros(y.shape[1:], dtype=torch.bool, device=y.device)
    if not bool(found.converged.all()):
        status = torch.zeros_like(crossed, dtype=torch.int8) if status is None else status
        # These were finite at the end, so no earlier code is overwritten.
        lost = torch.where(found.converged, Status.OK, Status.NOT_CONVERGED).to(torch.int8)
        status = status.index_copy(0, who, lost)
    stopped = Advance(
        end.index_copy(1, who, there),
        result.carry,
        reached.index_copy(0, who, at),
        crossed.index_copy(0, who, found.found),
        status,
    )
    return stopped, None


class _Way:
    """The paths of units that cross within a step, as far as is asked."""

    def __init__(
        self, integrator: Integrator, field: ModelField, event: Event, y: Tensor, start: Any
    ) -> None:
        self.integrator, self.field, self.event, self.y, self.start = integrator, field, event, y, start
        self.limits = integrator.field == "general"

    def step(self, s: Tensor) -> Tensor:
        """The state after s ms; that of the limited field where it is not finite else."""
        if self.integrator.adaptive and self.limits:
            return self._along(self._limited(), self.y, self.start, s)
        end = self._along(self.field, self.y, self.start, s)
        finite = end.detach().isfinite().all(dim=0)
        if not self.limits or bool(finite.all()):
            return end
        again = self._along(self._limited(), self.y, self.start, s)
        if end.requires_grad:
            # A path that is not finite would send NaN back through its graph, where it is only selected.
            end = self._along(self.field, self.y, self.start, torch.where(finite, s, 0.0))
        return torch.where(finite, end, again)

    def at_crossing(self, found: Located, h: Tensor, exploding: Tensor) -> Tensor:
        """The states at the crossings, at the threshold for units that explode too."""
        # Such a unit may be far beyond it at the very next time after it was below. Then it stands where the
        # straight line between these two states crosses.
        exploding = exploding & found.found
        if not bool(exploding.any()):
            return found.y
        before = (found.s - 2.0 * torch.finfo(h.dtype).eps * h).clamp(min=0.0)
        # No step where there is no way to go: nothing times a speed beyond all numbers is no number.
        some = torch.where(exploding & (before > 0), before, found.s)
        below = torch.where(before > 0, self.step(some), self.y)
        # Where even the limited path leaves all numbers, the unit stops below.
        reached = found.y.detach().isfinite().all(dim=0)
        after = torch.where(reached, found.y, below)
        ends = self.event.gap(below), torch.where(reached, self.event.gap(after), torch.inf)
        return torch.where(exploding, crossing_state(below, after, *ends, None), found.y)

    def _limited(self) -> Field:
        return LimitedField(self.field, self.event.gap, self.y, _may_cross(self.event))

    def _along(self, field: Field, y: Tensor, start: Any, s: Tensor) -> Tensor:
        return self.integrator.advance(field, y, start, start + s).y


def _may_cross(event: Event) -> Tensor:
    return event.armed if event.watched is None else event.armed & event.watched


def _of(t: Any, who: Tensor) -> Any:
    return t.index_select(0, who) if isinstance(t, Tensor) and t.ndim else t
