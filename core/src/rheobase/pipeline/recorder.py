"""Gathering what the steps of a run report."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..errors import ArgumentError, nearest, shown
from .recording import Recording
from .spikes import Spikes
from .watched import Piece

if TYPE_CHECKING:
    from ..engine.neuron.base import Neuron

SPIKES = "spikes"


class Record(tuple[str, ...]):
    """Names to record, each once; ``units`` has int64 ``[n]`` for those not recorded of all units."""

    units: Mapping[str, Tensor]


def check_record(neuron: Neuron, record: str | Sequence[str] | Mapping[str, Any]) -> Record:
    """The names to record, and of which units: from one name, several, or a mapping to True or to units."""
    names = Record((record,) if isinstance(record, str) else dict.fromkeys(record))
    known = list(neuron.loggable_props)
    if "spiked" in known:
        known.insert(0, SPIKES)
    for name in names:
        if name == SPIKES and name not in known:
            raise ArgumentError(
                f"{neuron.identifier} emits no spikes to record; record one or more of: {', '.join(known)}"
            )
        if name not in known:
            raise ArgumentError(
                f"{neuron.identifier} cannot record {shown(name)}{nearest(str(name), known)}; "
                f"it has: {', '.join(known)}"
            )
    # A Record that was checked is checked again by those who get it, and keeps its units.
    names.units = dict(getattr(record, "units", {}))
    if isinstance(record, Mapping):
        names.units = {
            name: _which(f"record[{name!r}]", which, neuron.loggable_widths.get(name, neuron.num_units))
            for name, which in record.items()
            if which is not True
        }
    return names


def _which(where: str, given: Any, count: int) -> Tensor:
    """Units, checked."""
    listed = given.tolist() if isinstance(given, (Tensor, np.ndarray)) else given
    if isinstance(listed, (str, bytes)) or not isinstance(listed, Iterable):
        raise ArgumentError(f"{where}={shown(given)} cannot be used; give True, or a list of units")
    units = list(listed)
    for unit in units:
        if isinstance(unit, bool) or not isinstance(unit, (int, np.integer)) or not 0 <= unit < count:
            raise ArgumentError(f"{where}: {shown(unit)} is no unit of the neuron; give 0 to {count - 1}")
    if not units or len(set(units)) < len(units):
        raise ArgumentError(f"{where}={shown(given)} cannot be used; give one unit or more, each once")
    return torch.tensor(units, dtype=torch.int64)


def of_units(trace: Tensor, units: Tensor | None) -> Tensor:
    """Some units of a trace ``[..., units]``; all of them where none are named."""
    return trace if units is None else trace.index_select(-1, units.to(trace.device))


def narrowed(recording: Recording, record: Record) -> Recording:
    """A recording of the units that were asked for, by a backend that recorded all of them."""
    missing = {name: units for name, units in record.units.items() if name not in recording.trace_indices}
    if not missing:
        return recording
    traces = {name: of_units(trace, missing.get(name)) for name, trace in recording.traces.items()}
    spikes = recording.spikes
    if SPIKES in missing:
        kept = torch.isin(spikes.units, missing[SPIKES])
        spikes = Spikes(spikes.times[kept], spikes.units[kept], spikes.batch[kept])
    indices = {**recording.trace_indices, **missing}
    return replace(recording, spikes=spikes, traces=traces, trace_indices=indices)


def main_state(neuron: Neuron) -> str | None:
    """The state that one wants to see: the voltage, else the first; None where none can be recorded."""
    states = ("voltage", *neuron.schema.states)
    return next((name for name in states if name in neuron.loggable_props), None)


def check_every(every: int) -> int:
    """The stride of the traces: an integer from 1 up."""
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise ArgumentError(
            f"every={shown(every)} cannot be used; give an integer from 1 up: "
            "traces keep one row of so many steps"
        )
    return every


class _Spiking(NamedTuple):
    """Who spiked in a step: indices in the flattened ``[*batch, units]``, and located times or None."""

    step: int
    which: np.ndarray
    times: Tensor | None

    def at(self) -> int:
        """The step: what they are searched by."""
        return self.step


class Recorder:
    """Takes the outputs of each step, and makes a recording of them."""

    def __init__(
        self, neuron: Neuron, record: Sequence[str], steps: int, *, grad: bool, every: int = 1
    ) -> None:
        self._neuron = neuron
        self._first_step = neuron.simulation_step
        self._dt, self._num_units = neuron.dt, neuron.num_units
        self._steps, self._grad, self._every = steps, grad, every
        self._spikes = SPIKES in record
        self._units = check_record(neuron, record).units
        # A table of all units: one look-up by index is cheaper in every step than a search among names.
        self._spiking_units: np.ndarray | None = None  # which units' spikes are kept, bool; None: of all
        if SPIKES in self._units:
            self._spiking_units = np.isin(np.arange(self._num_units), self._units[SPIKES].numpy())
        self._names = tuple(name for name in record if name != SPIKES)
        self._batch_shape: tuple[int, ...] = ()
        self._rows: dict[str, list[Tensor]] = {name: [] for name in self._names}
        self._traces: dict[str, Tensor] = {}
        self._spiking: list[_Spiking] = []
        self.done = 0

    def take(self, outputs: Mapping[str, Tensor]) -> None:
        """Keep what the next step reported."""
        if self.done == 0:
            self._begin(outputs)
        if self._spikes:
            # Only who spiked is kept: memory goes with spikes, not with steps times units.
            flat = flat_indices(outputs["spiked"])
            if self._spiking_units is not None:
                flat = flat[self._spiking_units[flat % self._num_units]]
            if flat.size and "spike_times" in outputs:
                self._take_located(flat, outputs["spike_times"])
            elif flat.size:
                self._spiking.append(_Spiking(self.done, flat, None))
        steps = self.done + 1
        # The last of every so many steps: row n is the state after (n + 1) * every of them.
        if self._names and steps % self._every == 0:
            self._take_row(outputs, steps // self._every - 1)
        self.done = steps  # last: Ctrl-C may come anywhere before

    def take_block(
        self, steps: int, spikes: tuple[np.ndarray, np.ndarray] | None, rows: Mapping[str, Tensor]
    ) -> None:
        """Keep what many steps reported at once, after a first one that was taken alone; without a graph.

        Args:
            steps: How many they are.
            spikes: The step of each spike, from 0, ascending, and its unit, ascending within a step.
            rows: Name -> ``[rows, *batch, units]``, a row at the end of each stride that ends in them.
        """
        if self._spikes and spikes is not None:
            when, who = spikes
            if self._spiking_units is not None:
                chosen = self._spiking_units[who]
                when, who = when[chosen], who[chosen]
            ends = np.flatnonzero(np.diff(when)) + 1
            for begin, end in zip([0, *ends], [*ends, len(when)], strict=True):
                if end > begin:
                    self._spiking.append(_Spiking(self.done + int(when[begin]), who[begin:end], None))
        kept = slice(self.done // self._every, (self.done + steps) // self._every)
        for name in self._names:
            self._traces[name][kept] = of_units(rows[name], self._units.get(name))
        self.done += steps

    def _take_row(self, outputs: Mapping[str, Tensor], row: int) -> None:
        for name in self._names:
            value = outputs[name]
            if name in self._units:
                value = of_units(self._spread(name, value), self._units[name])
            if self._grad:
                # A copy: the neuron may go on writing where the output is.
                kept = value if name in self._units else self._spread(name, value).clone()
                self._rows[name].append(kept)
            else:
                # The assignment broadcasts an output that has no batch, or one number for all units.
                self._traces[name][row] = value.detach()

    def _take_located(self, flat: np.ndarray, times: Tensor) -> None:
        table = times if self._grad else times.detach()
        # A unit may spike more than once in a step: its row has a time for each, and NaN in the places left
        # over.
        rows = table.reshape(-1, table.shape[-1]).index_select(0, torch.from_numpy(flat).to(table.device))
        there = ~rows.detach().isnan()
        which = np.repeat(flat, there.sum(dim=1).cpu().numpy())
        self._spiking.append(_Spiking(self.done, which, rows[there].cpu()))

    def between(self, first: int, last: int) -> Piece:
        """What was recorded in the steps ``first`` to ``last - 1``, of those taken so far."""
        # The rows that fall into these steps: pieces that meet share none and leave none out.
        kept = slice(first // self._every, last // self._every)
        traces = {name: trace[kept] for name, trace in self._traces.items()}
        if self._grad and kept.stop > kept.start:
            traces = {name: torch.stack(rows[kept]) for name, rows in self._rows.items()}
        # Before the first step nobody knows the batch or the dtype.
        if not traces:
            traces = {name: torch.empty(0, self._width(name)) for name in self._names}
        spikes = self._gather(first, last) if self._spikes else None
        return Piece(first, last, spikes, traces, self._units)

    def finish(self) -> Recording:
        """The recording of the steps taken so far; it is complete if they are all there are."""
        piece = self.between(0, self.done)
        return Recording.of(
            self._neuron,
            spikes=piece.spikes,
            traces=piece.traces,
            steps=self.done,
            first_step=self._first_step,
            batch_shape=self._batch_shape,
            complete=self.done == self._steps,
            every=self._every,
            trace_indices=piece.trace_indices,
        )

    def _width(self, name: str) -> int:
        return len(self._units[name]) if name in self._units else self._of_all(name)

    def _of_all(self, name: str) -> int:
        return self._neuron.loggable_widths.get(name, self._num_units)

    def _begin(self, outputs: Mapping[str, Tensor]) -> None:
        for name in (*self._names, *(["spiked"] if self._spikes else [])):
            if name not in outputs:
                raise ArgumentError(
                    f"{self._neuron.identifier}: forward returned no {name!r}, only {', '.join(outputs)}; "
                    "it must return every name in loggable_props, or they cannot be recorded"
                )
        # The batch is known by the outputs alone: it may come from the input, a parameter or the state.
        shapes = [
            np.broadcast_shapes(tuple(value.shape), (self._of_all(name),))[:-1]
            for name, value in outputs.items()
            if name != "spike_times"
        ]
        self._batch_shape = np.broadcast_shapes(*shapes)
        rows = 0 if self._grad else self._steps // self._every  # rows with a graph are stacked at the end
        for name in self._names:
            self._traces[name] = outputs[name].new_empty((rows, *self._batch_shape, self._width(name)))

    def _spread(self, name: str, value: Tensor) -> Tensor:
        # An output that is the same for all may come as one number, or without its batch.
        return value.expand(*self._batch_shape, self._of_all(name))

    def _gather(self, first: int, last: int) -> tuple[Tensor, Tensor, Tensor]:
        """Times, units and rows of the batch of the spikes of some steps, in order."""
        begin, end = (bisect_left(self._spiking, at, key=_Spiking.at) for at in (first, last))
        some = self._spiking[begin:end]
        if not some:
            return torch.empty(0, dtype=torch.float64), *torch.empty(2, 0, dtype=torch.int64)
        batch, units = np.divmod(np.concatenate([each.which for each in some]), self._num_units)
        located = [each.times for each in some if each.times is not None]
        if located:
            times = torch.cat(located)
            # The last key of lexsort() comes first: by time, then unit, then batch.
            order = np.lexsort((batch, units, times.detach().numpy()))
            times = times.index_select(0, torch.from_numpy(order))
            return times, torch.from_numpy(units[order]), torch.from_numpy(batch[order])
        steps = np.repeat([each.step for each in some], [len(each.which) for each in some])
        # Flat indices without a batch are in the order of units already; with one they go by batch first.
        if self._batch_shape:
            order = np.lexsort((batch, units, steps))
            steps, batch, units = steps[order], batch[order], units[order]
        # One product for each time, no running sum: a time is the same number however long the run.
        ends = (steps + (self._first_step + 1)).astype(np.float64) * self._dt
        return torch.from_numpy(ends), torch.from_numpy(units), torch.from_numpy(batch)


def flat_indices(spiked: Tensor) -> np.ndarray:
    """The indices, in the flattened tensor, of the elements that are not zero; int64 on the CPU."""
    values = spiked.detach() if spiked.ndim == 1 else spiked.detach().reshape(-1)
    if values.is_cpu:
        array = values.numpy()
        # Bytes of 0 and 1 are booleans as they lie, which numpy searches several times faster.
        found: np.ndarray = (array.view(np.bool_) if array.dtype == np.int8 else array).nonzero()[0]
        return found.astype(np.int64, copy=False)
    result: np.ndarray = torch.nonzero(values).reshape(-1).cpu().numpy()
    return result
