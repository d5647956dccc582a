"""From what a user gives as a stimulus to the rows that a neuron receives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..engine.signals.signal import Signal
from ..errors import InputError, StimulusError, nearest, shown
from .stimuli.values import is_number
from .stimulus import Constant, Stimulus

if TYPE_CHECKING:
    from ..engine.neuron.base import Neuron

Row = Tensor | Signal | dict[str, Tensor | Signal]
"""The current of one step: ``[1]``, ``[units]`` or ``[*batch, units]``; a signal, which is the same object in
every step; or one of these for each named input."""


class Drive:
    """A stimulus, checked against the neuron that will receive it.

    A stimulus of :mod:`rheobase.stimulus` is a function of the neuron's clock; the rows of a tensor are
    counted from the start of the run. A :class:`~rheobase.Signal` is on the neuron's clock, too, and goes
    to the neuron as it is.

    Args:
        stimulus: One of :mod:`rheobase.stimulus`; a number; a signal;
            a tensor: a scalar or ``[units]`` is constant,
            ``[steps, 1]`` or ``[steps, *batch, units]`` has one row for each step; or a mapping of these by
            the model's names of inputs.
        neuron: The neuron; its clock, dt, number of units, dtype and device are used.

    Raises:
        InputError: If a tensor is not real, on another device or has another number of units, or a constant
            is not finite. The values of tensors with rows are looked at by :meth:`check`.
        StimulusError: If a stimulus is made for another number of units.
    """

    def __init__(self, stimulus: object, neuron: Neuron) -> None:
        self.first_step = neuron.simulation_step
        self.dt = neuron.dt
        self.num_units = neuron.num_units
        self.dtype, self.device = neuron.dtype, neuron.device
        if isinstance(stimulus, Mapping):
            known = list(neuron.schema.inputs)
            if not stimulus:
                raise InputError(
                    f"the stimulus is an empty mapping; give at least one of: {', '.join(known)}"
                )
            for name in stimulus:
                if name not in known:
                    raise InputError(
                        f"the stimulus names the input {shown(name)}, which the model does not have"
                        f"{nearest(str(name), known)}; "
                        f"its inputs are: {', '.join(known) or 'one without a name'}"
                    )
            self.parts = {name: self._source(part, f"{name}: ") for name, part in stimulus.items()}
        else:
            self.parts = {"": self._source(stimulus, "")}

    def check(self) -> None:
        """Look at every value of the tensors with rows; constants were looked at when the drive was made.

        A backend that looks at the values as it goes calls this only where it has met one that is not
        finite, to raise the error.

        Raises:
            InputError: If a value is not finite; it names the value, its unit and its step.

        Example:
            >>> import rheobase as rb
            >>> import torch
            >>> drive = Drive(torch.tensor([[1.0], [float("inf")]]), rb.create("analog"))
            >>> drive.check()
            Traceback (most recent call last):
            rheobase.errors.InputError: the stimulus has inf for every unit in step 1 (counted from 0); \
