"""A case for a synapse: values of its parameters, units, and the spikes that reached it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import torch

DTYPES = {"float64": torch.float64, "float32": torch.float32}


@dataclass(frozen=True)
class SynapseCase:
    """Units of a target, values of the parameters, and spikes that came before.

    Args:
        params: Parameter or option -> value, one for all units or one for each; the others are as declared.
        units: The number of units.
        batch: Batch dimensions.
        dtype: "float64" or "float32".
        spikes: How many spikes had come to each unit, at times of their own.
        strength: The size of weights.
        seed: Of weights, times and the target's states.
    """

    params: dict[str, Any] = field(default_factory=dict)
    units: int = 3
    batch: tuple[int, ...] = ()
    dtype: str = "float64"
    spikes: int = 3
    strength: float = 1.0
    seed: int = 0

    def __repr__(self) -> str:
        usual = SynapseCase()
        told = [
            f"{each.name}={getattr(self, each.name)!r}"
            for each in fields(self)
            if each.name == "seed" or getattr(self, each.name) != getattr(usual, each.name)
        ]
        return f"SynapseCase({', '.join(told)})"
