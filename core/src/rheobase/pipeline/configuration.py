"""From plain values, as YAML has them, to stimuli, parameters and integrators."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from .. import stimulus as stimuli
from ..engine.create import integrator as make_integrator
from ..engine.model.distribution import Distribution, LogNormal, Normal, Uniform
from ..engine.model.sweep import Sweep
from ..errors import ConfigurationError, nearest, shown
from ..signal.values import is_number
from ..stimulus import Constant, File, Stimulus, Sum
from .pipeline import check_keys

_STIMULI: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        stimuli.Constant,
        stimuli.Step,
        stimuli.Pulses,
        stimuli.Levels,
        stimuli.Ramp,
        stimuli.Sine,
        stimuli.OrnsteinUhlenbeck,
        stimuli.Events,
        stimuli.Samples,
        stimuli.File,
    )
}

_DISTRIBUTIONS: dict[str, type[Any]] = {"uniform": Uniform, "normal": Normal, "lognormal": LogNormal}


def stimuli_from(
    given: Any, folder: Path, seed: int | None, inputs: Iterable[str]
) -> Stimulus | dict[str, Stimulus]:
    """As :func:`stimulus_from`, or a mapping of that by the inputs of a model."""
    if not isinstance(given, Mapping) or "type" in given or not set(given) & set(inputs):
        return stimulus_from(given, folder, seed)
    # Each its own seed, or two noises would be one noise twice.
    return {
        name: stimulus_from(each, folder, None if seed is None else seed + place)
        for place, (name, each) in enumerate(given.items())
    }


def stimulus_from(given: Any, folder: Path, seed: int | None) -> Stimulus:
    """A stimulus from a number (constant), a path, a mapping with ``type``, or a list (the sum)."""
    if isinstance(given, Stimulus):
        return given
    # In YAML true is a bool, which Python counts as an int.
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        return Constant(given)
    if isinstance(given, str):
        return File(folder / given)
    if isinstance(given, list) and given:
        # Each part its own seed, or two noises would be one noise twice.
        seeds = [None if seed is None else seed + place for place in range(len(given))]
        return Sum(tuple(map(stimulus_from, given, [folder] * len(given), seeds)))
    if not isinstance(given, Mapping) or not isinstance(given.get("type"), str):
        raise ConfigurationError(
            f"stimulus: {shown(given)} cannot be used; give a number, a file, a mapping with a type "
            f"({', '.join(map(snake_case, _STIMULI))}), or a list of these"
        )
    arguments = {key: value for key, value in given.items() if key != "type"}
    kind = _stimulus_class(given["type"])
    where = f"stimulus {given['type']}"
    fields = {part.name: part for part in dataclasses.fields(kind) if part.init}
    check_keys(arguments, tuple(fields), where)
    # The seed of the run is that of noise which gives none of its own.
    if "seed" in fields and seed is not None:
        arguments.setdefault("seed", seed)
    missing = [
        name for name, part in fields.items() if name not in arguments and part.default is dataclasses.MISSING
    ]
    if missing:
        raise ConfigurationError(f"{where}: {' and '.join(missing)} must be given")
    # Relative to the file of settings, not to where the command was called.
    if isinstance(arguments.get("path"), str):
        arguments["path"] = folder / arguments["path"]
    for name, value in arguments.items():
        # The annotation says which arguments are currents; those may be lists, one for each unit.
        if isinstance(value, list) and fields[name].type == "Current":
            arguments[name] = numbers_from(f"{where}: {name}", value)
    stimulus: Stimulus = kind(**arguments)
    return stimulus


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


def snake_case(name: str) -> str:
    """The name of a class as YAML files have it: ``OrnsteinUhlenbeck`` is ``ornstein_uhlenbeck``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _stimulus_class(name: str) -> type[Any]:
    known = {snake_case(key): kind for key, kind in _STIMULI.items()}
    plain = snake_case(name).replace("-", "_")
    if plain not in known:
        raise ConfigurationError(
            f"stimulus: unknown type {shown(name)}{nearest(plain, known)}; known types are {', '.join(known)}"
        )
    return known[plain]


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