give finite currents
        """
        for name, part in self.parts.items():
            if isinstance(part, Tensor):
                _check_finite(part, f"{name}: " if name else "")

    @property
    def constant(self) -> bool:
        """Whether every row is the same."""
        return all(isinstance(part, Stimulus) and part.constant for part in self.parts.values())

    @property
    def timed(self) -> bool:
        """Whether an input is a signal, which may change within a step."""
        return any(isinstance(part, Signal) for part in self.parts.values())

    @property
    def rows_given(self) -> int | None:
        """The number of rows that tensors have; None where no tensor has rows."""
        lengths = {len(part) for part in self.parts.values() if isinstance(part, Tensor)}
        if len(lengths) > 1:
            raise StimulusError(
                f"the inputs have {' and '.join(map(str, sorted(lengths)))} rows; give them equally many"
            )
        return next(iter(lengths), None)

    @property
    def steps_left(self) -> int | None:
        """The number of steps from the neuron's clock to the end of the shortest stimulus; None: endless."""
        ends = [part.steps(self.dt) for part in self.parts.values() if isinstance(part, Stimulus)]
        left = [max(0, end - self.first_step) for end in ends if end is not None]
        return min(left, default=None)

    @property
    def width(self) -> int:
        """The size of one row, to choose how many are made at once."""
        sizes = [
            part[0].numel() if isinstance(part, Tensor) else self.num_units for part in self.parts.values()
        ]
        return max(sizes)

    def rows(self, first: int, count: int) -> list[Row]:
        """The rows of so many steps; ``first`` is counted from the start of the run."""
        found = {name: self._rows(part, first, count) for name, part in self.parts.items()}
        if self.parts.keys() == {""}:
            return list(found[""])
        return [dict(zip(found, values, strict=True)) for values in zip(*found.values(), strict=True)]

    def _rows(
        self, part: Stimulus | Tensor | Signal, first: int, count: int
    ) -> tuple[Tensor, ...] | tuple[Signal, ...]:
        if isinstance(part, Signal):
            return (part,) * count
        if isinstance(part, Tensor):
            return part[first : first + count].unbind(0)
        rows = part.rows(
            self.first_step + first,
            count,
            self.dt,
            self.num_units,
            dtype=self.dtype,
            device=self.device,
        )
        if rows.shape not in ((count, 1), (count, self.num_units)):
            raise StimulusError(
                f"{type(part).__name__}.rows gave {list(rows.shape)} for {count} steps of {self.num_units} "
                f"units; it must give [{count}, 1] or [{count}, {self.num_units}]"
            )
        return rows.unbind(0)

    def _source(self, given: Any, where: str) -> Stimulus | Tensor | Signal:
        if isinstance(given, Signal):
            return given
        if isinstance(given, Stimulus):
            if given.width not in (1, self.num_units):
                raise StimulusError(
                    f"{where}{type(given).__name__} is made for {given.width} units, the neuron has "
                    f"{self.num_units}; give it one value or column for all, or {self.num_units}"
                )
            return given
        if is_number(given):
            return Constant(float(given))
        if isinstance(given, np.ndarray):
            try:
                given = torch.as_tensor(given)
            except (TypeError, ValueError) as error:
                raise InputError(
                    f"{where}the stimulus is an array of {given.dtype}; "
                    "give real numbers, for instance float32"
                ) from error
        if not isinstance(given, Tensor):
            raise InputError(
                f"{where}the stimulus {shown(given)} is of type {type(given).__name__}; "
                "give one of rheobase.stimulus, a number, a tensor, or rheobase.Signal(function, breakpoints)"
            )
        return self._tensor(given, where)

    def _tensor(self, given: Tensor, where: str) -> Stimulus | Tensor:
        shape = list(given.shape)
        if not given.is_floating_point():
            raise InputError(
                f"{where}the stimulus is a tensor of {given.dtype}; give a real floating-point type, "
                "for instance stimulus.float()"
            )
        if given.device != self.device:
            raise InputError(
                f"{where}the stimulus is on {given.device}, the neuron is on {self.device}; "
                f"give stimulus.to({str(self.device)!r})"
            )
        if given.numel() == 0:
            raise InputError(f"{where}the stimulus is an empty tensor {shape}; give at least one row")
        width = given.shape[-1] if given.dim() else 1
        if width not in (1, self.num_units):
            hint = "; for one row for each step give stimulus.unsqueeze(-1)" if given.dim() == 1 else ""
            raise InputError(
                f"{where}the stimulus is a tensor {shape}, the neuron has {self.num_units} units; "
                f"give a scalar or [{self.num_units}] for a constant, [steps, 1] or "
                f"[steps, *batch, {self.num_units}] for one row per step{hint}"
            )
        if given.dim() >= 2:
            return given  # its values may be many: a backend looks at them, or calls check()
        _check_finite(given, where)
        return Constant(given)


def _check_finite(given: Tensor, where: str) -> None:
    # The extremes are NaN where any value is; unlike isfinite() they need no memory.
    low, high = torch.aminmax(given.detach())
    if bool(torch.isfinite(low) & torch.isfinite(high)):
        return
    place = torch.nonzero(~torch.isfinite(given.detach()))[0].tolist()
    value = given.detach()[tuple(place)].item()
    unit = f"unit {place[-1]}" if given.dim() and given.shape[-1] > 1 else "every unit"
    step = f" in step {place[0]}" if given.dim() > 1 else ""
    raise InputError(
        f"{where}the stimulus has {value} for {unit}{step} (counted from 0); give finite currents"
    )
