"""From one time to another, or to the first crossing of the threshold, with any integrator.

An :class:`EventIntegrator` stops by itself. For any other, the whole way is one step of its method, which
is taken again, shorter, up to the crossing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from .events import limited_field
from .field import ModelField
from .integrator import Advance, Event, EventIntegrator, Integrator, Status, locate


def advance_to_event(
    integrator: Integrator,
    field: ModelField,
    y: Tensor,
    t0: Any,
    t1: Any,
    event: Event,
    carry: Mapping[str, Tensor] | None,
) -> Advance:
    """Take units to ``t1``, or to their first crossing.

    Args:
        integrator: Any integrator.
        field: The model's field, for states ``[D, n]``.
        y: The state, ``[D, n]``.
        t0: Its time, ms: a number or ``[n]``.
        t1: The time asked for, likewise.
        event: Where to stop.
        carry: What the integrator gave back last.

    Returns:
        As of :meth:`EventIntegrator.advance`.
    """
    if isinstance(integrator, EventIntegrator):
        return integrator.advance(field, y, t0, t1, event=event, carry=carry)
    # A field that stops growing at the threshold is not linear.
    limits = integrator.field == "general"
    used: Any = field
    if integrator.adaptive and limits:
        used = limited_field(field, event.gap, y, _may_cross(event))
    result = integrator.advance(used, y, t0, t1, carry=carry)
    end = result.y
    finite = end.detach().isfinite().all(dim=0)
    if limits and not bool(finite.all()):
        # A unit that explodes past its threshold goes along a field that stops growing there. A path that
        # is not finite in a graph would still send NaN back through it, where it is only selected.
        again = integrator.advance(limited_field(field, event.gap, y), y, t0, t1, carry=carry).y
        end = again if end.requires_grad else torch.where(finite, end, again)
        finite = end.detach().isfinite().all(dim=0)
    h = torch.as_tensor(t1 - t0, dtype=y.dtype, device=y.device).expand(y.shape[1:])
    with torch.no_grad():
        slopes = field(t0, y.detach()), field(t1, end.detach())
    hit, _ = event.check(event.armed, y, slopes[0], end, slopes[1], h)
    who = (hit & finite & (h > 0)).nonzero().squeeze(1)
    status = None
    if not bool(finite.all()):
        status = torch.where(finite, Status.OK, Status.NOT_FINITE).to(torch.int8)
    if not len(who):
        return Advance(end, result.carry, status=status)

    start, there = _of(t0, who), y.index_select(1, who)
    part, some = field.take(who), event.take(who)
    path: Any = part
    if integrator.adaptive and limits:
        path = limited_field(part, some.gap, there, _may_cross(some))
    found = locate(
        lambda s: integrator.advance(path, there, start, start + s).y,
        some,
        there,
        end.index_select(1, who),
        h.index_select(0, who),
    )
    reached = torch.as_tensor(t1, dtype=y.dtype, device=y.device).expand(y.shape[1:])
    at = torch.where(found.found, start + found.s, reached.index_select(0, who))
    crossed = torch.zeros(y.shape[1:], dtype=torch.bool, device=y.device)
    if not bool(found.converged.all()):
        status = torch.zeros_like(crossed, dtype=torch.int8) if status is None else status
        lost = torch.where(found.converged, Status.OK, Status.NOT_CONVERGED).to(torch.int8)
        status = status.index_copy(0, who, lost)
    return Advance(
        end.index_copy(1, who, found.y),
        result.carry,
        reached.index_copy(0, who, at),
        crossed.index_copy(0, who, found.found),
        status,
    )


def _may_cross(event: Event) -> Tensor:
    return event.armed if event.watched is None else event.armed & event.watched


def _of(t: Any, who: Tensor) -> Any:
    return t.index_select(0, who) if isinstance(t, Tensor) and t.ndim else t
