"""A layer's kernel, and calling it: pointers, strides, threads."""

from __future__ import annotations

import ctypes
import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, final

import torch
from torch import Tensor

from ..store import library
from ..threads import threads_for
from .halves import Halves
from .source import SEGMENT, layer_source

FUNCTIONS = ("rheobase_forward", "rheobase_backward", "rheobase_block")
"""What the library of a layer's kernel has."""

SMALL = 400_000
"""Unit-steps below which a second thread costs more than it saves."""
LARGE = 4 * 1024 * 1024
"""Bytes of a sequence that goes by the caches: nothing of it would be there when it is looked at."""
_PARTS, _LINE = 16, 64
"""Blocks that there are at least, if they do not become small; bytes of a line of the cache."""

KERNELS: dict[str, LayerKernel] = {}
"""Those of this process, by the hash of their source."""


class _Layer(ctypes.Structure):
    """The structure of ``layer.h``."""

    _fields_ = [
        *((name, ctypes.c_int64) for name in ("units", "lanes", "steps", "segment", "block")),
        *((name, ctypes.c_void_p) for name in ("before", "after", "kept", "params", "param_strides")),
        *((name, ctypes.c_void_p) for name in ("inputs", "input_strides", "out")),
        *((name, ctypes.c_int64) for name in ("stream", "odd", "short_of_memory")),
        ("dout", ctypes.c_void_p),
        *((name, ctypes.c_int64) for name in ("dout_step", "dout_lane")),
        *((name, ctypes.c_void_p) for name in ("dafter", "dbefore", "dinputs", "dparams", "dparam_strides")),
    ]


class Forwarded(NamedTuple):
    """What a sequence gave.

    Attributes:
        out: ``[T, *batch, N]``.
        after: The states at the end, in order, ``[*batch, N]``.
        finite: Whether all inputs were.
    """

    out: Tensor
    after: list[Tensor]
    finite: bool


