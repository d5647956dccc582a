"""Steps cut at the breakpoints of their signals, and input that may hold signals.

The input of a model, ``data``, is a tensor or a signal, or several of these by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..errors import StructureError
from .signal import Signal


class Segment(NamedTuple):
    """A part of a step in which every signal is smooth, with a clock of its own, which starts with it."""

    # So a segment of a nanosecond is not lost where the times of a step are float32.

    # Its start and its end on the clock of the step, ms.
    start: float
    stop: float
    # From where to where to integrate, on its own clock: 0 and a number, or ``[*batch, units]`` each. A unit
    # whose two times are one takes no part in it.
    t0: Any
    t1: Any

    @property
    def middle(self) -> float:
        """A time within, on the clock of the step."""
        return 0.5 * (self.start + self.stop)


def segments_between(signals: Sequence[Signal], t0: Any, t1: Any) -> list[Segment]:
    """The segments of a step from ``t0`` to ``t1``, numbers or ``[*batch, units]``, in order, one or more."""
    # A breakpoint that is ``t0`` or ``t1`` but for rounding does not cut. Where units have times of their
    # own, every segment is one for all of them, and a unit goes through as much of it as lies between its
    # times.
    if not signals:
        return [Segment(0.0, math.inf if isinstance(t1, Tensor) else t1, t0, t1)]
    start = float(t0.detach().min()) if isinstance(t0, Tensor) else float(t0)
    stop = float(t1.detach().max()) if isinstance(t1, Tensor) else float(t1)
    cuts = {cut for signal in signals for cut in signal.cuts(start, stop)}
    slack = max(signal.slack(start, stop) for signal in signals) if cuts else 0.0
    edges = [start]
    for cut in sorted(cuts):
        # Two signals may mean one instant by two neighbouring numbers.
        if cut - edges[-1] > slack and stop - cut > slack:
            edges.append(cut)
    edges.append(stop)
    # Alone, and from time 0, it is the step as it was given: no time is rounded anew.
    if len(edges) == 2 and start == 0.0:
        return [Segment(start, stop, t0, t1)]
    if not isinstance(t0, Tensor) and not isinstance(t1, Tensor):
        return [Segment(a, b, 0.0, b - a) for a, b in pairwise(edges)]
    times = [_between(edge, t0, t1) for edge in edges]
    like = t0 if isinstance(t0, Tensor) else t1
    return [
        Segment(a, b, (begin - a).to(like.dtype), (end - a).to(like.dtype))
        for (a, b), (begin, end) in zip(pairwise(edges), pairwise(times), strict=True)
    ]


def _between(edge: float, t0: Any, t1: Any) -> Tensor:
    """The time of an edge for each unit: no sooner than its start, no later than its end; float64."""
    like = t0 if isinstance(t0, Tensor) else t1
    low, high = (
        end.to(torch.float64)
        if isinstance(end, Tensor)
        else torch.full_like(like, end, dtype=torch.float64, requires_grad=False)
        for end in (t0, t1)
    )
    return torch.minimum(low.clamp(min=edge), high)


def signals_in(data: Any) -> tuple[Signal, ...]:
    """The signals among the inputs of a model; none costs next to nothing."""
    if isinstance(data, Tensor):
        return ()
    if isinstance(data, Signal):
        return (data,)
    return tuple(part for part in data if isinstance(part, Signal))


def on_segment(data: Any, segment: Segment) -> Any:
    """The inputs within a segment, on its clock: smooth signals, and tensors where one is constant there."""
    if isinstance(data, Signal):
        return _smooth(data, segment)
    return each_input(data, lambda part: _smooth(part, segment) if isinstance(part, Signal) else part)


def _smooth(signal: Signal, segment: Segment) -> Tensor | Signal:
    # Not its start, which is a breakpoint: by rounding it may lie on either side.
    middle = segment.middle
    around = signal.around(middle)
    if around.piecewise_constant:
        return around(middle)
    return around if segment.start == 0.0 else around.shifted(segment.start)


def at_time(data: Any, t: Any) -> Any:
    """The inputs at a time: tensors only."""
    if isinstance(data, Tensor) or not (isinstance(data, Signal) or signals_in(data)):
        return data
    # What is no number is put in place of the time to find out how a field hangs on it.
    if not isinstance(t, (int, float, Tensor)):
        raise StructureError("it has an input that changes within the step, and not only by jumps")
    if isinstance(data, Signal):
        return data(t)
    return each_input(data, lambda part: part(t) if isinstance(part, Signal) else part)


def at_start(data: Any, dt: float) -> Any:
    """The inputs at the start of a step of dt: tensors only."""
    signals = signals_in(data)
    if not signals:
        return data
    # By way of the first segment, so that a breakpoint at the start is past, rounding or not.
    return at_time(on_segment(data, segments_between(signals, 0.0, dt)[0]), 0.0)


def each_input(data: Any, function: Callable[[Any], Any]) -> Any:
    """The input with a function applied to each tensor and signal of it."""
    if isinstance(data, (Tensor, Signal)):
        return function(data)
    values: Iterable[Any] = data
    return data._make(map(function, values))
