"""What the rules of this distribution have in common: bounds of the weight, and which spikes are paired."""

from __future__ import annotations

from typing import Any

import torch
from rheobase import Option, Parameter
from torch import Tensor


class Bounded:
    """Weights within bounds, and traces that spikes add to or set."""

    low = Parameter(0.0, unit="1", doc="least weight, in the unit of the weight")
    high = Parameter(100.0, unit="1", doc="largest weight, in the unit of the weight")
    bounds = Option(
        "additive",
        "multiplicative",
        doc="multiplicative: changes are times the distance to the bound, high - w or w - low",
    )
    pairing = Option("all", "nearest", doc="nearest: a spike is paired with the last one of the other side")


def grown(state: Any, params: Any, amount: Tensor) -> Tensor:
    """The weight after potentiation by so much, within its bounds."""
    room = params.high - state.weight if params.bounds == "multiplicative" else 1.0
    return torch.clamp(state.weight + amount * room, params.low, params.high)


def shrunk(state: Any, params: Any, amount: Tensor) -> Tensor:
    """The weight after depression by so much, within its bounds."""
    room = state.weight - params.low if params.bounds == "multiplicative" else 1.0
    return torch.clamp(state.weight - amount * room, params.low, params.high)


def counted(trace: Tensor, params: Any) -> Tensor:
    """A trace after a spike: one more, or, where the last spike alone counts, 1."""
    return trace + 1.0 if params.pairing == "all" else torch.ones_like(trace)
