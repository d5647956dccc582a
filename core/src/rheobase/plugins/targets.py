"""Where modules lie, and whether the target of a spec can be there: told without importing any of them."""

from __future__ import annotations

import os
import re
import sys
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

_DYNAMIC = re.compile(
    r"import\s*\(?\s*\*|__getattr__|globals\s*\(|\bexec\s*\(|setattr\s*\(|sys\.modules|vars\s*\("
)
"""What may put names into a module that its text does not have."""


def missing(target: str) -> str:
    """Why a target cannot be imported; it imports no module of the target, nor their parents.

    Returns:
        The cause, or the empty string where nothing speaks against it.

    Example:
        >>> missing("rheobase.specs:NeuronSpec"), missing("json.encoder:JSONEncoder")
        ('', '')
        >>> missing("json.encoders:JSONEncoder")
        "there is no module 'json.encoders'"
        >>> missing("json.encoder:JsonEncoder")
        "module 'json.encoder' has no 'JsonEncoder'"
    """
    module, _, path = target.partition(":")
    loaded = sys.modules.get(module)
    first = path.partition(".")[0]
    if loaded is not None:
        return "" if hasattr(loaded, first) else f"module {module!r} has no {first!r}"
    try:
        spec = find(module)
    except Missing as error:
        return f"there is no module {str(error)!r}"
    except Exception:  # a finder of a stranger's; only the import can tell
        return ""
    text = _text(spec)
    if text is None or _DYNAMIC.search(text) or re.search(rf"\b{first}\b", text):
        return ""
    return f"module {module!r} has no {first!r}"


class Missing(Exception):
    """A module that no finder knows; its name is the message."""


def find(module: str) -> ModuleSpec | None:
    """Find a module from its outermost package inwards; imports none of them.

    Returns:
        The spec; None where it cannot be told.

    Raises:
        Missing: If there is no such module.

    Example:
        >>> find("json.encoder").name
        'json.encoder'
    """
    spec: ModuleSpec | None = None
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        name = ".".join(parts[:depth])
        if (known := getattr(sys.modules.get(name), "__spec__", None)) is not None:
            spec = known
        elif depth == 1:
            # Where a module lies now is asked, whatever was locked.
            finders: list[Any] = [each for each in sys.meta_path if hasattr(each, "find_spec")]
            finders = [each for each in finders if not hasattr(each, "finds_nothing_itself")]
            spec = next((found for finder in finders if (found := finder.find_spec(name, None))), None)
        elif spec is None or spec.submodule_search_locations is None:
            raise Missing(name)
        else:
            spec = PathFinder.find_spec(name, list(spec.submodule_search_locations))
        if spec is None and name in sys.modules:
            return None
        if spec is None:
            raise Missing(name)
    return spec


def way(module: str) -> list[str]:
    """The files that Python would run on the way to a module, up to its first package that has code.

    Returns:
        A file for each level of the name; empty for a package without ``__init__``. It ends where Python
        finds no module.

    Example:
        >>> [os.path.basename(file) for file in way("json.encoder")]
        ['__init__.py']
        >>> way("no_such_module_at_all")
        []
    """
    files: list[str] = []
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        try:
            spec = find(".".join(parts[:depth]))
        except Exception:  # there is none, or a stranger's finder fails
            break
        origin = spec.origin if spec is not None else None
        files.append(origin if origin and os.path.isabs(origin) else "")
        if files[-1]:
            break
    return files


def _text(spec: ModuleSpec | None) -> str | None:
    """The source of a module; None where there is none to read."""
    origin = spec.origin if spec is not None else None
    if origin is None or not origin.endswith(".py"):
        return None
    try:
        with open(origin, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError):
        return None
