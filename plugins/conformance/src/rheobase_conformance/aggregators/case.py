"""A case for an aggregator: inputs, and their identifiers."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from .ranges import VALUES

DTYPES = {"float64": torch.float64, "float32": torch.float32}


@dataclass(frozen=True)
class AggregatorCase:
    """Inputs of several sources, and their identifiers.

    Args:
        shapes: The shape of each input: ``()``, ``(units,)`` or ``(*batch, units)``.
        identifiers: One for each input, or None.
        dtype: "float64" or "float32".
        scale: By what the values are multiplied.
        seed: Of the values.
        values: One of :data:`rheobase.conformance.aggregators.ranges.VALUES`; "usual" are between 0.5 and 2.

    Example:
        >>> [list(x.shape) for x in AggregatorCase(shapes=((), (3,))).inputs()]
        [[], [3]]
    """

    shapes: tuple[tuple[int, ...], ...] = ((3,), (3,))
    identifiers: tuple[str, ...] | None = None
    dtype: str = "float64"
    scale: float = 1.0
    seed: int = 0
    values: str = "usual"

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
        dtype, chosen = DTYPES[self.dtype], VALUES[self.values]
        given = []
        for shape in self.shapes:
            usual = 0.5 + 1.5 * torch.rand(shape, generator=generator, dtype=torch.float64)
            given.append((self.scale * chosen(usual, generator)).to(dtype))
        return given

    def names(self) -> list[str] | None:
        """The identifiers as an aggregator receives them."""
        return None if self.identifiers is None else list(self.identifiers)
