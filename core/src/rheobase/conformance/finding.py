"""From what a user gives, a name, a path, a class, to the subjects that are judged."""

from __future__ import annotations

import importlib
import inspect
import os
import re
from pathlib import Path
from typing import Any

from ..engine.integrator import Integrator
from ..engine.neuron.base import Neuron
from ..errors import ArgumentError, ComponentError, PluginError
from ..plugins.component import Registered, imported
from ..plugins.discovery import scan
from ..plugins.registry import list_components
from ..specs import ComponentSpec
from .neurons.subject import NeuronSubject
from .sources import folder_specs, module_of_file
from .subject import AggregatorSubject, IntegratorSubject, Subject

SUBJECTS: dict[str, type[Subject]] = {
    subject.kind: subject for subject in (NeuronSubject, IntegratorSubject, AggregatorSubject)
}
"""Kind -> the class of its subjects."""

_MODULE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def find(given: Any, *, spec: ComponentSpec | None = None, kind: str | None = None) -> list[Subject]:
    """The subjects that something stands for.

    Args:
        given: The name of an installed component; ``"package.module:Object"``; the path of a Python file,
            ``"file.py:Object"`` for one object in it, or of a project's folder, whose hook modules are
            asked; a spec; a neuron class; an integrator or a class of one; an aggregator.
        spec: What is claimed of the object, where it is not installed.
        kind: "neuron", "integrator" or "aggregator", where a name is of several.

    Returns:
        One subject, or several for a file or a folder.

    Raises:
        ComponentError: If there is no such component, or the name is of several kinds.
        ArgumentError: If the object is of no kind that can be judged.
        PluginError: If a plugin cannot be loaded.
    """
    if isinstance(given, os.PathLike):
        given = os.fspath(given)
    if isinstance(given, str):
        return _named(given, spec, kind)
    if isinstance(given, ComponentSpec):
        return [_made(given.name, given.target, imported(given), given)]
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


def _named(given: str, spec: ComponentSpec | None, kind: str | None) -> list[Subject]:
    path, _, attribute = given.partition(":")
    if path.endswith(".py") or os.sep in path or given in (".", "..") or (not attribute and _is_folder(path)):
        return _from_path(given, path, attribute, spec, kind)
    installed = _installed(given, kind)
    if installed:
        if len(installed) > 1:
            kinds = ", ".join(component.spec.kind for component in installed)
            raise ComponentError(f"{given!r} is the name of several components ({kinds}); say which kind")
        return [_from_registry(installed[0], given)]
    if _MODULE.fullmatch(given):
        return [_object(_imported(given), spec, kind, target=given)]
    known = ", ".join(sorted({component.spec.name for component in list_components() if _judged(component)}))
    raise ComponentError(
        f"there is no component {given!r} to judge; installed are {known}; or give module:Class, "
        "file.py:Class, or a project's folder"
    )


def _is_folder(path: str) -> bool:
    return os.path.isfile(os.path.join(path, "pyproject.toml"))


def _judged(component: Registered) -> bool:
    return component.spec.kind in SUBJECTS


def _installed(name: str, kind: str | None) -> list[Registered]:
    """The components of a name, one for each kind; a name that is ambiguous within a kind is an error."""
    from ..plugins.registry import resolve

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
        hook_module=_hook_module(component),
    )


def _hook_module(component: Registered) -> str:
    """The module of the entry point that offers a component; core's own, or empty where none is known."""
    distribution = component.provenance.distribution
    if distribution == "rheobase":
        return "rheobase.builtin"
    entries = [
        entry
        for entry in scan().entries
        if (entry.distribution, entry.name) == (distribution, component.plugin)
    ]
    return entries[0].value.partition(":")[0] if entries else ""


def _from_path(
    given: str, path: str, attribute: str, spec: ComponentSpec | None, kind: str | None
) -> list[Subject]:
    if os.path.isdir(path):
        found = [
            _made(each.name, each.target, imported(each), each, hook_module=module, folder=folder)
            for each, module, folder in folder_specs(Path(path))
            if each.kind in SUBJECTS and kind in (None, each.kind) and attribute in ("", each.name)
        ]
        if not found:
            raise ComponentError(f"{given!r} offers no neuron, integrator or aggregator that can be judged")
        return found
    module = module_of_file(Path(path))
    if attribute:
        return [_object(_attribute(module, attribute, given), spec, kind, target=given)]
    classes = [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, (Neuron, Integrator))
        and value.__module__ == module.__name__
        and not inspect.isabstract(value)
        and not value.__name__.startswith("_")
    ]
    if not classes:
        raise ComponentError(f"{path} defines no neuron and no integrator; name an object: {path}:Object")
    return [_object(each, spec, kind, target=f"{path}:{each.__qualname__}") for each in classes]


def _imported(target: str) -> Any:
    name, _, path = target.partition(":")
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise ComponentError(
            f"{target!r} is no installed component, and the module {name!r} cannot be imported: {error}"
        ) from error
    return _attribute(module, path, target)


def _attribute(module: Any, path: str, target: str) -> Any:
    found = module
    for attribute in path.split("."):
        if not hasattr(found, attribute):
            raise ComponentError(f"{target!r}: {module.__name__} has no {path!r}")
        found = getattr(found, attribute)
    return found


def _object(given: Any, spec: ComponentSpec | None, kind: str | None, *, target: str = "") -> Subject:
    if isinstance(given, type) and issubclass(given, Neuron):
        natural = "neuron"
    elif isinstance(given, Integrator) or (isinstance(given, type) and issubclass(given, Integrator)):
        natural = "integrator"
    elif isinstance(given, Neuron) or not callable(given):
        raise ArgumentError(
            f"{given!r} cannot be judged; give a name, a neuron's class, an integrator or its class, or an "
            "aggregator"
        )
    else:
        natural = "aggregator"
    chosen = (spec.kind if spec is not None else kind) or natural
    if chosen not in SUBJECTS:
        raise ArgumentError(f"kind={chosen!r}; it must be one of {', '.join(SUBJECTS)}")
    name = spec.name if spec is not None else getattr(given, "__qualname__", type(given).__name__)
    module = getattr(given, "__module__", "")
    return _made(name, target or f"{module}:{getattr(given, '__qualname__', name)}", given, spec, kind=chosen)


def _made(name: str, target: str, obj: Any, spec: ComponentSpec | None, **more: Any) -> Subject:
    kind = more.pop("kind", None) or (spec.kind if spec is not None else "")
    if kind not in SUBJECTS:
        raise ArgumentError(f"{name!r} is a {kind}, which the kit does not judge")
    if kind == "neuron" and not (isinstance(obj, type) and issubclass(obj, Neuron)):
        raise PluginError(f"the neuron model {name!r} is {obj!r}; it must be a subclass of rheobase.Neuron")
    return SUBJECTS[kind](name, target, obj, spec, **more)
