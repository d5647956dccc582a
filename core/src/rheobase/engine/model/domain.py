"""Domains: the values that a parameter, a state or an input may take."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Domain:
    """An interval of finite numbers.

    Args:
        above: Values are greater than this.
        at_least: Values are this or greater.
        below: Values are less than this.
        at_most: Values are this or less.

    Raises:
        ValueError: If a bound is not finite, if two bounds stand on one side, or if nothing lies
            between the bounds.

    Example:
        >>> str(Domain(above=0, at_most=1))
        '> 0 and <= 1'
        >>> str(Domain())
        'finite'
    """

    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        for bound in (self.above, self.at_least, self.below, self.at_most):
            if bound is not None and not math.isfinite(bound):
                raise ValueError(f"a bound must be a finite number, got {bound!r}")
        if self.above is not None and self.at_least is not None:
            raise ValueError("give above or at_least, not both")
        if self.below is not None and self.at_most is not None:
            raise ValueError("give below or at_most, not both")
        low, high = self.lowest, self.highest
        strict = self.above is not None or self.below is not None
        if low is not None and high is not None and (low > high or (low == high and strict)):
            raise ValueError(f"no number is {self}")

    @property
    def lowest(self) -> float | None:
        """The lower bound, whether or not it belongs to the domain."""
        return self.at_least if self.above is None else self.above

    @property
    def highest(self) -> float | None:
        """The upper bound, whether or not it belongs to the domain."""
        return self.at_most if self.below is None else self.below

    def contains(self, values: Tensor) -> Tensor:
        """Which of the values lie in the domain.

        Args:
            values: Any shape, floating point.

        Returns:
            A boolean tensor of the same shape.

        Example:
            >>> import torch
            >>> Domain(above=0).contains(torch.tensor([1.0, 0.0, float("nan")]))
            tensor([ True, False, False])
        """
        # Infinity is above every lower bound, and a domain may have no bounds at all.
        inside = values.isfinite()
        if self.above is not None:
            inside = inside & (values > self.above)
        if self.at_least is not None:
            inside = inside & (values >= self.at_least)
        if self.below is not None:
            inside = inside & (values < self.below)
        if self.at_most is not None:
            inside = inside & (values <= self.at_most)
        return inside

    def __str__(self) -> str:
        bounds = ((">", self.above), (">=", self.at_least), ("<", self.below), ("<=", self.at_most))
        return " and ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None) or "finite"
