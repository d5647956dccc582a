"""When something arrives at the units of a located step, and what it does to them then."""

from __future__ import annotations

from typing import Any, final

import torch
from torch import Tensor

from .arrivals import Arrivals
from .atonce import at_once
from .field import ModelField, params_of
from .moments import TOLERANCE


@final
class Due:
    """What is still to arrive in a step.

    Args:
        arrivals: All that arrives in it.
        shape: ``[*batch, units]``.
    """

    def __init__(self, arrivals: Arrivals, shape: torch.Size) -> None:
        self._jump = arrivals.jump
        self._times, self._weights = arrivals.table(shape)
        # When the next arrival of each unit is due, and how many it had; infinite where there is none.
        self._due = self._times[:, 0]
        self._had = torch.zeros(len(self._due), dtype=torch.int64, device=self._due.device)

    def by(self, stop: float) -> Tensor:
        """At whom something arrives up to a time, bool ``[n]``."""
        return self._due <= stop

    def before(
        self,
        who: Tensor,
        t: Tensor,
        left: Tensor | None,
        refractory: Tensor | None,
        end: Tensor,
        goal: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """When something arrives at these units, and how far they go until then.

        Args:
            who: Their places, int64 ``[k]``.
            t: Their times, ms ``[k]``.
            left: What is left of their refractory periods, ms ``[k]``.
            refractory: Who is refractory, bool ``[k]``; None: nobody.
            end: How far they would go, ms ``[k]``.
            goal: How far they would be integrated, ms ``[k]``: not at all where nothing of them moves.

        Returns:
            When something is due, and ``end`` and ``goal`` with regard to it.
        """
        due = self._due.index_select(0, who)
        if refractory is not None and left is not None:
            over = t.detach() + left.detach()
            # What arrives as the refractory period ends is within it, as on the grid.
            together = refractory & ((due - over).abs() <= TOLERANCE)
            # When that is, it is as it is given: as far as it has a graph, by that.
            due = torch.where(together, over + (due - due.detach()) if due.requires_grad else over, due)
        # What was due while the unit was reset at that very time is due now.
        due = torch.where(due < t.detach(), t, due)
        sooner = due <= end
        if refractory is None:
            return due, torch.where(sooner, due, end), torch.where(sooner, due, goal)
        stands = refractory & (goal == t)
        return due, torch.where(sooner, due, end), torch.where(sooner & ~stands, due, goal)

    def arrive(
        self,
        who: Tensor,
        reached: Tensor,
        y: Tensor,
        now: Tensor,
        field: ModelField,
        params: Any,
        refractory: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """What arrives does what it does to those units that it has reached.

        Args:
            who: The places of the units, int64 ``[k]``.
            reached: Whom it has reached, bool ``[k]``.
            y: Their states, ``[D, k]``.
            now: Their times, ms ``[k]``.
            field: Their field.
            params: Their parameters.
            refractory: Who is refractory, bool ``[k]``; None: nobody.

        Returns:
            Their states and their times then.
        """
        some = reached.nonzero().squeeze(1)
        still = field if refractory is None else field.at_rest(refractory)
        while len(some):
            units = who.index_select(0, some)
            place = self._had.index_select(0, units)
            weights = [None if each is None else each[units, place] for each in self._weights]
            held = None if refractory is None else refractory.index_select(0, some)
            own = params_of(params, some, y.shape[1:])
            y = y.index_copy(1, some, self._jump(y.index_select(1, some), own, weights, held))
            due = self._times[units, place + 1]
            self._had = self._had.index_add(0, units, torch.ones_like(place))
            self._due = self._due.index_copy(0, units, due)
            # All that arrives at one time does, before anybody looks whether it is enough.
            more = due.detach() <= now.detach().index_select(0, some)
            some, due = some[more], due[more]
            if len(some) and due.requires_grad:
                before = now.index_select(0, some)
                moved = at_once(still.take(some), y.index_select(1, some), before, due)
                y, now = y.index_copy(1, some, moved), now.index_copy(0, some, due)
        return y, now
