"""The states of a model on both sides of a crossing of its threshold, as near to it as numbers go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from rheobase.errors import RheobaseError
from torch import Tensor

from .case import NeuronCase
from .oracle import Oracle
from .probing import feed, gap, plain, pulled, spikes_in
from .subject import NeuronSubject

STRENGTHS = (1.5, 3.0, 10.0)
"""The inputs of the runs, in multiples of the rheobase."""

MOST = 400
"""The steps of a run at most."""

CLOSE = 1e-9
"""How near the two sides of a crossing are taken first, as a part of the states there."""

_HALVINGS = 40
_BISECTIONS = 400


class Sides(NamedTuple):
    """The states before and after a crossing, one column for each unit, ``[states, units]``.

    Attributes:
        start: At the start of the step.
        end: At its end, before a reset; the step is shortened where its end would be no number.
        before: Below the threshold, a part in a thousand million before the crossing.
        after: Above it, as near.
        last: The last state below the threshold that numbers tell from the next.
        first: The first one above.
    """

    start: Tensor
    end: Tensor
    before: Tensor
    after: Tensor
    last: Tensor
    first: Tensor


def sides(subject: NeuronSubject, case: NeuronCase, strengths: Sequence[float] = STRENGTHS) -> Sides | None:
    """The first crossings of a driven model; None: none was found.

    Args:
        subject: The model, whose steps are those of its declared functions.
        case: The neuron, in double precision.
        strengths: The inputs, in multiples of the rheobase.
    """
    neuron = plain(case, subject, len(strengths))
    data = feed(subject, neuron, strengths)
    latency = subject.latency
    most = MOST // 4 if latency is None else min(MOST, max(20, round(3.0 * latency / neuron.dt)))
    start, seen = pulled(neuron), torch.zeros(len(strengths), dtype=torch.bool)
    try:
        for _ in range(most):
            now = pulled(neuron)
            new = spikes_in(neuron(data), neuron) & ~seen
            start, seen = torch.where(new, now, start), seen | new
            if bool(seen.all()):
                break
    except RheobaseError:
        pass  # other properties tell of errors
    return _around(subject, neuron, start, data, seen)


def _around(subject: NeuronSubject, neuron: Any, start: Tensor, data: Any, seen: Tensor) -> Sides | None:
    oracle = Oracle(subject, neuron)
    prepared = neuron.prepare(data)
    low, high = start.clone(), start.clone()
    found = torch.zeros_like(seen)
    for halving in range(_HALVINGS):
        oracle.dt = neuron.dt / 2**halving
        end = torch.stack(oracle.moved(list(low.unbind(0)), prepared))
        g = gap(subject, neuron, end)
        plainly = end.isfinite().all(dim=0) & g.isfinite() & ~oracle.explosive & ~found
        high = torch.where(plainly & (g >= 0), end, high)
        found |= plainly & (g >= 0)
        low = torch.where(plainly & (g < 0), end, low)
        if bool((found | ~seen).all()):
            break
    found &= seen & (gap(subject, neuron, low) < 0)
    if not bool(found.any()):
        return None
    near = _bisected(subject, neuron, low, high, CLOSE)
    closest = _bisected(subject, neuron, *near, 0.0)
    return Sides(*(each[:, found] for each in (low, high, *near, *closest)))


def _bisected(
    subject: NeuronSubject, neuron: Any, low: Tensor, high: Tensor, close: float
) -> tuple[Tensor, Tensor]:
    """Both ends of a straight way moved together, with g < 0 and g >= 0, until they are so close."""
    for _ in range(_BISECTIONS):
        middle = low + 0.5 * (high - low)
        apart = (high - low).abs() > close * torch.maximum(low.abs(), high.abs())
        done = ~apart.any(dim=0) | ((middle == low) | (middle == high)).all(dim=0)
        if bool(done.all()):
            break
        above = gap(subject, neuron, middle) >= 0
        high = torch.where(above & ~done, middle, high)
        low = torch.where(~above & ~done, middle, low)
    return low, high
