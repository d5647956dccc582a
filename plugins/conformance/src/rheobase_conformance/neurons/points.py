"""The author's functions at states that a run comes through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from rheobase.spi import FUNCTIONS, called
from torch import Tensor

from ..violation import violated
from .case import NeuronCase
from .subject import NeuronSubject


class Points:
    """States that a run comes through, and the model's functions at them.

    Args:
        subject: The model.
        case: The run.
    """

    def __init__(self, subject: NeuronSubject, case: NeuronCase) -> None:
        self.model: Any = subject.model
        self.schema = subject.schema
        self.names = [name for name in FUNCTIONS if callable(getattr(self.model, name, None))]
        self.dt = 0.1
        self.states: list[tuple[Tensor, ...]] = []
        self.data: list[Any] = []
        neuron = case.neuron(self.model)
        self.dt, self.dtype, self.units = neuron.dt, neuron.dtype, case.units
        self.params = type(neuron.params)(*(cloned(value) for value in neuron.params))
        for given in case.data(neuron):
            self.data.append(neuron.prepare(given))
            self.states.append(tuple(getattr(neuron, name).detach().clone() for name in self.schema.states))
            try:
                neuron(given)
            except Exception:  # other properties tell of steps that fail
                break

    def at(self, place: int) -> tuple[tuple[Tensor, ...], Any]:
        """Copies of the states and of the input at one point of the run."""
        return tuple(value.clone() for value in self.states[place]), changed(self.data[place], torch.clone)

    def call(self, name: str, states: tuple[Tensor, ...], data: Any, params: Any = None) -> Any:
        """What a function gives: name -> value; a single value has no name; None: it left it to others."""
        given = [self.schema.pack_state(*states), self.params if params is None else params]
        given += [data] if name in ("derivatives", "update", "dt_max") else []
        given += [self.dt] if name == "update" else []
        values = called(f"{self.model.__name__}.{name}", getattr(self.model, name), *given)
        if values is NotImplemented:
            return None
        return values if isinstance(values, Mapping) else {"": values}

    def told(self, name: str, key: str) -> str:
        """How messages call one value of a function."""
        return f"{self.model.__name__}.{name}" + (f" gives for {key!r}" if key else " gives")

    def compare(self, name: str, one: Any, other: Any, what: str) -> None:
        """Refuse values that differ by more than rounding, relative to the sizes at hand."""
        if one is None or other is None:
            return
        state = max(
            (float(value.abs().nan_to_num().max()) for each in self.states for value in each), default=0
        )
        rtol = 1e-9 if self.dtype == torch.float64 else 1e-3
        for key in one:
            a, b = torch.broadcast_tensors(*(as_number(each[key]) for each in (one, other)))
            size = state + float(a.abs().nan_to_num(posinf=0.0, neginf=0.0).max())
            if not torch.allclose(a, b, rtol=rtol, atol=rtol * size, equal_nan=True):
                wrong = ~torch.isclose(a, b, rtol=rtol, atol=rtol * size, equal_nan=True)
                first = tuple(wrong.nonzero()[0].tolist())
                violated(
                    f"{self.told(name, key)} {float(a[first]):.10g} and {float(b[first]):.10g} for one unit "
                    f"in one state, {what}"
                )


def cloned(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else value


def as_number(value: Any) -> Tensor:
    return torch.as_tensor(value, dtype=torch.float64).detach()


def changed(data: Any, change: Any) -> Any:
    """An input, a tensor or several by name, with each tensor changed."""
    return change(data) if isinstance(data, Tensor) else type(data)(*(change(value) for value in data))


def both(one: Any, other: Any, join: Any) -> Any:
    """Two inputs joined, tensor by tensor."""
    if isinstance(one, Tensor):
        return join(one, other)
    return type(one)(*(join(a, b) for a, b in zip(one, other, strict=True)))
