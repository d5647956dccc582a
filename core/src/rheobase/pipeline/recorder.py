"""Gathering what the steps of a run report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..errors import ArgumentError, nearest
from .recording import Recording
from .spikes import NoSpikes, Spikes

if TYPE_CHECKING:
    from ..engine.declaration import Input, Quantity
    from ..engine.neuron.base import Neuron

SPIKES = "spikes"


def check_record(neuron: Neuron, record: str | Sequence[str]) -> tuple[str, ...]:
    """The names to record, without repetitions.

    Args:
        neuron: The neuron that will be recorded.
        record: ``"spikes"``, or any name that the neuron can log; one name, or several.

    Raises:
        ArgumentError: If the neuron has no such name; the nearest and all known ones are named.
    """
    names = (record,) if isinstance(record, str) else tuple(record)
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
                f"{neuron.identifier} cannot record {name!r}{nearest(str(name), known)}; "
                f"it has: {', '.join(known)}"
            )
    return tuple(dict.fromkeys(names))


class Recorder:
    """Takes the outputs of each step, and makes a recording of them.

    Spikes cost memory for spikes alone; a trace is allocated whole at the first step.

    Args:
        neuron: The neuron; its clock and dt are read now.
        record: Names that :func:`check_record` accepted.
        steps: The number of steps to come.
        grad: Whether traces keep their graph.
    """

    def __init__(self, neuron: Neuron, record: Sequence[str], steps: int, *, grad: bool) -> None:
        self._neuron = neuron
        self._first_step = neuron.simulation_step
        self._dt, self._num_units = neuron.dt, neuron.num_units
        self._steps, self._grad = steps, grad
        self._spikes = SPIKES in record
        self._names = tuple(name for name in record if name != SPIKES)
        self._batch_shape: tuple[int, ...] = ()
        self._rows: dict[str, list[Tensor]] = {name: [] for name in self._names}
        self._traces: dict[str, Tensor] = {}
        self._when: list[int] = []
        self._which: list[np.ndarray] = []
        self._located: list[Tensor] | None = None  # the times of the spikes, where each has its own
        self.done = 0

    def take(self, outputs: Mapping[str, Tensor]) -> None:
        """Keep what the next step reported."""
        if self.done == 0:
            self._begin(outputs)
        if self._spikes:
            flat = flat_indices(outputs["spiked"])
            if flat.size and "spike_times" in outputs:
                self._take_located(flat, outputs["spike_times"])
            elif flat.size:
                self._which.append(flat)
                self._when.append(self.done)
        for name in self._names:
            if self._grad:
                # A copy: the neuron may go on writing where the output is.
                self._rows[name].append(self._spread(outputs[name]).clone())
            else:
                self._traces[name][self.done] = outputs[name].detach()
        self.done += 1

    def _take_located(self, flat: np.ndarray, times: Tensor) -> None:
        table = times if self._grad else times.detach()
        rows = table.reshape(-1, table.shape[-1]).index_select(0, torch.from_numpy(flat).to(table.device))
        there = ~rows.detach().isnan()
        self._which.append(np.repeat(flat, there.sum(dim=1).cpu().numpy()))
        if self._located is None:
            self._located = []
        self._located.append(rows[there].cpu())

    def finish(self) -> Recording:
        """The recording of the steps taken so far; it is complete if they are all there are."""
        if self._grad:
            traces = {name: torch.stack(rows) for name, rows in self._rows.items() if rows}
        else:
            traces = {name: trace[: self.done] for name, trace in self._traces.items()}
        source = self._neuron.provenance
        return Recording(
            spikes=self._gather(),
            traces=traces or {name: torch.empty(0, self._num_units) for name in self._names},
            dt=self._dt,
            steps=self.done,
            first_step=self._first_step,
            num_units=self._num_units,
            batch_shape=self._batch_shape,
            model=source["model"].name if "model" in source else self._neuron.identifier,
            provenance=dict(source),
            complete=self.done == self._steps,
            trace_units=self._units(),
        )

    def _units(self) -> dict[str, str]:
        schema = self._neuron.schema
        declared: dict[str, Quantity | Input] = {**schema.inputs, **schema.states}
        return {name: declared[name].unit for name in self._names if name in declared}

    def _begin(self, outputs: Mapping[str, Tensor]) -> None:
        for name in (*self._names, *(["spiked"] if self._spikes else [])):
            if name not in outputs:
                raise ArgumentError(
                    f"{self._neuron.identifier}: forward returned no {name!r}, only {', '.join(outputs)}; "
                    "it must return every name in loggable_props, or they cannot be recorded"
                )
        shapes = [tuple(value.shape) for name, value in outputs.items() if name != "spike_times"]
        self._batch_shape = np.broadcast_shapes(*shapes, (self._num_units,))[:-1]
        if not self._grad:
            for name in self._names:
                self._traces[name] = outputs[name].new_empty(
                    (self._steps, *self._batch_shape, self._num_units)
                )

    def _spread(self, value: Tensor) -> Tensor:
        return value.expand(*self._batch_shape, self._num_units)

    def _gather(self) -> Spikes:
        if not self._spikes:
            return NoSpikes()
        if not self._which:
            return Spikes(torch.empty(0, dtype=torch.float64), *torch.empty(2, 0, dtype=torch.int64))
        if self._located is not None:
            return self._gather_located(torch.cat(self._located))
        steps = np.repeat(np.array(self._when, dtype=np.int64), [len(flat) for flat in self._which])
        batch, units = np.divmod(np.concatenate(self._which), self._num_units)
        if self._batch_shape:
            order = np.lexsort((batch, units, steps))
            steps, batch, units = steps[order], batch[order], units[order]
        # One product for each time, no running sum: a time is the same number however long the run.
        times = (steps + (self._first_step + 1)).astype(np.float64) * self._dt
        return Spikes(torch.from_numpy(times), torch.from_numpy(units), torch.from_numpy(batch))

    def _gather_located(self, times: Tensor) -> Spikes:
        batch, units = np.divmod(np.concatenate(self._which), self._num_units)
        order = np.lexsort((batch, units, times.detach().numpy()))
        sorted_times = times.index_select(0, torch.from_numpy(order))
        return Spikes(sorted_times, torch.from_numpy(units[order]), torch.from_numpy(batch[order]))


def flat_indices(spiked: Tensor) -> np.ndarray:
    """The indices, in the flattened tensor, of the elements that are not zero; int64 on the CPU."""
    values = spiked.detach().reshape(-1)
    if values.device.type == "cpu":
        array = values.numpy()
        # Bytes of 0 and 1 are booleans as they lie, which numpy searches several times faster.
        found: np.ndarray = np.flatnonzero(array.view(np.bool_) if array.dtype == np.int8 else array)
        return found.astype(np.int64, copy=False)
    result: np.ndarray = torch.nonzero(values).reshape(-1).cpu().numpy()
    return result
