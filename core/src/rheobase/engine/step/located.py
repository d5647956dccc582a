"""One step of a spiking model with each spike at its own time: ``event="located"``.

A step goes in rounds. In each, every unit that has not reached the end goes on to the end, to the end of
its refractory period, or to its first crossing of the threshold, whichever comes first. There it is reset,
or let free, and goes on from that time in the next round.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, final

import torch
from torch import Tensor

from ...errors import ArgumentError
from ...signal.segments import Segment
from ..integrator import Event, Integrator, Status
from ..integrator.status import failure
from ..model.drawing import Drawing, for_spikes
from ..model.functions import Model, after_release, after_reset, gap
from .arrivals import Arrivals
from .atonce import at_once, with_still
from .due import Due
from .ends import Known
from .field import ModelField, ModelGap, params_of
from .refractory import refractory_of
from .slopes import carry_of, carry_with, completed, flat_carry, forgotten, shaped_carry
from .spikes import decide
from .spiketimes import SpikeTimes
from .stopping import advance_to_event
from .table import StepState

MOST_SPIKES = 1000
"""The most spikes of one unit in one step."""


@final
class LocatedStep:
    """The working state of a step; all tensors are flattened, ``[n]`` or ``[D, n]``."""

    def __init__(
        self,
        model: Model,
        integrator: Integrator,
        state: StepState,
        params: Any,
        data: Any,
        dt: float,
        drawing: Drawing | None,
        known: Known = Known(),  # noqa: B008 - a tuple, which nobody can change
        arrivals: Arrivals | None = None,
    ) -> None:
        self.model, self.integrator, self.dt, self.drawing = model, integrator, dt, drawing
        self.known = known
        y, armed = state.y, state.armed
        if armed is None:
            raise ArgumentError(f"{model.schema.owner}: the state has no 'armed', who may spike")
        self.shape = y.shape[1:]
        units = self.shape.numel()
        everyone = slice(0, units)
        field = ModelField(model, params, data, self.shape)
        threshold = ModelGap(model, params, self.shape)
        batched = len(self.shape) > 1
        self.field = field.take(everyone) if batched else field
        self.gap = threshold.take(everyone) if batched else threshold
        self.params = params_of(params, everyone, self.shape) if batched else params
        self.y = y.reshape(y.shape[0], units)
        # Each unit's own time since the start of the step, ms.
        self.t = torch.zeros(units, dtype=torch.float64, device=y.device)
        self.armed = armed.expand(self.shape).reshape(units)
        self.at_start = refractory_of(state, self.shape)
        # What is left of each refractory period, ms, float64 ``[n]``.
        self.left = None if self.at_start is None else self.at_start.left(dt)
        status = state.status
        self.status = None if status is None else status.expand(self.shape).reshape(units)
        self.carry = flat_carry(state.carry, self.shape)
        self.spikes = SpikeTimes(units, y.device)
        self.due = None if arrivals is None else Due(arrivals, self.shape)
        self.whole, self.segment = self.field, Segment(0.0, dt, 0.0, dt)
        # To whom something happens just at the end, as far as times have graphs.
        self.late: list[Tensor] = []

    def run(self) -> None:
        """Take all units to the end of the step."""
        if self.status is not None:
            # Units that failed in an earlier step are at the end already.
            self.t = torch.where(self.status == Status.OK, self.t, self.dt)
        if not self.known.settled:
            # An armed unit with g >= 0 at the start was kicked above the threshold since the last step.
            kicked = self.armed & (self.gap(self.y) >= 0) & (self.t < self.dt)
            if self.left is not None:
                kicked = kicked & (self.left <= 0)
            if bool(kicked.any()):
                self._spike(kicked.nonzero().squeeze(1))
        whole = self.whole
        for place, segment in enumerate([self.segment] if whole.autonomous else whole.segments(0.0, self.dt)):
            self.field, self.segment = whole if whole.autonomous else whole.on_segment(segment), segment
            if place:
                # The input may jump at a breakpoint, and the slopes with it.
                self.carry = forgotten(self.carry, True)
            # Times have graphs, since crossings depend on parameters; who goes on is a matter of values.
            # A unit that crosses just where something arrives is at that time, and it is still to arrive.
            while len(who := self._going(segment.stop).nonzero().squeeze(1)):
                self._round(who)
            self._follow(segment.stop)

    def _going(self, stop: float) -> Tensor:
        """Who is not yet at the end of the segment, with all that arrives there."""
        going = self.t.detach() < stop
        if self.due is not None:
            pending = self.due.by(stop)
            # Those that failed are at the end, whatever is still to arrive.
            going = going | (pending if self.status is None else pending & (self.status == Status.OK))
        return going

    def _round(self, who: Tensor) -> None:
        """Take some units to the end of the segment, to their release or to their first crossing."""
        everybody = len(who) == len(self.t)
        field, gap_of, params = self.field, self.gap, self.params
        y, t, armed, left = self.y, self.t, self.armed, self.left
        start, stop = self.segment.start, self.segment.stop
        if not everybody:
            field, gap_of = field.take(who), gap_of.take(who)
            params = params_of(params, who, self.t.shape)
            y, t, armed = y.index_select(1, who), t.index_select(0, who), armed.index_select(0, who)
            left = None if left is None else left.index_select(0, who)
        refractory = None if left is None else left > 0
        if left is None or refractory is None or not bool(refractory.any()):
            refractory = released = None
            end = torch.full_like(t, stop)
            goal = end
        else:
            over = t + left
            released = refractory & (over <= stop)
            end = torch.where(refractory, over.clamp(max=stop), stop)
            goal = end
            if len(self.model.schema.held) == len(self.model.schema.states):
                goal = torch.where(refractory, t, end)  # nothing of these units moves
            else:
                field = field.at_rest(refractory)
        due = None
        if self.due is not None:
            due, end, goal = self.due.before(who, t, left, refractory, end, goal)
            if released is not None:
                released = released & (over <= end)
        event = Event(gap_of, armed, None if refractory is None else ~refractory)
        fresh = everybody and refractory is None and due is None and not bool(t.any())
        # Tensors even where all units have the same time: products of numbers and of tensors are rounded
        # differently, and what a unit gets must not depend on the others.
        times = (t[0], goal[0]) if fresh else (t, goal)
        times = ((times[0] - start).to(y.dtype), (times[1] - start).to(y.dtype))
        carry = self.carry if everybody else carry_of(self.carry, who)
        if refractory is not None:
            carry = forgotten(carry, refractory)
        carry = completed(carry, field, times[0], y)
        result, below = advance_to_event(self.integrator, field, y, *times, event, carry)
        new = result.y
        if result.t is None:
            now = end
        else:
            reached = result.t.to(torch.float64) + start
            # The end as it is, not as it is rounded in the type of the state: a time short of it would be one
            # more round. One that crosses there does so when it crosses, as far as that has a graph.
            short = result.t < times[1]
            now = torch.where(short, reached, end)
            if reached.requires_grad and result.crossed is not None:
                there = end.detach() + (reached - reached.detach())
                now = torch.where(result.crossed & ~short, there, now)
        new = with_still(field, y, times, new)
        if left is not None and refractory is not None and released is not None:
            left = torch.where(released, 0.0, torch.where(refractory, left - (now - t), left))
            if self.model.release is not None and bool(released.any()):
                free = released.nonzero().squeeze(1)
                own = params_of(params, free, t.shape)
                new = new.index_copy(1, free, after_release(self.model, new.index_select(1, free), own))
                below = None
        if result.status is not None:
            new, now = self._failed(who, result.status, new, now)
        armed = (gap_of(new.detach()) < 0) if below is None or result.status is not None else below
        crossed = torch.zeros_like(armed) if result.crossed is None else result.crossed
        spiking = crossed
        jumped = None
        if due is not None and self.due is not None:
            jumped = (due <= now.detach()) & ~crossed
            if bool(jumped.any()):
                lifted = armed if refractory is None else armed & ~refractory
                new, last = self.due.arrive(who, jumped, new, now, field, params, refractory)
                if left is not None and refractory is not None and last is not now:
                    left = torch.where(refractory & (left > 0), left - (last - now), left)
                now = last
                above = gap_of(new.detach()) >= 0
                # One that was lifted over the threshold spikes at that very time.
                spiking = crossed | (jumped & lifted & above)
                armed = torch.where(jumped, ~above, armed)
            else:
                jumped = None
        if released is not None:
            spiking = decide(spiking, gap_of(new.detach()) >= 0, refractory, released)
        # Slopes of the field at rest are not those of the free one, neither way.
        carry = result.carry if refractory is None else forgotten(result.carry, refractory)
        if jumped is not None:
            carry = forgotten(carry, jumped)
        self._keep(who, everybody, new, now, armed, left, carry)
        if now.requires_grad:
            # Who comes to the end by something that happens just there.
            late = (now.detach() >= stop) & (crossed if jumped is None else crossed | jumped)
            late = late if released is None else late | (released & (now.detach() >= stop))
            self.late = [*self.late, who[late]] if bool(late.any()) else self.late
        chosen = spiking.nonzero().squeeze(1)
        if len(chosen):
            self._spike(who.index_select(0, chosen))

    def _follow(self, stop: float) -> None:
        """Let the states of those for whom something happens just at the end be those of the end.

        By the time of what happens: were it earlier, they would have gone on from there.
        """
        late, self.late = self.late, []
        if not late:
            return
        who = torch.cat(late).unique()
        left = self.left
        field = self.field if left is None else self.field.at_rest(left.detach() > 0)
        y, t = self.y.index_select(1, who), self.t.index_select(0, who)
        end = torch.full_like(t.detach(), stop)
        self.y = self.y.index_copy(1, who, at_once(field.take(who), y, t, end))
        self.t = self.t.index_copy(0, who, end)
        if left is not None:
            rest = left.index_select(0, who)
            self.left = left.index_copy(0, who, torch.where(rest > 0, rest - (end - t), rest))

    def _spike(self, who: Tensor) -> None:
        """Note the spikes of some units, and reset them where they stand."""
        self.carry = forgotten(self.carry, torch.zeros_like(self.armed).index_fill(0, who, True))
        self.spikes.add(who, self.t.index_select(0, who))
        y, params = self.y.index_select(1, who), params_of(self.params, who, self.t.shape)
        place = self.spikes.count.index_select(0, who)  # This one included.
        after = after_reset(self.model, y, for_spikes(self.drawing, params, place, who))
        if after is not None:
            self.y = self.y.index_copy(1, who, after)
            self.armed = self.armed.index_copy(0, who, gap(self.model, after.detach(), params) < 0)
        else:
            # Nothing took it below the threshold, so it spikes again only after g was below.
            self.armed = self.armed.index_fill(0, who, False)
        if self.left is not None:
            left = params.tau_ref.to(torch.float64).expand(len(who))
            self.left = self.left.index_copy(0, who, left)
        if int(self.spikes.count.max()) > MOST_SPIKES:
            endless = self.spikes.count > MOST_SPIKES
            status = torch.where(endless, Status.ZENO, Status.OK).to(torch.int8)
            all_units = torch.arange(len(self.t), device=self.t.device)
            self.y, self.t = self._failed(all_units, status, self.y, self.t)

    def _failed(self, who: Tensor, status: Tensor, y: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Refuse to go on, or mark the units that failed: NaN, and at the end of the step."""
        failed = status != Status.OK
        if not bool(failed.any()):
            return y, t
        if self.status is None:
            whole = torch.zeros_like(self.t, dtype=torch.int8).index_copy(0, who, status)
            times = self.t.detach().index_copy(0, who, torch.where(failed, t, self.dt).detach())
            raise failure(self.integrator, whole.view(self.shape), times.view(self.shape))
        self.status = self.status.index_copy(
            0, who, torch.where(failed, status, self.status.index_select(0, who))
        )
        return torch.where(failed, math.nan, y), torch.where(failed, self.dt, t)

    def _keep(
        self,
        who: Tensor,
        everybody: bool,
        y: Tensor,
        t: Tensor,
        armed: Tensor,
        left: Tensor | None,
        carry: Mapping[str, Tensor] | None,
    ) -> None:
        if everybody:
            self.y, self.t, self.armed, self.left, self.carry = y, t, armed, left, carry
            return
        self.y, self.t = self.y.index_copy(1, who, y), self.t.index_copy(0, who, t)
        self.armed = self.armed.index_copy(0, who, armed)
        if self.left is not None and left is not None:
            self.left = self.left.index_copy(0, who, left)
        self.carry = carry_with(self.carry, who, carry, y)


def located_step(
    model: Model,
    integrator: Integrator,
    state: StepState,
    params: Any,
    data: Any,
    dt: float,
    drawing: Drawing | None = None,
    known: Known = Known(),  # noqa: B008 - a tuple, which nobody can change
    arrivals: Arrivals | None = None,
) -> tuple[StepState, Tensor, Tensor]:
    """The state after a step; each unit's spikes, ``[*batch, units]``; when, ms, ``[*batch, units, K]``."""
    work = LocatedStep(model, integrator, state, params, data, dt, drawing, known, arrivals)
    work.run()
    shape = work.shape
    rest = None
    if work.at_start is not None and work.left is not None:
        rest = work.at_start.after(work.left, work.spikes.count > 0, dt)
    count = work.spikes.count.view(shape)
    after = StepState(
        work.y.view(state.y.shape),
        work.armed.view(shape),
        None if rest is None else rest.steps.view(shape),
        None if rest is None else rest.part.view(shape),
        None if work.status is None else work.status.view(shape),
        (count > 0).to(torch.int8),
        shaped_carry(work.carry, shape),
    )
    return after, count, work.spikes.table().view(*shape, -1)
