"""Runs whose numbers are moved in every step by so many roundings: what rounding may make of a run.

A run that another computation must repeat is compared with a few of these. Where a model blows roundings up,
as an upstroke does, or a step beyond the stability of its method, they part from the run as fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from rheobase.errors import RheobaseError
from torch import Tensor

from .courses import put, tensors
from .rounding import moved, moved_input
from .running import copied


def shaken(neuron: Any, data: Sequence[Any], ulps: float, seed: int) -> list[dict[str, Tensor]]:
    """What the steps of a run give whose states, parameters and inputs are moved in every step.

    Args:
        neuron: The neuron, which is run; its parameters are moved from what they are now.
        data: Its input, step by step.
        ulps: By how many units in the last place numbers are moved, at most; those of zero stay zero.
        seed: Of the random numbers by which they are moved.

    Returns:
        The outputs of the steps, up to an error.
    """
    generator = torch.Generator().manual_seed(seed)

    start = tensors(neuron)
    outputs = []
    for each in data:
        now = tensors(neuron)
        held = {name: now[name] for name in neuron.schema.states}
        held |= {name: start[name] for name in neuron.schema.parameters}
        put(neuron, {name: moved(neuron, name, value, ulps, generator) for name, value in held.items()})
        try:
            outputs.append(copied(neuron(moved_input(neuron, each, ulps, generator))))
        except RheobaseError:
            break
    return outputs
