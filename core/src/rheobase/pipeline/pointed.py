"""The components that a name points to in a file, a module or a project's folder, installed or not."""

from __future__ import annotations

from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from ..engine.neuron.base import Neuron
from ..errors import ComponentError, PluginError
from ..kinds import KINDS
from ..plugins.component import imported
from ..plugins.problem import first_line
from ..plugins.registry import list_components, resolve
from ..pointing import (
    folder_specs,
    is_in_module,
    is_path,
    object_in_module,
    objects_in_file,
    split,
)
from ..specs import ComponentSpec

FUNCTION = "aggregator"
"""The kind that a function is taken for: nothing in its type says what else it may be."""


def bases(kind: str | None = None) -> tuple[type, ...]:
    """The classes that components of a kind, or of any, are derived from."""
    return tuple(
        resolve_name(each.base) for each in KINDS.values() if each.base and kind in (None, each.name)
    )


def kind_of(given: Any) -> str:
    """The kind that an object is of by its type; a function is taken for an aggregator.

    Example:
        >>> kind_of(Neuron), kind_of(sum)
        ('neuron', 'aggregator')
    """
    made = given if isinstance(given, type) else type(given)
    return next((kind for kind in KINDS if issubclass(made, bases(kind))), FUNCTION)


def in_file(given: str, kind: str | None = None, *, folder: Path = Path()) -> list[tuple[str, Any]]:
    """The objects of a kind that a Python file defines, each after its target.

    Args:
        given: ``"file.py"``, or ``"file.py:Object"`` for one of them, of whatever kind.
        kind: The kind that is looked for; None: any that has classes.
        folder: What a relative path is relative to.

    Raises:
        ComponentError: If there is none.
        PluginError: If the file cannot be imported.
    """
    what = " and no ".join(each.name for each in KINDS.values() if kind in (None, each.name) and each.base)
    return objects_in_file(given, bases(kind), what or str(kind), folder=folder)


def pointed_at(given: str, kind: str | None = None, *, folder: Path = Path()) -> Any:
    """The object that ``file.py:Object``, ``module:Object`` or ``folder:name`` points to; or None."""
    if is_path(given):
        found = (
            in_file(given, kind, folder=folder)
            if split(given)[0].endswith(".py")
            else _in_project(given, kind, folder)
        )
    # ``distribution:name`` reads like ``module:Object``; what is installed goes first.
    elif is_in_module(given) and not _is_installed(given, kind):
        found = [(given, object_in_module(given))]
    else:
        return None
    if len(found) != 1:
        raise ComponentError(f"{given!r} is several components; say which: {', '.join(t for t, _ in found)}")
    ((target, obj),) = found
    # A neuron can be called as well, and is made already.
    if isinstance(obj, Neuron) or not (callable(obj) or isinstance(obj, bases())):
        raise ComponentError(f"{target!r} is {type(obj).__name__}, and no component; give a class")
    if kind is not None and kind_of(obj) not in (kind, FUNCTION if KINDS[kind].function else kind):
        raise ComponentError(f"{target!r} is no {KINDS[kind]}; give one, such as file.py:Class")
    return obj


def model_of(given: Any, *, folder: Path = Path()) -> Any:
    """What ``create`` is to be given for a model: the class a target points to, else what was given."""
    found = pointed_at(given, "neuron", folder=folder) if isinstance(given, str) else None
    return given if found is None else found


def _is_installed(name: str, kind: str | None) -> bool:
    bare = name.rpartition(":")[2]
    for component in list_components(kind):
        if component.spec.name == bare:
            try:
                resolve(component.spec.kind, name)
            except ComponentError:
                continue
            return True
    return False


def _in_project(given: str, kind: str | None, folder: Path) -> list[tuple[str, Any]]:
    path, name = split(given)
    offered = [spec for spec, _, _ in folder_specs(folder / path) if kind in (None, spec.kind)]
    found = [spec for spec in offered if name in ("", spec.name)]
    if not found:
        raise ComponentError(
            f"{given!r} offers no such {'component' if kind is None else KINDS[kind]}; the project offers "
            f"{', '.join(spec.name for spec in offered) or 'none'}"
        )
    return [(f"{path}:{spec.name}", loaded(spec)) for spec in found]


def loaded(spec: ComponentSpec) -> Any:
    """The object of a spec that is not installed.

    Raises:
        PluginError: If it cannot be imported.
    """
    try:
        return imported(spec)
    except (Exception, SystemExit) as error:
        # A script that calls sys.exit() at import is no reason for this process to end.
        cause = first_line(error)
        raise PluginError(f"{spec.name!r} cannot be loaded from {spec.target!r}: {cause}") from error
