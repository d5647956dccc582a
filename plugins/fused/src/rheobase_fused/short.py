"""Calls of a few steps, whose tables stay from call to call: what Python does takes microseconds, like the
steps themselves. What is not usual is left to the long way."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

import rheobase as rb
import torch
from rheobase.spi import carried, tensors
from torch import Tensor

from .call import SMALL, Call, CompiledKernel
from .trains import Trains

if TYPE_CHECKING:
    from rheobase import Neuron
    from rheobase.spi import Drive

_Strides = tuple[int, int, int]


@final
class ShortCall:
    """Takes few steps of a neuron by a compiled kernel that locates no spikes.

    Args:
        neuron: The neuron; its type, device, options and functions stay what they are.
        kernel: Its kernel.
        record: ``"spikes"``, and names of states and ``"spiked"``.
        every: The stride of the traces, in steps.
    """

    def __init__(self, neuron: Neuron, kernel: CompiledKernel, record: Sequence[str], every: int) -> None:
        self._neuron, self._kernel, self._every = neuron, kernel, every
        self._spikes = "spikes" in record
        self._names = tuple(name for name in record if name != "spikes")
        inputs = neuron.schema.inputs
        self._bounded = {name: inputs[name].domain for name in inputs if inputs[name].bounded}
        self._defaults = {
            name: torch.full((1, 1), float(inputs[name].default), dtype=neuron.dtype) for name in inputs
        }
        states, params, given = map(len, (kernel.states, kernel.params, kernel.inputs))
        self._before, self._after = pointers(states), pointers(states)
        self._params, self._per_unit = pointers(params), numbers(params)
        self._inputs = pointers(given)
        self._strides = [numbers(given) for _ in range(3)]
        self._traces = pointers(states)
        tables = self._before, self._after, self._params, self._per_unit, self._inputs
        self._tables = [ctypes.addressof(table) for table in (*tables, *self._strides, self._traces)]
        self._reports = tensors(neuron).buffers.get("spiked") is not None

    @staticmethod
    def of(neuron: Neuron, kernel: Any, record: Sequence[str], every: int) -> ShortCall | None:
        """The short way; None where there is none for this neuron and record."""
        if not isinstance(kernel, CompiledKernel) or kernel.located:
            return None
        if getattr(record, "units", None):
            return None
        if any(name not in (*kernel.states, "spiked", "spikes") for name in record):
            return None
        return ShortCall(neuron, kernel, record, every)

    def __call__(self, drive: Drive, steps: int) -> rb.Taken | None:
        """Take so many steps; None, and nothing is changed, where that is for the long way.

        Args:
            drive: The stimulus, with a row for each step.
            steps: How many.
        """
        neuron, kernel = self._neuron, self._kernel
        own: Any = tensors(neuron)
        buffers, learnt = own
        states = [buffers[name] for name in kernel.states]
        shape = states[0].shape
        lanes, units = shape.numel(), shape[-1]
        if lanes * steps >= SMALL or (self._names and steps % self._every):
            return None
        given = self._given(drive, shape)
        if given is None:
            return None
        after = []
        for place, begin in enumerate(states):
            if begin.shape != shape or not begin.is_contiguous():
                return None
            end = torch.empty_like(begin)
            after.append(end)
            self._before[place], self._after[place] = begin.data_ptr(), end.data_ptr()
        alike = True
        for place, name in enumerate(kernel.params):
            value = buffers[name] if name in buffers else learnt[name]
            if not value.is_contiguous():
                return None
            self._params[place], self._per_unit[place] = value.data_ptr(), value.ndim
            alike = alike and not value.ndim
        spiked = torch.zeros_like(states[0], dtype=torch.int8)
        for place, (values, strides) in enumerate(given.values()):
            self._inputs[place] = values.data_ptr()
            for table, stride in zip(self._strides, strides, strict=True):
                table[place] = stride
        traces = self._rows(steps, shape)
        if self._names:
            for place, name in enumerate(kernel.states):
                self._traces[place] = traces[name].data_ptr() if name in traces else None
        call = Call(
            # Where nothing tells the rows of a batch apart, they are one row.
            lanes if alike else units,
            0,
            lanes,
            steps,
            self._every if self._names else 1,
            *self._tables,
            traces["spiked"].data_ptr() if "spiked" in traces else None,
            spiked.data_ptr(),
            lanes,
            lanes.bit_length(),
            failed=-1,
        )
        happened = kernel.once(call)
        if happened is None:
            return None
        saved = dict(zip(kernel.states, after, strict=True))
        for name, (values, _) in given.items():
            last = values[-1]
            saved[name] = last.clone() if last.shape == shape else last.expand(shape).clone()
        if self._reports:
            saved["spiked"] = spiked
        saved["step_count"] = torch.scalar_tensor(drive.first_step + steps, dtype=torch.int64)
        trains = Trains(drive.first_step, drive.dt, shape, False, [(0, happened)]) if self._spikes else None

        def recorded(first: int, last: int) -> rb.Piece:
            return rb.Piece(first, last, trains() if trains else None, traces)

        try:
            with rb.watched(steps, False, recorded, whole=not carried(neuron)) as watch:
                neuron.take_over(saved)
                watch(steps)
        except KeyboardInterrupt as interrupt:
            if buffers["step_count"] is not saved["step_count"]:
                raise  # The neuron stands where it did.
            recording = rb.Recording.of(
                neuron,
                spikes=trains() if trains else None,
                traces=traces,
                steps=steps,
                first_step=drive.first_step,
                batch_shape=tuple(shape[:-1]),
                every=self._every,
            )
            raise rb.SimulationInterrupted(recording, steps) from interrupt
        return rb.Taken(trains, traces, tuple(shape[:-1]))

    def _given(self, drive: Drive, shape: torch.Size) -> dict[str, tuple[Tensor, _Strides]] | None:
        """The values of each input, and their strides by step, row and unit; None for the long way."""
        parts, dtype = drive.parts, self._neuron.dtype
        given: dict[str, tuple[Tensor, _Strides]] = {}
        for name in self._kernel.inputs:
            values = parts.get("" if "" in parts else name, self._defaults.get(name))
            if not isinstance(values, Tensor):
                return None
            if values.dtype != dtype or values.requires_grad or not values.is_contiguous():
                values = values.detach().to(dtype).contiguous()
            if values is self._defaults.get(name):
                given[name] = values, (0, 0, 0)
                continue
            row = values.shape[1:]
            if name in self._bounded and not bool(self._bounded[name].contains(values).all()):
                return None
            if row == shape:
                lanes, units = shape.numel(), shape[-1]
                given[name] = values, (lanes, units if lanes > units else 0, 1)
            elif row == (1,):
                given[name] = values, (1, 0, 0)
            else:
                return None
        return given

    def _rows(self, steps: int, shape: torch.Size) -> Mapping[str, Tensor]:
        size = (steps // self._every, *shape)
        return {
            name: torch.zeros(size, dtype=torch.int8)
            if name == "spiked"
            else torch.empty(size, dtype=self._neuron.dtype)
            for name in self._names
        }


def pointers(count: int) -> Any:
    return (ctypes.c_void_p * max(1, count))()


def numbers(count: int) -> Any:
    return (ctypes.c_int64 * max(1, count))()
