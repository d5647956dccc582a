"""A case for an aggregator: inputs, and their identifiers."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

DTYPES = {"float64": torch.float64, "float32": torch.float32}


@dataclass(frozen=True)
class AggregatorCase:
    """Inputs of several sources, and their identifiers.

    Args:
        shapes: The shape of each input: ``()``, ``(units,)`` or ``(*batch, units)``.
        identifiers: One for each input, or None.
        dtype: "float64" or "float32".
        scale: By what the values are multiplied.
        seed: Of the values, which lie between 0.5 and 2.

    Example:
        >>> [list(x.shape) for x in AggregatorCase(shapes=((), (3,))).inputs()]
        [[], [3]]
    """

    shapes: tuple[tuple[int, ...], ...] = ((3,), (3,))
    identifiers: tuple[str, ...] | None = None
    dtype: str = "float64"
    scale: float = 1.0
    seed: int = 0

    def __repr__(self) -> str:
        usual = AggregatorCase()
        told = [
            f"{each.name}={getattr(self, each.name)!r}"
            for each in fields(self)
            if each.name in ("shapes", "identifiers", "seed")
            or getattr(self, each.name) != getattr(usual, each.name)
        ]
        return f"AggregatorCase({', '.join(told)})"

    def inputs(self) -> list[Tensor]:
        """The inputs."""
        generator = torch.Generator().manual_seed(self.seed)
        dtype = DTYPES[self.dtype]
        return [
            (self.scale * (0.5 + 1.5 * torch.rand(shape, generator=generator, dtype=torch.float64))).to(dtype)
            for shape in self.shapes
        ]

    def names(self) -> list[str] | None:
        """The identifiers as an aggregator receives them."""
        return None if self.identifiers is None else list(self.identifiers)
