"""What a neuron begins with: its initial states, and what lies beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from ...torch_state import broadcast_shape
from ..model.functions import Model, gap, pack
from ..model.owner import Owner
from ..model.values import as_state, initial_value
from ..step.table import SLOTS, Has


def initial_states(
    owner: Owner, given: Mapping[str, Tensor], params: Any, batch: torch.Size
) -> dict[str, Tensor]:
    """The initial value of each state, ``[*batch, units]``.

    Args:
        owner: The neuron.
        given: What states begin with that do not begin with their default.
        params: What defaults follow from: parameters, options and what is drawn.
        batch: The dimensions of a batch, each row of which has draws of its own.
    """
    states = owner.schema.states
    values = {
        name: given[name] if name in given else initial_value(owner, declared, params)
        for name, declared in states.items()
    }
    initial = {name: as_state(owner, states[name], value, batch) for name, value in values.items()}
    shape = broadcast_shape(*(value.shape for value in initial.values()))
    return {name: value.expand(shape).clone() for name, value in initial.items()}


def armed_at(model: Model | None, initial: Mapping[str, Tensor], params: Any) -> dict[str, Tensor]:
    """Who may spike in its first step: where g < 0 at the initial state."""
    if model is None or model.threshold is None:
        return {}
    packed = pack([initial[name] for name in model.schema.states])
    return {"armed": gap(model, packed, params) < 0}


def inputs_at_start(owner: Owner) -> Iterator[tuple[str, Tensor]]:
    """The input before the first step, ``[units]``, by name."""
    inputs = {name: declared.default for name, declared in owner.schema.inputs.items()} or {"input": 0.0}
    for name, default in inputs.items():
        yield name, torch.full((owner.num_units,), default, dtype=owner.dtype, device=owner.device)


def slots_at_start(owner: Owner, has: Has, states: torch.Size) -> Iterator[tuple[str, Tensor | None]]:
    """What lies beside states of a shape, by name: None where a neuron has it not; nothing of what follows
    from the states.
    """
    units = (owner.num_units,)
    for slot in SLOTS:
        if not slot.present(has):
            yield slot.name, None
        elif slot.start is not None:
            shape = states if slot.goes_on else units if slot.shape == "units" else (*units, 1)
            yield slot.name, torch.full(shape, slot.start, dtype=slot.dtype, device=owner.device)
