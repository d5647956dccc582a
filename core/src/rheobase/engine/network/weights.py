"""Weights that were given, checked and in the type of the neuron."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...errors import ParameterError
from ...torch_state import broadcast_shape
from ..model.distribution import Distribution
from .connectivity import Connectivity

_NONE = torch.Size()


def as_weight(
    given: Any, named: str, connectivity: Connectivity, owner: Any, *, batch: torch.Size | None = _NONE
) -> Tensor:
    """The weights of a projection, ``[]`` or ``[synapses]``, in the type of the neuron.

    Where they change, those of each network of a batch may be given, ``[*batch, synapses]``; ``batch`` None:
    of any batch.
    """
    count = connectivity.synapses
    if isinstance(given, Distribution):
        raise ParameterError(f"{named}: a distribution stands for weights in connect(...) alone")
    try:
        # Numbers of Python are double: not by way of torch's default type.
        exact = None if isinstance(given, Tensor) else torch.float64
        weight = torch.as_tensor(given, dtype=None if isinstance(given, bool) else exact)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ParameterError(f"{named}: weight={given!r}; give a number or a tensor [synapses]") from error
    if weight.dtype == torch.bool or weight.is_complex():
        raise ParameterError(f"{named}: the weights are of {weight.dtype}; give real numbers")
    several = weight.ndim > 1 and batch is not None and weight.shape[:-1] != batch
    if several or (weight.ndim and weight.shape[-1] != count):
        raise ParameterError(
            f"{named}: {weight.numel()} weights in shape {list(weight.shape)} were given for {count} "
            f"synapses; give one number, or one for each{f', or {[*batch, count]}' if batch else ''}"
        )
    if weight.requires_grad:
        raise ParameterError(
            f"{named}: the weights are to have a gradient, which nothing gives yet; give weight.detach()"
        )
    weight = weight.to(dtype=owner.dtype, device=owner.device, copy=True)
    wrong = (~weight.isfinite()).nonzero()
    if len(wrong):
        place = int(wrong[0, -1]) if weight.ndim else 0
        value = float(weight[tuple(wrong[0])] if weight.ndim else weight)
        raise ParameterError(f"{named}: the weight of synapse {place} is {value}; give finite numbers")
    return weight


def of_each(weight: Tensor, connectivity: Connectivity, batch: torch.Size) -> Tensor:
    """A weight of each synapse of each network, which can be written to."""
    shape = broadcast_shape(weight.shape, (*batch, connectivity.synapses))
    return weight.expand(shape).clone(memory_format=torch.contiguous_format)
