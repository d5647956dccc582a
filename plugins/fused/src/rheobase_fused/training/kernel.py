"""A layer's kernel, and calling it: pointers, strides, threads."""

from __future__ import annotations

import ctypes
import hashlib
from array import array
from collections.abc import Sequence
from typing import NamedTuple, final

import torch
from torch import Tensor

from ..store import library
from ..threads import threads_for
from .halves import Halves
from .layout import LINE, Layout, layout_of, segment_of
from .source import layer_source

FUNCTIONS = ("rheobase_forward", "rheobase_backward", "rheobase_block")
"""What the library of a layer's kernel has."""

_LAYOUTS = 64
"""Layouts that a kernel knows at most."""

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
        self._layouts: dict[tuple[int, torch.Size], Layout] = {}

    def room(self, before: Sequence[Tensor], steps: int) -> Tensor:
        """Room for the states at the start of each segment."""
        return before[0].new_empty(self._layout(steps, before).room, dtype=torch.uint8)

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
        inputs = [_rows(each) for each in inputs]
        before = [_states(each, index == 0) for index, each in enumerate(before)]
        y, steps = before[0], len(inputs[0])
        layout = self._layout(steps, before)
        out = y.new_empty((steps, *layout.shape))
        after = [torch.empty_like(each, memory_format=torch.contiguous_format) for each in before]
        kinds, place, step = len(self.numbers), y.data_ptr(), y.stride(0) * y.element_size()
        given = array("q", self._words(layout, inputs, params, [out], out))
        given.extend(range(place, place + kinds * step, step) if step else [place] * kinds)
        given.extend([each.data_ptr() for each in before[1:]])
        given.append(0)
        given.extend([int(y.is_contiguous())] * kinds)
        given.extend([int(each.is_contiguous()) for each in before[1:]])
        given.append(0)
        place = after[0].data_ptr()
        given.extend([place + row for row in layout.rows])
        given.extend([each.data_ptr() for each in after[1:]])
        given.append(0)
        given.extend(_kept(kept, layout))
        given.extend([0] * self._rest)
        said = self._forward(given.buffer_info()[0], threads_for(*layout.threads))
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
        inputs = [_rows(each) for each in inputs]
        real, steps = inputs[0], len(inputs[0])
        layout = self._layout(steps, like)
        lanes, shape = layout.lanes, layout.shape
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
        words = self._words(layout, inputs, params, [each for each in driven if each is not None], None)
        words[6] = lanes if lane and (steps < 2 or dout.stride(0)) else 0
        words[7], words[8] = int(lane), dout.data_ptr()
        given = array("q", words)
        given.extend([0] * (3 * (len(self.numbers) + len(self.beside) + 1)))
        given.extend(_kept(kept, layout))
        for each in (dafter, found.get("y")):
            first = 0 if each is None else each.data_ptr()
            given.extend([first + row if first else 0 for row in layout.rows])
            given.append(0)
        given.extend(_padded([0 if each is None else each.data_ptr() for each in driven]))
        given.extend(_padded([each.data_ptr() for each in slopes]))
        given.extend(_padded([each.ndim for each in slopes]))
        given.extend([0] * (len(slopes) + 1 + 2))
        _check_memory(self._backward(given.buffer_info()[0], threads_for(*layout.threads)))
        for (name, _), each in zip(self._carried, slopes, strict=True):
            found[f"p.{name}"] = each
        return found

    @property
    def _rest(self) -> int:
        """What of the structure is the backward's."""
        return 2 * (len(self.numbers) + 1) + len(self.inputs) + 1 + 3 * (len(self._carried) + 1) + 2

    def _words(
        self,
        layout: Layout,
        inputs: Sequence[Tensor],
        params: Table,
        written: Sequence[Tensor],
        out: Tensor | None,
    ) -> list[int]:
        """The structure of ``layer.h``, which is of whole numbers and addresses, up to the parameters."""
        lanes, steps = layout.lanes, layout.steps
        stream = layout.large and bool(written)
        stream = stream and not any(each.data_ptr() % LINE for each in written)
        return [
            *(layout.shape[-1], lanes, steps, self.segment, layout.block, int(stream), 0, 0, 0),
            0 if out is None else out.data_ptr(),
            *(each.data_ptr() for each in inputs),
            0,
            *(lanes if steps < 2 or each.stride(0) else 0 for each in inputs),
            0,
            *params.words,
        ]

    def _layout(self, steps: int, states: Sequence[Tensor]) -> Layout:
        """How a sequence of so many steps lies in memory, beside states like these."""
        key = steps, states[0].shape
        found = self._layouts.get(key)
        if found is None:
            if len(self._layouts) >= _LAYOUTS:
                self._layouts.clear()
            found = self._layouts[key] = layout_of(steps, states, self.segment, self._block)
        return found


def _kept(kept: Tensor | None, layout: Layout) -> list[int]:
    """Where the states at the start of each segment are."""
    first = 0 if kept is None else kept.data_ptr()
    return _padded([first + offset if first else 0 for offset in layout.kept])


def kernel_of(halves: Halves, *, single: bool, store: bool) -> LayerKernel:
    """The kernel of a step and its derivative; that which is there, where it was made before.

    Raises:
        Refusal: If there can be none.
    """
    # A segment of one step is not taken again.
    text, step = layer_source(halves, single=single, tapes=not store), halves.step
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
