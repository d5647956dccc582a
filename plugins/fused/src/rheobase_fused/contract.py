"""What a kernel is, what it is given and what it gives."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from .noise import Noise
from .tracing import Step


@dataclass(frozen=True)
class Course:
    """An input over some steps.

    Args:
        values: ``[steps, *batch, units]``, contiguous; a batch of dimensions of length 1, or one unit, serves
            all.
        still: Whether its one row serves all steps.
        noise: The process that makes the rows, in place of values.
    """

    values: Tensor
    still: bool
    noise: Noise | None = None

    @property
    def last(self) -> Tensor:
        """What the last step receives; of a process, once a kernel has taken it there."""
        last = self.values[-1]
        return last if self.noise is None else self.noise.row.to(last.dtype).reshape(last.shape)


@dataclass(frozen=True)
class Outputs:
    """Where a kernel writes what is recorded.

    Args:
        every: The stride of the traces, in steps.
        traces: State -> ``[steps // every, *batch, units]``.
        raster: uint8 ``[steps // every, *batch, units]`` of zeros, in which spikes become 1; or None.
        spiked: uint8 ``[*batch, units]`` of zeros, in which those of the last step become 1; or None.
        states: Tensors that may be written over with the states at the end, like those at the start but not
            the same; None: new ones are made.
    """

    every: int
    traces: Mapping[str, Tensor]
    raster: Tensor | None
    spiked: Tensor | None
    states: Mapping[str, Tensor] | None = None


@dataclass(frozen=True)
class Happened:
    """What happened in a call.

    Attributes:
        states: Name -> the state at the end, like that at the start.
        steps: The step of each spike, counted from 0 in the call, int64, ascending.
        lanes: Its element of the flattened ``[*batch, units]``, int64, ascending within a step.
        failed: The first step after which something is not finite, or -1.
        times: When in the step, ms, float64, where spikes are located: then spikes come in no order.
    """

    states: Mapping[str, Tensor]
    steps: np.ndarray
    lanes: np.ndarray
    failed: int
    times: np.ndarray = field(default_factory=lambda: np.empty(0))


_GUESS = 1e9
"""Additions a second: fewer than there will be, so that what is guessed takes less time."""


class Kernel(abc.ABC):
    """A step, called for many steps of many units.

    Args:
        step: What it was made from.
        cost: What a unit-step costs, in additions.

    Attributes:
        states: The names of the states, in order.
        params: Those of the parameters.
        inputs: Those of the inputs.
        located: Whether it locates spikes within their steps.
        beside: Further states that it is given and gives back.
        speed: Unit-steps a second, as measured last; a guess at first.
        measured: Whether it was measured.
    """

    located = False
    beside: tuple[str, ...] = ()

    def __init__(self, step: Step, cost: float) -> None:
        self.states, self.params, self.inputs = tuple(step.states), step.params, step.inputs
        self.speed, self.measured = _GUESS / max(1.0, cost), False

    def measure(self, unit_steps: int, seconds: float) -> None:
        """Take note of how long a call took."""
        self.speed, self.measured = unit_steps / max(1e-6, seconds), True

    @abc.abstractmethod
    def __call__(
        self,
        states: Mapping[str, Tensor],
        params: Mapping[str, Tensor],
        courses: Mapping[str, Course],
        steps: int,
        outputs: Outputs,
    ) -> Happened:
        """Take the states through some steps.

        Args:
            states: Name -> ``[*batch, units]``, contiguous, all on the kernel's device.
            params: Name -> ``[]`` or ``[units]``, on that device.
            courses: Name -> the input; it is brought to that device.
            steps: How many.
            outputs: Where to write what is recorded; on that device.
        """


def strides_of(course: Course) -> tuple[int, int, int]:
    """Of step, flattened batch row and unit, in elements; 0 where one value serves all."""
    if course.noise is not None:
        return 0, 0, 1
    values = course.values
    rows = values.shape[1:-1].numel()
    unit = 0 if values.shape[-1] == 1 else 1
    row = values.shape[-1] if rows > 1 else 0
    return 0 if course.still else rows * values.shape[-1], row, unit
