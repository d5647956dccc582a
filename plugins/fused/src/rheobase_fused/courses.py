"""The inputs of a run, as a kernel reads them: by stride, never expanded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from .call import Course
from .refusal import Refusal

if TYPE_CHECKING:
    from rheobase import Neuron

_ELEMENTS, _ROWS = 4_000_000, 1024
"""Rows that are made for a call hold about so many numbers, and are at most so many."""


class Inputs:
    """The inputs of a run.

    Args:
        neuron: The neuron.
        drive: The stimulus, in rows for this neuron.

    Raises:
        Refusal: If the batch of the stimulus is not that of the neuron.
    """

    def __init__(self, neuron: Neuron, drive: Any) -> None:
        self._neuron, self._drive = neuron, drive
        self._known: dict[str, Course] = {}
        self.names: tuple[str, ...] = tuple(neuron.schema.inputs) or ("input",)
        row = drive.rows(0, 1)[0]
        parts = row.values() if isinstance(row, Mapping) else [row]
        own = (*neuron.batch, neuron.num_units)
        shape = np.broadcast_shapes(*(tuple(each.shape) for each in parts), own)
        if neuron.batch and shape[:-1] != tuple(neuron.batch):
            raise Refusal("the batch of the stimulus is not that of the neuron")
        self.shape = torch.Size(shape)

    @property
    def constant(self) -> frozenset[str]:
        """The names of those that do not change in the run."""
        return frozenset(name for name in self.names if self._still(name))

    def steps_at_once(self, every: int, unit_steps: float) -> int:
        """The number of steps of a call, a multiple of the stride of the traces.

        Args:
            every: The stride.
            unit_steps: How many unit-steps a call should have, about.
        """
        limit = int(unit_steps) // self.shape.numel()
        if any(not self._still(name) and not isinstance(self._part(name), Tensor) for name in self.names):
            limit = min(limit, _ROWS, _ELEMENTS // self.shape.numel())
        return max(1, limit // every) * every

    def course(self, name: str, first: int, count: int) -> Course:
        """An input over some steps of the run."""
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

    def outside(self, name: str, course: Course) -> int:
        """The first step in which an input is outside its declared domain, or -1."""
        declared = self._neuron.schema.inputs.get(name)
        if declared is None or not declared.bounded:
            return -1
        inside = declared.domain.contains(course.values).reshape(len(course.values), -1).all(dim=1)
        return -1 if bool(inside.all()) else int((~inside).nonzero()[0])

    def row(self, step: int) -> Any:
        """The input of one step, as a stimulus of one step."""
        row = self._drive.rows(step, 1)[0]

        def as_rows(value: Tensor) -> Tensor:
            return value.reshape(1, *(value.shape if value.ndim else (1,)))

        return {n: as_rows(value) for n, value in row.items()} if isinstance(row, Mapping) else as_rows(row)

    def _part(self, name: str) -> Any:
        parts = self._drive.parts
        return parts.get("" if "" in parts else name)

    def _still(self, name: str) -> bool:
        part = self._part(name)
        return part is None or (not isinstance(part, Tensor) and bool(part.constant))
