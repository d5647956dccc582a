"""Whether a mutant's functions give what the model's give, at points drawn from the declared domains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from rheobase import Neuron, create
from rheobase.spi import FUNCTIONS, Quantity, called
from torch import Tensor

from ..neurons.case import inside
from ..neurons.subject import NeuronSubject
from ..surroundings import same_surroundings

POINTS = 50
"""How many points are drawn for each choice of an option."""

_DECADES = (-2.0, 2.0)
"""How far a value lies from where it begins, in decades of its own size."""


@dataclass(frozen=True)
class Points:
    """Points at which the functions of a model are asked: one for each unit.

    Args:
        state: The states, by name.
        params: The parameters and options, by name.
        drawn: The same, and a number for each draw.
        data: The input.
        dt: The time step, ms.
    """

    state: Any
    params: Any
    drawn: Any
    data: Any
    dt: float


def same_values(subject: NeuronSubject, mutant: type[Neuron], seed: int) -> bool:
    """Whether a mutant gives the same numbers as the model, to the last bit, at all points.

    Of a model with a ``forward`` of its own this cannot be said, and it is False.

    Args:
        subject: The model.
        mutant: The class of the mutant.
        seed: Of the points.
    """
    if subject.own_forward:
        return False
    with same_surroundings():
        return all(
            _same(_asked(subject.model, name, points), _asked(mutant, name, points))
            for points in drawn(subject, seed)
            for name in FUNCTIONS
        )


def drawn(subject: NeuronSubject, seed: int) -> Iterator[Points]:
    """Points for the defaults of the options, and for each other choice of each.

    Args:
        subject: The model.
        seed: Theirs.
    """
    generator = torch.Generator().manual_seed(seed)
    schema = subject.schema
    others: list[dict[str, Any]] = [
        {name: each} for name, option in schema.options.items() for each in option.choices[1:]
    ]
    for options in ({}, *others):
        neuron = create(subject.model, POINTS, dtype=torch.float64, dt=subject.dt, **options)
        begins = {name: getattr(neuron, name).detach() for name in (*schema.parameters, *schema.states)}
        sizes = _sizes(subject, begins)
        values = {
            name: _about(begins[name], sizes[declared.unit], declared, generator)
            for name, declared in {**schema.parameters, **schema.states}.items()
        }
        inputs = {
            name: _about(torch.zeros(()), 1.0, schema.inputs.get(name), generator) for name in subject.inputs
        }
        own = schema.without_draws(neuron.params)
        params = own._replace(**{name: values[name] for name in schema.parameters})
        numbers = [_uniform(generator) for _ in schema.draws]
        yield Points(
            schema.pack_state(*(values[name] for name in schema.states)),
            params,
            schema.with_draws(params, numbers) if numbers else params,
            neuron.prepare(inputs if schema.inputs else next(iter(inputs.values()))),
            neuron.dt,
        )


def _sizes(subject: NeuronSubject, begins: Mapping[str, Tensor]) -> dict[str, float]:
    """Unit -> the size that quantities of it have in the model: the largest default, or one."""
    sizes: dict[str, float] = {}
    for name, declared in {**subject.schema.parameters, **subject.schema.states}.items():
        size = float(begins[name].abs().max().nan_to_num(posinf=1.0))
        sizes[declared.unit] = max(size, sizes.get(declared.unit, 0.0))
    return {unit: size or 1.0 for unit, size in sizes.items()}


def _about(begin: Tensor, size: float, declared: Quantity | None, generator: torch.Generator) -> Tensor:
    low, high = _DECADES
    power = low + (high - low) * _uniform(generator)
    sign = torch.where(_uniform(generator) < 0.5, -1.0, 1.0)
    values = begin.to(torch.float64) + sign * size * 10.0**power
    return values if declared is None else inside(values, declared.domain)


def _uniform(generator: torch.Generator) -> Tensor:
    return torch.rand(POINTS, generator=generator, dtype=torch.float64)


def _asked(model: type[Neuron], name: str, points: Points) -> Any:
    """What a function gives, by name; for one that fails, the type of its error; None: there is none."""
    function = getattr(model, name, None)
    if not callable(function):
        return None
    state = type(points.state)(*(each.clone() for each in points.state))
    given = [state, points.drawn if name in ("reset", "update") else points.params]
    given += [points.data] if name in ("derivatives", "update", "dt_max") else []
    given += [points.dt] if name == "update" else []
    try:
        values = called(f"{model.__name__}.{name}", function, *given)
    except Exception as error:
        return type(error)
    if values is NotImplemented:
        return NotImplemented
    return values if isinstance(values, Mapping) else {"": values}


def _same(one: Any, other: Any) -> bool:
    if not (isinstance(one, Mapping) and isinstance(other, Mapping)):
        return one is other
    return one.keys() == other.keys() and all(_equal(value, other[key]) for key, value in one.items())


def _equal(one: Any, other: Any) -> bool:
    a, b = (torch.as_tensor(each).detach() for each in (one, other))
    return (
        a.shape == b.shape
        and a.dtype == b.dtype
        and torch.equal(a.nan_to_num(), b.nan_to_num())
        and (torch.equal(a.isnan(), b.isnan()))
    )
