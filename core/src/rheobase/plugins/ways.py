"""Which files Python would run to get at a plugin, found without running any of them."""

from __future__ import annotations

import os

from . import targets


def way(module: str) -> list[str]:
    """The files that Python would run on the way to a module, up to its first package that has code.

    Args:
        module: Its name.

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
            spec = targets.find(".".join(parts[:depth]))
        except Exception:  # there is none, or a stranger's finder fails
            break
        origin = spec.origin if spec is not None else None
        files.append(origin if origin and os.path.isabs(origin) else "")
        if files[-1]:
            break
    return files
