"""What a user names and is not there: told before anything is imported for it."""

from __future__ import annotations

import os
from collections.abc import Collection

from ..errors import ComponentError, nearest
from .pointing import is_in_module, is_path, split
from .registry import list_components
from .synonyms import synonyms


def refuse_missing(given: str, kind: str | None, kinds: Collection[str]) -> None:
    """Refuse a target that can mean nothing: no installed name, module, file or project's folder.

    Args:
        given: The target.
        kind: The kind of component; None: any of them.
        kinds: The kinds that are of use.

    Raises:
        ComponentError: If there is no such file, or nothing of that name.

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
