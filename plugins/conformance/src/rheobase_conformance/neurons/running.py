"""Runs that keep what each step gave, and comparisons that say where two runs part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..coverage import spiked
from ..violation import violated


def run(neuron: Any, data: Sequence[Any]) -> list[dict[str, Tensor]]:
    """Step a neuron through its inputs; gives copies of what each step returned."""
    return [copied(neuron(each)) for each in data]


def copied(outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies of what a step returned, detached; its spikes are counted."""
    spiked(outputs)
    return {name: value.detach().clone() for name, value in outputs.items()}


def declared_state(neuron: Any) -> dict[str, Tensor]:
    """Copies of a neuron's declared states."""
    return {name: getattr(neuron, name).detach().clone() for name in neuron.schema.states}


def same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are equal to the bit, in shape and type too; NaN equals NaN."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return bool(((one == other) | ((one != one) & (other != other))).all())


def require_same_runs(
    one: Sequence[Mapping[str, Tensor]],
    other: Sequence[Mapping[str, Tensor]],
    what: str,
) -> None:
    """Refuse two runs that are not equal to the bit.

    Args:
        one: What each step gave.
        other: The same for the run that must be equal.
        what: How the two runs differ in their making, for the message: "a run alone and one in a batch".

    Raises:
        Violation: If they differ; it names the step, the output and the first two values that differ.
    """
    if len(one) != len(other):
        violated(f"{what}: {len(one)} steps and {len(other)}; they must be as many")
    for step, (first, second) in enumerate(zip(one, other, strict=True)):
        if first.keys() != second.keys():
            violated(f"{what}: step {step} gives {sorted(first)} and {sorted(second)}; they must be the same")
        for name in first:
            if not same(first[name], second[name]):
                violated(f"{what}: {parting(name, first[name], second[name])} in step {step}")


def parting(name: str, one: Tensor, other: Tensor) -> str:
    """Where two tensors that should be equal part, in words."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return f"{name} is {one.dtype} {list(one.shape)} and {other.dtype} {list(other.shape)}"
    wrong = (one != other) & ~((one != one) & (other != other))
    first = tuple(wrong.nonzero()[0].tolist()) if one.ndim else ()
    unit = f" of unit {first[-1]}" if first else ""
    return f"{name}{unit} is {one[first].item()!r} and {other[first].item()!r}"


def require_finite(outputs: Mapping[str, Tensor], where: str) -> None:
    """Refuse outputs with values that are not finite; ``spike_times`` has NaN where there is no spike."""
    for name, value in outputs.items():
        if name != "spike_times" and value.is_floating_point() and not bool(torch.isfinite(value).all()):
            violated(f"{name} is not finite {where}")


def seeded(neuron: Any, seed: int) -> None:
    """Give a stochastic model a seed."""
    if neuron.stochastic or neuron.schema.draws:
        neuron.seed = seed
