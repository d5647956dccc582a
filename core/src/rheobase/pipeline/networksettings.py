"""A network from plain settings, as YAML has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ..engine.network.network import Network
from ..engine.network.recipe import RuleRecipe, SynapseRecipe, rule, synapse
from ..errors import ConfigurationError, shown
from .configuration import distribution_from, made_at, numbers_from
from .modelsettings import neuron_from
from .pipeline import check_keys
from .stimulussettings import seeds_from, stimuli_from

FOLDER = "folder"
"""What relative paths are relative to, among the settings that a recording keeps."""

_OF_ALL = ("dt", "dtype", "device", "integrator", "aggregator", "event")
"""Settings of a model that may be given once, for all populations."""

OF_A_POPULATION = ("units", "params", "preset")
"""Settings of a model that a network leaves to each of its populations."""

_OF_A_VIEW = ("population", "first", "last")

_OF_A_PROJECTION = (
    *("source", "target", "rule", "synapse"),
    *("weight", "delay", "input", "receptor", "identifier", "plasticity"),
)


def network_from(settings: Mapping[str, Any], folder: Path, seed: int | None) -> Network:
    """The network of the settings; see :class:`rheobase.SimpleSimulator`.

    Raises:
        ConfigurationError: If a setting is unknown, missing, or of the wrong form.
        RheobaseError: If a part cannot be made; the message names it.
    """
    model = settings["model"]
    check_keys(model, ("populations", "views", "projections"), "model")
    for key in OF_A_POPULATION:
        if key in settings:
            raise ConfigurationError(f"{key} belongs to a population; give it there, not beside a network")
    net = Network(seed=0 if seed is None else seed)
    shared = {key: settings[key] for key in _OF_ALL if key in settings}
    for name, given in _named("populations", model.get("populations")).items():
        where = f"populations: {name}"
        check_keys(given, ("model", *OF_A_POPULATION, *_OF_ALL), where)
        if "model" not in given:
            raise ConfigurationError(f"{where}: the key 'model' is missing; give the name of a model")
        # No seed: that of the network becomes its own.
        net.add(name, made_at(where, neuron_from, {**shared, **given}, folder, None, seed))
    for name, given in _named("views", model["views"]).items() if "views" in model else ():
        where = f"views: {name}"
        check_keys(given, _OF_A_VIEW, where)
        missing = [key for key in _OF_A_VIEW if key not in given]
        if missing:
            raise ConfigurationError(f"{where}: {' and '.join(missing)} must be given")
        made_at(where, net.view, name, **given)
    for where, given in _projections(model.get("projections") or {}):
        check_keys(given, _OF_A_PROJECTION, where)
        _connect(net, where, given)
    return net


def repeatable(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The settings of a run, as its recording keeps them to be run again; empty where JSON has no words."""
    kept = {key: value for key, value in settings.items() if key not in ("out", "plot")}
    try:
        found: dict[str, Any] = json.loads(json.dumps({**kept, FOLDER: str(folder.absolute())}))
    except (TypeError, ValueError):
        return {}
    return found


def network_stimuli(given: Any, folder: Path, seed: int | None, net: Network) -> dict[str, Any]:
    """Population -> stimulus, each as a model's own would be given."""
    known: dict[str, Any] = {**net.populations, **net.views}
    stimuli, seeds = {}, seeds_from(seed)
    for name, source in ({} if given is None else _named("stimulus", given)).items():
        inputs = known[name].schema.inputs if name in known else ()
        stimuli[name] = stimuli_from(source, folder, seeds, inputs, f"stimulus: {name}")
    return stimuli


def _named(where: str, given: Any) -> Mapping[str, Any]:
    """A mapping by name, as it has to be."""
    if not isinstance(given, Mapping) or not given or not all(isinstance(name, str) for name in given):
        raise ConfigurationError(f"{where}: {shown(given)} cannot be used; give a mapping by population")
    return given


