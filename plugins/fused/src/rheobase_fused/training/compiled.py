"""A layer's kernels as operations of torch, by which ``torch.compile`` has it in one graph.

They do what :class:`.function.Unrolled` does, which costs less where nothing is compiled. An operation is
given no kernel but a key, under which each process that makes such a layer keeps what makes its kernels.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from .kernel import LayerKernel, Table
from .layout import room_for
from .setting import BEGIN, LIBRARY


class Recipe(Protocol):
    """What makes the kernels of a layer."""

    def ready(
        self, sizes: Tensor, values: Any, scale: Tensor, begin: Tensor | None, before: Sequence[Tensor]
    ) -> tuple[Table, LayerKernel]:
        """What a kernel reads beside inputs and states, and the kernel."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters."""

    @property
    def learnt(self) -> tuple[int, ...]:
        """The places of those of which a derivative is asked."""

    @property
    def segment(self) -> int:
        """The steps of a segment."""


FORM = 2
"""What the operations are given and give, a part of keys: torch keeps graphs on disk, old ones too."""
RECIPES: dict[str, Recipe] = {}
"""Those of this process, by what a step does."""

_ARGUMENTS = (
    "str key, Tensor[] x, Tensor sizes, Tensor[] values, Tensor scale, Tensor? begin, Tensor[] before"
)
LIBRARY.define(f"unrolled({_ARGUMENTS}, bool keeps) -> Tensor[]")
LIBRARY.define(f"unrolled_backward({_ARGUMENTS}, Tensor kept, Tensor?[] cotangents) -> Tensor[]")
_OPS = torch.ops.rheobase_fused


def unrolled(
    key: str,
    x: list[Tensor],
    sizes: Tensor,
    values: list[Tensor],
    scale: Tensor,
    begin: Tensor | None,
    before: list[Tensor],
) -> list[Tensor]:
    """All steps of a sequence: the output, and the states at the end."""
    keeps = torch.is_grad_enabled()
    found = _OPS.unrolled(key, x, sizes, values, scale, begin, before, keeps)
    return list(found[:-1])


class _Given(NamedTuple):
    key: str
    x: list[Tensor]
    sizes: Tensor
    values: list[Tensor]
    scale: Tensor
    begin: Tensor | None
    before: list[Tensor]


def _kernel(given: _Given) -> tuple[LayerKernel, Table, list[Tensor]]:
    """A kernel, the parameters, and the states that it knows."""
    recipe = RECIPES[given.key]
    values = dict(zip(recipe.names, given.values, strict=True))
    params, kernel = recipe.ready(given.sizes, values, given.scale, given.begin, given.before)
    return kernel, params, given.before[: 1 + len(kernel.beside)]


@torch.library.impl(LIBRARY, "unrolled", "CPU")
def _unrolled(*given: Any) -> list[Tensor]:
    one, keeps = _Given(*given[:-1]), given[-1]
    with torch.no_grad():
        kernel, params, before = _kernel(one)
        buffer = one.scale.new_empty(_kept(one, keeps), dtype=torch.uint8)
        done = kernel.forward(one.x, params, before, buffer if keeps else None)
    rest = [each.clone(memory_format=torch.contiguous_format) for each in one.before[len(before) :]]
    return [done.out, *done.after, *rest, buffer]


@torch.library.impl(LIBRARY, "unrolled_backward", "CPU")
def _unrolled_backward(*given: Any) -> list[Tensor]:
    one, buffer, cotangents = _Given(*given[:-2]), given[-2], given[-1]
    with torch.no_grad():
        kernel, params, before = _kernel(one)
        wanted = _wanted(one.key, kernel.inputs, one.begin is not None)
        dout, dafter = cotangents[:2]
        found = kernel.backward(one.x, params, before, buffer, dout, dafter, frozenset(wanted))
    pairs = zip(wanted, _like(one), strict=True)
    return [found[name] if name in found else torch.zeros_like(each) for name, each in pairs]


@functools.cache
def _wanted(key: str, inputs: tuple[str, ...], begins: bool) -> tuple[str, ...]:
    """What a derivative is asked by, as a kernel is told it."""
    recipe = RECIPES[key]
    learnt = (f"p.{recipe.names[at]}" for at in recipe.learnt)
    return (*(f"x.{name}" for name in inputs), *learnt, *([f"p.{BEGIN}"] if begins else []), "y")


def _like(one: _Given) -> list[Tensor]:
    """What a derivative is asked by."""
    learnt = [one.values[at] for at in RECIPES[one.key].learnt]
    return [*one.x, *learnt, *([] if one.begin is None else [one.begin]), one.before[0]]


def _kept(given: _Given, keeps: bool) -> Any:
    """Bytes of what is kept."""
    segments = -(-given.x[0].shape[0] // RECIPES[given.key].segment) if keeps else 0
    return room_for(given.before, segments)[0]


def _fake(*given: Any) -> list[Tensor]:
    one, keeps = _Given(*given[:-1]), given[-1]
    out = one.before[0].new_empty((one.x[0].shape[0], *one.before[0].shape[1:]))
    buffer = one.scale.new_empty(_kept(one, keeps), dtype=torch.uint8)
    return [out, *(each.new_empty(each.shape) for each in one.before), buffer]


def _fake_backward(*given: Any) -> list[Tensor]:
    return [each.new_empty(each.shape) for each in _like(_Given(*given[:-2]))]


def _keep(ctx: Any, inputs: Any, output: Any) -> None:
    one = _Given(*inputs[:-1])
    begin = [] if one.begin is None else [one.begin]
    ctx.key, ctx.counts = one.key, (len(one.x), len(one.values), len(begin), len(one.before))
    ctx.save_for_backward(*one.x, one.sizes, *one.values, one.scale, *begin, *one.before, output[-1])


def _differentiate(ctx: Any, cotangents: Any) -> Any:
    xs, count, begins, befores = ctx.counts
    saved = list(ctx.saved_tensors)
    x, saved = saved[:xs], saved[xs:]
    sizes, values, scale = saved[0], saved[1 : 1 + count], saved[1 + count]
    begin = saved[2 + count] if begins else None
    before = saved[2 + count + begins : 2 + count + begins + befores]
    given = [None if each is None or not each.is_floating_point() else each for each in cotangents[:-1]]
    found = _OPS.unrolled_backward(ctx.key, x, sizes, values, scale, begin, before, saved[-1], given)
    learnt = RECIPES[ctx.key].learnt
    dx, rest = found[:xs], found[xs + len(learnt) :]
    dvalues: list[Tensor | None] = [None] * count
    for at, each in zip(learnt, found[xs:], strict=False):
        dvalues[at] = each
    dbegin, dy = (rest[0], rest[1]) if begins else (None, rest[0])
    dbefore = [dy, *[None] * (befores - 1)]
    return None, dx, None, dvalues, None, dbegin, dbefore, None


torch.library.register_fake("rheobase_fused::unrolled", _fake, lib=LIBRARY)
torch.library.register_fake("rheobase_fused::unrolled_backward", _fake_backward, lib=LIBRARY)
torch.library.register_autograd("rheobase_fused::unrolled", _differentiate, setup_context=_keep, lib=LIBRARY)
