"""What a state_dict has of a projection beside tensors, and room for tensors of another batch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

import torch
from torch import Tensor

from .connectivity import Connectivity
from .delays import Delays
from .underway import Sent

Saved = tuple[int, Tensor, "Tensor | None", list[int], "Tensor | None"]
"""The spikes of a step, in plain types."""


def saved(spikes: Iterable[Sent]) -> list[Saved]:
    """Spikes under way, as they are saved."""
    return [
        (
            each.label,
            each.who.clone(),
            None if each.times is None else each.times.clone(),
            list(each.batch),
            None if each.factor is None else each.factor.clone(),
        )
        for each in spikes
    ]


def loaded(spikes: Iterable[Any]) -> list[Sent]:
    """Spikes that were saved."""
    return [Sent(label, who, times, torch.Size(batch), factor) for label, who, times, batch, factor in spikes]


def make_room(
    buffers: MutableMapping[str, Tensor | None], names: Iterable[str], saved: Mapping[str, Any], prefix: str
) -> None:
    """Put tensors of the saved shapes in place, where these differ in their batch alone.

    Torch copies into tensors of the same shape, and so refuses other synapses.
    """
    for name in names:
        held, value = buffers.get(name), saved.get(prefix + name)
        if held is None or not isinstance(value, Tensor) or value.shape == held.shape:
            continue
        if value.shape[-1:] == held.shape[-1:]:
            buffers[name] = held.new_empty(value.shape)


def fingerprint(connectivity: Connectivity, delays: Delays) -> str:
    """Of who is connected with whom, and how far away."""
    digest = hashlib.blake2b(digest_size=16)
    delay = torch.empty(0) if delays.ms.ndim == 0 else delays.ms
    for part in (connectivity.indptr, connectivity.target.to(torch.int32), delay):
        digest.update(part.cpu().numpy().tobytes())
    if delays.ms.ndim == 0:
        digest.update(repr(float(delays.ms)).encode())
    return digest.hexdigest()
