"""Components in files and folders that are not installed."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from ..errors import ComponentError, PluginError
from ..specs import PROJECT, ComponentSpec
from .hooks import collect
from .problem import first_line


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


def folder_specs(folder: Path) -> Iterator[tuple[ComponentSpec, str, str]]:
    """What the plugins of a project would offer if it were installed.

    Yields:
        Each spec, its hook module, and the folder that was put on the path for it.

    Raises:
        ComponentError: If the project has no entry point in the group ``rheobase``.
        PluginError: If a hook module cannot be imported, or its hooks cannot be used.
    """
    folder = folder.absolute()
    entries = _entry_points(folder)
    source = folder / "src" if (folder / "src").is_dir() else folder
    if os.fspath(source) not in sys.path:
        sys.path.insert(0, os.fspath(source))
    for name, value in entries.items():
        module, _, attribute = value.partition(":")
        plugin: Any = _import(module, f"entry point {name!r} of {os.fspath(folder)}")
        for part in filter(None, attribute.split(".")):
            if not hasattr(plugin, part):
                raise PluginError(
                    f"entry point {name!r} of {os.fspath(folder)}: {module} has no {attribute!r}"
                )
            plugin = getattr(plugin, part)
        for spec in collect(plugin, f"plugin {name!r} of {os.fspath(folder)}").specs:
            yield spec, module, os.fspath(source)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a file in TOML.

    Raises:
        ComponentError: If it cannot be read, or is no TOML.
    """
    # Before Python 3.11 the reader is a package of its own.
    toml: Any = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        with open(path, "rb") as file:
            content: dict[str, Any] = toml.load(file)
    except (OSError, UnicodeDecodeError, toml.TOMLDecodeError) as error:
        raise ComponentError(f"{os.fspath(path)!r} cannot be read: {error}") from error
    return content


def _entry_points(folder: Path) -> dict[str, str]:
    path = folder / "pyproject.toml"
    content = read_toml(path)
    entries: dict[str, str] = content.get("project", {}).get("entry-points", {}).get(PROJECT, {})
    if not entries:
        raise ComponentError(
            f"{os.fspath(path)!r} has no entry point in the group {PROJECT!r}; "
            f'add [project.entry-points.{PROJECT}] with a line like my-model = "my_model.plugin"'
        )
    return entries


def _import(name: str, what: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise PluginError(f"{what} cannot be imported: {first_line(error)}") from error