@final
class LayerKernel:
    """A layer's step and its derivative, compiled.

    Args:
        halves: What it was made from.
        text: Its source.
        key: The hash of that.
        store: Whether states are kept for each step.

    Attributes:
        states: The names of the states, in order.
        numbers: Those that are numbers.
        params: The names of the parameters, the scale and the sizes among them.
        inputs: Those of the inputs.
    """

    def __init__(self, halves: Halves, text: str, key: str, *, store: bool) -> None:
        made = library(text, FUNCTIONS)
        self._forward, self._backward = made.rheobase_forward, made.rheobase_backward
        for function in (self._forward, self._backward):
            function.argtypes, function.restype = [ctypes.POINTER(_Layer), ctypes.c_int64], None
        made.rheobase_block.restype = ctypes.c_int64
        self._block = int(made.rheobase_block())
        self._segment = segment_of(store=store)
        self.key = key
        self.states, self.numbers = tuple(halves.step.states), tuple(halves.adjoint)
        self.params, self.inputs = halves.step.params, halves.step.inputs
        self._carried, self._driven = tuple(halves.carried), frozenset(halves.inputs)

    def kept_for(self, before: Sequence[Tensor], steps: int) -> list[Tensor]:
        """Room for the states at the start of each segment."""
        segments = -(-steps // self._segment)
        return [each.new_empty((segments, *each.shape)) for each in before]

    def forward(
        self,
        inputs: Sequence[Tensor],
        params: Sequence[Tensor],
        before: Sequence[Tensor],
        kept: Sequence[Tensor],
    ) -> Forwarded:
        """A sequence.

        Args:
            inputs: Each ``[T, *batch, N]``, in order.
            params: Each ``[]`` or ``[N]``, in order.
            before: The states, ``[*batch, N]``, in order.
            kept: Where the states at the start of each segment are put; none: there will be no derivative.
        """
        shape, steps = before[0].shape, len(inputs[0])
        inputs, before = [_rows(each) for each in inputs], [each.contiguous() for each in before]
        params = [each.contiguous() for each in params]
        out = inputs[0].new_empty((steps, *shape))
        after = [torch.empty_like(each) for each in before]
        call, alive = self._call(inputs, params, shape)
        alive += [_point(call, "before", before), _point(call, "after", after)]
        if kept:
            alive.append(_point(call, "kept", kept))
        call.out = out.data_ptr()
        call.stream = self._streams(call, [out])
        self._forward(ctypes.byref(call), self._threads(call))
        _check_memory(call)
        return Forwarded(out, after, not call.odd)

    def backward(
        self,
        inputs: Sequence[Tensor],
        params: Sequence[Tensor],
        kept: Sequence[Tensor],
        dout: Tensor | None,
        dafter: Mapping[str, Tensor | None],
        wanted: frozenset[str],
    ) -> dict[str, Tensor]:
        """The derivative of a sequence: cotangents by what they are of.

        Args:
            inputs: As in the forward.
            params: As in the forward.
            kept: What the forward kept.
            dout: The cotangent of the output; None is 0.
            dafter: Those of the states at the end that are numbers.
            wanted: What a derivative is asked by: ``"x."``, ``"p."`` or ``"s."`` before a name.
        """
        shape = kept[0].shape[1:]
        inputs, params = [_rows(each) for each in inputs], [each.contiguous() for each in params]
        call, alive = self._call(inputs, params, shape)
        lanes, steps, like = call.lanes, call.steps, inputs[0]
        if dout is None:
            dout = like.new_zeros(()).expand(steps, *shape)
        wide = not _is_one(dout)
        dout = _rows(dout) if wide else dout
        call.dout, call.dout_lane = dout.data_ptr(), int(wide)
        call.dout_step = lanes if wide and (steps < 2 or dout.stride(0)) else 0
        after = [dafter.get(name) for name in self.numbers]
        after = [None if each is None else each.contiguous() for each in after]
        found: dict[str, Tensor] = {}
        for name in self.numbers:
            if f"s.{name}" in wanted:
                found[f"s.{name}"] = like.new_empty(shape)
        for name in self.inputs:
            if f"x.{name}" in wanted:
                make = like.new_empty if name in self._driven else like.new_zeros
                found[f"x.{name}"] = make((steps, *shape))
        # Those of parameters come along; each block has its own.
        each = [params[self.params.index(name)].ndim for name in self._carried]
        blocks = -(-lanes // call.block)
        sums = [torch.empty(lanes if wide_one else blocks, dtype=torch.float64) for wide_one in each]
        driven = [found.get(f"x.{name}") if name in self._driven else None for name in self.inputs]
        strides = (ctypes.c_int64 * max(1, len(each)))(*each)
        call.dparam_strides = ctypes.addressof(strides)
        alive += [
            *(strides, dout, after),
            _point(call, "kept", kept),
            _point(call, "dafter", after),
            _point(call, "dbefore", [found.get(f"s.{name}") for name in self.numbers]),
            _point(call, "dinputs", driven),
            _point(call, "dparams", sums),
        ]
        call.stream = self._streams(call, [part for part in driven if part is not None])
        self._backward(ctypes.byref(call), self._threads(call))
        _check_memory(call)
        for name, part, ndim in zip(self._carried, sums, each, strict=True):
            if f"p.{name}" in wanted:
                total = part.view(-1, shape[-1]).sum(0) if ndim else part[0]
                found[f"p.{name}"] = total.to(like.dtype)
        return found

    def _call(
        self, inputs: Sequence[Tensor], params: Sequence[Tensor], shape: torch.Size
    ) -> tuple[_Layer, list[Any]]:
        lanes = shape.numel()
        call = _Layer(units=shape[-1], lanes=lanes, steps=len(inputs[0]), segment=self._segment)
        # The same whatever the number of threads is: sums are of blocks, in their order.
        call.block = max(_LINE, min(self._block, -(-lanes // (_PARTS * _LINE)) * _LINE))
        wide = (ctypes.c_int64 * max(1, len(params)))(*[each.ndim for each in params])
        rows = (ctypes.c_int64 * max(1, len(inputs)))(
            *[lanes if len(each) < 2 or each.stride(0) else 0 for each in inputs]
        )
        call.param_strides, call.input_strides = ctypes.addressof(wide), ctypes.addressof(rows)
        alive = [wide, rows, _point(call, "inputs", inputs), _point(call, "params", params)]
        return call, alive

    def _threads(self, call: _Layer) -> int:
        blocks = -(-call.lanes // call.block)
        work = int(call.lanes * call.steps)
        return threads_for(int(blocks), work // SMALL)

    def _streams(self, call: _Layer, written: Sequence[Tensor]) -> int:
        size = written[0].element_size() if written else 0
        large = call.lanes * call.steps * size >= LARGE and not call.lanes * size % _LINE
        return int(large and not any(each.data_ptr() % _LINE for each in written))


def segment_of(*, store: bool) -> int:
    """The steps of a segment."""
    return 1 if store else SEGMENT


def kernel_of(halves: Halves, *, single: bool, store: bool) -> LayerKernel:
    """The kernel of a step and its derivative; that which is there, where it was made before.

    Raises:
        Refusal: If there can be none.
    """
    text = layer_source(halves, single=single)
    key = hashlib.sha256(f"{store}\0{text}".encode()).hexdigest()
    if key not in KERNELS:
        KERNELS[key] = LayerKernel(halves, text, key, store=store)
    return KERNELS[key]


def in_buffer(buffer: Tensor, views: Sequence[tuple[torch.dtype, Sequence[int], int]]) -> list[Tensor]:
    """Tensors that lie in bytes, by their types, shapes and offsets."""
    found = []
    for dtype, shape, offset in views:
        size = dtype.itemsize * math.prod(shape)
        found.append(buffer[offset : offset + size].view(dtype).view(*shape))
    return found


def _rows(x: Tensor) -> Tensor:
    """A sequence whose rows are contiguous; one row may serve all steps."""
    return x if x.is_contiguous() or (len(x) and not x.stride(0) and x[0].is_contiguous()) else x.contiguous()


def some(x: Tensor) -> Tensor:
    """All numbers of a tensor; the one, where it is one that was expanded."""
    return x.as_strided((1,), (1,)) if _is_one(x) and x.numel() else x


def _is_one(x: Tensor) -> bool:
    return not any(x.stride())


def _point(call: _Layer, field: str, tensors: Sequence[Tensor | None]) -> Any:
    addresses = [None if each is None else each.data_ptr() for each in tensors]
    table = (ctypes.c_void_p * max(1, len(addresses)))(*addresses)
    setattr(call, field, ctypes.addressof(table))
    return table


def _check_memory(call: _Layer) -> None:
    if call.short_of_memory:
        raise MemoryError("not enough memory for the states of a layer")
