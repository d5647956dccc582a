"""From plain values, as YAML has them, to parameters and integrators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from ..engine.create import integrator as make_integrator
from ..engine.model.distribution import Distribution, LogNormal, Normal, Uniform
from ..engine.model.sweep import Sweep
from ..errors import ConfigurationError, RheobaseError, shown
from ..signal.values import is_number
from .pipeline import check_keys

_DISTRIBUTIONS: dict[str, type[Any]] = {"uniform": Uniform, "normal": Normal, "lognormal": LogNormal}


def params_from(given: Any, seed: int | None) -> dict[str, Any]:
    """Parameters from plain values: numbers, choices, lists of one for each unit, sweeps, distributions."""
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise ConfigurationError(f"params: {shown(given)} cannot be used; give a mapping of name: value")
    params: dict[str, Any] = {}
    for name, value in given.items():
        if isinstance(value, list):
            value = numbers_from(f"params: {name}", value)
        elif isinstance(value, Mapping):
            where = f"params: {name}"
            value = distribution_from(where, value) or _sweep(where, value, seed)
        params[name] = value
    return params


def distribution_from(where: str, given: Mapping[Any, Any]) -> Distribution | None:
    """A distribution from ``{uniform: [low, high]}``, ``{normal: [mean, std]}`` and the like; or None."""
    chosen = [name for name in given if name in _DISTRIBUTIONS]
    if not chosen:
        return None
    name = str(chosen[0])
    bounds = () if name == "uniform" else ("at_least", "at_most")
    check_keys(given, (name, *bounds), where)
    numbers = given[name]
    if not isinstance(numbers, list) or len(numbers) != 2 or not all(map(is_number, numbers)):
        raise ConfigurationError(f"{where}: {shown(dict(given))}; give {name}: with a list of two numbers")
    made: Distribution = _DISTRIBUTIONS[name](*numbers, **{key: given[key] for key in bounds if key in given})
    return made


def integrator_from(given: Any) -> Any:
    """An integrator from its name, or from a mapping with its name as ``type`` and its settings."""
    if not isinstance(given, Mapping):
        return given
    settings = {key: value for key, value in given.items() if key != "type"}
    if not isinstance(given.get("type"), str):
        raise ConfigurationError(
            f"integrator: {shown(given)} has no type; give a name, or type: name and settings"
        )
    return make_integrator(given["type"], **settings)


def _sweep(where: str, given: Mapping[Any, Any], seed: int | None) -> Sweep:
    kinds = ("fixed", "zipped", "grid", "random")
    check_keys(given, (*kinds, "seed"), where)
    chosen = [kind for kind in kinds if kind in given]
    if len(chosen) != 1:
        raise ConfigurationError(f"{where}: {shown(dict(given))} is no sweep; give one of {', '.join(kinds)}")
    value = given[chosen[0]]
    if chosen[0] != "random":
        sweep: Sweep = getattr(Sweep, chosen[0])(value)
        return sweep
    if not isinstance(value, list) or len(value) != 2 or given.get("seed", seed) is None:
        raise ConfigurationError(f"{where}: {shown(dict(given))}; give random: [low, high] and a seed")
    return Sweep.random(value[0], value[1], seed=given.get("seed", seed))


def numbers_from(where: str, values: list[Any]) -> torch.Tensor:
    if not all(map(is_number, values)):
        raise ConfigurationError(f"{where}: {shown(values)} cannot be used; give a list of numbers")
    # As they were written; create() rounds to the neuron's dtype, once.
    return torch.tensor(values, dtype=torch.float64)


def made_at(where: str, make: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """What is made of these, or the error that says of what part."""
    try:
        return make(*given, **named)
    except RheobaseError as error:
        raise type(error)(f"{where}: {error}") from error
