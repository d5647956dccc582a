"""Surrogates that are as they must be."""

from __future__ import annotations

import torch
from rheobase import SurrogateSpec
from torch import Tensor

SOUND = [
    "hyperbolic",
    "algebraic",
    "softened",
    "leaky_ramp",
    "cubic",
    "logarithmic",
    "of_two_widths",
    "uneven",
    "steep_tail",
]


def hyperbolic(z: Tensor) -> Tensor:
    """tanh."""
    return torch.tanh(z)


def algebraic(z: Tensor) -> Tensor:
    """z / sqrt(1 + z^2)."""
    return z * torch.rsqrt(1.0 + z * z)


def softened(z: Tensor) -> Tensor:
    """A difference of two softplus, a ramp with round corners."""
    soft = torch.nn.functional.softplus
    return (
        (soft(4.0 * z + 4.0) - soft(4.0 * z - 4.0))
        / 4.0
        / (2.0 * torch.sigmoid(torch.tensor(4.0)).item() - 1.0)
    )


def leaky_ramp(z: Tensor) -> Tensor:
    """A ramp that goes on rising a little: S' = 1 within 1/2, and 0.1 beyond."""
    return 0.1 * z + 0.9 * z.clamp(-0.5, 0.5)


def cubic(z: Tensor) -> Tensor:
    """S' = 1 - z^2 within 1."""
    near = z.clamp(-1.0, 1.0)
    return near - near**3 / 3.0


def logarithmic(z: Tensor) -> Tensor:
    """S' = 1 / (1 + |z|), without a bound."""
    return torch.where(z > 0, torch.log1p(z.clamp(min=0.0)), -torch.log1p(-z.clamp(max=0.0)))


def of_two_widths(z: Tensor) -> Tensor:
    """A narrow and a wide one."""
    return 0.5 * torch.tanh(z) + 0.5 * torch.atan(z)


def uneven(z: Tensor) -> Tensor:
    """Wider above threshold than below."""
    return torch.where(z > 0, torch.atan(z.clamp(min=0.0)), torch.tanh(z.clamp(max=0.0)))


def steep_tail(z: Tensor) -> Tensor:
    """The error function, whose tails are nothing."""
    return torch.erf(0.886226925452758 * z)


SPECS = {name: SurrogateSpec(name.replace("_", "-"), f"sound_surrogates:{name}") for name in SOUND}
