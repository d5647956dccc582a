"""From what a user gives, a name, a path, a class, to the subjects that are judged."""

from __future__ import annotations

import inspect
import os
from collections import Counter
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from rheobase import Integrator, Network, Neuron, Synapse, list_components
from rheobase.errors import ArgumentError, ComponentError, PluginError, nearest
from rheobase.spi import (
    ComponentSpec,
    Registered,
    folder_specs,
    hook_module,
    in_file,
    is_in_module,
    is_path,
    kind_of,
    loaded,
    object_in_module,
    refuse_missing,
    split,
)

from .kinds import SUBJECTS, one_of
from .subject import Subject

_BASES: dict[str, type] = {"neuron": Neuron, "synapse": Synapse}
"""Kind -> what its objects are subclasses of."""
_WORDS = {"neuron": "neuron model"}


def find(given: Any, *, spec: ComponentSpec | None = None, kind: str | None = None) -> list[Subject]:
    """The subjects that something stands for.

    Args:
        given: The name of an installed component; ``"package.module:Object"``, importable from the working
            folder too; the path of a Python file, ``"file.py:Object"`` for one object in it; the path of a
            project's folder, whose hook modules are asked, ``"folder:name"`` for one component; a spec; a
            class of neurons, integrators or synapses; an integrator; an aggregator; a connection rule.
        spec: What is claimed of the object, where it is not installed.
        kind: "neuron", "integrator", "aggregator", "synapse" or "rule", where a name is of several.

    Returns:
        One subject, or several for a file or a folder.

    Raises:
        ComponentError: If there is no such component, or the name is of several kinds.
        ArgumentError: If the object is of no kind that can be judged.
        PluginError: If a plugin cannot be loaded.
    """
    if kind is not None and kind not in SUBJECTS:
        raise ArgumentError(
            f"kind={kind!r}; it must be one of {', '.join(SUBJECTS)}{nearest(str(kind), SUBJECTS)}"
        )
    if isinstance(given, os.PathLike):
        given = os.fspath(given)
    if isinstance(given, str):
        return _named(given, spec, kind)
    if isinstance(given, ComponentSpec):
        return [_made(given.name, given.target, loaded(given), given)]
    return [_object(given, spec, kind)]


def find_one(given: Any, *, spec: ComponentSpec | None = None, kind: str | None = None) -> Subject:
    """The one subject that something stands for.

    Raises:
        ArgumentError: If it stands for several, or none.
    """
    found = find(given, spec=spec, kind=kind)
    if len(found) != 1:
        names = ", ".join(subject.target for subject in found) or "none"
        raise ArgumentError(f"{given!r} stands for {len(found)} components ({names}); name one of them")
    return found[0]


def installed(kind: str | None = None) -> list[tuple[str, str]]:
    """Name and kind of all that is installed and can be judged; ``"distribution:name"`` where two share one.

    Args:
        kind: That kind alone.

    Example:
        >>> ("sum", "aggregator") in installed()
        True
    """
    found = [component for component in list_components(kind) if _judged(component)]
    times = Counter((component.spec.kind, component.spec.name) for component in found)
    return [
        (
            component.spec.name
            if times[component.spec.kind, component.spec.name] == 1
            else component.qualified,
            component.spec.kind,
        )
        for component in found
    ]


def _named(given: str, spec: ComponentSpec | None, kind: str | None) -> list[Subject]:
    path, attribute = split(given)
    refuse_missing(given, kind, SUBJECTS)
    if is_path(given):
        return _from_path(given, path, attribute, spec, kind)
    if offered := _installed(given, kind):
        if len(offered) > 1:
            kinds = ", ".join(component.spec.kind for component in offered)
            raise ComponentError(f"{given!r} is the name of several components ({kinds}); say which kind")
        return [_from_registry(offered[0], given)]
    if is_in_module(given):
        return [_object(object_in_module(given), spec, kind, target=given)]
    return _from_path(given, os.path.join(".", path), attribute, spec, kind)


def _judged(component: Registered) -> bool:
    return component.spec.kind in SUBJECTS


