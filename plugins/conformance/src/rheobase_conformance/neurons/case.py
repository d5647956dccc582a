"""A case: a neuron and a run, with all that it takes to make them again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import torch
from rheobase import Neuron, Parameter, create
from rheobase.spi import Domain
from torch import Tensor

from ..coverage import moved

DTYPES = {"float64": torch.float64, "float32": torch.float32}


@dataclass(frozen=True)
class NeuronCase:
    """A neuron and a run.

    Args:
        params: Parameter or option -> a value, or one for each unit. Others keep their defaults.
        drive: Input -> its levels, in the input's unit, each for an equal part of the run. A single
            current is called "input". Each unit gets the levels times a factor of its own, see ``seed``.
        units: The number of units.
        batch: The batch dimensions of the input.
        steps: The number of steps.
        dt: The time step, ms; None: the one that the model has when none is given.
        dtype: "float64" or "float32".
        event: "crossing", "step" or "located".
        integrator: The name of one; None: Runge-Kutta of order 4.
        preset: The name of a preset, or None.
        seed: Of the factors of the units, from 0.7 to 1.3, and of the random numbers of a stochastic model.

    Example:
        >>> from rheobase import AnalogNeuron
        >>> case = NeuronCase(drive={"input": (0.0, 3.0)}, units=2, steps=4)
        >>> [len(row) for row in case.data(case.neuron(AnalogNeuron))]
        [2, 2, 2, 2]
    """

    params: Mapping[str, Any] = field(default_factory=dict)
    drive: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    units: int = 1
    batch: tuple[int, ...] = ()
    steps: int = 20
    dt: float | None = None
    dtype: str = "float64"
    event: str = "crossing"
    integrator: str | None = None
    preset: str | None = None
    seed: int = 0

    def __repr__(self) -> str:
        # What is as usual is left out, so that a script shows what matters.
        usual = NeuronCase()
        told = [
            f.name
            for f in fields(self)
            if f.name in ("dt", "seed") or getattr(self, f.name) != getattr(usual, f.name)
        ]
        return f"NeuronCase({', '.join(f'{name}={_text(getattr(self, name))}' for name in told)})"

    def neuron(self, model: type[Neuron], **changes: Any) -> Any:
        """Make the neuron.

        Args:
            model: Its class.
            **changes: Further arguments of ``create``, which go before those of the case.
        """
        settings: dict[str, Any] = {
            "dt": self.dt,
            "dtype": DTYPES[self.dtype],
            "event": self.event,
            "integrator": self.integrator,
            "preset": self.preset,
            **({"seed": self.seed} if model.schema.draws else {}),
            **{name: _value(value) for name, value in self.params.items()},
            **changes,
        }
        _note(model, settings)
        neuron = create(model, settings.pop("num_units", self.units), **settings)
        if getattr(model, "stochastic", False):
            neuron.generator.manual_seed(self.seed)
        return neuron

    def of_one_unit(self) -> NeuronCase:
        """The case of the first unit: where a parameter has a value for each unit, it has that one's."""
        params = {
            name: value[0] if isinstance(value, tuple) else value for name, value in self.params.items()
        }
        return replace(self, params=params, units=1)

    def inputs(self, neuron: Neuron) -> dict[str, Tensor]:
        """The inputs of the run, by name, each ``[steps, *batch, units]``.

        Args:
            neuron: The neuron, for its dtype and the domains of its inputs.
        """
        generator = torch.Generator().manual_seed(self.seed)
        made = {}
        moved("inputs", (name for name, levels in self.drive.items() if any(levels)))
        for name, levels in self.drive.items():
            shape = (*self.batch, self.units)
            factors = 0.7 + 0.6 * torch.rand(shape, generator=generator, dtype=torch.float64)
            index = torch.arange(self.steps) * len(levels) // max(self.steps, 1)
            course = torch.tensor(levels, dtype=torch.float64)[index].view(-1, *([1] * len(shape)))
            values = course * factors
            declared = neuron.schema.inputs.get(name) if neuron.schema.declared else None
            if declared is not None:
                values = inside(values, declared.domain)
            made[name] = values.to(neuron.dtype)
        return made

    def data(self, neuron: Neuron) -> list[Any]:
        """The input of each step: what the neuron is called with."""
        inputs = self.inputs(neuron)
        if not (neuron.schema.declared and neuron.schema.inputs):
            current = inputs.get("input")
            if current is None:
                current = torch.zeros(self.steps, *self.batch, self.units, dtype=neuron.dtype)
            return list(current.unbind(0))
        return [{name: values[step] for name, values in inputs.items()} for step in range(self.steps)]

    def stimulus(self, neuron: Neuron) -> Any:
        """The input of the run as ``simulate`` takes it."""
        inputs = self.inputs(neuron)
        if neuron.schema.declared and neuron.schema.inputs:
            return inputs
        if "input" not in inputs:
            return torch.zeros(self.steps, *self.batch, self.units, dtype=neuron.dtype)
        return inputs["input"]


def inside(values: Tensor, domain: Domain) -> Tensor:
    """Values moved into a domain; from a bound that is not of it by a millionth."""
    low, high = domain.lowest, domain.highest
    if low is not None:
        values = values.clamp(min=low if domain.above is None else low + 1e-6 * max(1.0, abs(low)))
    if high is not None:
        values = values.clamp(max=high if domain.below is None else high - 1e-6 * max(1.0, abs(high)))
    return values


def within(declared: Parameter, value: float) -> bool:
    """Whether a value lies in the domain of a parameter."""
    return bool(declared.domain.contains(torch.tensor(value, dtype=torch.float64)))


def _note(model: type[Neuron], settings: Mapping[str, Any]) -> None:
    """Count what is not at its default."""
    schema = model.schema
    moved(
        "parameters",
        (
            name
            for name, declared in schema.parameters.items()
            if name in settings and not _is(settings[name], declared.default)
        ),
    )
    moved(
        "options",
        (
            name
            for name, declared in schema.options.items()
            if settings.get(name, declared.choices[0]) != declared.choices[0]
        ),
    )
    moved("presets", [settings["preset"]] if settings["preset"] is not None else [])


def _is(value: Any, default: Any) -> bool:
    """Whether a value, or each unit's, is a default that is a number."""
    return isinstance(default, float) and bool((torch.as_tensor(value) == default).all())


def _value(value: Any) -> Any:
    return torch.tensor(value, dtype=torch.float64) if isinstance(value, tuple) else value


def _text(value: Any) -> str:
    return repr(dict(value)) if isinstance(value, Mapping) else repr(value)
