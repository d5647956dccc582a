"""Calling a kernel: pointers, strides and threads."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from .contract import Course, Happened, Kernel, Outputs, strides_of
from .located_run import decode_hold, encoded_hold
from .noise import noise_structs, normals
from .threads import threads_for
from .tracing import Step

_POINTERS = (
    *("before", "states", "params", "param_strides"),
    *("inputs", "step_strides", "row_strides", "unit_strides"),
    "traces",
)


FUNCTIONS = ("rheobase_run", "rheobase_sort")
"""What the library of a kernel has."""
STAYING = ("rheobase_open", "rheobase_step", "rheobase_close")
"""What it has beside where states stay between calls."""


class Call(ctypes.Structure):
    """The structure of ``frame.h``."""

    _fields_ = [
        *((name, ctypes.c_int64) for name in ("units", "first", "last", "steps", "every")),
        *((name, ctypes.c_void_p) for name in _POINTERS),
        *((name, ctypes.c_void_p) for name in ("raster", "spiked")),
        ("lanes", ctypes.c_int64),
        ("shift", ctypes.c_int64),
        ("events", ctypes.POINTER(ctypes.c_int64)),
        *((name, ctypes.c_int64) for name in ("count", "room", "failed", "short_of_memory")),
        ("times", ctypes.POINTER(ctypes.c_double)),
        *((name, ctypes.c_void_p) for name in ("parts", "armed", "noise", "normals")),
    ]


@final
class CompiledKernel(Kernel):
    """A compiled step, called for many steps of many units.

    Args:
        library: The shared library, with the functions of :data:`FUNCTIONS`.
        step: What it was made from.
        cost: What a unit-step costs, in additions.
        located: Whether it locates spikes within their steps.
        stays: Whether it keeps states between calls of one step.
    """

    def __init__(
        self, library: ctypes.CDLL, step: Step, cost: float, *, located: bool = False, stays: bool = False
    ) -> None:
        super().__init__(step, cost)
        self._run, self._sort = (getattr(library, name) for name in FUNCTIONS)
        self._run.argtypes, self._run.restype = [ctypes.POINTER(Call), ctypes.c_int64, ctypes.c_int64], None
        self._sort.argtypes = [ctypes.POINTER(Call), ctypes.c_int64, *(ctypes.c_void_p,) * 3]
        self._sort.restype = None
        self._free = ctypes.CDLL(None).free
        self._free.argtypes, self._free.restype = [ctypes.c_void_p], None
        if stays:
            self.open, self.step, self.close = (getattr(library, name) for name in STAYING)
            self.open.argtypes, self.open.restype = [ctypes.POINTER(Call)], ctypes.c_void_p
            self.close.argtypes, self.close.restype = [ctypes.c_void_p, ctypes.c_void_p], None
        self.located = located
        self.beside = ("armed",) if located else ()
        if located and "hold" in self.states:
            self.beside += ("hold_time",)

    def __call__(
        self,
        states: Mapping[str, Tensor],
        params: Mapping[str, Tensor],
        courses: Mapping[str, Course],
        steps: int,
        outputs: Outputs,
    ) -> Happened:
        """See the base class."""
        shape = states[self.states[0]].shape
        lanes, units = shape.numel(), shape[-1]
        shift = lanes.bit_length()
        held = [params[name].detach().contiguous() for name in self.params]
        given = [courses[name] for name in self.inputs]
        strides = [strides_of(course) for course in given]
        if units < lanes and not any(value.ndim for value in held):
            # Nothing tells the rows of a batch apart: they are one row.
            alike = all(row == units * unit or not (row or unit) for _, row, unit in strides)
            units = lanes if alike else units
        before = encoded_hold(states)
        after = dict(
            outputs.states or {name: torch.empty_like(states[name]) for name in (*self.states, *self.beside)}
        )
        for name in self.beside:
            after[name].copy_(states[name])
        # Alive as long as the call.
        tables: list[Any] = [
            *(_addresses([each[name] for name in self.states]) for each in (before, after)),
            _addresses(held),
            _numbers([int(value.ndim > 0) for value in held]),
            _addresses([course.values for course in given]),
            *(_numbers([each[place] for each in strides]) for place in range(3)),
            _addresses([outputs.traces.get(name) for name in self.states]),
        ]

        threads, shares = _shares(lanes, steps)
        call = Call(units=units, lanes=lanes, shift=shift, steps=steps, every=outputs.every, failed=-1)
        for name, table in zip(_POINTERS, tables, strict=True):
            setattr(call, name, ctypes.addressof(table))
        call.raster = None if outputs.raster is None else outputs.raster.data_ptr()
        call.spiked = None if outputs.spiked is None else outputs.spiked.data_ptr()
        if self.located:
            call.armed = after["armed"].data_ptr()
            call.parts = after["hold_time"].data_ptr() if "hold_time" in after else None
        if any(course.noise for course in given):
            noise, alive = noise_structs([course.noise for course in given])
            tables += [noise, alive]
            call.noise, call.normals = ctypes.addressof(noise), normals()
        calls = (Call * len(shares))(*[call] * len(shares))
        for part, bounds in zip(calls, shares, strict=True):
            part.first, part.last = bounds
        try:
            self._run(calls, len(calls), threads)
            if any(part.short_of_memory for part in calls):
                raise MemoryError("not enough memory for the spikes of this run")
            happened = (self._timed if self.located else self._sorted)(calls, after)
        finally:
            for part in calls:
                self._free(part.events)
                self._free(part.times)
        decode_hold(after)
        return happened

    def once(self, call: Call) -> Happened | None:
        """One call, in this thread, that locates no spikes; None where something is not finite."""
        pointer = ctypes.byref(call)
        try:
            self._run(pointer, 1, 1)
            if call.short_of_memory:
                raise MemoryError("not enough memory for the spikes of this run")
            if call.failed >= 0:
                return None
            count = call.count
            if not count:
                return NOTHING
            # One array, of whose address Python asks once: steps, lanes, and counts that begin at zero.
            room = np.zeros(2 * count + call.steps + 1, dtype=np.int64)
            at = room.ctypes.data
            self._sort(pointer, 1, at + 16 * count, at, at + 8 * count)
        finally:
            self._free(call.events)
        return Happened({}, room[:count], room[count : 2 * count], -1)

    def _sorted(self, calls: Any, after: Mapping[str, Tensor]) -> Happened:
        counts = np.zeros(calls[0].steps + 1, dtype=np.int64)
        step, lane = (np.empty(sum(call.count for call in calls), dtype=np.int64) for _ in range(2))
        self._sort(calls, len(calls), *(array.ctypes.data for array in (counts, step, lane)))
        return Happened(after, step, lane, _failed(calls))

    def _timed(self, calls: Any, after: Mapping[str, Tensor]) -> Happened:
        some = [call for call in calls if call.count]
        events, times = [np.empty(0, dtype=np.int64)], [np.empty(0)]
        events += [np.ctypeslib.as_array(call.events, (call.count,)) for call in some]
        times += [np.ctypeslib.as_array(call.times, (call.count,)) for call in some]
        lanes = np.concatenate(events)
        shift = calls[0].shift
        return Happened(
            after, lanes >> shift, lanes & ((1 << shift) - 1), _failed(calls), np.concatenate(times)
        )


NOTHING = Happened({}, np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), -1)
"""What happens in a call without a spike."""


def _failed(calls: Any) -> int:
    """The first step after which something is not finite, or -1."""
    return min((call.failed for call in calls if call.failed >= 0), default=-1)


SMALL = 200_000
"""Unit-steps below which a second thread costs more than it saves."""
_BLOCK = 2048
"""Units that a kernel works on at once, at most."""
_PARTS, _MOST_PARTS = 4, 64
"""Parts for each thread: one that is held up leaves the rest to the others."""


def _shares(lanes: int, steps: int) -> tuple[int, list[tuple[int, int]]]:
    """How many threads, and the lanes of each part of the work."""
    threads = threads_for(lanes // 128, lanes * steps // SMALL)
    if threads == 1:
        return 1, [(0, lanes)]
    # Whole cache lines, so that no two threads write to one.
    size = min(_BLOCK, -(-lanes // (_PARTS * abs(threads) * 64)) * 64)
    size *= -(-lanes // (_MOST_PARTS * abs(threads) * size))
    return threads, [(first, min(first + size, lanes)) for first in range(0, lanes, size)]


def _addresses(tensors: Sequence[Tensor | None]) -> Any:
    addresses = [None if each is None else each.data_ptr() for each in tensors]
    return (ctypes.c_void_p * max(1, len(addresses)))(*addresses)


def _numbers(values: Sequence[int]) -> Any:
    return (ctypes.c_int64 * max(1, len(values)))(*values)
