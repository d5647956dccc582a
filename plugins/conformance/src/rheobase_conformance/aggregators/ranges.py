"""The values of inputs: silence, all sizes and either sign."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

MANY = 12
"""The most inputs that are tried."""
SIZES = {"float64": (1e-12, 1e3, 1e5), "float32": (1e-6, 1e3, 1e4)}
"""The smallest size of inputs, a thousand, and the largest: from a current in SI units, A, to a large one in
pA; in float32 as far as sixth powers are numbers."""
EITHER = ("negative", "signed")
"""Values some of which are negative."""


def _drawn(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.rand(like.shape, generator=generator, dtype=torch.float64)


VALUES: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "usual": lambda usual, _: usual,
    "silent": lambda usual, _: 0.0 * usual,
    "sparse": lambda usual, generator: torch.where(_drawn(usual, generator) < 0.5, 0.0, usual),
    "negative": lambda usual, _: -usual,
    "signed": lambda usual, generator: torch.where(_drawn(usual, generator) < 0.5, -usual, usual),
    "mixed": lambda usual, generator: usual * 10.0 ** (9.0 * _drawn(usual, generator) - 6.0),
}
"""Name -> ``of(usual, generator)``: the values, float64, from such between 0.5 and 2."""


def all_values(dtype: str) -> Iterator[tuple[str, float]]:
    """Every kind of values with its scale, the plainest first.

    Example:
        >>> list(all_values("float32"))[:3]
        [('usual', 1.0), ('silent', 1.0), ('sparse', 1.0)]
    """
    for name in VALUES:
        yield name, 1.0
    for size in SIZES[dtype]:
        yield "usual", size
        yield "signed", size
