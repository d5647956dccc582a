"""The figures of a run that sources tell: spikes and their times, intervals, rates, periods, the peak."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

UNITS = {"spikes": "", "first": "ms", "isi": "ms", "rate": "Hz", "period": "ms"}
"""Figure -> its unit; the peak has that of the state."""


class Seen(NamedTuple):
    """One unit of a run.

    Attributes:
        spikes: The times of its spikes, ms; None of a model that is no spiking neuron.
        trace: Its first state at the end of each step, ``[steps]``.
        dt: The time step, ms.
    """

    spikes: list[float] | None
    trace: Tensor
    dt: float

    def figures(self, name: str, count: int) -> tuple[float, ...]:
        """What is seen of one claim; fewer figures, or none, where there are not so many.

        Args:
            name: The claim: "spikes", "first", "isi", "rate", "period" or "peak".
            count: How many figures it has.
        """
        return _MEASURES[name](self, count)

    def _times(self) -> list[float]:
        """When something comes that is counted: spikes, or upward crossings of the middle."""
        return _crossings(self.trace, self.dt) if self.spikes is None else self.spikes

    def _mean_interval(self) -> float | None:
        half = len(self.trace) * self.dt / 2.0
        late = [time for time in self._times() if time >= half]
        return None if len(late) < 2 else (late[-1] - late[0]) / (len(late) - 1)


def _crossings(trace: Tensor, dt: float) -> list[float]:
    """The times at which a trace rises through the middle of the range that it has in its second half."""
    late = trace[len(trace) // 2 :]
    above = trace - (late.max() + late.min()) / 2.0
    places = torch.nonzero((above[:-1] < 0.0) & (above[1:] >= 0.0)).squeeze(1)
    # Row n is the state after n + 1 steps.
    return [float(p + 1 + above[p] / (above[p] - above[p + 1])) * dt for p in places]


def _spikes(seen: Seen, count: int) -> tuple[float, ...]:
    return (float(len(seen._times())),)


def _first(seen: Seen, count: int) -> tuple[float, ...]:
    return tuple(seen._times()[:count])


def _isi(seen: Seen, count: int) -> tuple[float, ...]:
    return tuple(late - early for early, late in pairwise(seen._times()))[-count:]


def _rate(seen: Seen, count: int) -> tuple[float, ...]:
    interval = seen._mean_interval()
    return (0.0,) if interval is None else (1000.0 / interval,)


def _period(seen: Seen, count: int) -> tuple[float, ...]:
    interval = seen._mean_interval()
    return () if interval is None else (interval,)


def _peak(seen: Seen, count: int) -> tuple[float, ...]:
    return (float(seen.trace.max()),)


_MEASURES: Mapping[str, Callable[[Seen, int], tuple[float, ...]]] = {
    "spikes": _spikes,
    "first": _first,
    "isi": _isi,
    "rate": _rate,
    "period": _period,
    "peak": _peak,
}
