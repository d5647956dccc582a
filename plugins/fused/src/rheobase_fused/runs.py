"""A run in a kernel: blocks of steps, what each leaves, and the neuron at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import rheobase as rb
import torch
from rheobase.spi import tensors
from torch import Tensor

from .contract import Course, Happened, Kernel, Outputs
from .courses import Inputs
from .located_run import last_spikes
from .refusal import Amiss, Refusal
from .trains import Trains

if TYPE_CHECKING:
    from rheobase import Neuron, Recording
    from rheobase.spi import Drive

_SECONDS, _AT_FIRST = 0.1, 0.03
"""Seconds that a block of steps should take, and the first of a run, whose speed nobody has measured. Between
two blocks Ctrl-C is heard, the progress bar moves, and what was recorded can be had."""
_FASTER = 8
"""A block is at most so many times as long as the one before."""
_ROWS = 4_000_000
"""Numbers in the rows of a trace that a block leaves, where only some units of it are kept."""


class Piece(NamedTuple):
    """What a call of a kernel did.

    Attributes:
        end: The steps that are done after it.
        steps: Its own.
        happened: What it gave.
        spiked: Who spiked in its last step.
        courses: What it received.
    """

    end: int
    steps: int
    happened: Happened
    spiked: Tensor
    courses: Mapping[str, Course]


class Run:
    """One run.

    Args:
        neuron: The neuron.
        drive: The stimulus.
        steps: The number of steps.
        record: What is recorded.
        every: The stride of the traces.
        kernel: Gives the kernel, for the names of the inputs that do not change.
    """

    def __init__(
        self,
        neuron: Neuron,
        drive: Drive,
        steps: int,
        record: Sequence[str],
        every: int,
        kernel: Callable[[frozenset[str]], Kernel],
    ) -> None:
        self.neuron, self.drive, self.steps, self.every = neuron, drive, steps, every
        self.inputs = Inputs(neuron, drive, record)
        self.kernel = kernel(self.inputs.constant)
        self.shape = self.inputs.shape
        self.names = tuple(name for name in record if name != "spikes")
        known = (*self.kernel.states, *self.inputs.names, "spiked")
        for name in self.names:
            if name not in known:
                raise Refusal(f"{name!r} is no state, input or spike, so no kernel records it")
        self.spikes = "spikes" in record
        self.units: Mapping[str, Tensor] = getattr(record, "units", {})
        self.first_step = neuron.simulation_step
        self.params = {
            name: value for name, value in neuron.params._asdict().items() if isinstance(value, Tensor)
        }
        self.trains = Trains(self.first_step, neuron.dt, self.shape, self.kernel.located)
        self.latest: Piece | None = None
        self.traces = {name: self._trace(name) for name in self.names}

    def all(self, progress: bool | None) -> Recording:
        """All steps, and the recording of them."""
        with rb.watched(self.steps, progress, self._between) as watch:
            self._through(watch)
            return watch.ended(self._recording(self.steps))

    def taken(self) -> rb.Taken:
        """All steps, and what a prepared run needs of them."""
        with rb.watched(self.steps, False, self._between) as watch:
            self._through(watch)
            try:
                watch.heed()
            except KeyboardInterrupt as interrupt:
                raise rb.SimulationInterrupted(self._recording(self.steps), self.steps) from interrupt
        traces = {**self.traces}
        if "spiked" in traces:
            traces["spiked"] = traces["spiked"].view(torch.int8)
        return rb.Taken(
            self.trains if self.spikes else None, traces, tuple(self.shape[:-1]), dict(self.units)
        )

    def _through(self, watch: Callable[[int], None]) -> None:
        """All steps; after Ctrl-C those so far, and the error with their recording."""
        interrupted: KeyboardInterrupt | None = None
        try:
            self._blocks(watch)
        except KeyboardInterrupt as interrupt:
            interrupted = interrupt
        done = 0
        if self.latest is not None:
            done = self.latest.end
            self._settle(self.latest)
        if interrupted is not None:
            raise rb.SimulationInterrupted(self._recording(done), self.steps) from interrupted

    def _blocks(self, watch: Callable[[int], None]) -> None:
        """Blocks of steps; at the end of each all units are at the same step."""
        kernel, units, spare, done = self.kernel, self.shape.numel(), None, 0
        states, wanted = self._begin(), (_SECONDS if kernel.measured else _AT_FIRST) * kernel.speed
        while done < self.steps:
            count = self._steps_of_block(done, wanted)
            start = time.perf_counter()
            self.latest = self._call(states, done, count, spare)
            # What the run began with is the neuron's, and stays as it is.
            spare = states if done else None
            states, done = self.latest.happened.states, self.latest.end
            self.inputs.took(self.latest.courses, done)
            kernel.measure(count * units, time.perf_counter() - start)
            watch(done)
            wanted = min(_SECONDS * kernel.speed, _FASTER * count * units)

    def _steps_of_block(self, done: int, unit_steps: float) -> int:
        """How many steps a block has: whole strides of the traces, or a part of one."""
        count = min(self.inputs.steps_at_once(unit_steps), self.steps - done)
        if any(name in self.units for name in self.names):
            # Of some units only: a kernel leaves the rows of all of them for a block.
            count = min(count, max(1, _ROWS // self.shape.numel()) * self.every)
        if count < self.every or done % self.every:
            return min(count, self.every - done % self.every)
        return count // self.every * self.every

    def _begin(self) -> Mapping[str, Tensor]:
        names = (*self.kernel.states, *self.kernel.beside)
        state = self.neuron.state
        return {name: state[name].detach().expand(self.shape).contiguous() for name in names}

    def _call(
        self, states: Mapping[str, Tensor], done: int, count: int, spare: Mapping[str, Tensor] | None
    ) -> Piece:
        courses = {name: self.inputs.course(name, done, count) for name in self.inputs.names}
        bad = [step for name, course in courses.items() if (step := self.inputs.outside(name, course)) >= 0]
        if bad:
            self._fail(done + min(bad))
        spiked = self._nobody()
        kept = slice(done // self.every, (done + count) // self.every)
        # A part of a stride has one row at most: what there is at its end.
        part = count < self.every
        rows = {} if part else {name: self._rows(name, kept) for name in self.names if name not in courses}
        outputs = Outputs(
            self.every,
            {name: trace for name, trace in rows.items() if name != "spiked"},
            rows.get("spiked"),
            spiked,
            spare,
        )
        happened = self.kernel(states, self.params, courses, count, outputs)
        if happened.failed >= 0:
            self._fail(done + happened.failed)
        if self.spikes:
            self._keep_spikes(done, happened)
        for name in self.names:
            if name in courses:
                self._keep_input(name, courses[name], kept)
            elif part:
                self.traces[name][kept] = self._of(
                    name, spiked if name == "spiked" else happened.states[name]
                )
            elif name in self.units:
                self.traces[name][kept] = self._of(name, rows[name])
        return Piece(done + count, count, happened, spiked, courses)

    def _nobody(self) -> Tensor:
        if self.neuron.device.type == "cpu":
            # Zeros that nobody writes, by one thread or several, until somebody spikes.
            return torch.from_numpy(np.zeros(self.shape, dtype=np.uint8))
        return torch.zeros(self.shape, dtype=torch.uint8, device=self.neuron.device)

    def _keep_spikes(self, done: int, happened: Happened) -> None:
        steps, lanes, times = happened.steps, happened.lanes, happened.times
        if "spikes" in self.units:
            chosen = np.isin(lanes % self.shape[-1], self.units["spikes"].numpy())
            steps, lanes, times = steps[chosen], lanes[chosen], times[chosen] if len(times) else times
        self.trains.blocks.append((done, replace(happened, states={}, steps=steps, lanes=lanes, times=times)))

    def _rows(self, name: str, kept: slice) -> Tensor:
        """Where a kernel leaves the rows of a trace: in the trace, where it is of all units."""
        if name not in self.units:
            return self.traces[name][kept]
        like = self.traces[name]
        make = torch.zeros if name == "spiked" else torch.empty
        return make((kept.stop - kept.start, *self.shape), dtype=like.dtype, device=like.device)

    def _of(self, name: str, rows: Tensor) -> Tensor:
        """The units that are recorded."""
        units = self.units.get(name)
        return rows if units is None else rows.index_select(-1, units.to(rows.device))

    def _keep_input(self, name: str, course: Course, kept: slice) -> None:
        stride = min(self.every, len(course.values))
        values = course.values if course.still else course.values[stride - 1 :: stride]
        shape = (1,) * (len(self.shape) + 1 - values.ndim)
        values = values.reshape(len(values), *shape, *values.shape[1:])
        self.traces[name][kept] = values if values.shape[-1] == 1 else self._of(name, values)

    def _trace(self, name: str) -> Tensor:
        width = len(self.units[name]) if name in self.units else self.shape[-1]
        size = (self.steps // self.every, *self.shape[:-1], width)
        if name == "spiked":
            return torch.zeros(size, dtype=torch.uint8, device=self.neuron.device)
        return torch.empty(size, dtype=self.neuron.dtype, device=self.neuron.device)

    # --- ends --------------------------------------------------------------------------------------

    def _settle(self, piece: Piece) -> None:
        """Leave the neuron as so many steps in ``eager`` would."""
        saved: dict[str, Tensor] = dict(piece.happened.states)
        saved |= {name: course.last.expand(self.shape).clone() for name, course in piece.courses.items()}
        if tensors(self.neuron).buffers.get("spiked") is not None:
            saved["spiked"] = piece.spiked.view(torch.int8)
        if self.kernel.located:
            start = (self.first_step + piece.end - 1) * self.neuron.dt
            saved |= last_spikes(piece.happened, piece.steps, self.shape, start)
        saved["step_count"] = torch.tensor(self.first_step + piece.end, dtype=torch.int64)
        self.inputs.leave(piece.courses, piece.end)
        # These tensors are nobody else's: they become the neuron's.
        self.neuron.take_over(saved)

    def _fail(self, step: int) -> None:
        """Take the run again up to the step that fails, and that one in ``eager``, which says why."""
        self.drive.check()
        before = self.neuron.state_dict()
        if step:
            # The same inputs, so the same kernel; and those who follow the run have heard of these steps.
            again = Run(self.neuron, self.drive, step, (), 1, lambda constant: self.kernel)
            try:
                with rb.watched(step, progress=False) as watch:
                    again._through(watch)
            except KeyboardInterrupt:
                self.neuron.load_state_dict(before)
                raise
        self.neuron(self.drive.rows(step, 1)[0])
        self.neuron.load_state_dict(before)
        raise Amiss(f"its kernel gives numbers in step {step} that are not finite, where eager's are")

    def _between(self, first: int, last: int) -> rb.Piece:
        """What was recorded in some blocks."""
        kept = slice(first // self.every, last // self.every)
        traces = {
            name: (trace[kept].view(torch.int8) if name == "spiked" else trace[kept])
            for name, trace in self.traces.items()
        }
        spikes = self.trains.between(first, last) if self.spikes else None
        return rb.Piece(first, last, spikes, traces, self.units)

    def _recording(self, done: int) -> Recording:
        piece = self._between(0, done)
        return rb.Recording.of(
            self.neuron,
            spikes=piece.spikes,
            traces=piece.traces,
            steps=done,
            complete=done == self.steps,
            first_step=self.first_step,
            batch_shape=tuple(self.shape[:-1]),
            every=self.every,
            trace_indices=piece.trace_indices,
        )
