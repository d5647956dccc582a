"""A layer's kernel as a function of torch, with a derivative."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch
from torch import Tensor

from .kernel import LayerKernel


class Unrolled(torch.autograd.Function):
    """All steps of a sequence: the output, whether inputs were finite, and the states at the end."""

    @staticmethod
    def forward(ctx: Any, kernel: LayerKernel, *tensors: Tensor) -> Any:
        """From inputs, parameters and states, in the kernel's order."""
        inputs, params, before = split(kernel, tensors)
        kept = kernel.kept_for(before, len(inputs[0])) if any(ctx.needs_input_grad) else []
        done = kernel.forward(inputs, params, before, kept)
        ctx.kernel = kernel
        ctx.save_for_backward(*inputs, *params, *kept)
        fixed = [part for part in done.after if not part.is_floating_point()]
        ctx.mark_non_differentiable(*fixed)
        ctx.set_materialize_grads(False)
        return (done.out, done.finite, *done.after)

    @staticmethod
    def backward(ctx: Any, dout: Tensor | None, _: Any, *dafter: Tensor | None) -> Any:
        """The cotangents of inputs, parameters and states."""
        if torch.is_grad_enabled():
            raise rb.errors.BackendError(
                "a layer in a kernel has a first derivative and no second (create_graph=True); make it with "
                "backend='eager', which has all"
            )
        kernel: LayerKernel = ctx.kernel
        inputs, params, kept = split(kernel, ctx.saved_tensors)
        names = names_of(kernel)
        wanted = frozenset(
            name for name, needed in zip(names, ctx.needs_input_grad[1:], strict=True) if needed
        )
        given = {
            name: each for name, each in zip(kernel.states, dafter, strict=True) if name in kernel.numbers
        }
        found = kernel.backward(inputs, params, kept, dout, given, wanted)
        by_shape = zip(names, [*inputs, *params, *kept], strict=True)
        return (
            None,
            *(
                found.get(name, torch.zeros_like(each) if name in wanted and name[0] == "p" else None)
                for name, each in by_shape
            ),
        )


def split(kernel: LayerKernel, tensors: Any) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Inputs, parameters, and states."""
    one = len(kernel.inputs)
    other = one + len(kernel.params)
    return list(tensors[:one]), list(tensors[one:other]), list(tensors[other:])


def names_of(kernel: LayerKernel) -> list[str]:
    """What each of them is called where a derivative by it is wanted."""
    return [
        *(f"x.{name}" for name in kernel.inputs),
        *(f"p.{name}" for name in kernel.params),
        *(f"s.{name}" for name in kernel.states),
    ]
