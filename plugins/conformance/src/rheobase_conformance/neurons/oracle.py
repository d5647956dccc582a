"""An oracle: the conventions of a step once more, straight from the author's functions.

It shares no code with the engine but the words of an error. It is slow and plain, for ``event="step"``.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import torch
from rheobase.spi import called
from torch import Tensor

from .subject import NeuronSubject


class Oracle:
    """What the steps of a neuron must be.

    Args:
        subject: The model.
        neuron: The neuron: its parameters, its dt, and its states at the start.
    """

    def __init__(self, subject: NeuronSubject, neuron: Any) -> None:
        self.model, self.schema = subject.model, subject.schema
        self.params, self.dt = neuron.params, neuron.dt
        self.fires = subject.has_threshold
        start = [getattr(neuron, name).detach() for name in self.schema.states]
        self.armed = self.g(start) < 0
        self.hold = torch.zeros(start[0].shape, dtype=torch.int64)
        self.explosive = torch.zeros(start[0].shape, dtype=torch.bool)

    def _ask(self, name: str, *given: Any) -> Any:
        return called(f"{self.model.__name__}.{name}", getattr(self.model, name), *given)

    def g(self, y: list[Tensor]) -> Tensor:
        if not self.fires:
            return torch.full_like(y[0], -1.0)
        return _full(self._ask("threshold", self.schema.pack_state(*y), self.params), y[0])

    def slopes(self, y: list[Tensor], data: Any) -> list[Tensor]:
        """The derivatives, per ms; zero for the held states of refractory units."""
        named = self._ask("derivatives", self.schema.pack_state(*y), self.params, data)
        made = []
        for name, part in zip(self.schema.states, y, strict=True):
            slope = _full(named[name], part)
            made.append(torch.where(self._rests(name), 0.0, slope))
        return made

    def moved(self, y: list[Tensor], data: Any) -> list[Tensor]:
        """The states after dt, by the model's own update or by the classical Runge-Kutta method."""
        h, data = self.dt, self._lasting(data)
        if callable(getattr(self.model, "update", None)):
            named = self._ask("update", self.schema.pack_state(*y), self.params, data, h)
            if named is not NotImplemented:
                self.explosive = torch.zeros_like(self.armed)
                new = [_full(named[name], part) for name, part in zip(self.schema.states, y, strict=True)]
                # The update knows of no refractory period.
                rests = [self._rests(name) for name in self.schema.states]
                return [torch.where(r, old, one) for r, old, one in zip(rests, y, new, strict=True)]
        k1 = self.slopes(y, data)
        k2 = self.slopes([a + h / 2 * k for a, k in zip(y, k1, strict=True)], data)
        k3 = self.slopes([a + h / 2 * k for a, k in zip(y, k2, strict=True)], data)
        k4 = self.slopes([a + h * k for a, k in zip(y, k3, strict=True)], data)
        stages = list(zip(k1, k2, k3, k4, strict=True))
        largest = torch.stack([torch.stack(four).abs().amax(dim=0) for four in stages])
        first = torch.stack(k1).abs()
        # Where the stages run away from one another rounding is blown up too.
        self.explosive = (~(largest <= 1e3 * first + 1e3 * torch.stack(y).abs() / h)).any(dim=0)
        return [a + h / 6 * (p + 2 * q + 2 * r + s) for a, (p, q, r, s) in zip(y, stages, strict=True)]

    def step(self, y: list[Tensor], data: Any) -> tuple[list[Tensor], Tensor, Tensor, list[Tensor]]:
        """One step: the states before the reset, g there, who spikes, and the states after it."""
        before = self._arrived(self._released(self.moved(y, data)), data)
        g = self.g(before)
        above, held = g >= 0, self.hold > 0
        spikes = torch.where(held, above & (self.hold == 1), above & self.armed)
        if not self.fires:
            spikes = torch.zeros_like(above)
        named: Any = {}
        if callable(getattr(self.model, "reset", None)):
            named = self._ask("reset", self.schema.pack_state(*before), self.params)
        after = [
            torch.where(spikes, _full(named[name], part), part) if name in named else part
            for name, part in zip(self.schema.states, before, strict=True)
        ]
        return before, g, spikes, after

    def go_on(self, spiked: Tensor, y: list[Tensor]) -> None:
        """Take note of a step: who spiked, and the states after it."""
        self.armed = self.g(y) < 0
        self.hold = (self.hold - 1).clamp(min=0)
        if self.schema.refractory:
            whole = torch.round(self.params.tau_ref.to(torch.float64) / self.dt).to(torch.int64)
            self.hold = torch.where(spiked, whole, self.hold)

    def _lasting(self, data: Any) -> Any:
        """The input without what arrives as jumps."""
        if not self.schema.jumps:
            return data
        names = [name for name in self.schema.inputs if name not in self.schema.jumps]
        return namedtuple("data", names)(*(getattr(data, name) for name in names))

    def _arrived(self, y: list[Tensor], data: Any) -> list[Tensor]:
        """The states after what arrives at the end of the step, which held states do not take."""
        y, names = list(y), list(self.schema.states)
        for name, declared in self.schema.jumps.items():
            place = names.index(declared.into)
            amount = torch.where(self._rests(declared.into), 0.0, getattr(data, name))
            y[place] = y[place] + amount
        return y

    def _released(self, y: list[Tensor]) -> list[Tensor]:
        """The states after ``release``, where a refractory period ends with the step."""
        if not callable(getattr(self.model, "release", None)):
            return y
        named = self._ask("release", self.schema.pack_state(*y), self.params)
        return [
            torch.where(self.hold == 1, _full(named[name], part), part) if name in named else part
            for name, part in zip(self.schema.states, y, strict=True)
        ]

    def _rests(self, name: str) -> Tensor:
        return (self.hold > 0) & (name in self.schema.held)


def _full(value: Any, like: Tensor) -> Tensor:
    return torch.as_tensor(value, dtype=like.dtype).expand(like.shape)
