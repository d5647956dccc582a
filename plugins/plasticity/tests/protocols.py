"""Protocols of spikes at given times, for tests: what is left of the weights, and what must be by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import rheobase as rb
import torch

DELAY, DT = 2.0, 1.0
"""Of the sources, and the step, ms."""


def network(
    pre: Sequence[Sequence[float]],
    post: Sequence[float],
    plasticity: Any,
    weight: Any,
    event: str = "located",
) -> rb.Network:
    """A synapse from each source to one target; both sides spike so that they meet there at these times.

    Args:
        pre: For each source when its spikes are at the synapse, ms.
        post: When the target spikes, ms.
        plasticity: The recipe.
        weight: A number, or one for each source.
        event: Of all populations.
    """
    net = rb.Network()
    clock = {"dtype": torch.float64, "dt": DT, "event": event}
    sources = [torch.tensor([each - DELAY for each in times], dtype=torch.float64) for times in pre]
    net.add("pre", rb.create("spike-times", times=sources, **clock))
    teacher = torch.tensor([each - DELAY for each in post], dtype=torch.float64)
    net.add("teacher", rb.create("spike-times", times=[teacher], **clock))
    net.add("post", rb.create("lif", 1, tau_ref=0.0, **clock))
    net.connect("teacher", "post", ([0], [0]), rb.synapse("delta"), weight=100.0, delay=DELAY)
    every = torch.arange(len(pre)), torch.zeros(len(pre), dtype=torch.int64)
    net.connect(
        "pre", "post", every, rb.synapse("exponential"), weight=weight, delay=DELAY, plasticity=plasticity
    )
    return net


def weights_after(
    pre: Sequence[Sequence[float]],
    post: Sequence[float],
    plasticity: Any,
    weight: Any = 0.5,
    event: str = "located",
) -> list[float]:
    """The weights after these spikes; see :func:`network`."""
    net = network(pre, post, plasticity, weight, event)
    last = max([*(time for times in pre for time in times), *post])
    rec = rb.simulate(net, duration=DT * math.ceil(last / DT + 3), record={"post": "spikes"})
    # The target spikes by its teacher alone.
    assert len(rec["post"].spikes) == len(post)
    found: list[float] = net["pre->post"].weight.tolist()
    return found


def events_of(pre: Sequence[float], post: Sequence[float]) -> list[tuple[float, int]]:
    """The spikes of both sides in order: time, and 0 for the source, 1 for the target."""
    return sorted([(time, 0) for time in pre] + [(time, 1) for time in post])


def trains(seed: int, count: int, until: float) -> list[float]:
    """Times of a train by arithmetic, no two of which are near to each other, ms."""
    return [
        5.0 + (until - 5.0) * ((place + 0.5) / count + 0.21 * math.sin(seed + 3.7 * place) / count)
        for place in range(count)
    ]
