"""A field of products and sums only, that can be had for some of its units."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor


class FitzHughNagumo:
    """v' = s (v - c v^3 / 3 - w + I), w' = 0.08 s (v + 0.7 - 0.8 w); with c < 0 it has a pole.

    Args:
        speed: s, for each unit.
        drive: I.
        cubic: c.
    """

    autonomous = True

    def __init__(self, speed: Tensor, drive: Tensor, cubic: Tensor) -> None:
        self.parameters = speed, drive, cubic
        self.evaluations = 0

    def __call__(self, t: Any, y: Tensor) -> Tensor:
        self.evaluations += 1
        speed, drive, cubic = self.parameters
        v, w = y
        fast = speed * (v - cubic * (v * v * v) / 3.0 - w + drive)
        return torch.stack([fast, speed * 0.08 * (v + 0.7 - 0.8 * w)])

    def take(self, who: Any) -> FitzHughNagumo:
        """The field of some units."""
        return FitzHughNagumo(*(value.expand(self.parameters[0].shape)[who] for value in self.parameters))


class Plain:
    """The same field as a function that knows nothing of units."""

    def __init__(self, field: FitzHughNagumo) -> None:
        self.field = field

    def __call__(self, t: Any, y: Tensor) -> Tensor:
        return self.field(t, y)


def crowd(units: int, seed: int = 3) -> tuple[FitzHughNagumo, Tensor]:
    """A field of that many units, each with its own parameters, and a start."""
    generator = torch.Generator().manual_seed(seed)
    spread = torch.rand(3, units, generator=generator, dtype=torch.float64)
    y = torch.randn(2, units, generator=generator, dtype=torch.float64)
    return FitzHughNagumo(0.5 + spread[0], spread[1], 1.0 + 0.1 * spread[2]), y


@pytest.fixture
def make_crowd():  # type: ignore[no-untyped-def]
    return crowd


@pytest.fixture
def make_plain():  # type: ignore[no-untyped-def]
    return Plain


@pytest.fixture
def make_fitzhugh_nagumo():  # type: ignore[no-untyped-def]
    return FitzHughNagumo


@pytest.fixture(scope="module")
def crowds():  # type: ignore[no-untyped-def]
    """Both of the above, for tests with many examples."""
    return crowd, Plain
