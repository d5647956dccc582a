"""What is asked of tensors: whether values can be looked at or kept, are finite, and fit in shape."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from types import CodeType, FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor


def of_torch(path: str, otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """The private function ``module:name`` of torch, or another where torch has it no more."""
    module, _, names = path.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for name in names.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError):
        # Without it torch itself refuses the branch on a value that was not to be seen, in words of its own.
        return otherwise
    function: Callable[..., Any] = found
    return function


# torch has no public questions for these; here is where its own checks look.
_transform = of_torch("torch:_C._functorch.peek_interpreter_stack", lambda: None)
_proxies = of_torch("torch.fx.experimental.proxy_tensor:get_proxy_mode", lambda: None)
_tracing = of_torch("torch.jit:is_tracing", lambda: False)  # public, and without types
_dispatching = of_torch("torch:_C._len_torch_dispatch_stack", lambda: 0)
_lending: CodeType | None = getattr(
    of_torch("torch.nn.utils.stateless:_functional_call", lambda: None), "__code__", None
)


def transforming() -> bool:
    """Whether a function transform (vmap, grad, jvp, ...) is at work."""
    return _transform() is not None


def called_functionally(caller: FrameType) -> bool:
    """Whether ``torch.func.functional_call`` is the caller, which lends a module other tensors."""
    # The tensors do not tell: it may lend the module its own.
    return caller.f_code is _lending


def values_visible(tensor: Tensor) -> bool:
    """Whether Python may branch on a tensor's values: not in compiling, tracing, a transform or on meta."""
    if torch.compiler.is_compiling():
        return False
    return not (
        tensor.is_meta or transforming() or _tracing() or _proxies() is not None or _dispatching() > 0
    )


def known_to_numpy(tensor: Tensor) -> bool:
    """Whether numpy can work where a tensor of numbers lies; it has no bfloat16."""
    return tensor.is_cpu and tensor.dtype in (torch.float32, torch.float64)


def all_finite(y: Tensor) -> bool:
    """Whether all values are finite. One pass, unless their sum overflows."""
    if y.requires_grad:
        y = y.detach()
    if y.numel() == 1:
        return math.isfinite(y.item())
    # A sum with an infinite term, or with one that is no number, is not finite either.
    return math.isfinite(y.sum().item()) or bool(y.isfinite().all())


def first_not_finite(values: Tensor) -> tuple[int, ...] | None:
    """The index of the first value that is not finite, or None."""
    bad = (~values.detach().isfinite()).nonzero()
    return tuple(bad[0].tolist()) if len(bad) else None


def broadcast_shape(*shapes: Sequence[int]) -> torch.Size:
    """The shape that shapes broadcast to: what ``torch.broadcast_shapes`` gives.

    Example:
        >>> broadcast_shape((2, 1), (3,))
        torch.Size([2, 3])
    """
    if torch.compiler.is_compiling():
        # Sizes may be symbols there, which numpy does not take.
        return torch.Size(torch.broadcast_shapes(*shapes))
    try:
        # torch's own takes half a second when it is first used: it makes its symbolic shapes ready.
        return torch.Size(np.broadcast_shapes(*(tuple(shape) for shape in shapes)))
    except ValueError as error:
        raise RuntimeError(str(error)) from error
