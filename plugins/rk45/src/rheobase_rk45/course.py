"""From the start to the end: rounds, in each of which every unit that is underway tries one step."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from rheobase import Status
from torch import Tensor

from .control import STRETCH, after, fitted
from .crossing import stop_at_crossings
from .lanes import Lanes
from .poles import stop_before_poles
from .trial import Trial

CHECK = 8
"""So many rounds apart is it looked at who cannot go on."""

FEW = 256
"""So many units that have arrived are taken along rather than put aside,"""

SHARE = 0.125
"""and this part of all."""

Watch = Callable[[Lanes, Tensor, Trial, Tensor], None]
"""``watch(lanes, h, trial, accepted)`` is called before a step is taken."""


class Plan(NamedTuple):
    """How to go.

    Attributes:
        max_steps: The most rounds.
        longest: Instead of error control: equal steps of at most this many ms.
        refuse: Called with the lanes once units have failed, and whether that was within a step; it may
            raise.
        watch: Called at each step that is taken; then the slopes of all stages are kept.
    """

    max_steps: int
    longest: float | None
    refuse: Callable[[Lanes, bool], None]
    watch: Watch | None = None


def run(lanes: Lanes, plan: Plan) -> None:
    """Take all lanes to their end, their crossing or their failure."""
    drop = not lanes.tracked and plan.watch is None and hasattr(lanes.field, "take")
    _check_start(lanes, plan)
    controlled = plan.longest is None
    rounds = 0
    # One look at the device in a round, but for events.
    while underway := int(torch.count_nonzero(lanes.left.detach())):
        if controlled and rounds == plan.max_steps:
            lanes.fail(lanes.left > 0, Status.MAX_STEPS)
            plan.refuse(lanes, True)
            return
        arrived = lanes.span.numel() - underway
        if drop and arrived >= FEW and arrived >= SHARE * lanes.span.numel():
            lanes.drop_arrived()
        _round(lanes, plan)
        rounds += 1
        if controlled and rounds % CHECK == 0:
            _check_steps(lanes, plan)
    if not controlled:
        _check_end(lanes, plan)


def _round(lanes: Lanes, plan: Plan) -> None:
    # A span of 0.3 ms is three steps of 0.1 ms, though 0.3 / 0.1 > 3 may come out of the division.
    if plan.longest is None:
        h = fitted(lanes.left, lanes.wanted, STRETCH)
    else:
        h = fitted(lanes.left, plan.longest * (1.0 + 1e-6))
    trial = lanes.try_step(h, keep=plan.watch is not None)
    with torch.no_grad():
        ratio = lanes.ratio(trial) if plan.longest is None else None
        taken = (h > 0) if ratio is None else (ratio <= 1.0)
    if lanes.tracked and not bool(trial.slope.isfinite().all()):
        # What is not selected must be finite too, or its gradient of zero times infinity is NaN.
        trial = lanes.try_step(torch.where(taken, h, 0.0), keep=plan.watch is not None)
    if plan.watch is not None:
        plan.watch(lanes, h, trial, taken)
    if ratio is not None:
        lanes.refused = torch.where(taken, lanes.refused, ratio)
        lanes.wanted = after(h.detach(), ratio, lanes.wanted, lanes.table.order)
    left = lanes.left - torch.where(taken, h, 0.0)
    trial, left = stop_at_crossings(lanes, h, trial, taken, left)
    lanes.y = torch.where(taken, trial.y, lanes.y)
    lanes.slope = torch.where(taken, trial.slope, lanes.slope)
    lanes.left = left


def _check_start(lanes: Lanes, plan: Plan) -> None:
    y, slope = lanes.y.detach(), lanes.slope.detach()
    # Zero, but for numbers that are not finite.
    if bool(((y - y) + (slope - slope) == 0).all()):
        return
    bad = ~(y.isfinite() & slope.isfinite()).all(dim=0) & (lanes.left > 0)
    if bool(bad.any()):
        lanes.fail(bad, Status.NOT_FINITE)
        plan.refuse(lanes, False)


def _check_steps(lanes: Lanes, plan: Plan) -> None:
    stuck = (lanes.wanted < lanes.shortest) & (lanes.left > 0)
    if not bool(stuck.any()):
        return
    stuck = stuck & ~stop_before_poles(lanes, stuck)
    if bool(stuck.any()):
        lanes.fail(stuck, torch.where(lanes.refused.isfinite(), Status.UNDERFLOW, Status.NOT_FINITE))
        plan.refuse(lanes, True)


def _check_end(lanes: Lanes, plan: Plan) -> None:
    bad = ~lanes.y.detach().isfinite().all(dim=0) & (lanes.span > 0)
    if bool(bad.any()):
        lanes.fail(bad, Status.NOT_FINITE)
        plan.refuse(lanes, False)
