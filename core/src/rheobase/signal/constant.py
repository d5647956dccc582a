"""The stimulus that does not change."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import final

import torch
from torch import Tensor

from .signal import Signal
from .sources import Source
from .stimulus import Stimulus
from .values import Current, check_current, row_of, width_of


@final
@dataclass(frozen=True, eq=False)
class Constant(Stimulus):
    """The same current for ever: I(t) = amplitude.

    Args:
        amplitude: The current in pA; a number, or a tensor ``[units]``, or with a batch ``[*batch, units]``
            or ``[*batch, 1]``: that is how a batch of constants is told from rows, one for each step.

    Raises:
        StimulusError: If the amplitude is not finite or not real.

    Example:
        >>> from rheobase import stimulus
        >>> stimulus.Constant(200.0).rows(0, 2, dt=0.1, num_units=5)
        tensor([[200.],
                [200.]])
        >>> import torch
        >>> import rheobase as rb
        >>> neuron = rb.create("analog", num_units=3)
        >>> batch = stimulus.Constant(torch.tensor([[1.0], [2.0]]))
        >>> rb.simulate(neuron, batch, duration=0.5, record="voltage").traces["voltage"].shape
        torch.Size([5, 2, 3])
    """

    amplitude: Current

    def __post_init__(self) -> None:
        check_current(self, "amplitude", self.amplitude, batch=True)

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
        """See :meth:`Stimulus.rows`; with a batch ``[count, *batch, 1 or units]``."""
        row = row_of(self.amplitude, dtype=dtype, device=device)
        return row.expand(count, *row.shape)

    def signal(self) -> Signal:
        """See :meth:`Stimulus.signal`."""
        amplitude = self.amplitude
        if isinstance(amplitude, Tensor) and amplitude.dim() > 1:
            return Signal.of(Source(partial(_always, amplitude), (), steady=True))
        return Signal.levels((), (), before=amplitude)

    @property
    def width(self) -> int:
        """See :attr:`Stimulus.width`."""
        return width_of(self.amplitude)

    @property
    def constant(self) -> bool:
        """See :attr:`Stimulus.constant`."""
        return True


def _always(amplitude: Tensor, t: Tensor) -> Tensor:
    return amplitude