def _installed(name: str, kind: str | None) -> list[Registered]:
    """The components of a name, one for each kind; a name that is ambiguous within a kind is an error."""
    from rheobase.spi import resolve

    found = []
    for each in SUBJECTS if kind is None else (kind,):
        bare = name.rpartition(":")[2]
        if any(component.spec.name == bare for component in list_components(each)):
            try:
                found.append(resolve(each, name))
            except ComponentError:
                if ":" not in name:
                    raise
    return found


def _from_registry(component: Registered, target: str) -> Subject:
    return _made(
        component.spec.name,
        target,
        component.load(),
        component.spec,
        provenance=component.provenance,
        hook_module=hook_module(component),
    )


def _from_path(
    given: str, path: str, attribute: str, spec: ComponentSpec | None, kind: str | None
) -> list[Subject]:
    if not path.endswith(".py"):
        return _in_project(given, path, attribute, kind)
    return [_object(each, spec, kind, target=target) for target, each in in_file(given, kind)]


def _in_project(given: str, path: str, name: str, kind: str | None) -> list[Subject]:
    offered = [each for each in folder_specs(Path(path)) if each[0].kind in SUBJECTS]
    found = [each for each in offered if kind in (None, each[0].kind) and name in ("", each[0].name)]
    if not found:
        names = [spec.name for spec, _, _ in offered]
        raise ComponentError(
            f"{given!r} offers no such {one_of()}{nearest(name, names)}; "
            f"the project offers {', '.join(names) or 'none'}"
        )
    return [
        _made(spec.name, f"{path}:{spec.name}", loaded(spec), spec, hook_module=module, folder=folder)
        for spec, module, folder in found
    ]


def _object(given: Any, spec: ComponentSpec | None, kind: str | None, *, target: str = "") -> Subject:
    if isinstance(given, Neuron) or not (callable(given) or isinstance(given, Integrator)):
        raise ArgumentError(
            f"{given!r} cannot be judged; give a name, a class of neurons, integrators or synapses, an "
            "integrator, an aggregator or a connection rule"
        )
    if isinstance(given, Network):
        raise ArgumentError(
            f"{given.identifier} is a network, which is judged by its parts: check their models, synapses "
            "and rules, each by name, as check('lif'), check('exponential') and check('bernoulli')"
        )
    natural = _natural(given)
    chosen = (spec.kind if spec is not None else kind) or natural
    if spec is not None and kind not in (None, spec.kind):
        raise ArgumentError(f"kind={kind!r}, and the spec is one of a {spec.kind}; give one of them")
    if natural not in ("aggregator", "rule", chosen):
        raise ArgumentError(f"{given!r} is a {natural}, and cannot be judged as a {chosen}")
    name = spec.name if spec is not None else getattr(given, "__qualname__", type(given).__name__)
    module = getattr(given, "__module__", "")
    return _made(name, target or f"{module}:{getattr(given, '__qualname__', name)}", given, spec, kind=chosen)


def _natural(given: Any) -> str:
    """The kind that an object is of by its type, or as a function that takes what rules take."""
    natural = kind_of(given)
    if natural != "aggregator":
        return natural
    try:
        taken = inspect.signature(given).parameters
    except (TypeError, ValueError):
        return natural
    return "rule" if {"first", "last", "key"} <= set(taken) else natural


def _made(name: str, target: str, obj: Any, spec: ComponentSpec | None, **more: Any) -> Subject:
    kind = more.pop("kind", None) or (spec.kind if spec is not None else "")
    if kind not in SUBJECTS:
        raise ArgumentError(f"{name!r} is a {kind}, which the kit does not judge")
    base = _BASES.get(kind)
    if base is not None and not (isinstance(obj, type) and issubclass(obj, base)):
        raise PluginError(
            f"the {_WORDS.get(kind, kind)} {name!r} is {obj!r}; it must be a subclass of "
            f"rheobase.{base.__name__}"
        )
    subject: Subject = resolve_name(SUBJECTS[kind])(name, target, obj, spec, **more)
    return subject
