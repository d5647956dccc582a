"""What is loaded into a neuron: whether it fits, and tensors of its shapes to take it."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

import torch
from torch import Tensor, nn

from ...torch_state import all_finite
from ..model.owner import Owner
from ..model.values import check_domain
from ..step.table import BY_UNIT


def fault_of(owner: Owner, name: str, saved: Any) -> str:
    """What is wrong with the shape of a saved tensor; empty where nothing is."""
    # Values outside a domain raise at once, as everywhere; wrong shapes are gathered, as torch does it.
    schema, units = owner.schema, owner.num_units
    if not isinstance(saved, Tensor):
        return ""
    shape = list(saved.shape)
    if name in schema.parameters:
        if shape not in ([], [units]):
            return f"{owner.identifier}: {name} has shape {shape}; it must be [] or [{units}]"
        check_domain(owner, schema.parameters[name], saved)
        return ""
    if name in schema.states and not saved.is_meta and not _finite(saved):
        return f"{owner.identifier}: {name} has values that are not finite"
    by_unit = (*schema.states, *schema.inputs, "input", *BY_UNIT)
    if name in by_unit and (not shape or shape[-1] != units):
        return f"{owner.identifier}: {name} has shape {shape}; it must be [*batch, {units}]"
    return ""


def make_room(
    buffers: MutableMapping[str, Tensor | None],
    learnt: MutableMapping[str, nn.Parameter | None],
    saved: Mapping[str, Any],
    assign: bool,
) -> None:
    """Put tensors of the saved shapes in place, for torch copies into such alone.

    New ones: those of the neuron may be shared with what it gave out. With ``assign`` they are what is
    loaded, where type and device are the neuron's.
    """
    for name, value in saved.items():
        held, parameter = buffers.get(name), learnt.get(name)
        known = held if held is not None else parameter
        if known is None:
            continue
        taken = assign and known.dtype == value.dtype and known.device == value.device
        if held is not None:
            new = torch.empty(value.shape, dtype=held.dtype, device=held.device)
            # What would be copied onto itself is not copied.
            buffers[name] = value if taken and not value.requires_grad else new
        elif taken or known.shape != value.shape:
            resized = value.detach() if taken else known.detach().new_empty(value.shape)
            learnt[name] = nn.Parameter(resized, requires_grad=known.requires_grad)


def _finite(saved: Tensor) -> bool:
    return all_finite(saved) if saved.is_floating_point() else bool(saved.isfinite().all())
