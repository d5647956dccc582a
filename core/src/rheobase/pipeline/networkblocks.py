"""Many steps of a whole network in one call of a backend that takes them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, final

import torch
from torch import Tensor

from ..engine.network.lines import lines_of, sent_by
from ..engine.network.network import Network
from .networkbackend import Stepping
from .networkprotocols import Block, Steps
from .recorder import SPIKES, Recorder

_SECONDS = 0.1
"""Seconds that a block of steps should take: between two Ctrl-C is heard, and the progress bar moves."""
_FIRST, _FASTER = 16, 8
"""Steps of the first block, whose speed nobody has measured; and how many times as long the next may be."""
_ROWS = 4_000_000
"""Numbers in the rows that are recorded in a block."""


@final
class Blocks:
    """Takes steps of a network by a backend, and hands what they report to recorders.

    The first step of a run is taken by itself: what is to be refused, or to be said, is there.

    Args:
        net: The network.
        way: How it is stepped.
        recorders: Part -> what it is recorded by.
        names: Part -> what is recorded of it.
        data: Population -> what it receives in every step, prepared.
        every: Traces are kept of every so many steps.
    """

    def __init__(
        self,
        net: Network,
        way: Stepping,
        recorders: Mapping[str, Recorder],
        names: Mapping[str, Sequence[str]],
        data: Mapping[str, Any],
        every: int,
    ) -> None:
        self._net, self._way, self._data = net, way, data
        self._recorders, self._every = recorders, every
        # Part -> name -> the population, and the state that it is of what reaches that; "": none.
        self._where = {name: self._found(name, names[name]) for name in recorders}
        self._traced: dict[str, tuple[str, ...]] = {}
        for found in self._where.values():
            for population, state in found.values():
                if state:
                    known = self._traced.get(population, ())
                    self._traced[population] = tuple(dict.fromkeys((*known, state)))
        width = sum(net.populations[name].num_units * len(states) for name, states in self._traced.items())
        self._most = max(1, _ROWS // max(1, width)) * every
        self._next = _FIRST

    def __call__(self, done: int, left: int) -> int:
        """Take steps.

        Args:
            done: How many of the run are taken.
            left: How many there are to take.

        Returns:
            How many were taken; 0, with nothing changed, where the next is to be taken by itself.
        """
        net, steps = self._net, min(self._next, self._most, left)
        whole, begin = self._way.whole, time.perf_counter()
        if whole is None or self.over:
            return 0
        lines, first = lines_of(net), net.simulation_step + 1
        since = done % self._every
        taken = whole(Block(steps, first, self._data, lines, self._every, since, self._traced))
        if taken is None:
            return 0
        sent_by(net, lines, first, taken.spikes)
        for each in self._way.steppers.values():
            each.taken += taken.steps
        for name, recorder in self._recorders.items():
            self._hand(name, recorder, taken, done)
        seconds = max(1e-6, time.perf_counter() - begin)
        self._next = max(1, min(_FASTER * taken.steps, int(_SECONDS / seconds * taken.steps)))
        return taken.steps

    @property
    def over(self) -> bool:
        """Whether eager had to take a step of some population, as it would have to take the others."""
        return any(each.left for each in self._way.steppers.values())

    @staticmethod
    def serve(net: Network, names: Mapping[str, Sequence[str]]) -> bool:
        """Whether they can deliver what the network sends, and what is recorded is in them: no other values
        than states, inputs and spikes."""
        try:
            lines_of(net)
        except NotImplementedError:
            return False
        for name, wanted in names.items():
            if name not in net.projections:
                schema = net[name].schema
                known = {SPIKES, "spiked", *schema.states, *(schema.inputs or ("input",))}
                if not known >= set(wanted):
                    return False
        return True

    def _found(self, name: str, wanted: Any) -> dict[str, tuple[str, str]]:
        """Name -> the population, and its state or that of a synapse that reaches it."""
        net = self._net
        if name in net.projections:
            of = net.projections[name].receiver
            rows = net.incoming_of(of).names
            return {each: (of, rows.get((name, each), "")) for each in wanted}
        of = net.views[name].population if name in net.views else name
        states = net.populations[of].schema.states
        return {each: (of, each if each in states else "") for each in wanted if each != SPIKES}

    def _hand(self, name: str, recorder: Recorder, taken: Steps, done: int) -> None:
        net = self._net
        view = net.views.get(name)
        of = name if view is None else view.population
        rows: dict[str, Tensor] = {}
        for each, (population, state) in self._where[name].items():
            if state:
                rows[each] = taken.traces[population][state]
            elif name in net.projections:
                projection = net.projections[name]
                width = projection.loggable_widths[each]
                rows[each] = projection.recorded(each).expand(self._rows(taken, done), width)
            else:
                rows[each] = self._still(of, each, taken, done)
        spikes = taken.spikes.get(of) if name not in net.projections else None
        if view is not None:
            rows = view.of(rows)
            when, who = taken.spikes[of]
            some = (who >= view.first) & (who < view.last)
            spikes = when[some], who[some] - view.first
        recorder.take_block(taken.steps, spikes, rows)

    def _rows(self, taken: Steps, done: int) -> int:
        return (done + taken.steps) // self._every - done // self._every

    def _still(self, of: str, name: str, taken: Steps, done: int) -> Tensor:
        """The rows of an input, which stays, or of who spiked."""
        population = self._net.populations[of]
        kept: Tensor = population._of(name)
        count = self._rows(taken, done)
        if name != "spiked":
            return kept.expand(count, *kept.shape)
        found = torch.zeros(count, population.num_units, dtype=kept.dtype)
        when, who = taken.spikes[of]
        ends = done % self._every + when + 1
        some = ends % self._every == 0
        found[torch.from_numpy(ends[some] // self._every - 1), torch.from_numpy(who[some])] = 1
        return found
