"""Courses: runs that may end in a named error, and comparisons of two of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from hypothesis import strategies as st
from rheobase import spi
from rheobase.errors import IntegrationError
from rheobase.spi import Spikes, put_tensors
from torch import Tensor

from ..profiles import Profile
from ..violation import violated
from .case import NeuronCase
from .cases import runs
from .running import copied, parting, same
from .subject import NeuronSubject

LEVELS: tuple[tuple[float, ...], ...] = (
    (30.0, 0.05, 3.0),
    (0.0, 60.0),
    (5.0, -5.0, 30.0, 0.0),
    (-3.0, 1.0, 8.0),
    (2.0,),
    (0.0,),
)
"""Levels of a short run, in multiples of the size that moves the model: most units spike in it."""

STEPS = (12, 18, 40)
"""The numbers of steps of such runs."""


def moving(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """Short runs in which most models spike."""
    return runs(subject, profile, steps=STEPS, courses=LEVELS)


class Course(NamedTuple):
    """What the steps of a run gave.

    Attributes:
        outputs: What each step returned.
        ended: The error that ended it: a state that is no longer finite is told by one. Empty: none did.
    """

    outputs: list[dict[str, Tensor]]
    ended: str


def course(neuron: Any, data: Sequence[Any]) -> Course:
    """Step a neuron through its inputs, up to an error of its integration."""
    outputs = []
    for each in data:
        try:
            outputs.append(copied(neuron(each)))
        except IntegrationError as error:  # noqa: PERF203
            return Course(outputs, type(error).__name__)
    return Course(outputs, "")


def first_parting(one: Course, other: Course) -> str:
    """Where two courses that should be equal to the bit part, in words; empty where they are equal."""
    for step, (first, second) in enumerate(zip(one.outputs, other.outputs, strict=False)):
        if first.keys() != second.keys():
            return f"step {step} gives {sorted(first)} and {sorted(second)}"
        for name in first:
            if not same(first[name], second[name]):
                return f"{parting(name, first[name], second[name])} in step {step}"
    if len(one.outputs) != len(other.outputs) or one.ended != other.ended:
        return f"{_end(one)} and {_end(other)}"
    return ""


def require_same_courses(one: Course, other: Course, what: str) -> None:
    """Refuse two courses that are not equal to the bit.

    Args:
        one: The one.
        other: The one that must be equal to it.
        what: How they differ in their making, for the message.

    Raises:
        Violation: If they differ; it names the step, the output and the first two values that differ.
    """
    apart = first_parting(one, other)
    if apart:
        violated(f"{what}: {apart}; they must be equal to the bit")


def _end(ended: Course) -> str:
    how = f" by {ended.ended}" if ended.ended else ""
    return f"it ends after {len(ended.outputs)} steps{how}"


def spikes_by_step(spikes: Spikes, dt: float, shape: Sequence[int], who: str) -> Tensor:
    """How many spikes of a run from time zero are at the end of each step, int64, of this shape.

    Args:
        spikes: The spikes of the run.
        dt: Its time step, ms.
        shape: ``[steps, *batch, units]``.
        who: Who recorded them, for the message.

    Raises:
        Violation: If one is at the end of no step of the run.
    """
    steps, units = shape[0], shape[-1]
    at = torch.round(spikes.times / dt) - 1
    outside = ~((at >= 0) & (at < steps))
    if bool(outside.any()):
        first = int(outside.nonzero()[0])
        time, unit = float(spikes.times[first]), int(spikes.units[first])
        violated(
            f"{who} records a spike of unit {unit} at {time:.6g} ms, "
            f"outside of the run: its {steps} steps end from {dt:g} to {steps * dt:g} ms"
        )
    found = torch.zeros((steps, math.prod(shape[1:-1]), units), dtype=torch.int64)
    place = (at.to(torch.int64), spikes.batch, spikes.units)
    return found.index_put_(place, torch.ones_like(place[0]), accumulate=True).view(*shape)


def each_tensor(given: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """An input with a change made to its tensor, or to those of a mapping."""
    if isinstance(given, Mapping):
        return {name: change(value) for name, value in given.items()}
    return change(given)


def each_output(given: Course, change: Callable[[Tensor], Tensor]) -> Course:
    """A course with a change made to all that its steps returned."""
    return given._replace(
        outputs=[{name: change(value) for name, value in step.items()} for step in given.outputs]
    )


def picked(params: Mapping[str, Any], index: Tensor) -> dict[str, Any]:
    """Parameters of some units: of those with a value for each unit, theirs."""
    return {
        name: tuple(value[i] for i in index.tolist()) if isinstance(value, tuple) else value
        for name, value in params.items()
    }


def put(neuron: Any, values: Mapping[str, Tensor]) -> None:
    """Give a neuron's tensors other values, as they are: a state may have left its domain by rounding."""
    put_tensors(
        neuron, {name: value.clone(memory_format=torch.contiguous_format) for name, value in values.items()}
    )


def tensors(neuron: Any) -> dict[str, Tensor]:
    """Copies of a neuron's buffers, and of its parameters that learn."""
    held = spi.tensors(neuron)
    both = {**held.buffers, **held.learnt}
    return {name: value.detach().clone() for name, value in both.items() if value is not None}
