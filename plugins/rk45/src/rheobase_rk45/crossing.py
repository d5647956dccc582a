"""Units that cross their threshold within a step stop at the crossing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from rheobase import Event, Status, locate
from torch import Tensor

from .dense import hermite
from .lanes import Lanes
from .trial import Trial, try_step

GUESSES = 3
"""How often the threshold is asked along the interpolant, before the first shorter step."""


def stop_at_crossings(
    lanes: Lanes, h: Tensor, trial: Trial, taken: Tensor, left: Tensor
) -> tuple[Trial, Tensor]:
    """Let the units stop that cross in a step.

    Args:
        lanes: All units; who crossed, and when, is noted there.
        h: The step, ms.
        trial: What it gave.
        taken: Who takes it.
        left: The time to go after it.

    Returns:
        The step, with the states at the crossings, and the time to go.
    """
    event = lanes.event
    if event is None or lanes.armed is None or lanes.reached is None:
        return trial, left
    length = h.to(lanes.y.dtype)
    hit, below = event.check(lanes.armed, lanes.y, lanes.slope, trial.y, trial.slope, length)
    hit = hit & taken & (h > 0)
    armed, lanes.armed = lanes.armed, torch.where(taken, below, lanes.armed)
    who = hit.reshape(-1).nonzero().squeeze(1)
    if not len(who):
        return trial, left

    part = event.take(who)
    part = Event(part.gap, _of(armed, who))
    step = _shorter_steps(lanes, who)
    y0, y1, width = _of_state(lanes.y, who), _of_state(trial.y, who), _of(length, who)
    slopes = _of_state(lanes.slope, who), _of_state(trial.slope, who)
    guess = _guess(part, width, y0, slopes[0], y1, slopes[1])
    # For the speed at the crossing nothing of what led to the start need be known.
    still = _shorter_steps(lanes, who, still=True)
    found = locate(step, part, y0, y1, width, guess=guess, still=still)
    shape = hit.shape

    def noted(value: Tensor, new: Tensor) -> Tensor:
        return value.reshape(-1).index_copy(0, who, new).view(shape)

    if not bool(found.converged.all()):
        lost = noted(torch.zeros_like(hit), ~found.converged)
        lanes.fail(lost, Status.NOT_CONVERGED)
        left = torch.where(lost, 0.0, left)
    stopped = noted(torch.zeros_like(hit), found.found & found.converged)
    at = lanes.now().expand(shape)
    lanes.reached = torch.where(stopped, noted(at, _of(at, who) + found.s), lanes.reached)
    lanes.crossed = stopped if lanes.crossed is None else lanes.crossed | stopped
    end = trial.y.reshape(len(trial.y), -1).index_copy(1, who, found.y).view(trial.y.shape)
    return trial._replace(y=end), torch.where(stopped, 0.0, left)


def _shorter_steps(lanes: Lanes, who: Tensor, *, still: bool = False) -> Callable[[Tensor], Tensor]:
    """``step(s)`` for some units, by the method itself; ``still``: from a start without a graph."""
    take = getattr(lanes.field, "take", None)
    time, all_y, all_slopes = lanes.time(), lanes.y, lanes.slope
    if still:
        time = time.detach() if isinstance(time, Tensor) else time
        all_y, all_slopes = all_y.detach(), all_slopes.detach()
    if take is not None and all_y.ndim == 2:
        field, y, slope = take(who), _of_state(all_y, who), _of_state(all_slopes, who)
        time = _of(time, who) if isinstance(time, Tensor) and time.ndim else time
        return lambda s: try_step(lanes.table, field, time, y, s, slope).y
    # A field that cannot be had for some units is asked about all, of which the others stand still.
    shape = lanes.span.shape

    def step(s: Tensor) -> Tensor:
        h = torch.zeros(shape.numel(), dtype=s.dtype, device=s.device).index_copy(0, who, s).view(shape)
        return _of_state(try_step(lanes.table, lanes.field, time, all_y, h, all_slopes).y, who)

    return step


def _guess(event: Event, h: Tensor, y0: Tensor, slope0: Tensor, y1: Tensor, slope1: Tensor) -> Any:
    """About when the crossing is, by the interpolant; of no use where both ends are on one side."""
    with torch.no_grad():
        path = h, y0.detach(), slope0.detach(), y1.detach(), slope1.detach()
        low, high = torch.zeros_like(h), torch.ones_like(h)
        g_low, g_high = event.gap(path[1]), event.gap(path[3])
        theta = low
        for _ in range(GUESSES):
            theta = low - g_low * (high - low) / (g_high - g_low)
            g = event.gap(hermite(theta, *path))
            above = g >= 0
            # Illinois: the end that stays counts for half.
            g_low, g_high = torch.where(above, 0.5 * g_low, g), torch.where(above, g, 0.5 * g_high)
            low, high = torch.where(above, low, theta), torch.where(above, theta, high)
        theta = low - g_low * (high - low) / (g_high - g_low)
        return theta * h


def _of(value: Tensor, who: Tensor) -> Tensor:
    return value.reshape(-1).index_select(0, who)


def _of_state(value: Tensor, who: Tensor) -> Tensor:
    return value.reshape(len(value), -1).index_select(1, who)
