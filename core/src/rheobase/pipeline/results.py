"""What a simulation leaves: spikes and traces, and what is counted of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ..errors import ArgumentError, shortened, shown
from ..specs import Provenance
from .spikes import Spikes
from .traces import Traces


@contextmanager
def _within_memory() -> Iterator[None]:
    """Tell as ours that something is larger than memory."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        raise ArgumentError(
            f"this recording has too many steps or units for that ({shortened(str(error))}); "
            "use its spikes, or a machine with more memory"
        ) from error


@dataclass(frozen=True, eq=False)
class Results:
    """The parts of a :class:`rheobase.Recording`, which says what they are, and its numbers.

    All that draws, saves or reads recordings is written for these; what a user is given is a recording.
    """

    spikes: Spikes
    traces: Mapping[str, Tensor]
    dt: float
    steps: int
    first_step: int = 0
    num_units: int = 1
    batch_shape: tuple[int, ...] = ()
    model: str = ""
    provenance: Mapping[str, Provenance] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    complete: bool = True
    trace_units: Mapping[str, str] = field(default_factory=dict)
    every: int = 1
    trace_indices: Mapping[str, Tensor] = field(default_factory=dict)
    trace_widths: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Frozen, and any mapping will do: it becomes one that tells of the names it lacks.
        object.__setattr__(self, "traces", Traces(self.traces))

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__post_init__()  # what was pickled is a dictionary of no class of ours

    @property
    def duration(self) -> float:
        """How long the run was, in ms."""
        return self.steps * self.dt

    @property
    def times(self) -> Tensor:
        """The times of the traces' rows, the ends of their steps, in ms, float64 ``[steps // every]``."""
        with _within_memory():
            ends = torch.arange(1, self.steps // self.every + 1, dtype=torch.float64) * self.every
            return (ends + self.first_step) * self.dt

    def counts(self) -> Tensor:
        """The number of spikes of each unit whose spikes were recorded, int64 ``[*batch, units]``."""
        flat, width = self._places()
        with _within_memory():
            # minlength: units above the last one that spiked count 0.
            counted = torch.bincount(flat, minlength=math.prod(self.batch_shape) * width)
        return counted.reshape(*self.batch_shape, width)

    def rates(self) -> Tensor:
        """The firing rate of each unit over the whole run, in spikes per second, float64 ``[*batch, units]``.

        NaN for a run of no steps.
        """
        # By a tensor: integers divided by a number of Python's are float32 in torch.
        return self.counts() / torch.tensor(self.duration / 1000.0, dtype=torch.float64)

    def isi(self, unit: int = 0, batch: int = 0) -> Tensor:
        """The intervals between the spikes of one unit in one row of a batch: ms, float64 ``[spikes - 1]``.

        Args:
            unit: The unit, from 0. Default 0.
            batch: The index in the batch, from 0; several batch dimensions are counted as one. Default 0.

        Raises:
            ArgumentError: If there is no such unit or batch.
        """
        self._check_index("unit", unit, self.num_units)
        chosen = self.trace_indices.get("spikes")
        if chosen is not None and not bool((chosen == unit).any()):
            raise ArgumentError(
                f"the spikes of unit {unit} were not recorded, but of the units {shown(chosen.tolist())}"
            )
        self._check_index("batch", batch, math.prod(self.batch_shape))
        return torch.diff(self.spikes.of(unit, batch))

    def cv(self) -> Tensor:
        """The coefficient of variation of each unit's intervals, float64 ``[*batch, units]``.

        It is their standard deviation (of the intervals at hand, divided by their number) over their mean:
        0 for a regular train, about 1 for a Poisson train. NaN for a unit with fewer than two intervals.
        """
        flat, width = self._places()
        values = torch.full((math.prod(self.batch_shape) * width,), math.nan, dtype=torch.float64)
        order = torch.argsort(flat, stable=True)  # the spikes are in time already
        per_unit = torch.split(self.spikes.times[order], self.counts().reshape(-1).tolist())
        for index, times in enumerate(per_unit):
            # Two intervals at least: the deviation of one is 0, whatever the train.
            if len(times) > 2:
                intervals = torch.diff(times)
                values[index] = intervals.std(correction=0) / intervals.mean()
        return values.reshape(*self.batch_shape, width)

    def _places(self) -> tuple[Tensor, int]:
        """Each spike's place in the flattened ``[*batch, n]`` of what counts spikes, and n."""
        chosen, units = self.trace_indices.get("spikes"), self.spikes.units
        if chosen is None:
            return self.spikes.batch * self.num_units + units, self.num_units
        # Filled for the chosen units alone: no spike of another was recorded.
        place = torch.empty(self.num_units, dtype=torch.int64)
        place[chosen] = torch.arange(len(chosen))
        return self.spikes.batch * len(chosen) + place[units], len(chosen)

    def _check_index(self, name: str, index: int, count: int) -> None:
        if not 0 <= index < count:
            raise ArgumentError(f"{name}={index!r} is not recorded; give 0 to {count - 1}")
