"""Stimuli from plain settings, as YAML has them: what :func:`rheobase.simulate` takes in their place."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterator, Mapping
from itertools import count, repeat
from pathlib import Path
from typing import Any

from .. import stimulus as stimuli
from ..errors import ConfigurationError, nearest, shown
from ..stimulus import Constant, File, Stimulus
from .configuration import made_at, numbers_from
from .pipeline import check_keys
from .sources import check_inputs_named, is_by_input

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


def seeds_from(seed: int | None) -> Iterator[int | None]:
    """The seeds of the stimuli of a run, one after the other: with one seed two noises would be one twice."""
    return repeat(None) if seed is None else count(seed)


def stimuli_from(
    given: Any,
    folder: Path,
    seeds: Iterator[int | None],
    inputs: Collection[str],
    where: str = "stimulus",
) -> Any:
    """The stimulus of one neuron, with everything in it that a file has in its own words made a stimulus.

    Args:
        given: One, as :func:`stimulus_from` takes it; several sources, in a list or by identifier; or by
            input any of this.
        folder: What relative paths are relative to.
        seeds: See :func:`seeds_from`.
        inputs: The names of the model's inputs.
        where: How messages call it.

    Raises:
        RheobaseError: If something of it cannot be used; the message names the input and the source.
    """
    if not _has_parts(given, where) or not is_by_input(given, inputs):
        return _sources(given, folder, seeds, where)
    made_at(where, check_inputs_named, given, inputs)
    return {name: _sources(each, folder, seeds, _within(where, name)) for name, each in given.items()}


def _sources(given: Any, folder: Path, seeds: Iterator[int | None], where: str) -> Any:
    """One stimulus, or several of one input."""
    if isinstance(given, list) and given:
        return [
            stimulus_from(each, folder, seeds, f"{where}: source {place}") for place, each in enumerate(given)
        ]
    if _has_parts(given, where):
        return {
            name: stimulus_from(each, folder, seeds, _within(where, name)) for name, each in given.items()
        }
    return stimulus_from(given, folder, seeds, where)


def _within(where: str, name: Any) -> str:
    """How messages call a part: by its name, where that is no longer than what they say."""
    return f"{where}: {name if isinstance(name, str) and len(name) <= 80 else shown(name)}"


def stimulus_from(given: Any, folder: Path, seeds: Iterator[int | None], where: str = "stimulus") -> Stimulus:
    """A stimulus from a number (constant), a path, or a mapping with ``type``."""
    seed = next(seeds)
    if isinstance(given, Stimulus):
        return given
    # In YAML true is a bool, which Python counts as an int.
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        constant: Stimulus = made_at(where, Constant, given)
        return constant
    if isinstance(given, str):
        file: Stimulus = made_at(where, File, folder / given)
        return file
    if not isinstance(given, Mapping) or not isinstance(given.get("type"), str):
        raise ConfigurationError(
            f"{where}: {shown(given)} cannot be used; give a number, a file, a mapping with a type "
            f"({', '.join(map(snake_case, _STIMULI))}), or several of these in a list or by identifier; a "
            "source holds no sources, and only a model with several inputs has each of this by input"
        )
    kind, name = _stimulus_class(given["type"], where), f"{where}: {given['type']}"
    arguments = {key: value for key, value in given.items() if key != "type"}
    fields = {part.name: part for part in dataclasses.fields(kind) if part.init}
    check_keys(arguments, tuple(fields), name)
    # The seed of the run is that of noise which gives none of its own.
    if "seed" in fields and seed is not None:
        arguments.setdefault("seed", seed)
    missing = [each for each in _required(kind) if each not in arguments]
    if missing:
        raise ConfigurationError(f"{name}: {' and '.join(missing)} must be given")
    # Relative to the file of settings, not to where the command was called.
    if isinstance(arguments.get("path"), str):
        arguments["path"] = folder / arguments["path"]
    for key, value in arguments.items():
        # The annotation says which arguments are currents; those may be lists, one for each unit.
        if isinstance(value, list) and fields[key].type == "Current":
            arguments[key] = numbers_from(f"{name}: {key}", value)
    stimulus: Stimulus = made_at(where, kind, **arguments)
    return stimulus


def snake_case(name: str) -> str:
    """The name of a class as YAML files have it: ``OrnsteinUhlenbeck`` is ``ornstein_uhlenbeck``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _has_parts(given: Any, where: str) -> bool:
    """Whether this is a mapping by input or identifier; refused is one that was meant to have a type."""
    if not isinstance(given, Mapping) or not given or "type" in given:
        return False
    known = _by_name()
    for key, value in given.items():
        near = nearest(str(key), ["type"])
        if near and isinstance(value, str) and (value in known or nearest(value, known)):
            raise ConfigurationError(f"{where}: {shown(dict(given))} has no type, but {shown(key)}{near}")
    alike = [
        name
        for name, kind in known.items()
        if {*_required(kind)} <= {*given} <= {part.name for part in dataclasses.fields(kind) if part.init}
    ]
    # Read as sources, an amplitude and a start would be added.
    if alike and not any(isinstance(each, (Mapping, Stimulus)) for each in given.values()):
        raise ConfigurationError(
            f"{where}: {shown(dict(given))} has no type; give a number, a file, a mapping with a type, here "
            f"of {' or '.join(alike)}, or call the sources something else than its arguments"
        )
    return True


def _required(kind: type[Any]) -> list[str]:
    """The arguments of a stimulus that have no default."""
    return [p.name for p in dataclasses.fields(kind) if p.init and p.default is dataclasses.MISSING]


def _by_name() -> dict[str, type[Any]]:
    return {snake_case(key): kind for key, kind in _STIMULI.items()}


def _stimulus_class(name: str, where: str) -> type[Any]:
    known = _by_name()
    plain = snake_case(name).replace("-", "_")
    if plain not in known:
        raise ConfigurationError(
            f"{where}: unknown type {shown(name)}{nearest(plain, known)}; known types are {', '.join(known)}"
        )
    return known[plain]
