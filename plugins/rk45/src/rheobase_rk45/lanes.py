"""The units that are underway: what is known of each, and how those that have arrived are put aside."""

from __future__ import annotations

from typing import Any

import torch
from rheobase import Event, Status
from rheobase.spi import Field
from torch import Tensor

from .control import error_ratio, first_step
from .tableau import EmbeddedTableau
from .tolerance import Tolerance
from .trial import Trial, try_step
from .workspace import Workspace

CLOCK = torch.float64
"""The type of times and steps, whatever that of the states: near the end of a step, and on the way to a pole,
steps are far shorter than float32 resolves."""

SHORTEST = 4.0
"""The shortest step, in eps of the time to go at the start."""

_KEPT = ("y", "slope", "wanted", "armed", "crossed", "reached", "status")
"""What a caller wants to know of a unit that has arrived."""

_NEEDED = (*_KEPT, "left", "span", "start", "shortest", "refused")


class Lanes:
    """Some units, each at its own time; tensors are ``[*batch, units]``, flattened where the field allows.

    Args:
        table: The pair.
        field: Their derivatives.
        y: Their states, ``[D, *batch, units]``.
        start: Their time, ms: a number or a tensor of float64.
        span: The time to go, ms, in float64.
        tolerance: Their tolerances.
        event: Where they stop; None: nowhere.

    Attributes:
        left: What is left of the time to go; zero for who has arrived, stopped or failed.
        wanted: The longest step that the error allows.
        refused: The error of the step that was refused last, in units of the tolerance.
        crossed: Who stopped at a crossing, where there is an event.
        reached: When, ms; of meaning for who stopped or failed only.
        status: The :class:`~rheobase.Status` of each; None as long as all is well.
        places: Where the lanes lie among the units at the start, once some were put aside.
    """

    def __init__(
        self,
        table: EmbeddedTableau,
        field: Field,
        y: Tensor,
        start: Any,
        span: Tensor,
        tolerance: Tolerance,
        event: Event | None,
    ) -> None:
        self.table, self.field, self.tolerance = table, field, tolerance
        self.y, self.start, self.span, self.left = y, start, span, span
        self.autonomous = bool(getattr(field, "autonomous", False))
        self.slope, self.wanted = y, span  # until `begin`
        self.refused = torch.zeros_like(span, requires_grad=False)
        self.shortest = SHORTEST * torch.finfo(span.dtype).eps * span.detach()
        self.event = event
        self.armed = None if event is None else event.armed
        self.crossed = None if event is None else torch.zeros_like(span, dtype=torch.bool)
        self.reached = None if event is None else torch.zeros_like(span)
        self.status: Tensor | None = None
        self.places: Tensor | None = None
        self._home: dict[str, Tensor] | None = None
        self._workspace: Workspace | None = None

    def begin(self, slope: Tensor | None, wanted: Tensor | None) -> None:
        """Find the derivatives at the start, and a first step, where none are given.

        Args:
            slope: The derivatives at the start.
            wanted: The step to begin with, ms; a guess.
        """
        self.slope = self.field(self.time(), self.y) if slope is None else slope
        state = (self.y, self.slope, self.span)
        self.tracked = torch.is_grad_enabled() and any(each.requires_grad for each in state)
        with torch.no_grad():
            if wanted is None:
                span = self.span.to(self.y.dtype)
                known = self.time(), self.y, self.slope, span, self.tolerance, self.table.order
                first = first_step(self.field, *known).to(CLOCK)
            else:
                first = torch.where((wanted > 0) & torch.isfinite(wanted), wanted, self.span)
            # A guess of zero would never grow.
            self.wanted = torch.maximum(first, self.shortest)

    def time(self) -> Any:
        """The time of each, ms, as the field is given it: in the type of the states."""
        return self.start if self.autonomous else self.now().to(self.y.dtype)

    def now(self) -> Tensor:
        """The time of each, ms, whether the field needs it or not."""
        now: Tensor = self.start + (self.span - self.left)
        return now

    def try_step(self, h: Tensor, *, keep: bool = False) -> Trial:
        """Try a step from here.

        Args:
            h: The step, ms.
            keep: Whether the slopes of all stages are wanted.
        """
        h = h.to(self.y.dtype)
        if keep or self.tracked:
            return try_step(self.table, self.field, self.time(), self.y, h, self.slope)
        if self._workspace is None:
            self._workspace = Workspace(self.table, self.y)
        state = self.field, self.time(), self.y, h, self.slope
        return self._workspace.try_step(*state, autonomous=self.autonomous)

    def ratio(self, trial: Trial) -> Tensor:
        """The error of a step in units of the tolerance."""
        return error_ratio(trial.error.detach(), self.y.detach(), trial.y.detach(), self.tolerance)

    def fail(self, failed: Tensor, status: Tensor | Status) -> None:
        """Let units stop where they are."""
        if self.status is None:
            self.status = torch.zeros_like(failed, dtype=torch.int8)
        if self.reached is None:
            self.reached = torch.zeros_like(self.span)
        self.status = torch.where(failed, status, self.status).to(torch.int8)
        self.reached = torch.where(failed, self.now(), self.reached)
        self.left = torch.where(failed, 0.0, self.left)

    def drop_arrived(self) -> None:
        """Go on with those that are underway only."""
        who = self.left.nonzero().squeeze(1)
        self._put_aside()
        self.places = who if self.places is None else self.places.index_select(0, who)
        for name in _NEEDED:
            value = getattr(self, name)
            if isinstance(value, Tensor) and value.ndim:
                setattr(self, name, value.index_select(-1, who))
        self.tolerance = self.tolerance.take(who)
        self.field = self.field.take(who)  # type: ignore[attr-defined]
        self.event = None if self.event is None else self.event.take(who)
        self._workspace = None

    def gather(self) -> None:
        """Put those that arrived last with the others; to be called once, at the end."""
        if self.places is not None:
            self._put_aside()
            self.places = None

    def all(self, name: str) -> Any:
        """One of y, slope, wanted, crossed, reached and status, of all units that there were at the start."""
        return getattr(self, name) if self._home is None else self._home.get(name)

    def _put_aside(self) -> None:
        values = {name: getattr(self, name) for name in _KEPT if getattr(self, name) is not None}
        if self._home is None or self.places is None:
            self._home = {name: value.clone() for name, value in values.items()}
            return
        for name, value in values.items():
            if name not in self._home:  # units failed after some had arrived
                units = self._home["wanted"].shape
                self._home[name] = torch.zeros(units, dtype=value.dtype, device=value.device)
            self._home[name].index_copy_(-1, self.places, value)
