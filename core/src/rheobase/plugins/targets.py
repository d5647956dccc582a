"""Where modules lie, and whether the target of a spec can be there: told without importing any of them."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

_DYNAMIC = re.compile(
    r"import\s*\(?\s*\*|__getattr__|globals\s*\(|\bexec\s*\(|setattr\s*\(|sys\.modules|vars\s*\("
)
"""What may put names into a module that its text does not have."""


class Missing(Exception):
    """A module that no finder knows; its name is the message."""


def missing(target: str) -> str:
    """Why a target cannot be imported; empty: nothing speaks against it."""
    module, _, path = target.partition(":")
    loaded = sys.modules.get(module)
    first = path.partition(".")[0]
    if loaded is not None:
        return "" if hasattr(loaded, first) else f"module {module!r} has no {first!r}"
    try:
        *_, (_, spec) = levels(module)
    except Missing as error:
        return f"there is no module {str(error)!r}"
    except Exception:  # a finder of a stranger's; only the import can tell
        return ""
    text = _text(spec)
    if text is None or _DYNAMIC.search(text) or re.search(rf"\b{first}\b", text):
        return ""
    return f"module {module!r} has no {first!r}"


def levels(module: str) -> Iterator[tuple[str, ModuleSpec | None]]:
    """The packages around a module, from the outermost inwards, and the module, each with its spec.

    It ends with None for a spec where that cannot be told, and raises :class:`Missing` where there is no such
    module; a stranger's finder may raise anything.
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
        if spec is None and name not in sys.modules:
            raise Missing(name)
        yield name, spec
        if spec is None:
            return


def way(module: str) -> list[str]:
    """The files that Python would run on the way to a module, up to its first package that has code.

    Returns:
        A file for each level of the name; empty for a package without ``__init__``. It ends where Python
        finds no module.
    """
    files: list[str] = []
    try:
        for _, spec in levels(module):
            origin = spec.origin if spec is not None else None
            files.append(origin if origin and os.path.isabs(origin) else "")
            if files[-1]:
                break
    except Exception:  # there is none, or a stranger's finder fails
        return files
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