def _projections(given: Any) -> list[tuple[str, dict[str, Any]]]:
    """What messages call each projection, and its settings with source and target."""
    if isinstance(given, list):
        found = [(f"projections: {place}", None, each) for place, each in enumerate(given, 1)]
    elif isinstance(given, Mapping):
        found = [(f"projections: {name}", name, each) for name, each in given.items()]
    else:
        raise ConfigurationError(f"projections: {shown(given)} cannot be used; give a list, or a mapping")
    return [(where, _with_ends(where, name, each)) for where, name, each in found]


def _with_ends(where: str, name: Any, given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"{where}: {shown(given)} cannot be used; give rule, synapse, weight, delay")
    ends: dict[str, Any] = {}
    if isinstance(name, str):
        source, arrow, target = name.partition("->")
        ends = {"identifier": name, **({"source": source, "target": target} if arrow else {})}
    ends.update(given)
    missing = [key for key in ("source", "target", "rule") if key not in ends]
    if missing:
        raise ConfigurationError(f"{where}: {' and '.join(missing)} must be given")
    return ends


def _connect(net: Network, where: str, given: Mapping[str, Any]) -> None:
    values = {key: _value(f"{where}: {key}", given[key]) for key in ("weight", "delay") if key in given}
    names = {key: given[key] for key in ("input", "receptor", "identifier") if key in given}
    if "plasticity" in given:
        values["plasticity"] = _synapse(f"{where}: plasticity", given["plasticity"])
    chosen = _rule(f"{where}: rule", given["rule"])
    kinetics = _synapse(f"{where}: synapse", given["synapse"]) if "synapse" in given else None
    # Errors of a projection begin with its identifier; in a list it has none until then.
    named = "projections" if "identifier" in names else where
    made_at(named, net.connect, given["source"], given["target"], chosen, kinetics, **values, **names)


def _rule(where: str, given: Any) -> RuleRecipe | tuple[torch.Tensor, torch.Tensor]:
    if isinstance(given, Mapping) and {*given} == {"source", "target"}:
        return _units(f"{where}: source", given["source"]), _units(f"{where}: target", given["target"])
    name, parameters = _recipe(where, given, "bernoulli, p: 0.1")
    made: RuleRecipe = made_at(where, rule, name, **parameters)
    return made


def _synapse(where: str, given: Any) -> SynapseRecipe:
    name, parameters = _recipe(where, given, "exponential, tau: 5.0")
    values = {key: _value(f"{where}: {key}", value) for key, value in parameters.items()}
    made: SynapseRecipe = made_at(where, synapse, name, **values)
    return made


def _recipe(where: str, given: Any, such_as: str) -> tuple[str, dict[str, Any]]:
    """A name and parameters: the name alone, or a mapping with it as ``type``."""
    if isinstance(given, str):
        return given, {}
    if not isinstance(given, Mapping) or not isinstance(given.get("type"), str):
        raise ConfigurationError(
            f"{where}: {shown(given)} cannot be used; give a name, or a mapping such as {{type: {such_as}}}"
        )
    return given["type"], {str(key): value for key, value in given.items() if key != "type"}


def _value(where: str, given: Any) -> Any:
    """A number, a list of numbers, or a distribution."""
    if isinstance(given, list):
        return numbers_from(where, given)
    if isinstance(given, Mapping):
        made = distribution_from(where, given)
        if made is None:
            raise ConfigurationError(
                f"{where}: {shown(dict(given))} cannot be used; give a number, a list, or a distribution "
                "such as {normal: [mean, std]}"
            )
        return made
    return given


def _units(where: str, given: Any) -> torch.Tensor:
    if not isinstance(given, list) or not all(type(unit) is int for unit in given):
        raise ConfigurationError(f"{where}: {shown(given)} cannot be used; give a list of units")
    return torch.tensor(given, dtype=torch.int64)
