"""The batch of a network: that which the inputs of its first step bring, for all of its populations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ...errors import InputError
from ...torch_state import broadcast_shape


def of_one_batch(
    data: Mapping[str, Any], sources: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The inputs of the first step, with the batch that one of them brings: it is that of the network.

    Args:
        data: Population -> its input, prepared.
        sources: Population -> the sources of it that stay apart, by input.
    """
    tensors = [each for given in data.values() for each in _tensors(given)]
    try:
        batch = broadcast_shape(*(each.shape[:-1] for each in tensors)) if tensors else torch.Size()
    except RuntimeError as error:
        told = ", ".join(
            f"{name!r} {list(each.shape[:-1])}" for name, given in data.items() for each in _tensors(given)
        )
        raise InputError(
            f"the inputs of the populations have the batches {told}; all of a network have one"
        ) from error
    if not batch:
        return dict(data), dict(sources)

    def widened(given: Any) -> Any:
        if isinstance(given, Tensor):
            return given.expand(*batch, given.shape[-1])
        if isinstance(given, tuple) and hasattr(given, "_fields"):
            return type(given)(*map(widened, given))
        return given

    apart = {
        name: {each: tuple((key, widened(value)) for key, value in found) for each, found in inputs.items()}
        for name, inputs in sources.items()
    }
    return {name: widened(given) for name, given in data.items()}, apart


def _tensors(given: Any) -> list[Tensor]:
    return [each for each in (given if isinstance(given, tuple) else (given,)) if isinstance(each, Tensor)]
