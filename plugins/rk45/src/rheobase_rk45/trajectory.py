"""The states at given times, from steps that do not stop there."""

from __future__ import annotations

from typing import Any

import torch
from rheobase import Status, errors
from torch import Tensor

from .dense import interpolate
from .lanes import CLOCK, Lanes
from .parts import Problem
from .tableau import EmbeddedTableau
from .trial import Trial


def checked_times(who: object, times: Tensor, t0: Any, y: Tensor) -> tuple[float, Tensor]:
    """The time of the state, and the times asked for in float64.

    Raises:
        ArgumentError: If the times fall, are not finite or are before ``t0``.
    """
    ends = torch.as_tensor(times, dtype=torch.float64, device=y.device)
    if ends.ndim != 1 or not len(ends) or not bool(ends.isfinite().all()) or bool((ends.diff() < 0).any()):
        raise errors.ArgumentError(
            f"{who}: the times {_shown(ends)} cannot be used; give a tensor [T] of finite times, none before "
            "another"
        )
    start = float(ends[0] if t0 is None else t0)
    if not start <= float(ends[0]):
        raise errors.ArgumentError(
            f"{who}: the first time is {float(ends[0])} ms, but the state is that of t0 = {start} ms; "
            "give times from t0 on"
        )
    return start, ends


def _shown(times: Tensor) -> str:
    return str(times.tolist()) if times.numel() <= 5 else f"of the shape {list(times.shape)}"


class Recorder:
    """Notes the states of some units at given times.

    Args:
        table: The pair.
        part: The units.
        times: When, ms, ``[T]``.
    """

    def __init__(self, table: EmbeddedTableau, part: Problem, times: Tensor) -> None:
        self.table, self.variables = table, len(part.y)
        # From the start, so that no digits are lost to a clock that runs long.
        self.times = (times - part.start).to(CLOCK)
        self.units = part.span.numel()
        self.due = torch.zeros(self.units, dtype=torch.int64, device=part.y.device)
        self.states = torch.full(
            (len(times), self.variables, self.units), torch.nan, dtype=part.y.dtype, device=part.y.device
        )
        at_start = int((self.times <= 0).sum())
        self.states[:at_start] = part.y.reshape(self.variables, -1)
        self.due += at_start

    def watch(self, lanes: Lanes, h: Tensor, trial: Trial, taken: Tensor) -> None:
        """Note what lies in a step that is taken."""
        flat = h.reshape(-1)
        before = (lanes.span - lanes.left).reshape(-1)
        last = (lanes.left - h).reshape(-1) == 0
        moving = (taken & (h > 0)).reshape(-1)
        while True:
            when = self.times[self.due.clamp(max=len(self.times) - 1)]
            within = moving & (self.due < len(self.times)) & (last | (when <= before + flat))
            who = within.nonzero().squeeze(1)
            if not len(who):
                return
            theta = ((when - before) / torch.where(moving, flat, 1.0)).clamp(0.0, 1.0).view(h.shape)
            parts = theta.to(lanes.y.dtype), h.to(lanes.y.dtype)
            value = interpolate(self.table, *parts, lanes.y, trial)
            at_end = (last & (when >= lanes.span.reshape(-1))).view(h.shape)
            value = torch.where(at_end, trial.y, value).reshape(self.variables, -1)
            # In place: what has been written is never read before the end.
            self.states[self.due[who], :, who] = value[:, who].T
            self.due = self.due.index_add(0, who, torch.ones_like(who))

    def finish(self, lanes: Lanes) -> Tensor:
        """All states, ``[T, D, n]``."""
        status: Tensor | None = lanes.all("status")
        if status is not None:
            lost = (status != Status.OK).reshape(-1)
            after = torch.arange(len(self.times), device=lost.device)[:, None] >= self.due
            self.states = torch.where((lost & after)[:, None], torch.nan, self.states)
        return self.states
