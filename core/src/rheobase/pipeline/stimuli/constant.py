"""The stimulus that does not change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from ...engine.signals.signal import Signal
from .base import Stimulus
from .values import Current, check_current, row_of, width_of


@final
@dataclass(frozen=True, eq=False)
class Constant(Stimulus):
    """The same current for ever: I(t) = amplitude.

    Args:
        amplitude: The current in pA; a number, or a tensor ``[units]``.

    Raises:
        StimulusError: If the amplitude is not finite or not real.

    Example:
        >>> from rheobase import stimulus
        >>> stimulus.Constant(200.0).rows(0, 2, dt=0.1, num_units=5)
        tensor([[200.],
                [200.]])
    """

    amplitude: Current

    def __post_init__(self) -> None:
        check_current(self, "amplitude", self.amplitude)

    def rows(
        self,
        first: int,
        count: int,
        dt: float,
        num_units: int,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | None = None,
    ) -> Tensor:
        """See :meth:`Stimulus.rows`."""
        return row_of(self.amplitude, dtype=dtype, device=device).expand(count, -1)

    def signal(self) -> Signal:
        """See :meth:`Stimulus.signal`."""
        return Signal.levels((), (), before=self.amplitude)

    @property
    def width(self) -> int:
        """See :attr:`Stimulus.width`."""
        return width_of(self.amplitude)

    @property
    def constant(self) -> bool:
        """See :attr:`Stimulus.constant`."""
        return True
