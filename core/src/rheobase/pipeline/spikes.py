"""Spikes: when, which unit, which batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, final

import numpy as np
import torch
from torch import Tensor

from ..errors import ArgumentError


class Spike(NamedTuple):
    """One spike.

    Attributes:
        time: When, in ms.
        unit: Which unit, from 0.
        batch: The index in the batch, from 0.
    """

    time: float
    unit: int
    batch: int


@dataclass(frozen=True, eq=False)
class Spikes:
    """Spikes in order of time, then unit, then batch: three tensors of one length, on the CPU.

    To go through them gives one :class:`Spike` after the other.

    Args:
        times: When, in ms since the neuron's reset, float64 ``[n]``: the end of the step of the spike, or
            its own time where the neuron locates it (``event="located"``).
        units: The unit, from 0, int64 ``[n]``.
        batch: The index in the batch, from 0, int64 ``[n]``; several batch dimensions are counted as one,
            the last running fastest. All 0 without a batch.

    Raises:
        ArgumentError: If the tensors are not three of one length and of these types.

    Example:
        >>> import torch
        >>> spikes = Spikes(torch.tensor([1.0, 1.0, 2.5], dtype=torch.float64), torch.tensor([0, 3, 0]))
        >>> len(spikes), spikes.of(unit=0)
        (3, tensor([1.0000, 2.5000], dtype=torch.float64))
        >>> [(time, unit) for time, unit, batch in spikes]
        [(1.0, 0), (1.0, 3), (2.5, 0)]
    """

    times: Tensor
    units: Tensor
    batch: Tensor

    recorded: ClassVar[bool] = True

    def __init__(self, times: Tensor, units: Tensor, batch: Tensor | None = None) -> None:
        batch = torch.zeros_like(units) if batch is None else batch
        for name, value, dtype in (
            ("times", times, torch.float64),
            ("units", units, torch.int64),
            ("batch", batch, torch.int64),
        ):
            if value.dtype != dtype or value.dim() != 1 or len(value) != len(times):
                raise ArgumentError(
                    f"Spikes({name}=...) is {value.dtype} {list(value.shape)}; "
                    "give three tensors of one length: times float64, units and batch int64"
                )
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.times)

    def __repr__(self) -> str:
        if not len(self):
            return "Spikes(0)"
        return f"Spikes({len(self)}, from {self.times[0].item():g} to {self.times[-1].item():g} ms)"

    def __iter__(self) -> Iterator[Spike]:
        columns = (self.times.tolist(), self.units.tolist(), self.batch.tolist())
        return map(Spike, *columns)

    def to_numpy(self) -> np.ndarray:
        """The spikes as a structured array ``[n]``: ``time`` (float64, ms), ``unit`` and ``batch`` (int64).

        Example:
            >>> import torch
            >>> Spikes(torch.tensor([1.5], dtype=torch.float64), torch.tensor([3])).to_numpy()["unit"]
            array([3])
        """
        kinds = [("time", np.float64), ("unit", np.int64), ("batch", np.int64)]
        array = np.empty(len(self), dtype=kinds)
        for name, column in zip(Spike._fields, (self.times, self.units, self.batch), strict=True):
            array[name] = column.detach().numpy()
        return array

    def of(self, unit: int, batch: int = 0) -> Tensor:
        """The spike times of one unit, in ms, float64."""
        return self.times[(self.units == unit) & (self.batch == batch)]


@final
class LateSpikes(Spikes):
    """Spikes that are put in order when first asked for; ``make()`` must depend on nothing that changes."""

    def __init__(self, make: Callable[[], tuple[Tensor, Tensor, Tensor]]) -> None:
        object.__setattr__(self, "_make", make)

    def __getattr__(self, name: str) -> Any:
        # Reached for times, units and batch until they are set.
        if name not in ("times", "units", "batch") or "_make" not in self.__dict__:
            raise AttributeError(name)
        super().__init__(*self.__dict__["_make"]())
        return self.__dict__[name]

    def __reduce__(self) -> Any:
        # As plain spikes: what makes them holds arrays of the backend, and is often a closure, which no
        # pickle takes.
        return Spikes, (self.times, self.units, self.batch)


@final
class NoSpikes(Spikes):
    """What stands for spikes that were not recorded: every use is an error, so that it is no silence."""

    recorded = False

    def __init__(self) -> None:
        pass

    def _refuse(self) -> Any:
        raise ArgumentError(
            "the spikes of this run were not recorded; "
            "ask for them by record=('spikes', ...), if the model emits any"
        )

    def __getattr__(self, name: str) -> Any:
        # Reached for times, units and batch, which were never set.
        if name in ("times", "units", "batch"):
            return self._refuse()
        raise AttributeError(name)

    def __len__(self) -> int:
        count: int = self._refuse()
        return count

    def __repr__(self) -> str:
        return "Spikes(not recorded)"
