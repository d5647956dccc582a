"""Spikes at given times."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any, final

import numpy as np
import torch
from rheobase import SpikingNeuron
from rheobase.errors import ParameterError
from torch import Tensor

_TOLERANCE = 1e-9
"""What is so near to the end of a step is at it, ms."""


@final
class SpikeTimes(SpikingNeuron):
    """Each unit spikes at the times that it is given; it takes no notice of its input.

    A time s belongs to the step that ends at the first multiple of dt from s on. With ``event="located"`` it
    is kept as it is, in float64; on the grid it counts as the end of that step.

    Args:
        times: For each unit its times, ms after the start: tensors or sequences, in any order. There are as
            many units as entries. None: no spikes.
        **given: As for every neuron.

    Raises:
        ParameterError: If a time is not finite or not above 0; or, unless spikes are located, if a unit has
            two in one step.

    Example:
        >>> import rheobase as rb
        >>> source = rb.create("spike-times", times=[[0.5, 2.0], []], dt=0.5)
        >>> spikes = rb.simulate(source, rb.stimulus.Constant(0.0), duration=3.0).spikes
        >>> spikes.times.tolist(), spikes.units.tolist()
        ([0.5, 2.0], [0, 0])
    """

    loggable_props = ("spiked",)

    def __init__(self, *args: Any, times: Sequence[Any] | None = None, **given: Any) -> None:
        # An ensemble sets it before this; 1 is what nobody asked for.
        asked = self.__dict__.get("_num_units", 1)
        units, moments = _checked([()] * asked if times is None else times)
        count = asked if times is None else len(times)
        if asked not in (1, count):
            raise ParameterError(
                f"spike-times: num_units={asked}, but times are given for {count}; leave num_units out"
            )
        self.__dict__["_num_units"] = count
        super().__init__(*args, **given)
        order = np.argsort(moments, kind="stable")
        self._who, self._when = units[order], moments[order]
        self._steps: tuple[float, list[int]] | None = None
        self._labels()

    @property
    def times(self) -> list[Tensor]:
        """The times of each unit, ms, float64, ascending."""
        return [torch.from_numpy(self._when[self._who == unit]) for unit in range(self.num_units)]

    def forward(self, data: Any, identifiers: list[str] | None = None) -> dict[str, Tensor]:
        """One step of dt: what spikes in it. See :meth:`rheobase.Neuron.forward`."""
        received = self.prepare(data, identifiers)
        labels, label = self._labels(), self.simulation_step + 1
        here = slice(bisect_left(labels, label), bisect_right(labels, label))
        who, when = torch.from_numpy(self._who[here]), self._when[here]
        count = who.bincount(minlength=self.num_units)
        given = {"spiked": (count > 0).to(torch.int8)}
        if self.event == "located":
            table = torch.full((self.num_units, max(1, int(count.max()))), torch.nan, dtype=torch.float64)
            place = [0] * self.num_units
            for unit, time in zip(who.tolist(), when.tolist(), strict=True):
                table[unit, place[unit]] = time
                place[unit] += 1
            given |= {"spike_count": count.to(torch.int32), "spike_times": table}
        # All of a batch spike alike.
        batch = received.shape[:-1] if isinstance(received, Tensor) else self.batch
        if self.batch != batch:
            # A batch is what states have. The voltage, which every neuron has, stays 0.
            self.voltage = torch.zeros(*batch, self.num_units, dtype=self.dtype, device=self.device)
        given = {
            name: value.to(self.device).expand(*batch, *value.shape).clone() for name, value in given.items()
        }
        self.spiked = given["spiked"].clone()
        return given

    def _labels(self) -> list[int]:
        """The number of the end of each spike's step, for the dt that there is."""
        if self._steps is None or self._steps[0] != self.dt:
            labels = np.ceil((self._when - _TOLERANCE) / self.dt).astype(np.int64)
            if self.event != "located":
                self._refuse_two_in_a_step(labels)
            self._steps = self.dt, labels.tolist()
        return self._steps[1]

    def _refuse_two_in_a_step(self, labels: np.ndarray) -> None:
        order = np.lexsort((labels, self._who))
        who, when = self._who[order], labels[order]
        twice = np.flatnonzero((np.diff(who) == 0) & (np.diff(when) == 0))
        if len(twice):
            unit, end = int(who[twice[0]]), float(when[twice[0]] * self.dt)
            raise ParameterError(
                f"{self.identifier}: unit {unit} has two spikes in the step that ends at {end:g} ms; "
                "create it with event='located', or with a smaller dt"
            )


def _checked(times: Any) -> tuple[np.ndarray, np.ndarray]:
    """The unit of each spike, and its time."""
    if isinstance(times, (str, bytes)) or not hasattr(times, "__len__") or not len(times):
        raise ParameterError(f"spike-times: times is {times!r}; give a list of times for each unit")
    rows = []
    for unit, row in enumerate(times):
        try:
            moments = torch.as_tensor(row, dtype=torch.float64).detach().cpu()
        except (TypeError, ValueError, RuntimeError) as error:
            raise ParameterError(
                f"spike-times: the times of unit {unit} are {row!r}; give numbers, in ms"
            ) from error
        if moments.ndim != 1:
            raise ParameterError(
                f"spike-times: the times of unit {unit} have shape {list(moments.shape)}; give a list of "
                "times for each unit"
            )
        wrong = moments[~(moments.isfinite() & (moments > 0))]
        if len(wrong):
            raise ParameterError(
                f"spike-times: a time of unit {unit} is {float(wrong[0])}; times are finite and above 0, "
                "in ms after the start"
            )
        rows.append(moments.numpy())
    counts = [len(row) for row in rows]
    return np.repeat(np.arange(len(rows)), counts), np.concatenate(rows)
