"""Units that race to a pole beyond their threshold stop at the threshold."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .lanes import Lanes

NEAR = 1e-9
"""How near the threshold must be to be reached at once: a part of the time to go at the start."""

PARTS = (0.25, 0.5, 0.75, 1.0)
"""Where on the way to the threshold the speed is looked at."""


def stop_before_poles(lanes: Lanes, stuck: Tensor) -> Tensor:
    """Let the units stop at their threshold that race to it faster than time resolves.

    Such a unit is on its way to a pole beyond its threshold, and would have to take steps shorter than the
    precision of time. At its present speed it reaches the threshold within a billionth of the time to go,
    and nowhere on the straight line there is it slower than half of that: so the crossing is where it stands,
    to the precision of time, and the state there is the point on that line. On the way to a pole it becomes
    faster and faster, and what is left is far less than the billionth.

    Args:
        lanes: All units; those that stop are noted there.
        stuck: Who cannot go on.

    Returns:
        Who stopped.
    """
    event = lanes.event or getattr(lanes.field, "event", None)
    none = torch.zeros_like(stuck)
    if event is None:
        return none
    racing = stuck & (event.armed if lanes.armed is None else lanes.armed)
    racing = racing if event.watched is None else racing & event.watched
    if not bool(racing.any()):
        return none
    with torch.no_grad():
        y, slope = lanes.y.detach(), lanes.slope.detach()
        gap, probe = event.gap(y), lanes.shortest.to(y.dtype)
        rise = event.gap(y + probe * slope) - gap
        # Where the field ends at the threshold a unit may have passed it, by a step or two.
        passed = racing & (gap >= 0)
        time = torch.where(passed, 0.0, -gap * probe / rise)
        racing = racing & (rise > 0) & (time <= NEAR * lanes.span)
        time = torch.where(racing, time, 0.0)
        for part in PARTS:
            point = y + part * time * slope
            there = lanes.field(lanes.time(), point)
            racing = racing & (event.gap(point + probe * there) - event.gap(point) >= 0.5 * rise)
        racing = racing | passed
        # The least bit more, where rounding left it below.
        for digit in range(-int(math.log2(torch.finfo(y.dtype).eps))):
            short = racing & (event.gap(y + time * slope) < 0)
            if not bool(short.any()):
                break
            time = torch.where(short, time * (1.0 + 2.0**digit * torch.finfo(y.dtype).eps), time)
        racing = racing & time.isfinite() & (event.gap(y + time * slope) >= 0)
    if lanes.tracked:
        # Of the implicit function g = 0, whose speed along the path is rise / probe; others may have none.
        rise = torch.where(racing, rise, 1.0)
        late = (event.gap(lanes.y + time * slope) - event.gap(y + time * slope)) * probe / rise
        time = time - torch.where(racing, late, 0.0)
    lanes.y = torch.where(racing, lanes.y + time * slope, lanes.y)
    if lanes.crossed is not None and lanes.reached is not None:
        at = lanes.now() + (time - time.detach())
        lanes.reached = torch.where(racing, at, lanes.reached)
        lanes.crossed = lanes.crossed | racing
    lanes.left = torch.where(racing, 0.0, lanes.left)
    return racing
