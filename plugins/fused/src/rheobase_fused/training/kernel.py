"""A layer's kernel, and calling it: pointers, strides, threads."""

from __future__ import annotations

import ctypes
import hashlib
import math
from array import array
from collections.abc import Sequence
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
"""Those of this process, by the hash of their source and of the names that it does not have."""


class Table(NamedTuple):
    """Parameters as a kernel reads them.

    Attributes:
        alive: The tensors.
        words: Their addresses and strides.
    """

    alive: list[Tensor]
    words: list[int]


def table_of(params: Sequence[Tensor]) -> Table:
    """Parameters, each ``[]`` or ``[N]``, in order."""
    alive = [each.contiguous() for each in params]
    words = _padded([each.data_ptr() for each in alive]) + _padded([each.ndim for each in alive])
    return Table(alive, words)


class Forwarded(NamedTuple):
    """What a sequence gave.

    Attributes:
        out: ``[T, *batch, N]``.
        after: The states at the end: those that are numbers ``[D, *batch, N]``, and those beside them.
        finite: Whether all inputs were, and the states at the end.
    """

    out: Tensor
    after: list[Tensor]
    finite: bool


@final
class LayerKernel:
    """A layer's step and its derivative, compiled.

    States are given as one tensor ``[D, *batch, N]`` of those that are numbers, and one ``[*batch, N]`` for
    each that is not.

    Args:
        halves: What it was made from.
        text: Its source.
        key: The hash of that.
        store: Whether states are kept for each step.

    Attributes:
        numbers: The names of the states that are numbers, in order.
        beside: Those of the others.
        params: The names of the parameters, the scale and the sizes among them.
        inputs: Those of the inputs.
    """

    def __init__(self, halves: Halves, text: str, key: str, *, store: bool) -> None:
        made = library(text, FUNCTIONS)
        self._forward, self._backward = made.rheobase_forward, made.rheobase_backward
        for function in (self._forward, self._backward):
            function.argtypes, function.restype = [ctypes.c_void_p, ctypes.c_int64], ctypes.c_int64
        made.rheobase_block.restype = ctypes.c_int64
        self._block = int(made.rheobase_block())
        self.segment = segment_of(store=store)
        self.key = key
        self.numbers = tuple(halves.adjoint)
        self.beside = tuple(name for name in halves.step.states if name not in halves.adjoint)
        self.params, self.inputs = halves.step.params, halves.step.inputs
        self._carried = [(name, self.params.index(name)) for name in halves.carried]
        self._driven = frozenset(halves.inputs)

    def room(self, before: Sequence[Tensor], steps: int) -> Tensor:
        """Room for the states at the start of each segment."""
        return before[0].new_empty(room_for(before, -(-steps // self.segment))[0], dtype=torch.uint8)

    def forward(
        self,
        inputs: Sequence[Tensor],
        params: Table,
        before: Sequence[Tensor],
        kept: Tensor | None,
    ) -> Forwarded:
        """A sequence.

        Args:
            inputs: Each ``[T, *batch, N]``, in order.
            params: The parameters.
            before: The states.
            kept: Where the states at the start of each segment are put; None: there will be no derivative.
        """
        y = before[0]
        shape, lanes = y.shape[1:], y[0].numel()
        inputs = [_rows(each) for each in inputs]
        before = [_states(each, index == 0) for index, each in enumerate(before)]
        out = inputs[0].new_empty((len(inputs[0]), *shape))
        after = [each.new_empty(each.shape) for each in before]
        words = self._words(inputs, params, lanes, shape[-1], [out], out)
        steps, size = len(inputs[0]), y.element_size()
        addresses, wide = [], []
        for each in before:
            first, step = each.data_ptr(), each.stride(0) * size if each is before[0] else 0
            rows = len(self.numbers) if each is before[0] else 1
            addresses += [first + row * step for row in range(rows)]
            wide += [int(each.is_contiguous())] * rows
        words += _padded(addresses) + _padded(wide)
        words += _padded(self._places(after, lanes * size)) + self._kept(kept, before, steps)
        words += [0] * self._rest
        given = array("q", words)
        said = self._forward(given.buffer_info()[0], self._threads(lanes, steps, words[4]))
        _check_memory(said)
        return Forwarded(out, after, not said & 1)

    def backward(
        self,
        inputs: Sequence[Tensor],
        params: Table,
        like: Sequence[Tensor],
        kept: Tensor,
        dout: Tensor | None,
        dafter: Tensor | None,
        wanted: frozenset[str],
    ) -> dict[str, Tensor]:
        """The derivative of a sequence: cotangents by what they are of.

        Args:
            inputs: As in the forward.
            params: As in the forward.
            like: What the states are like.
            kept: What the forward kept.
            dout: The cotangent of the output; None is 0.
            dafter: That of the states at the end that are numbers.
            wanted: What a derivative is asked by: ``"x."`` or ``"p."`` before a name, or ``"y"``.
        """
        shape = like[0].shape[1:]
        lanes, steps, real = shape.numel(), len(inputs[0]), inputs[0]
        inputs = [_rows(each) for each in inputs]
        if dout is None:
            dout = real.new_zeros(()).expand(steps, *shape)
        lane = not _is_one(dout)
        dout = _rows(dout) if lane else dout
        dafter = None if dafter is None else dafter.contiguous()
        found: dict[str, Tensor] = {}
        if "y" in wanted:
            found["y"] = real.new_empty((len(self.numbers), *shape))
        for name in self.inputs:
            if f"x.{name}" in wanted:
                make = real.new_empty if name in self._driven else real.new_zeros
                found[f"x.{name}"] = make((steps, *shape))
        # Those of parameters come along.
        slopes = [torch.empty_like(params.alive[at]) for _, at in self._carried]
        driven = [found.get(f"x.{name}") if name in self._driven else None for name in self.inputs]
        written = [part for part in driven if part is not None]
        words = self._words(inputs, params, lanes, shape[-1], written, None)
        words[6] = lanes if lane and (steps < 2 or dout.stride(0)) else 0
        words[7], words[8] = int(lane), dout.data_ptr()
        places = len(self.numbers) + len(self.beside) + 1
        words += [0] * (3 * places) + self._kept(kept, like, steps)
        size = real.element_size() * lanes
        for each in (dafter, found.get("y")):
            first = 0 if each is None else each.data_ptr()
            words += _padded([first + row * size if first else 0 for row in range(len(self.numbers))])
        words += _padded([0 if each is None else each.data_ptr() for each in driven])
        words += _padded([each.data_ptr() for each in slopes]) + _padded([each.ndim for each in slopes])
        words += [0] * (len(slopes) + 1 + 2)
        given = array("q", words)
        _check_memory(self._backward(given.buffer_info()[0], self._threads(lanes, steps, words[4])))
        found |= {f"p.{name}": each for (name, _), each in zip(self._carried, slopes, strict=True)}
        return found

    @property
    def _rest(self) -> int:
        """What of the structure is the backward's."""
        return 2 * (len(self.numbers) + 1) + len(self.inputs) + 1 + 3 * (len(self._carried) + 1) + 2

    def _words(
        self,
        inputs: Sequence[Tensor],
        params: Table,
        lanes: int,
        units: int,
        written: Sequence[Tensor],
        out: Tensor | None,
    ) -> list[int]:
        """The structure of ``layer.h``, which is of whole numbers and addresses, up to the parameters."""
        first = inputs[0]
        steps = len(first)
        # The same whatever the number of threads is: sums are of blocks, in their order.
        block = max(_LINE, min(self._block, -(-lanes // (_PARTS * _LINE)) * _LINE))
        row = lanes * first.element_size()
        stream = bool(written) and row * steps >= LARGE and not row % _LINE
        stream = stream and not any(each.data_ptr() % _LINE for each in written)
        return [
            *(units, lanes, steps, self.segment, block, int(stream), 0, 0, 0),
            0 if out is None else out.data_ptr(),
            *_padded([each.data_ptr() for each in inputs]),
            *_padded([lanes if steps < 2 or each.stride(0) else 0 for each in inputs]),
            *params.words,
        ]

    def _places(self, states: Sequence[Tensor], row: int) -> list[int]:
        first = states[0].data_ptr()
        return [
            *(first + k * row for k in range(len(self.numbers))),
            *(each.data_ptr() for each in states[1:]),
        ]

    def _kept(self, kept: Tensor | None, like: Sequence[Tensor], steps: int) -> list[int]:
        """Where the states at the start of each segment are."""
        if kept is None:
            return [0] * (len(self.numbers) + len(self.beside) + 1)
        offsets, first = room_for(like, -(-steps // self.segment))[1], kept.data_ptr()
        return _padded([first + offset for offset in offsets])

    def _threads(self, lanes: int, steps: int, block: int) -> int:
        return threads_for(-(-lanes // block), lanes * steps // SMALL)


def room_for(like: Sequence[Tensor], segments: Any) -> tuple[Any, list[Any]]:
    """Bytes for the states at the starts of segments, and where each state's begin."""
    offsets, size = [], 0
    for index, each in enumerate(like):
        rows = each.shape[0] if index == 0 else 1
        lanes = math.prod(each.shape[1:] if index == 0 else each.shape)
        for _ in range(rows):
            offsets.append(size)
            size = size + (segments * lanes * each.element_size() + 63) // 64 * 64
    return size, offsets


def segment_of(*, store: bool) -> int:
    """The steps of a segment."""
    return 1 if store else SEGMENT


def kernel_of(halves: Halves, *, single: bool, store: bool) -> LayerKernel:
    """The kernel of a step and its derivative; that which is there, where it was made before.

    Raises:
        Refusal: If there can be none.
    """
    text, step = layer_source(halves, single=single), halves.step
    # Models with the same formulas may call what is in them otherwise.
    names = (step.params, step.inputs, tuple(step.states), tuple(halves.adjoint), tuple(halves.carried))
    key = hashlib.sha256(repr((store, names, text)).encode()).hexdigest()
    if key not in KERNELS:
        KERNELS[key] = LayerKernel(halves, text, key, store=store)
    return KERNELS[key]


def _rows(x: Tensor) -> Tensor:
    """A sequence whose rows are contiguous; one row may serve all steps."""
    if x.is_contiguous() or not len(x):
        return x
    return x.contiguous() if x.stride(0) else x[0].contiguous().expand(x.shape)


def _states(x: Tensor, several: bool) -> Tensor:
    """States as a kernel reads them: of all lanes, or of the units of a row that stands for all."""
    if x.is_contiguous():
        return x
    strides = x.stride()[1 if several else 0 :]
    return x if strides[-1] == 1 and not any(strides[:-1]) else x.contiguous()


def some(x: Tensor) -> Tensor:
    """All numbers of a tensor; the one, where it is one that was expanded."""
    return x.as_strided((1,), (1,)) if _is_one(x) and x.numel() else x


def _is_one(x: Tensor) -> bool:
    return not any(x.stride())


def _padded(words: list[int]) -> list[int]:
    """A table of the structure: one longer than what there is, so that none is empty."""
    return [*words, 0]


def _check_memory(said: int) -> None:
    if said & 2:
        raise MemoryError("not enough memory for the states of a layer")
