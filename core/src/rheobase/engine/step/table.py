"""What a neuron keeps beside its declared states: one table, and the state of a step that it describes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from ..model.functions import spread


class StepState(NamedTuple):
    """What a step goes on from, and what it leaves.

    Attributes:
        y: The declared states, packed in the order of their declaration, ``[D, *batch, units]``.
        armed: Whether g was below zero at the end of the last step, bool ``[*batch, units]``; None for a
            model without a threshold.
        refractory_steps: The whole steps left of each refractory period, int32 ``[*batch, units]``; None
            for a model that has none.
        refractory_time: What is left of it beside whole steps, ms, float64 ``[*batch, units]``, where spikes
            are located; else None.
        status: How each unit's integration ended, int8 ``[*batch, units]``, where failed units are marked;
            else None.
        spiked: Who spiked in the step, int8 ``[*batch, units]``; None for a model without a threshold, and
            where a step begins with a state of which that is not known.
        carry: What the integrator carries on, or None.
    """

    y: Tensor
    armed: Tensor | None = None
    refractory_steps: Tensor | None = None
    refractory_time: Tensor | None = None
    status: Tensor | None = None
    spiked: Tensor | None = None
    carry: Mapping[str, Tensor] | None = None


class Has(NamedTuple):
    """What a neuron is, as far as it decides which slots it has.

    Attributes:
        spikes: Whether its class is a spiking one.
        threshold: Whether its model has a threshold.
        refractory: Whether it has a refractory period.
        located: Whether its spikes have their own times.
        marks: Whether units whose integration failed are marked.
    """

    spikes: bool
    threshold: bool
    refractory: bool
    located: bool
    marks: bool


class Slot(NamedTuple):
    """A buffer that a neuron has beside its declared quantities.

    Attributes:
        name: Its name, among the buffers, in ``state_dict`` and in ``neuron.state``.
        field: The field of :class:`StepState` that it is; empty where a step only reports it.
        dtype: Its type, which no conversion of the neuron changes.
        present: Which neurons have it.
        start: What it holds at the start; None: what follows from the initial states.
        shape: ``"units"``: ``[*batch, units]``; ``"units,K"``: one more dimension, of the spikes of a step.
        goes_on: Whether the next step goes on from it.
    """

    name: str
    field: str
    dtype: torch.dtype
    present: Callable[[Has], bool]
    start: float | None = 0
    shape: Literal["units", "units,K"] = "units"
    goes_on: bool = True


SLOTS = (
    Slot("armed", "armed", torch.bool, lambda has: has.threshold, start=None),
    Slot("hold", "refractory_steps", torch.int32, lambda has: has.threshold and has.refractory),
    # Spikes lie between steps where they are located, and so do the ends of refractory periods.
    Slot(
        "hold_time",
        "refractory_time",
        torch.float64,
        lambda has: has.threshold and has.refractory and has.located,
    ),
    Slot("status", "status", torch.int8, lambda has: has.marks),
    Slot("spiked", "spiked", torch.int8, lambda has: has.spikes, goes_on=False),
    Slot("spike_count", "", torch.int32, lambda has: has.spikes and has.located, goes_on=False),
    Slot(
        "spike_times",
        "",
        torch.float64,
        lambda has: has.spikes and has.located,
        start=math.nan,
        shape="units,K",
        goes_on=False,
    ),
)
"""All of them; whoever asks for such a name, a type or a shape reads it here."""

BESIDE = tuple(slot.name for slot in SLOTS if slot.goes_on)
"""What goes on from step to step beside the declared states, in models that have it."""
GOING_ON = tuple((slot.name, StepState._fields.index(slot.field)) for slot in SLOTS if slot.goes_on)
"""The same, with their places in :class:`StepState`."""
REPORTED = tuple(slot.name for slot in SLOTS if not slot.goes_on)
"""What a step reports of its spikes."""
TIMES = tuple(slot.name for slot in SLOTS if slot.dtype == torch.float64)
"""Times, which are float64 whatever the type of the neuron."""
BY_UNIT = tuple(slot.name for slot in SLOTS if slot.shape == "units")
"""What has one value for each unit."""


def with_batch(state: StepState, shape: torch.Size) -> StepState:
    """The state with a batch that the input brings, or one that some states had already."""

    def wide(part: Tensor | None) -> Tensor | None:
        return None if part is None else spread(part, shape)

    packed = state.y.view(len(state.y), *([1] * (len(shape) + 1 - state.y.ndim)), *state.y.shape[1:])
    return StepState(
        packed.expand(-1, *shape),
        wide(state.armed),
        wide(state.refractory_steps),
        wide(state.refractory_time),
        wide(state.status),
        carry=state.carry,
    )
