"""How large an error may be, for each unit and variable."""

from __future__ import annotations

import math
from typing import Any

import torch
from rheobase import errors
from torch import Tensor

RTOL = 1e-6
"""The relative tolerance where none is given, or 10 eps of the state's dtype where that is more."""

SPIKES = 0.01
"""The part of the tolerance that a step may err by where spikes are located. The error of a state dies away;
that of a spike stays with all the spikes after it, and is the state's divided by how steeply it crosses."""


def checked(who: str, name: str, value: Any) -> float | Tensor:
    """A tolerance as it was given: a number > 0, or a tensor of them.

    Raises:
        ArgumentError: If it is something else.
    """
    if isinstance(value, Tensor):
        given: Tensor = value.detach()
        if not given.is_floating_point() or not bool(((given > 0) & given.isfinite()).all()):
            raise errors.ArgumentError(
                f"{who}: {name}={given.tolist()} cannot be used; give finite numbers > 0, in a tensor that "
                "broadcasts to [D, *batch, units]"
            )
        return given
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise errors.ArgumentError(f"{who}: {name}={value!r} cannot be used; give a number > 0")
    return float(value)


def shown(value: float | Tensor) -> str:
    """A tolerance in a repr.

    Example:
        >>> shown(1e-6), shown(torch.ones(2, 1))
        ('1e-06', '<tensor [2, 1]>')
    """
    return f"<tensor {list(value.shape)}>" if isinstance(value, Tensor) else str(value)


class Tolerance:
    """The tolerances for states of one shape.

    Args:
        rtol: Relative: a number, or a tensor that broadcasts to the state's shape.
        atol: Absolute, in the units of the states: likewise.
    """

    def __init__(self, rtol: float | Tensor, atol: Tensor) -> None:
        self.rtol, self.atol = rtol, atol

    @classmethod
    def of(cls, who: object, rtol: float | Tensor | None, atol: float | Tensor, y: Tensor) -> Tolerance:
        """The tolerances for a state.

        Args:
            who: The integrator, for messages.
            rtol: As the user gave it; None: the default.
            atol: As the user gave it.
            y: The state, ``[D, *batch, units]``.

        Raises:
            ToleranceError: If rtol is below 10 eps of the state's dtype.
            ArgumentError: If a tensor does not broadcast to the state's shape.
        """
        least = 10.0 * torch.finfo(y.dtype).eps
        if rtol is None:
            rtol = max(RTOL, least)
        elif (float(rtol.min()) if isinstance(rtol, Tensor) else rtol) < least:
            raise errors.ToleranceError(
                f"{who}: rtol is below what {y.dtype} resolves; give rtol >= {least:.2g}, 10 eps of the "
                "dtype, or use dtype=torch.float64"
            )
        if isinstance(rtol, Tensor):
            rtol = _fitting(who, "rtol", rtol, y)
        # A tensor of one number stays on the CPU, which costs no transfer.
        if not isinstance(atol, Tensor):
            return cls(rtol, torch.tensor(atol, dtype=y.dtype))
        return cls(rtol, _fitting(who, "atol", atol, y))

    def for_spikes(self, dtype: torch.dtype) -> Tolerance:
        """The tolerances where spikes are located: a hundredth, but not below what the type resolves."""
        least = 10.0 * torch.finfo(dtype).eps
        if isinstance(self.rtol, Tensor):
            return Tolerance((SPIKES * self.rtol).clamp(min=least), SPIKES * self.atol)
        return Tolerance(max(SPIKES * self.rtol, least), SPIKES * self.atol)

    def scale(self, size: Tensor) -> Tensor:
        """The error allowed for states of this size: atol + rtol size."""
        if isinstance(self.rtol, Tensor):
            return torch.addcmul(self.atol, self.rtol, size)
        return torch.add(self.atol, size, alpha=self.rtol)

    def flat(self, shape: torch.Size) -> Tolerance:
        """The same for states of this shape once they are flattened to ``[D, n]``."""
        return self._each(lambda value: value.expand(shape).reshape(shape[0], -1))

    def take(self, who: Tensor | slice) -> Tolerance:
        """The same for some units of a flattened state."""

        def some(value: Tensor) -> Tensor:
            if value.shape[-1] == 1:
                return value
            return value[..., who] if isinstance(who, slice) else value.index_select(-1, who)

        return self._each(some)

    def _each(self, change: Any) -> Tolerance:
        rtol = change(self.rtol) if isinstance(self.rtol, Tensor) and self.rtol.ndim else self.rtol
        return Tolerance(rtol, change(self.atol) if self.atol.ndim else self.atol)


def _fitting(who: object, name: str, value: Tensor, y: Tensor) -> Tensor:
    try:
        fits = torch.broadcast_shapes(value.shape, y.shape) == y.shape
    except RuntimeError:
        fits = False
    if not fits:
        raise errors.ArgumentError(
            f"{who}: {name} has the shape {list(value.shape)} for a state of the shape {list(y.shape)}; "
            "give one that broadcasts to [D, *batch, units]"
        )
    return value.to(device=y.device, dtype=y.dtype)
