"""Neurons that emit real numbers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...errors import ArgumentError
from ...signal.segments import at_start
from ...signal.signal import Signal
from ...torch_state import broadcast_shape
from ..integrator.equation import times_of
from .base import Neuron
from .checks import check_step


class AnalogNeuron(Neuron):
    """A neuron that emits real numbers: its voltage.

    With an equation, each step integrates it, with the aggregated input as ``data``. Without one,
    the voltage follows the input. A model that declares states and ``derivatives`` is stepped like any
    other. See :class:`~rheobase.Neuron` for the arguments.

    Example:
        >>> import torch
        >>> from rheobase import AnalogNeuron
        >>> leaky = AnalogNeuron(equation=lambda x, data: (data - x) / 10.0, dt=1.0)
        >>> leaky([torch.tensor([1.0]), torch.tensor([2.0])])["voltage"]
        tensor([0.2855])
        >>> AnalogNeuron()(torch.tensor([3.0]))["voltage"]
        tensor([3.])
    """

    _framework = True

    def forward(self, data: Any, identifiers: list[str] | None = None) -> dict[str, Tensor]:
        if self._model is not None or self.schema.declared:
            return super().forward(data, identifiers)
        current = self.prepare(data, identifiers)
        begin = at_start(current, self.dt)
        shape = broadcast_shape(begin.shape, self._of("voltage").shape)
        new = {"input": torch.broadcast_to(begin, shape)}
        if self.equation is None:
            new["voltage"] = new["input"].clone()
        else:
            names = ("voltage", *self.auxiliaries)
            parts = [torch.broadcast_to(self._of(name), shape) for name in names]
            # Not by integrate(), which starts from the states as they are: without the input's batch.
            x = parts[0] if callable(self.equation) else parts
            time = times_of(self, self.equation, {"data": current})
            given = current.out_of_step(self.time) if isinstance(current, Signal) else current
            # Not by calling it: what is not finite is told below, by its name.
            values = self.integrator.solve(x, self.equation, dt=self.dt, data=given, **time).y
            for name, value in zip(names, values, strict=True):
                if value.shape != shape:
                    raise ArgumentError(
                        f"{self.identifier}: the equation gave shape {list(value.shape)} for {name}; "
                        f"it must keep the shape {list(shape)}"
                    )
                new[name] = value
        check_step(self, begin, new)
        self.commit({"carry": None}, new)
        return {name: new[name].clone() for name in self.loggable_props if name in new}
