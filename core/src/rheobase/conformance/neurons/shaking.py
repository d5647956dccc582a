"""Runs whose numbers are moved in every step by so many roundings: what rounding may make of a run.

A run that another computation must repeat is compared with a few of these. Where a model blows roundings up,
as an upstroke does, or a step beyond the stability of its method, they part from the run as fast.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ...errors import RheobaseError
from .courses import put, tensors
from .running import copied
from .subject import NeuronSubject


def shaken(
    subject: NeuronSubject,
    neuron: Any,
    data: Sequence[Any],
    amount: float,
    seed: int,
) -> list[dict[str, Tensor]]:
    """What the steps of a run give whose states, parameters and inputs are moved in every step.

    Args:
        subject: The model.
        neuron: The neuron, which is run; its parameters are moved from what they are now.
        data: Its input, step by step.
        amount: By how much numbers are moved, at most, relative to themselves; those of zero stay zero.
        seed: Of the random numbers by which they are moved.

    Returns:
        The outputs of the steps, up to an error.
    """
    generator = torch.Generator().manual_seed(seed)

    def moved(value: Tensor) -> Tensor:
        if not value.is_floating_point():
            return value
        by = 2.0 * torch.rand(value.shape, generator=generator, dtype=torch.float64) - 1.0
        return value * (1.0 + amount * by).to(value.dtype)

    start = tensors(neuron)
    outputs = []
    for each in data:
        now = tensors(neuron)
        changed = {name: moved(now[name]) for name in subject.schema.states}
        for name, declared in subject.schema.parameters.items():
            value = moved(start[name])
            changed[name] = torch.where(declared.domain.contains(value), value, start[name])
        put(neuron, changed)
        try:
            outputs.append(copied(neuron(_input(subject, each, moved))))
        except RheobaseError:
            break
    return outputs


def _input(subject: NeuronSubject, given: Any, moved: Callable[[Tensor], Tensor]) -> Any:
    """An input moved, where that does not take it out of its domain."""
    if not isinstance(given, Mapping):
        return moved(given)
    found = {}
    for name, value in given.items():
        other = moved(value)
        found[name] = torch.where(subject.schema.inputs[name].domain.contains(other), other, value)
    return found
