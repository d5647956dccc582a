"""Targets that point to what need not be installed: a file, a project's folder, ``module:Class``."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from .errors import ComponentError, PluginError, nearest
from .plugins import discovery, settings
from .plugins.component import Registered
from .plugins.entry import module_of
from .plugins.problem import first_line
from .plugins.registry import list_components
from .specs import PROJECT, ComponentSpec
from .synonyms import synonyms

_MODULE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def split(target: str) -> tuple[str, str]:
    """A target in two: the module, distribution or path, and the name of the object, which may be missing.

    Example:
        >>> split("cell.py:Cell"), split("cell.py"), split("toy-models:toy")
        (('cell.py', 'Cell'), ('cell.py', ''), ('toy-models', 'toy'))
    """
    before, colon, name = target.rpartition(":")
    if not colon or "\\" in name or "/" in name:  # "C:\\cell.py"
        return target, ""
    return before, name


def is_path(target: str) -> bool:
    """Whether a target is a file's or a folder's, with or without the name of an object.

    Example:
        >>> is_path("models/cell.py:Cell"), is_path("rheobase.engine:Neuron"), is_path("lif")
        (True, False, False)
    """
    path = split(target)[0]
    return path.endswith(".py") or os.sep in path or path in (".", "..")


def is_in_module(target: str) -> bool:
    """Whether a target has the form ``package.module:Object``; so has ``distribution:name``.

    Example:
        >>> is_in_module("my_models.cell:Cell"), is_in_module("rheobase-lif:lif")
        (True, False)
    """
    return _MODULE.fullmatch(target) is not None


def refuse_missing(given: str, kind: str | None, kinds: Collection[str]) -> None:
    """Refuse a target that can mean nothing, before anything is imported for it.

    Args:
        given: The target.
        kind: The kind of component; None: any of them.
        kinds: The kinds that are of use.

    Raises:
        ComponentError: If it is no installed name, module, file or project's folder.

    Example:
        >>> refuse_missing("no_such_file.py:Cell", None, ["neuron"])
        Traceback (most recent call last):
        rheobase.errors.ComponentError: there is no file 'no_such_file.py'
    """
    path = split(given)[0]
    if is_path(given):
        if path.endswith(".py") and not os.path.isfile(path):
            raise ComponentError(f"there is no file {path!r}")
        return
    names = sorted({each.spec.name for each in list_components(kind) if each.spec.kind in kinds})
    if given.rpartition(":")[2] in names or is_in_module(given):
        return
    if os.path.isfile(os.path.join(path, "pyproject.toml")):
        return
    raise ComponentError(
        f"there is no {kind or 'component'} {given!r} to judge{nearest(given, names, synonyms(kind))}; "
        f"installed are {', '.join(names)}; or give module:Class, file.py:Class, or a project's folder"
    )


def object_in_module(target: str) -> Any:
    """The object of ``"package.module:Object"``; the module is looked for in the working folder too.

    Raises:
        ComponentError: If there is no such module, or no such object in it.
        PluginError: If the module cannot be imported.

    Example:
        >>> object_in_module("json.encoder:JSONEncoder").__name__
        'JSONEncoder'
    """
    name, _, path = target.partition(":")
    if (folder := os.getcwd()) not in sys.path:
        # Last: the command does not have it there, and nothing installed is to be hidden by it.
        sys.path.append(folder)
    try:
        module = _import(name, name)
    except PluginError as failed:
        error = failed.__cause__
        if not isinstance(error, ModuleNotFoundError) or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise ComponentError(
            f"{target!r} is no installed component, and there is no module {error.name!r}"
        ) from error
    return attribute(module, path, target)


def objects_in_file(
    target: str, bases: tuple[type, ...], what: str, *, folder: Path = Path()
) -> list[tuple[str, Any]]:
    """The objects of ``"file.py:Object"``, or of ``"file.py"``: the classes that it defines.

    Args:
        target: The target.
        bases: What the classes are derived from.
        what: What the file lacks if it has none of them, such as ``"neuron"``.
        folder: What a relative path is relative to.

    Raises:
        ComponentError: If there is no such file, object or class.
        PluginError: If the file cannot be imported.
    """
    path, name = split(target)
    module = module_of_file(folder / path)
    if name:
        return [(target, attribute(module, name, target))]
    classes = [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, bases)
        and value.__module__ == module.__name__
        and not inspect.isabstract(value)
        and not value.__name__.startswith("_")
    ]
    if not classes:
        raise ComponentError(f"{path} defines no {what}; name an object: {path}:Object")
    return [(f"{path}:{each.__qualname__}", each) for each in classes]


def module_of_file(path: Path) -> ModuleType:
    """Import a Python file, as a module of its package where it lies in one.

    Raises:
        ComponentError: If there is no such file.
        PluginError: If it cannot be imported.
    """
    path = path.absolute()
    if not path.is_file():
        raise ComponentError(f"there is no file {os.fspath(path)!r}")
    names, folder = [path.stem], path.parent
    while (folder / "__init__.py").is_file():
        names.insert(0, folder.name)
        folder = folder.parent
    name = ".".join(names).removesuffix(".__init__")
    if os.fspath(folder) not in sys.path:
        sys.path.insert(0, os.fspath(folder))
    module = _import(name, os.fspath(path))
    found = getattr(module, "__file__", None)
    if found is None or not os.path.samefile(found, path):
        raise PluginError(
            f"{os.fspath(path)!r} would be imported as {name!r}, which is {found} here; rename the file"
        )
    return module


def attribute(module: ModuleType, path: str, target: str) -> Any:
    """The object of that name, with dots, in a module; raises ``ComponentError`` with the nearest one."""
    found: Any = module
    for part in path.split("."):
        if not hasattr(found, part):
            near = nearest(part, [name for name in vars(found) if not name.startswith("_")])
            raise ComponentError(f"{target!r}: {module.__name__} has no {path!r}{near}")
        found = getattr(found, part)
    return found


def folder_specs(folder: Path) -> Iterator[tuple[ComponentSpec, str, str]]:
    """What the plugins of a project would offer if it were installed.

    Yields:
        Each spec, its hook module, and the folder that was put on the path for it.

    Raises:
        ComponentError: If the project has no entry point in the group ``rheobase``.
        PluginError: If a hook module cannot be imported, or its hooks cannot be used.
    """
    from .plugins.offers import collect  # here: it imports pluggy

    folder = folder.absolute()
    place = os.fspath(folder / "pyproject.toml")
    project = read_toml(folder / "pyproject.toml").get("project", {})
    entries: dict[str, str] = project.get("entry-points", {}).get(PROJECT, {})
    if not entries:
        raise ComponentError(
            f"{place!r} has no entry point in the group {PROJECT!r}; "
            f'add [project.entry-points.{PROJECT}] with a line like my-model = "my_model.plugin"'
        )
    source = folder / "src" if (folder / "src").is_dir() else folder
    if os.fspath(source) not in sys.path:
        sys.path.insert(0, os.fspath(source))
    for name, value in entries.items():
        module, _, path = value.partition(":")
        where = f"entry point {name!r} of {os.fspath(folder)}"
        plugin: Any = _import(module, where)
        for part in filter(None, path.split(".")):
            if not hasattr(plugin, part):
                raise PluginError(f"{where}: {module} has no {path!r}")
            plugin = getattr(plugin, part)
        for spec in collect(plugin, f"plugin {name!r} of {os.fspath(folder)}").specs:
            yield spec, module, os.fspath(source)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a file in TOML; raises ``ComponentError`` if it cannot be read, or is none."""
    try:
        return settings.read_toml(os.fspath(path))
    except (OSError, ValueError) as error:
        raise ComponentError(f"{os.fspath(path)!r} cannot be read: {error}") from error


def hook_module(component: Registered) -> str:
    """The module of the entry point that offers a component; core's own, or empty where none is known.

    Example:
        >>> from rheobase.plugins.registry import resolve
        >>> hook_module(resolve("aggregator", "sum"))
        'rheobase.builtin'
    """
    distribution = component.provenance.distribution
    if distribution == PROJECT:
        return "rheobase.builtin"
    entries = [
        entry
        for entry in discovery.scan().entries
        if (entry.distribution, entry.name) == (distribution, component.plugin)
    ]
    return module_of(entries[0].value) if entries else ""


def _import(name: str, what: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise PluginError(f"{what} cannot be imported: {first_line(error)}") from error
