"""The author's functions at many states and inputs at once: each unit is in another."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import torch
from rheobase import integrator
from rheobase.errors import RheobaseError
from rheobase.spi import FUNCTIONS, called
from torch import Tensor

from .case import NeuronCase, inside
from .probing import driven
from .subject import NeuronSubject

DRIVEN, SCATTERED = 24, 320
"""Units that are run to see where the model goes, and units at random about there."""

KEPT = (0, 1, 2, 4, 8, 16, 24)
"""The steps of that run after which states are taken."""

MULTIPLES = (0.0, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""The inputs, in parts of what moves the model, of either sign, and each with the others."""

FAR = (1.5, 4.0)
"""Decades about a state's own size, to either side, from which random states are taken; also of inputs."""


class Landscape:
    """A model's functions at states that strong runs come through, and at random ones about these.

    Args:
        subject: The model.
        options: Option -> what is chosen; others keep their defaults.
    """

    def __init__(self, subject: NeuronSubject, options: Mapping[str, str]) -> None:
        self.subject, self.model = subject, subject.model
        self.options = dict(options)
        generator = torch.Generator().manual_seed(0)
        states, inputs = _driven(subject, self.options, generator)
        wide = [_scattered(subject, name, generator) for name in subject.schema.states]
        strong = [driven(subject, name, _powers(generator)) for name in subject.inputs]
        self.count = states[0].shape[0] + SCATTERED
        neuron = NeuronCase(units=self.count, dt=subject.dt, params=self.options).neuron(self.model)
        self.dt = neuron.dt
        self.states = tuple(torch.cat([a, b]) for a, b in zip(states, wide, strict=True))
        together = [torch.cat([a, b]) for a, b in zip(inputs, strong, strict=True)]
        self.data = neuron.prepare(
            dict(zip(subject.inputs, together, strict=True)) if subject.schema.inputs else together[0]
        )
        self.params = neuron.params

    def values(self, params: Any = None, data: Any = None) -> dict[str, Tensor]:
        """What the functions give, ``"derivatives voltage"`` -> ``[units]``.

        Slopes are left out where the model makes its step by a rule of its own, and so looks at none.
        """
        found: dict[str, Tensor] = {}
        for name in FUNCTIONS:
            function = getattr(self.model, name, None)
            if not callable(function):
                continue
            given = [self.subject.schema.pack_state(*(each.clone() for each in self.states))]
            given.append(self.params if params is None else params)
            given += (
                [self.data if data is None else data] if name in ("derivatives", "update", "dt_max") else []
            )
            given += [self.dt] if name == "update" else []
            values = called(f"{self.model.__name__}.{name}", function, *given)
            if values is NotImplemented:
                continue
            for key, value in (values if isinstance(values, Mapping) else {"": values}).items():
                made = torch.as_tensor(value, dtype=torch.float64).detach()
                found[f"{name} {key}".strip()] = made.expand(self.count)
        if any(key.startswith("update") for key in found):
            return {key: value for key, value in found.items() if not key.startswith("derivatives")}
        return found

    def moved(self, **values: float) -> Any:
        """The parameters with others in their place; what follows them stays as it is."""
        return self.params._replace(
            **{name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}
        )


def _driven(
    subject: NeuronSubject, options: Mapping[str, str], generator: torch.Generator
) -> tuple[list[Tensor], list[Tensor]]:
    """States that a strong run comes through, and the inputs that each unit had."""
    neuron = NeuronCase(units=DRIVEN, dt=subject.dt, params=dict(options)).neuron(
        subject.model, integrator=integrator("rk4", on_failure="mark")
    )
    inputs = []
    for name in subject.inputs:
        levels = torch.tensor(MULTIPLES, dtype=torch.float64)
        levels = torch.cat([levels, -levels])[
            torch.randint(0, 2 * len(MULTIPLES), (DRIVEN,), generator=generator)
        ]
        inputs.append(driven(subject, name, levels))
    data = dict(zip(subject.inputs, inputs, strict=True)) if subject.schema.inputs else inputs[0]
    seen: list[list[Tensor]] = []
    start = [getattr(neuron, name).detach().clone() for name in subject.schema.states]
    with suppress(RheobaseError):
        for step in range(KEPT[-1] + 1):
            if step in KEPT:
                now = [getattr(neuron, name).detach().clone() for name in subject.schema.states]
                seen.append([torch.where(a.isfinite(), a, b) for a, b in zip(now, start, strict=True)])
            neuron(data)
    rows = len(seen)
    return [torch.cat(column) for column in zip(*seen, strict=True)], [each.repeat(rows) for each in inputs]


def _scattered(subject: NeuronSubject, name: str, generator: torch.Generator) -> Tensor:
    """States about the initial one, from much nearer to much further than the model goes from it.

    A part of them lies about the parameters of the same unit, where a model may change its ways.
    """
    declared = subject.schema.states[name]
    start = float(getattr(NeuronCase(dt=subject.dt).neuron(subject.model), name)[0])
    size = subject.sizes.excursion.get(name, 0.0) or abs(start) or 1.0
    marks = [start] * 3
    marks += [
        subject.defaults[each.name]
        for each in subject.schema.parameters.values()
        if each.unit == declared.unit
    ]
    about = torch.tensor(marks, dtype=torch.float64)
    about = about[torch.randint(0, len(marks), (SCATTERED,), generator=generator)]
    return inside(about + size * _powers(generator), declared.domain)


def _powers(generator: torch.Generator) -> Tensor:
    """Numbers of either sign about one, most of them within a few decades."""
    decades = torch.tensor(FAR, dtype=torch.float64).repeat(SCATTERED // len(FAR))
    power = decades * (2.0 * torch.rand(SCATTERED, generator=generator, dtype=torch.float64) - 1.0)
    sign: Tensor = torch.randint(0, 2, (SCATTERED,), generator=generator) * 2.0 - 1.0
    return sign * 10.0**power
