"""What stands for the derivative of a spike: a function by name, with a width and a height."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..engine.resolve import load
from ..errors import ArgumentError, shown


@dataclass(frozen=True)
class Scaled:
    """S of a width and a height, u -> height S(u / width); made by :func:`rheobase.surrogate`.

    Attributes:
        name: The name of the function.
        function: S(z), with S'(0) = 1.
        width: How far from threshold the derivative reaches, in distances from rest to threshold.
        height: By how much S rises, for most functions. The derivative at threshold is height / width.
    """

    name: str
    function: Callable[[Tensor], Tensor]
    width: float = 1.0
    height: float = 1.0

    def __call__(self, u: Tensor) -> Tensor:
        """S(u), in the shape of u."""
        return self.height * self.function(u / self.width)


def surrogate(name: str, *, width: float = 1.0, height: float | None = None) -> Scaled:
    """The function that stands for the derivative of a spike in a layer: u -> height S(u / width).

    u is the distance from threshold, and the initial state lies at u = -1. The spike itself is 0 or 1 and
    is not touched by it.

    Args:
        name: That of an installed surrogate (``rheobase list --kind surrogate``): ``"atan"``, with the
            derivative 1 / (1 + (pi z)^2), ``"sigmoid"``, ``"fast-sigmoid"``, ``"super-spike"``,
            ``"gaussian"``, ``"triangle"``, ``"rectangle"``, or one of a plugin.
        width: How far from threshold the derivative reaches; above 0.
        height: What it is multiplied by; above 0. None: 1. The derivative at threshold is height / width.

    Returns:
        The function, to be given as ``surrogate=`` to :func:`rheobase.layer`. It can be called and pickled.

    Raises:
        ComponentError: If there is no surrogate of that name; it lists what is installed.
        ArgumentError: If width or height is not a finite number above 0.

    Example:
        >>> import rheobase as rb, torch
        >>> u = torch.tensor([-1.0, 0.0, 1.0], requires_grad=True)
        >>> rb.surrogate("triangle", width=2.0)(u).sum().backward()
        >>> u.grad
        tensor([0.2500, 0.5000, 0.2500])
    """
    height = 1.0 if height is None else height
    for what, value in (("width", width), ("height", height)):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
            raise ArgumentError(f"surrogate: {what}={shown(value)}; give a finite number above 0")
    return Scaled(name, load("surrogate", name)[0], float(width), float(height))


@dataclass(frozen=True)
class Flat:
    """A function S that is flat at infinity, where it would be no number, such as u / (1 + |u|).

    Attributes:
        function: S(u).
    """

    function: Callable[[Tensor], Tensor]

    def __call__(self, u: Tensor) -> Tensor:
        """S(u), in the shape of u."""
        return self.function(torch.where(u.isfinite(), u, 0.0))


def as_surrogate(given: Any) -> Callable[[Tensor], Tensor]:
    """A surrogate by name, or a function S(u): finite, with S'(0) finite and above 0."""
    function = surrogate(given) if isinstance(given, str) else given
    if not callable(function):
        raise ArgumentError(
            f"surrogate={shown(given)} cannot be used; give the name of an installed surrogate, "
            "what rheobase.surrogate gives, or a function of a tensor"
        )
    # In inference mode nothing is differentiated, whatever the surrogate is.
    with torch.inference_mode(False), torch.enable_grad():
        u = torch.zeros(2, dtype=torch.float64, requires_grad=True)
        value = function(u)
        if not isinstance(value, Tensor) or value.shape != u.shape:
            raise ArgumentError(f"surrogate={shown(given)} must give a tensor of the shape that it is given")
        slope = torch.autograd.grad(value.sum(), u)[0][0].item() if value.requires_grad else 0.0
    if not 0 < slope < math.inf:
        raise ArgumentError(
            f"surrogate={shown(given)} has the derivative {slope:g} at u = 0, so that a unit at threshold "
            "would learn nothing; give a function that rises there"
        )
    # A state that overflows on its way to a spike is infinitely far beyond threshold.
    return function if _bears_infinity(function) else Flat(function)


def _bears_infinity(function: Callable[[Tensor], Tensor]) -> bool:
    with torch.inference_mode(False), torch.enable_grad():
        u = torch.tensor([-math.inf, math.inf], dtype=torch.float64, requires_grad=True)
        value = function(u)
        (slope,) = torch.autograd.grad(value.sum(), u)
    return bool(value.isfinite().all() and slope.isfinite().all())
