"""A layer's kernels as operations of torch, by which ``torch.compile`` has it in one graph.

They do what :class:`.function.Unrolled` does, which costs less where nothing is compiled. An operation is
given no kernel but a key, under which each process that makes such a layer keeps what makes its kernels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from .kernel import LayerKernel, in_buffer
from .setting import LIBRARY


class Recipe(Protocol):
    """What makes the kernels of a layer."""

    def ready(
        self, sizes: Tensor, values: Any, scale: Tensor, begin: Tensor | None, states: Any
    ) -> tuple[dict[str, Tensor], LayerKernel]:
        """What a kernel reads beside inputs and states, and the kernel."""

    def named(self, values: Sequence[Tensor], before: Sequence[Tensor]) -> tuple[Any, Any]:
        """Parameters and states by name."""

    @property
    def segment(self) -> int:
        """The steps of a segment."""


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


def _kernel(given: _Given) -> tuple[LayerKernel, list[Tensor], dict[str, Tensor]]:
    recipe = RECIPES[given.key]
    values, states = recipe.named(given.values, given.before)
    params, kernel = recipe.ready(given.sizes, values, given.scale, given.begin, states)
    return kernel, [params[name] for name in kernel.params], states


@torch.library.impl(LIBRARY, "unrolled", "CPU")
def _unrolled(*given: Any) -> list[Tensor]:
    one, keeps = _Given(*given[:-1]), given[-1]
    with torch.no_grad():
        kernel, params, states = _kernel(one)
        size, views = _kept(one, RECIPES[one.key].segment, keeps)
        buffer = one.scale.new_empty(size, dtype=torch.uint8)
        parts = dict(zip(states, in_buffer(buffer, views), strict=True))
        kept = [parts[name] for name in kernel.states] if keeps else []
        done = kernel.forward(one.x, params, [states[name] for name in kernel.states], kept)
    ends = dict(zip(kernel.states, done.after, strict=True))
    return [done.out, *(ends[name] if name in ends else states[name].clone() for name in states), buffer]


@torch.library.impl(LIBRARY, "unrolled_backward", "CPU")
def _unrolled_backward(*given: Any) -> list[Tensor]:
    one, buffer, cotangents = _Given(*given[:-2]), given[-2], given[-1]
    with torch.no_grad():
        kernel, params, states = _kernel(one)
        _, views = _kept(one, RECIPES[one.key].segment, True)
        parts = dict(zip(states, in_buffer(buffer, views), strict=True))
        kept = [parts[name] for name in kernel.states]
        dafter = dict(zip(states, cotangents[1:], strict=True))
        names = [f"p.{name}" for name in RECIPES[one.key].named(one.values, one.before)[0]]
        inputs = [f"x.{name}" for name in kernel.inputs]
        numbers = [f"s.{name}" for name in kernel.numbers]
        begun = [f"p.{kernel.params[-1]}"] if one.begin is not None else []
        wanted = [*inputs, *names, *begun, *numbers]
        found = kernel.backward(one.x, params, kept, cotangents[0], dafter, frozenset(wanted))
    like = [*one.x, *one.values, *([] if one.begin is None else [one.begin]), *one.before]
    return [
        found[name] if name in found else torch.zeros_like(each)
        for name, each in zip(wanted, like, strict=False)
    ]


def _kept(given: _Given, segment: int, keeps: bool) -> tuple[Any, list[Any]]:
    """Bytes of what is kept, and where the states at the starts of segments lie: type, shape, offset."""
    segments = -(-given.x[0].shape[0] // segment) if keeps else 0
    views, size = [], 0
    for each in given.before:
        views.append((each.dtype, (segments, *each.shape), size))
        size = size + (segments * each.numel() * each.element_size() + 63) // 64 * 64
    return size, views


def _fake(*given: Any) -> list[Tensor]:
    one, keeps = _Given(*given[:-1]), given[-1]
    size, _ = _kept(one, RECIPES[one.key].segment, keeps)
    out = one.before[0].new_empty((one.x[0].shape[0], *one.before[0].shape))
    buffer = one.scale.new_empty(size, dtype=torch.uint8)
    return [out, *(each.new_empty(each.shape) for each in one.before), buffer]


def _fake_backward(*given: Any) -> list[Tensor]:
    one = _Given(*given[:-2])
    numbers = [each for each in one.before if each.is_floating_point()]
    like = [*one.x, *one.values, *([] if one.begin is None else [one.begin]), *numbers]
    return [each.new_empty(each.shape) for each in like]


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
    dx, dvalues, rest = found[:xs], found[xs : xs + count], found[xs + count :]
    dbegin, numbers = (rest[0], rest[1:]) if begins else (None, rest)
    dbefore = [*numbers, *[None] * (befores - len(numbers))]
    return None, dx, None, dvalues, None, dbegin, dbefore, None


torch.library.register_fake("rheobase_fused::unrolled", _fake, lib=LIBRARY)
torch.library.register_fake("rheobase_fused::unrolled_backward", _fake_backward, lib=LIBRARY)
torch.library.register_autograd("rheobase_fused::unrolled", _differentiate, setup_context=_keep, lib=LIBRARY)
