"""Runs in which spikes have their own times: what goes in, and what is left behind."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import rheobase as rb
import torch
from rheobase.spi import TIMES, tensors
from torch import Tensor

from .refusal import Refusal

if TYPE_CHECKING:
    from rheobase import Neuron

    from .contract import Happened


def locates(neuron: Neuron) -> bool:
    """Whether a neuron's spikes are located within their steps."""
    return neuron.event == "located" and callable(getattr(type(neuron), "threshold", None))


def check_located(neuron: Neuron) -> None:
    """Refuse what a kernel that locates spikes does not do.

    Raises:
        Refusal: With the reason.
    """
    if not locates(neuron):
        return
    if isinstance(neuron.integrator, rb.EventIntegrator):
        raise Refusal(f"the integrator {neuron.integrator!r} finds crossings by itself (event='located')")
    if neuron.schema.jumps:
        raise Refusal("an input arrives as a jump, which no kernel that locates spikes takes")
    if callable(getattr(type(neuron), "release", None)):
        raise Refusal("the model has a release, which no kernel that locates spikes takes")
    for name in TIMES:
        held = tensors(neuron).buffers.get(name)
        if held is not None and held.dtype != torch.float64:
            raise Refusal(f"{name} was made {held.dtype}, and a kernel has times in float64")
    state = neuron.state
    if "hold_time" in state:
        hold, part = state["hold"], state["hold_time"]
        # No step leaves these behind: somebody wrote them.
        if bool(((hold < 0) | ~(part >= 0) | ((part > 0) & (part + neuron.dt == neuron.dt))).any()):
            raise Refusal("what is left of a refractory period is negative, or below the precision of time")


def encoded_hold(states: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Count the step in which a refractory period ends, too: a step is usual where the count is not 1."""
    if "hold_time" not in states:
        return states
    return {**states, "hold": states["hold"] + (states["hold_time"] != 0)}


def decode_hold(states: Mapping[str, Tensor]) -> None:
    """The counts of whole steps again."""
    if "hold_time" in states:
        states["hold"].sub_((states["hold_time"] != 0).to(torch.int32))


def last_spikes(happened: Happened, count: int, shape: torch.Size, start: float) -> dict[str, Tensor]:
    """What the last step of a call reported, as the neuron keeps it.

    Args:
        happened: What happened in the call.
        count: Its number of steps.
        shape: ``[*batch, units]``.
        start: The time at the start of the last step, ms.
    """
    last = happened.steps == count - 1
    lanes, times = happened.lanes[last], happened.times[last]
    order = np.lexsort((times, lanes))
    lanes, times = lanes[order], times[order]
    counts = np.bincount(lanes, minlength=shape.numel())
    table = np.full((shape.numel(), max(1, int(counts.max()))), math.nan)
    place = np.arange(len(lanes)) - np.repeat(np.cumsum(counts) - counts, counts)
    table[lanes, place] = start + times
    return {
        "spiked": torch.from_numpy((counts > 0).astype(np.int8)).reshape(shape),
        "spike_count": torch.from_numpy(counts.astype(np.int32)).reshape(shape),
        "spike_times": torch.from_numpy(table).reshape(*shape, -1),
    }
