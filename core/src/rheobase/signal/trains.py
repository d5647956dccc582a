"""Spikes that arrive at an input that is a jump, each at its own time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn, final

import numpy as np
import torch
from torch import Tensor

from ..errors import StimulusError, shown
from .giventrains import are_several, check_not_negative, in_short, numbers, plain, weights_of
from .stimulus import Stimulus, Sum
from .timing import arrival_steps
from .values import is_number

Train = Sequence[float] | Tensor
"""Numbers, one for each arrival."""


@final
@dataclass(frozen=True, eq=False)
class Events(Stimulus):
    r"""Spikes that arrive, each with a weight, at an input that is a jump.

    .. math:: x \to x + w_i \quad \text{at} \quad t = t_i

    for the state x that the input is added to, ``Input(arrives="jump", into="x")``. On the grid the row of
    the step from :math:`t_k` to :math:`t_k + dt` is the sum of the weights with times in
    :math:`(t_k, t_k + dt]`, which arrive at the end of it: in total the same, whatever dt is. What arrives at
    0 does so in the first step. There is no end: after the last time nothing arrives.

    In a run of a spiking neuron alone with ``event="located"`` each arrives at its own time. Events are then
    not added to other stimuli of the same input, and populations of networks do not take them.

    Args:
        times: When, in ms of the neuron's clock, 0 or more, in any order: ``[n]`` for all units, or a
            sequence of such trains, one for each unit, of any lengths.
        weights: How much, in the unit of the input: one number, or one for each time, ``[n]``; for several
            trains one number, or a sequence with a number or ``[n]`` for each. A tensor keeps its graph;
            times do with located spikes. A deep copy has none.

    Raises:
        StimulusError: If a time or weight is not finite, a time is negative, or lengths differ; and in a
            run, if the input is a current and no jump.

    Example:
        >>> from rheobase import stimulus
        >>> spikes = stimulus.Events([0.3, 1.0, 0.7], 2.0)
        >>> spikes.rows(0, 3, dt=0.5, num_units=4).flatten()
        tensor([2., 4., 0.])
        >>> each = stimulus.Events([[0.2], []], weights=[[3.0], 1.0])
        >>> each
        Events(times=[1, 0] in 2 trains, weights=[[3.0], 1.0])
        >>> each.rows(0, 1, dt=0.5, num_units=2)
        tensor([[3., 0.]])
    """

    times: Train | Sequence[Train]
    weights: float | Train | Sequence[float | Train]
    _sorted: _Arrivals = field(init=False, repr=False)

    def __post_init__(self) -> None:
        several = are_several(self.times)
        if several:
            if not len(self.times):
                raise StimulusError(
                    f"Events: times={shown(self.times)} has no trains; give one for each unit, or [] if "
                    "nothing arrives"
                )
            trains = [numbers("times", each, f"of train {k}") for k, each in enumerate(self.times)]
            weights = self._weights_of(trains)
        else:
            trains = [numbers("times", self.times)]
            weights = [weights_of(self.weights, trains[0])]
        for k, train in enumerate(trains):
            check_not_negative(train, f" of train {k}" if several else "")
        # As they are kept: tuples of trains, which settings of runs tell and make again.
        object.__setattr__(self, "times", tuple(trains) if several else trains[0])
        if not is_number(self.weights):
            given: Any = self.weights
            object.__setattr__(self, "weights", tuple(map(plain, given)) if several else plain(given))
        times = torch.cat(trains)
        units = torch.repeat_interleave(torch.arange(len(trains)), torch.tensor(list(map(len, trains))))
        order = torch.from_numpy(np.argsort(times.detach().numpy(), kind="stable"))
        made = _Arrivals(times[order], units[order], torch.cat(weights)[order])
        object.__setattr__(self, "_sorted", made)

    def __deepcopy__(self, memo: dict[int, Any]) -> Events:
        # Of a tensor within a graph torch makes no copy; that of a neuron has none either.
        return Events(_without_graph(self.times), _without_graph(self.weights))

    def _weights_of(self, trains: list[Tensor]) -> list[Tensor]:
        given: Any = self.weights
        if is_number(given):
            given = [given] * len(trains)
        if isinstance(given, (str, bytes)) or not isinstance(given, (Sequence, Tensor, np.ndarray)):
            raise StimulusError(f"Events(weights={shown(given)}) cannot be used; give numbers")
        if len(given) != len(trains):
            raise StimulusError(
                f"Events: {len(trains)} trains and {len(given)} weights; give one number, or for each "
                "train a number or as many as it has times"
            )
        pairs = enumerate(zip(given, trains, strict=True))
        return [weights_of(each, train, f" of train {k}") for k, (each, train) in pairs]

    def __repr__(self) -> str:
        if isinstance(self.times, tuple):
            sizes = [len(train) for train in self.times]
            many = sizes if len(sizes) <= 10 else f"[{', '.join(map(str, sizes[:10]))}, ...]"
            times = f"{many} in {len(sizes)} trains"
        else:
            times = in_short(self.times)
        return f"Events(times={times}, weights={in_short(self.weights)})"

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
        """What arrives in each step, in sum; see :meth:`Stimulus.rows`."""
        some, steps = self._within(first, count, dt)
        found, width = self._sorted, self.width
        place = (steps - first) * width + (found.units[some] if width > 1 else 0)
        sums = torch.zeros(count * width, dtype=torch.float64)
        return sums.index_add(0, place, found.weights[some]).view(count, width).to(dtype=dtype, device=device)

    def arrivals(self, step: int, dt: float) -> tuple[Tensor, Tensor | None, Tensor]:
        """What arrives in one step, in order of time.

        Args:
            step: The step, counted from the neuron's reset.
            dt: The time step in ms.

        Returns:
            When, ms from the start of the step, within (0, dt], or 0 at the start of the first, float64
            ``[n]``; at which unit, int64 ``[n]``, or None: at all; and how much, float64 ``[n]``.

        Example:
            >>> from rheobase import stimulus
            >>> times, units, weights = stimulus.Events([0.75, 1.0], [3.0, 4.0]).arrivals(1, dt=0.5)
            >>> times.tolist(), units, weights.tolist()
            ([0.25, 0.5], None, [3.0, 4.0])
        """
        some, _ = self._within(step, 1, dt)
        found = self._sorted
        # By what the clock says at the start, with the rounding of the products taken away at both ends.
        since = found.times[some] - step * dt
        low = since.detach().clamp(0.0, dt)
        since = low + (since - since.detach()) if since.requires_grad else low
        return since, found.units[some] if self.width > 1 else None, found.weights[some]

    def _within(self, first: int, count: int, dt: float) -> tuple[slice, Tensor]:
        """The arrivals of so many steps, and the step of each, int64."""
        seen = self._sorted.times.detach().numpy()
        # One step more at both ends: which of them an arrival is in is said by integers.
        low, high = np.searchsorted(seen, [(first - 1) * dt, (first + count + 1) * dt])
        steps = arrival_steps(seen[low:high], dt)
        begin, end = np.searchsorted(steps, [first, first + count])
        return slice(int(low + begin), int(low + end)), torch.from_numpy(steps[begin:end])

    @property
    def width(self) -> int:
        """See :attr:`Stimulus.width`."""
        return len(self.times) if isinstance(self.times, tuple) else 1

    def signal(self) -> NoReturn:
        """There is none: what arrives has no value between its times.

        Raises:
            StimulusError: Always.
        """
        raise StimulusError(
            "Events arrive at their times and are no current in between, so they have no signal; give them "
            'as they are to an input that is a jump, and event="located" for their own times'
        )


def _without_graph(given: Any) -> Any:
    if isinstance(given, tuple):
        return tuple(map(_without_graph, given))
    return given.detach() if isinstance(given, Tensor) else given


class _Arrivals(NamedTuple):
    """All that arrives, in order of time: ms, the train, how much."""

    times: Tensor
    units: Tensor
    weights: Tensor


def events_in(stimulus: object) -> tuple[Events, ...]:
    """The events that a stimulus is, or is a sum of with others; none costs next to nothing."""
    if isinstance(stimulus, Events):
        return (stimulus,)
    if isinstance(stimulus, Sum):
        return tuple(event for part in stimulus.parts for event in events_in(part))
    return ()
