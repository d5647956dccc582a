"""A layer's kernel as a function of torch, with a derivative."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch
from torch import Tensor

from .kernel import LayerKernel, Table


class Unrolled(torch.autograd.Function):
    """All steps of a sequence: the output, whether inputs were finite, and the states at the end."""

    @staticmethod
    def forward(
        ctx: Any,
        kernel: LayerKernel,
        params: Table,
        learnt: list[int],
        beside: list[Tensor],
        y: Tensor,
        *given: Tensor,
    ) -> Any:
        """From states ``y`` and those beside them, inputs, and the parameters at the places ``learnt``."""
        inputs = given[: len(kernel.inputs)]
        before = [y, *beside]
        kept = kernel.room(before, len(inputs[0])) if any(ctx.needs_input_grad) else None
        done = kernel.forward(inputs, params, before, kept)
        out, after = done.out, done.after
        if kept is not None:
            ctx.kernel, ctx.learnt, ctx.beside = kernel, learnt, beside
            ctx.params = params
            ctx.save_for_backward(y, kept, *inputs, *params.alive)
        ctx.mark_non_differentiable(*after[1:])
        ctx.set_materialize_grads(False)
        return (out, done.finite, *after)

    @staticmethod
    def backward(ctx: Any, dout: Tensor | None, _: Any, dafter: Tensor | None, *__: Any) -> Any:
        """The cotangents of states, inputs and parameters."""
        if torch.is_grad_enabled():
            raise rb.errors.BackendError(
                "a layer in a kernel has a first derivative and no second (create_graph=True); make it with "
                "backend='eager', which has all"
            )
        kernel: LayerKernel = ctx.kernel
        y, kept, *saved = ctx.saved_tensors
        inputs, params = saved[: len(kernel.inputs)], ctx.params
        names = ["y", *(f"x.{name}" for name in kernel.inputs)]
        names += [f"p.{kernel.params[at]}" for at in ctx.learnt]
        needed = ctx.needs_input_grad[4:]
        wanted = frozenset(name for name, asked in zip(names, needed, strict=True) if asked)
        found = kernel.backward(inputs, params, [y, *ctx.beside], kept, dout, dafter, wanted)
        for name, at in zip(names[1 + len(inputs) :], ctx.learnt, strict=True):
            if name in wanted and name not in found:
                found[name] = torch.zeros_like(params.alive[at])
        return None, None, None, None, *(found.get(name) if name in wanted else None for name in names)
