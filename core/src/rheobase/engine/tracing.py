"""Whether values can be looked at, and whether a neuron may keep what a step computed."""

from __future__ import annotations

from types import FrameType

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import get_proxy_mode
from torch.nn.utils import stateless


def transforming() -> bool:
    """Whether a function transform (vmap, grad, jvp, ...) is at work."""
    # torch has no public question for this; the interpreter stack is where its own checks look.
    return bool(torch._C._functorch.peek_interpreter_stack() is not None)


def lent(caller: FrameType) -> bool:
    """Whether ``torch.func.functional_call`` is the caller, which lends a module other tensors.

    The tensors do not tell: it may lend the module its own.
    """
    return caller.f_code is stateless._functional_call.__code__


def values_visible(tensor: Tensor) -> bool:
    """Whether Python may branch on the values of a tensor.

    It may not while compiling, tracing or under a function transform, nor on the meta device.
    """
    if torch.compiler.is_compiling():
        return False
    return not (
        tensor.is_meta
        or transforming()
        or torch._C._is_tracing()
        or get_proxy_mode() is not None
        or torch._C._len_torch_dispatch_stack() > 0
    )
