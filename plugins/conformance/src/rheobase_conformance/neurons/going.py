"""Runs for the properties of contract and state: with spikes in them, and cut off where a model explodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import torch
from hypothesis import strategies as st
from rheobase.errors import IntegrationError, ParameterError, RheobaseError
from rheobase.spi import GENERATOR_STATE
from torch import Tensor

from ..profiles import Profile
from ..violation import require, violated
from .case import NeuronCase, within
from .cases import rounded, runs
from .running import copied, parting, same
from .subject import NeuronSubject

STRONG = ((10.0, 10.0, 3.0), (0.0, 20.0), (5.0, -5.0, 30.0, 0.0), (1.5,), (0.0,))
"""Levels of a run that spikes soon, so that its middle lies between spikes, or in a refractory period."""


def strong(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """Runs with spikes, in a batch and without."""
    return runs(subject, profile, batches=((2,), ()), steps=(24, 12, 40), courses=STRONG)


def precise(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """The same in double precision."""
    return runs(subject, profile, batches=((2,), ()), steps=(24, 12, 40), courses=STRONG, dtypes=("float64",))


def brief(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """Runs of a few steps."""
    return runs(subject, profile, batches=((2,), (), (2, 1)), steps=(6, 12), courses=STRONG)


def go(neuron: Any, data: Sequence[Any]) -> list[dict[str, Tensor]]:
    """Step a neuron through its inputs; gives copies of what each step returned.

    A model may explode, if it says so by a named error: the run ends there.
    """
    seen = []
    with suppress(IntegrationError, ParameterError):
        for each in data:
            seen.append(copied(neuron(each)))  # noqa: PERF401 - those before an explosion are kept
    return seen


def options_of(subject: NeuronSubject, case: NeuronCase) -> dict[str, Any]:
    """What a case chooses of the options."""
    return {name: value for name, value in case.params.items() if name in subject.schema.options}


def moved(subject: NeuronSubject, case: NeuronCase) -> dict[str, float]:
    """A value for each parameter whose default is a number, a little away from it.

    By 2%, or less where the model cannot be made so.
    """
    declared = subject.schema.parameters
    free = [name for name, each in declared.items() if isinstance(each.default, float) and each.default != 0]
    for percent in (2.0, -2.0, 0.1):
        values = {name: rounded(subject.defaults[name] * (1 + percent / 100)) for name in free}
        inside = {name: value for name, value in values.items() if within(declared[name], value)}
        try:
            replace(case, params=options_of(subject, case)).neuron(subject.model, **inside)
        except RheobaseError:
            continue
        return inside
    return {}


def each_tensor(given: Any) -> list[Tensor]:
    """The tensors of one step's input."""
    if isinstance(given, Tensor):
        return [given]
    values = given.values() if isinstance(given, Mapping) else given
    return [tensor for value in values for tensor in each_tensor(value)]


def mapped(given: Any, change: Any) -> Any:
    """One step's input with each tensor changed."""
    if isinstance(given, Mapping):
        return {name: mapped(value, change) for name, value in given.items()}
    return change(given)


def saved(neuron: Any) -> dict[str, Tensor]:
    """Copies of what ``state_dict`` gives."""
    return {name: value.detach().clone() for name, value in neuron.state_dict().items()}


def require_unchanged(before: dict[str, Tensor], neuron: Any, when: str) -> None:
    """Refuse a neuron whose ``state_dict`` is not what it was."""
    after = saved(neuron)
    for name, value in before.items():
        if name != GENERATOR_STATE:  # numbers may have been drawn for a step that then failed
            require(name in after and same(value, after[name]), f"{name} of the neuron changed when {when}")


def require_close_runs(
    one: Sequence[Mapping[str, Tensor]],
    other: Sequence[Mapping[str, Tensor]],
    what: str,
    *,
    rtol: float = 1e-6,
) -> None:
    """Refuse two runs in double precision that differ by more than rounding.

    Args:
        one: What each step gave.
        other: The same for the run that must be equal.
        what: How the two differ in their making.
        rtol: Relative to the largest value of an output in the step.

    Raises:
        Violation: If they differ.
    """
    if len(one) != len(other):
        violated(f"{what}: one ends after {len(one)} steps and the other after {len(other)}")
    for step, (first, second) in enumerate(zip(one, other, strict=True)):
        if first.keys() != second.keys():
            violated(f"{what}: step {step} gives {sorted(first)} and {sorted(second)}; they must be the same")
        for name in first:
            a, b = first[name], second[name]
            if a.shape == b.shape and a.dtype == b.dtype:
                size = float(a.abs().nan_to_num().max()) if a.is_floating_point() and a.numel() else 0.0
                if torch.allclose(a.double(), b.double(), rtol=rtol, atol=rtol * size, equal_nan=True):
                    continue
            violated(f"{what}: {parting(name, a, b)} in step {step}")
