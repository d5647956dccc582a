"""Encoders: numbers from 0 to 1 as sequences of spikes."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ArgumentError, InputError
from ..torch_state import values_visible


def poisson(x: Tensor, steps: int, *, generator: torch.Generator | None = None) -> Tensor:
    """Spikes by chance, each step by itself: x is the chance of one.

    Args:
        x: From 0 to 1, any shape.
        steps: T, the number of steps.
        generator: Where random numbers come from; torch's own by default.

    Returns:
        ``[T, *x.shape]``, 0 or 1, in x's type.

    Raises:
        InputError: If a value is not from 0 to 1.
        ArgumentError: If the number of steps is not a whole number from 0 up.

    Example:
        >>> import torch
        >>> poisson(torch.tensor([0.0, 1.0]), 2)
        tensor([[0., 1.],
                [0., 1.]])
    """
    _check(x, steps, "poisson")
    drawn = torch.rand((steps, *x.shape), dtype=x.dtype, device=x.device, generator=generator)
    return (drawn < x).to(x.dtype)


def latency(x: Tensor, steps: int) -> Tensor:
    """One spike for each number, the earlier the larger it is; none for 0.

    Its step is round((T - 1) (1 - x)), counted from 0.

    Args:
        x: From 0 to 1, any shape.
        steps: T, the number of steps.

    Returns:
        ``[T, *x.shape]``, 0 or 1, in x's type.

    Raises:
        InputError: If a value is not from 0 to 1.
        ArgumentError: If the number of steps is not a whole number from 0 up.

    Example:
        >>> import torch
        >>> latency(torch.tensor([1.0, 0.5, 0.0]), 3)
        tensor([[1., 0., 0.],
                [0., 1., 0.],
                [0., 0., 0.]])
    """
    _check(x, steps, "latency")
    at = torch.round((steps - 1) * (1.0 - x))
    now = torch.arange(steps, dtype=x.dtype, device=x.device).view(-1, *[1] * x.ndim)
    return ((at == now) & (x > 0)).to(x.dtype)


def _check(x: Tensor, steps: int, what: str) -> None:
    if type(steps) is not int or steps < 0:
        raise ArgumentError(f"{what}: steps={steps!r}; give a whole number from 0 up")
    if not x.is_floating_point():
        raise InputError(f"{what}: x is {x.dtype}; give real numbers from 0 to 1, such as x.float() / 255")
    if values_visible(x) and not bool(((x >= 0) & (x <= 1)).all()):
        raise InputError(
            f"{what}: x goes from {float(x.min()):g} to {float(x.max()):g}; give numbers from 0 to 1"
        )
