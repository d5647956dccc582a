"""Targets that point to a component that need not be installed: ``file.py:Class`` and ``module:Class``."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from ..errors import ComponentError, PluginError, nearest
from .problem import first_line
from .sources import module_of_file

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
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise PluginError(f"{name} cannot be imported: {first_line(error)}") from error
        raise ComponentError(
            f"{target!r} is no installed component, and there is no module {error.name!r}"
        ) from error
    except (Exception, SystemExit) as error:
        raise PluginError(f"{name} cannot be imported: {first_line(error)}") from error
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


def attribute(module: ModuleType, path: str, target: str) -> Any:
    """An object in a module.

    Args:
        module: The module.
        path: The object's name in it, with dots.
        target: What the user gave.

    Raises:
        ComponentError: If it is not there; the nearest name is suggested.
    """
    found: Any = module
    for part in path.split("."):
        if not hasattr(found, part):
            near = nearest(part, [name for name in vars(found) if not name.startswith("_")])
            raise ComponentError(f"{target!r}: {module.__name__} has no {path!r}{near}")
        found = getattr(found, part)
    return found
