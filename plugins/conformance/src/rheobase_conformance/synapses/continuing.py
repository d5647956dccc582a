"""A network that is saved in the middle of a run: what its copy, and what loads its state, go on with."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from typing import Any

import torch

from ..violation import violated


def saved_in_between(made: Callable[[], Any], before: int, after: int) -> None:
    """Run a network, copy it, load its state into another, and hold what the three go on with to each other.

    Args:
        made: Makes the network, with the same values each time.
        before: The steps before it is saved.
        after: The steps after it.
    """
    net = made()
    for _ in range(before):
        net()
    buffer = io.BytesIO()
    torch.save(net.state_dict(), buffer)
    copied, loaded = copy.deepcopy(net), made()
    buffer.seek(0)
    loaded.load_state_dict(torch.load(buffer, weights_only=False))
    found = {}
    for name, each in (("the network", net), ("its copy", copied), ("what was loaded", loaded)):
        for _ in range(after):
            outputs = each()
        found[name] = {(part, value): tensor for part in outputs for value, tensor in outputs[part].items()}
    for name, other in found.items():
        for key, value in found["the network"].items():
            if not torch.equal(value, other[key]):
                violated(
                    f"{'.'.join(key)} of {name} is {other[key].tolist()} {after * net.dt:g} ms later, and "
                    f"{value.tolist()} in the network that went on"
                )
