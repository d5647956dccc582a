"""Runs under a constant input in which each unit gets a multiple of the size that moves the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .. import coverage
from .case import NeuronCase, inside
from .subject import NeuronSubject


def driven(subject: NeuronSubject, name: str, factors: Sequence[float] | Tensor) -> Tensor:
    """Values of an input, float64: so many times its rheobase, or its scale where it has none.

    What lies outside the input's domain is moved to its bound.
    """
    size = subject.sizes.rheobase[name] or subject.sizes.scale[name]
    values = torch.as_tensor(factors, dtype=torch.float64) * size
    declared = subject.schema.inputs.get(name) if subject.schema.declared else None
    return values if declared is None else inside(values, declared.domain)


def feed(subject: NeuronSubject, neuron: Any, factors: Sequence[float] | Tensor) -> Any:
    """The input of one step: what the neuron is called with.

    Args:
        subject: The model.
        neuron: The neuron, for its dtype and the domains of its inputs.
        factors: One for each unit: the main input, in multiples of its scale, in the direction that makes the
            model spike. Where none does, all inputs at once. What lies outside an input's domain is moved
            to its bound: more than the most is the most, and not silence.
    """
    sizes = subject.sizes
    made = {}
    for name in sizes.rheobase:
        if sizes.rheobase[sizes.main] and name != sizes.main:
            continue
        made[name] = driven(subject, name, factors).to(neuron.dtype)
    coverage.moved("inputs", made)
    if not (subject.schema.declared and subject.schema.inputs):
        return made["input"]
    return made


def silence(subject: NeuronSubject, neuron: Any) -> Any:
    """No input: what the neuron is called with."""
    if subject.schema.declared and subject.schema.inputs:
        return {}
    return torch.zeros(neuron.num_units, dtype=neuron.dtype)


def pulled(neuron: Any) -> Tensor:
    """The states of a neuron in double precision, ``[states, units]``."""
    parts = [getattr(neuron, name).detach().to(torch.float64) for name in neuron.schema.states]
    return torch.stack([part.reshape(-1, neuron.num_units)[-1] for part in parts])


@dataclass
class Trajectory:
    """What a run went through.

    Attributes:
        states: ``[steps + 1, states, units]``, from the initial state on.
        spiked: ``[steps, units]``, bool; all False for a model that emits none.
        dt: Of the run, ms.
    """

    states: Tensor
    spiked: Tensor
    dt: float

    def when(self, count: int) -> Tensor:
        """The times of the first spikes of each unit, ``[count, units]``: ms, NaN where there is none."""
        times = torch.full((count, self.spiked.shape[1]), torch.nan, dtype=torch.float64)
        for unit in range(self.spiked.shape[1]):
            found = self.spiked[:, unit].nonzero().squeeze(1)[:count]
            times[: len(found), unit] = (found + 1) * self.dt
        return times


def trajectory(neuron: Any, data: Any, steps: int) -> Trajectory:
    """Step a neuron under one input, and keep what it goes through."""
    states, spiked = [pulled(neuron)], []
    for _ in range(steps):
        out = neuron(data)
        states.append(pulled(neuron))
        spiked.append(spikes_in(out, neuron))
    return Trajectory(torch.stack(states), torch.stack(spiked), neuron.dt)


def spikes_in(out: Mapping[str, Tensor], neuron: Any) -> Tensor:
    """Who spiked, by what a step gave, ``[units]``; these spikes are counted."""
    coverage.spiked(out)
    if "spiked" not in out:
        return torch.zeros(neuron.num_units, dtype=torch.bool)
    return out["spiked"].detach().reshape(-1, neuron.num_units)[-1] != 0


def gap(subject: NeuronSubject, neuron: Any, states: Tensor) -> Tensor:
    """g of states ``[states, units]``, by the model's own function."""
    parts = [part.to(neuron.dtype) for part in states.unbind(0)]
    g = subject.model.threshold(subject.schema.pack_state(*parts), neuron.params)
    return torch.as_tensor(g, dtype=torch.float64).expand(states.shape[1:])


def after_reset(subject: NeuronSubject, neuron: Any, states: Tensor) -> dict[str, Tensor]:
    """What the model's own reset gives for states ``[states, units]``, by name."""
    parts = [part.to(neuron.dtype) for part in states.unbind(0)]
    named = subject.model.reset(subject.schema.pack_state(*parts), neuron.params)
    return {
        name: torch.as_tensor(value, dtype=torch.float64).expand(states.shape[1:])
        for name, value in named.items()
    }


def told(subject: NeuronSubject, data: Any, unit: int) -> str:
    """The input of a unit in words, with its units; a single current has no declared one."""
    declared = subject.schema.inputs if subject.schema.declared else {}
    if isinstance(data, Mapping):
        given = {
            name: float(value.expand(unit + 1)[unit] if value.ndim else value) for name, value in data.items()
        }
        return (
            ", ".join(f"{name} {value:g} {declared[name].unit}" for name, value in given.items())
            or "no input"
        )
    return f"an input of {amount(subject, 'input', float(data[unit]))}"


def amount(subject: NeuronSubject, name: str, value: float) -> str:
    """A value of an input with its unit; a single current is in the one that the model's equations take."""
    declared = subject.schema.inputs if subject.schema.declared else {}
    return f"{value:g} {declared[name].unit}" if name in declared else f"{value:g} in the model's own unit"


def plain(case: NeuronCase, subject: NeuronSubject, units: int, **changes: Any) -> Any:
    """The neuron of a case with another number of units."""
    return case.neuron(subject.model, num_units=units, **changes)
