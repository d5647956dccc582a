"""The inputs of a run, as a kernel reads them: by stride, never expanded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import rheobase as rb
import torch
from torch import Tensor

from .contract import Course
from .noise import Noise
from .refusal import Refusal

if TYPE_CHECKING:
    from rheobase import Neuron
    from rheobase.spi import Drive

_ELEMENTS, _ROWS = 4_000_000, 1024
"""Rows that are made for a call hold about so many numbers, and are at most so many."""


class Inputs:
    """The inputs of a run.

    Args:
        neuron: The neuron.
        drive: The stimulus, in rows for this neuron.
        recorded: The names that are recorded: their values are wanted.

    Raises:
        Refusal: If the batch of the stimulus is not that of the neuron.
    """

    def __init__(self, neuron: Neuron, drive: Drive, recorded: Sequence[str] = ()) -> None:
        self._neuron, self._drive, self._recorded = neuron, drive, recorded
        self._known: dict[str, Course] = {}
        # Of a process: the step of the run that comes next, and the path at the one before.
        self._paths: dict[str, tuple[int, np.ndarray]] = {}
        self.names: tuple[str, ...] = tuple(neuron.schema.inputs) or ("input",)
        shape = own = (*neuron.batch, neuron.num_units)
        if not all(map(self._process, self.names)):
            row = drive.rows(0, 1)[0]
            parts = row.values() if isinstance(row, Mapping) else [row]
            shape = np.broadcast_shapes(*(tuple(each.shape) for each in parts), own)
        if neuron.batch and shape[:-1] != tuple(neuron.batch):
            raise Refusal("the batch of the stimulus is not that of the neuron")
        self.shape = torch.Size(shape)

    @property
    def constant(self) -> frozenset[str]:
        """The names of those that do not change in the run."""
        return frozenset(name for name in self.names if self._still(name))

    def steps_at_once(self, unit_steps: float) -> int:
        """The number of steps of a call.

        Args:
            unit_steps: How many unit-steps a call should have, about.
        """
        limit = int(unit_steps / self.shape.numel())
        if any(map(self._in_rows, self.names)):
            limit = min(limit, _ROWS, _ELEMENTS // self.shape.numel())
        return max(1, limit)

    def course(self, name: str, first: int, count: int) -> Course:
        """An input over some steps of the run."""
        process = self._process(name)
        if process is not None:
            return Course(self._nothing(), False, self._noise(name, process, first))
        if not self._still(name):
            return self._made(name, first, count)
        if name not in self._known:
            self._known[name] = self._made(name, first, count)
        return self._known[name]

    def _made(self, name: str, first: int, count: int) -> Course:
        neuron, part = self._neuron, self._part(name)
        if part is None:
            declared = neuron.schema.inputs.get(name)
            default = 0.0 if declared is None else float(declared.default)
            return Course(torch.full((1, 1), default, dtype=neuron.dtype), still=True)
        if isinstance(part, Tensor):
            values, still = part[first : first + count].detach(), False
        else:
            still = self._still(name)
            rows = self._drive.rows(first, 1 if still else count)
            made = [row[name] if isinstance(row, Mapping) else row for row in rows]
            made = [row.detach() if row.ndim else row.detach().reshape(1) for row in made]
            values = made[0].unsqueeze(0) if len(made) == 1 else torch.stack(made)
        values = values.to(neuron.dtype).contiguous()
        if values.shape[1:-1].numel() > 1 and values.shape[1:-1] != self.shape[:-1]:
            # Over a part of the batch's dimensions: rare, and written out.
            values = values.expand(len(values), *self.shape[:-1], values.shape[-1]).contiguous()
        return Course(values, still)

    def took(self, courses: Mapping[str, Course], end: int) -> None:
        """Go on from where a kernel took these, the step before ``end``."""
        for name, course in courses.items():
            if course.noise is not None:
                self._paths[name] = end, course.noise.path

    def leave(self, courses: Mapping[str, Course], end: int) -> None:
        """Let the stimuli know where the run ended, so that another goes on from there for nothing."""
        for course in courses.values():
            if course.noise is not None:
                path = course.noise.path[: self.shape[-1]].copy()
                course.noise.stimulus.went_on(self._drive.first_step + end - 1, self._drive.dt, path)

    def outside(self, name: str, course: Course) -> int:
        """The first step in which an input is outside its declared domain, or -1."""
        declared = self._neuron.schema.inputs.get(name)
        if declared is None or not declared.bounded or course.noise is not None:
            return -1
        inside = declared.domain.contains(course.values).reshape(len(course.values), -1).all(dim=1)
        return -1 if bool(inside.all()) else int((~inside).nonzero()[0])

    def _process(self, name: str) -> rb.stimulus.OrnsteinUhlenbeck | None:
        """The process that an input is, if a kernel is to make its rows: nobody looks at them then."""
        part, declared = self._part(name), self._neuron.schema.inputs.get(name)
        if not isinstance(part, rb.stimulus.OrnsteinUhlenbeck) or part.shared or name in self._recorded:
            return None
        on_cpu = self._neuron.device.type == "cpu"
        return part if on_cpu and not (declared is not None and declared.bounded) else None

    def _noise(self, name: str, process: rb.stimulus.OrnsteinUhlenbeck, first: int) -> Noise:
        units, rows = self.shape[-1], self.shape[:-1].numel()
        step, dt = self._drive.first_step + first, self._drive.dt
        position, path = self._paths.get(name, (-1, None))
        if path is None or position != first:
            path = np.tile(process.standard(step - 1, dt, units), rows)
        return Noise(process, dt, step, path.copy())

    def _nothing(self) -> Tensor:
        return torch.zeros((), dtype=self._neuron.dtype).expand(1, *self.shape)

    def _in_rows(self, name: str) -> bool:
        """Whether rows of an input are made for a call."""
        given = self._still(name) or isinstance(self._part(name), Tensor)
        return not given and self._process(name) is None

    def _part(self, name: str) -> Any:
        parts = self._drive.parts
        return parts.get("" if "" in parts else name)

    def _still(self, name: str) -> bool:
        part = self._part(name)
        return part is None or (not isinstance(part, Tensor) and bool(part.constant))
