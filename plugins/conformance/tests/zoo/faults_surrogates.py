"""Surrogates, each with one thing wrong."""

from __future__ import annotations

from typing import Any

import torch
from rheobase import SurrogateSpec
from torch import Tensor

FAULTS = {
    "sums_up": "keeps-shape-and-type",
    "single": "keeps-shape-and-type",
    "flattens": "keeps-shape-and-type",
    "a_number": "keeps-shape-and-type",
    "by_numpy": "keeps-shape-and-type",
    "normalised": "takes-each-number-alone",
    "in_place": "takes-each-number-alone",
    "clips_the_gradient": "takes-each-number-alone",
    "ever_steeper": "takes-each-number-alone",
    "with_a_backward": "goes-through-transforms",
    "exponential": "finite-everywhere",
    "root": "finite-everywhere",
    "overflows_in_single": "finite-everywhere",
    "bell": "never-falls",
    "wavy": "never-falls",
    "flat": "rises-by-one-at-threshold",
    "a_step": "rises-by-one-at-threshold",
    "too_steep": "rises-by-one-at-threshold",
    "flat_in_single": "rises-by-one-at-threshold",
    "of_another_slope": "derivative-is-that-of-the-value",
    "straight_through": "derivative-is-that-of-the-value",
    "with_a_jump": "derivative-is-that-of-the-value",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""


def sums_up(z: Tensor) -> Tensor:
    """The sum of all units."""
    return torch.tanh(z).sum()


def single(z: Tensor) -> Tensor:
    """Float32, whatever is given."""
    return torch.tanh(z.float())


def flattens(z: Tensor) -> Tensor:
    """All units in a row, without their batch."""
    return torch.tanh(z).reshape(-1)


def a_number(z: Tensor) -> Any:
    """No tensor, where one number is given."""
    return torch.tanh(z) if z.ndim else torch.tanh(z).item()


def by_numpy(z: Tensor) -> Tensor:
    """By way of numpy, on the CPU alone."""
    return torch.tanh(z) + 0.0 * torch.from_numpy(z.detach().numpy())


def normalised(z: Tensor) -> Tensor:
    """In parts of the largest of all units."""
    return torch.tanh(z) * (1.0 + 1e-3 * z.detach().abs().amax()) if z.ndim and z.numel() else torch.tanh(z)


def in_place(z: Tensor) -> Tensor:
    """Written over what it is given."""
    with torch.no_grad():
        z.clamp_(-8.0, 8.0)
    return torch.tanh(z)


class _Clipped(torch.autograd.Function):
    generate_vmap_rule = False

    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        ctx.save_for_backward(z)
        return torch.tanh(z)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (z,) = ctx.saved_tensors
        slope = 1.0 - torch.tanh(z) ** 2
        return grads[0] * slope / slope.sum().clamp(min=1.0) if z.numel() > 1 else grads[0] * slope


def clips_the_gradient(z: Tensor) -> Tensor:
    """A gradient that all units share: at most 1 in sum."""
    return _Clipped.apply(z)  # type: ignore[no-any-return]


_CALLS = [0]


def ever_steeper(z: Tensor) -> Tensor:
    """Steeper with each call, as training goes on."""
    _CALLS[0] += 1
    return torch.tanh(z * (1.0 + 1e-4 * _CALLS[0]))


class _Smooth(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        ctx.save_for_backward(z)
        return torch.tanh(z)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (z,) = ctx.saved_tensors
        return grads[0] * (1.0 - torch.tanh(z) ** 2)


def with_a_backward(z: Tensor) -> Tensor:
    """A backward of its own, right in itself, through which no transform goes."""
    return _Smooth.apply(z)  # type: ignore[no-any-return]


def exponential(z: Tensor) -> Tensor:
    """e^z, which has no end."""
    return torch.exp(z)


def root(z: Tensor) -> Tensor:
    """z / (1 + sqrt(z^2)), whose derivative at 0 is 0 / 0."""
    return z / (1.0 + torch.sqrt(z * z))


def overflows_in_single(z: Tensor) -> Tensor:
    """z^8 on the way, which is more than float32 holds at 1e6."""
    return z / (1.0 + z**8) ** 0.125


def bell(z: Tensor) -> Tensor:
    """It rises and falls again."""
    return z * torch.exp(-(z**2))


def wavy(z: Tensor) -> Tensor:
    """It falls a little, far from threshold."""
    return torch.atan(z) + 0.02 * torch.sin(z) - 0.02 * z / (1.0 + z**2)


def flat(z: Tensor) -> Tensor:
    """z^3: nothing at threshold."""
    return torch.tanh(z**3)


def a_step(z: Tensor) -> Tensor:
    """The step itself, without any derivative."""
    return (z >= 0).to(z.dtype)


def too_steep(z: Tensor) -> Tensor:
    """A slope of 25, as it came with somebody's network."""
    return torch.tanh(25.0 * z)


def flat_in_single(z: Tensor) -> Tensor:
    """No gradient in float32, where another implementation is taken."""
    return torch.tanh(z) if z.dtype == torch.float64 else torch.tanh(z.detach()) + 0.0 * z


class _Other(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        ctx.save_for_backward(z)
        return torch.sigmoid(4.0 * z)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (z,) = ctx.saved_tensors
        return grads[0] / (1.0 + z.abs()) ** 2


def of_another_slope(z: Tensor) -> Tensor:
    """The value of one surrogate with the derivative of another."""
    return _Other.apply(z)  # type: ignore[no-any-return]


def straight_through(z: Tensor) -> Tensor:
    """The step in value, with a derivative beside it."""
    soft = torch.tanh(z)
    return (z >= 0).to(z.dtype) + soft - soft.detach()


def with_a_jump(z: Tensor) -> Tensor:
    """A jump at z = 1, of which its derivative knows nothing."""
    return torch.tanh(z) + 0.3 * (z > 1.0)


SPECS = {name: SurrogateSpec(name.replace("_", "-"), f"faults_surrogates:{name}") for name in FAULTS}
