"""Inputs of a neuron: from what the caller gave to one checked tensor ``[*batch, units or 1]``."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...errors import InputError
from ...torch_state import broadcast_shape, values_visible
from ..aggregate import Aggregator, check_inputs
from ..model.owner import Owner

_SIGNAL = ", or rheobase.Signal(function, breakpoints) for one that changes with time"


def receive(
    neuron: Owner,
    given: Any,
    what: str,  # how messages call it
    rule: Aggregator | None = None,  # for lists
    identifiers: list[str] | None = None,
) -> Tensor:
    """Check, aggregate and cast what was given as one input, to ``[*batch, 1 or num_units]``."""
    # One source with a name goes through the aggregator too, which may go by names.
    if identifiers is not None and not isinstance(given, (list, tuple)):
        given = [given]
    if isinstance(given, (list, tuple)):
        if any(isinstance(each, (int, float)) for each in given):
            raise InputError(
                f"{neuron.identifier}: {what} is a list of numbers; a list holds the inputs of several "
                "sources, each a tensor; for one value per unit give torch.tensor([...])"
            )
        tensors = [_tensor(neuron, each, f"{what} at place {place}") for place, each in enumerate(given)]
        if rule is None:
            raise InputError(f"{neuron.identifier}: {what} is a list; give one tensor")
        check_inputs(tensors, identifiers)
        _check_together(neuron, tensors, what)
        current = rule(tensors, identifiers)
        if not isinstance(current, Tensor):
            raise InputError(
                f"{neuron.identifier}: the aggregator gave {type(current).__name__} for {what}; it "
                "must give a tensor"
            )
    else:
        current = _tensor(neuron, given, what)
    if current.ndim == 0:
        current = current.unsqueeze(0)
    _check_shape(neuron, current, what)
    # A copy: the neuron keeps it, and must not share memory with the caller.
    return current.to(neuron.dtype, copy=True)


def _tensor(neuron: Owner, given: Any, what: str) -> Tensor:
    # Made in the type of the neuron, not in torch's default type.
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        return torch.tensor(float(given), dtype=neuron.dtype, device=neuron.device)
    if not isinstance(given, Tensor):
        raise InputError(
            f"{neuron.identifier}: {what} is of type {type(given).__name__}; give a tensor of "
            f"floating-point numbers{_SIGNAL if callable(given) else ''}"
        )
    if not given.is_floating_point():
        raise InputError(
            f"{neuron.identifier}: {what} has the type {given.dtype}; give floating-point numbers, "
            "for instance by .to(torch.float32)"
        )
    if given.device != neuron.device:
        raise InputError(
            f"{neuron.identifier}: {what} is on {given.device} and the neuron on {neuron.device}; "
            f"move one of them, for instance by .to({str(neuron.device)!r})"
        )
    return given


def _check_together(neuron: Owner, tensors: list[Tensor], what: str) -> None:
    try:
        broadcast_shape(*(tensor.shape for tensor in tensors))
    except RuntimeError as error:
        shapes = ", ".join(str(list(tensor.shape)) for tensor in tensors)
        raise InputError(
            f"{neuron.identifier}: {what} is a list of shapes {shapes}, which do not fit each other; "
            f"give each the last dimension 1 or num_units = {neuron.num_units}, and one batch"
        ) from error


def _check_shape(neuron: Owner, current: Tensor, what: str) -> None:
    units = neuron.num_units
    if current.shape[-1] not in (1, units):
        accepted = f"1 or num_units = {units}" if units > 1 else "1"
        raise InputError(
            f"{neuron.identifier}: {what} has shape {list(current.shape)}; its last dimension must be "
            f"{accepted}"
        )
    batch, own = current.shape[:-1], neuron.batch
    if batch == own or not batch:
        return
    try:
        if broadcast_shape(batch, own) == own:
            return
    except RuntimeError:
        pass
    # The first step fixes the batch. Compiled code cannot look at the clock, so it is not asked there.
    if own or (values_visible(current) and neuron.simulation_step):
        raise InputError(
            f"{neuron.identifier}: {what} has the batch {list(batch)}, and the first step fixed it as "
            f"{list(own)}; "
            "call reset_state() to begin with another batch"
        )
