"""What is on ``sys.path``, by looking at files and reading none.

Equal fingerprints mean that a scan of the distributions would find the same. It costs a listing of each
folder and two looks at each distribution, a few milliseconds for hundreds; importing what reads metadata
costs ten times that.
"""

from __future__ import annotations

import os
import sys
from typing import Any, NamedTuple

from .stamps import stamp

_METADATA = (".dist-info", "egg-info", ".egg", ".egg-link")
_KNOWN = (
    "_frozen_importlib",
    "_frozen_importlib_external",
    "zipimport",
    "importlib_metadata",
    "_distutils_hack",
)
_READ = ("entry_points.txt", "METADATA")
_EGG = [
    os.path.join(folder, name)
    for folder in ("", "EGG-INFO")
    for name in ("entry_points.txt", "PKG-INFO", "requires.txt")
]


class OnPath(NamedTuple):
    """What is on the path.

    Args:
        fingerprint: Of the distributions, a value that JSON knows; None where the path has finders of
            distributions that cannot be looked into.
        modules: For each folder, the names of what may be outermost modules there.
    """

    fingerprint: list[Any] | None
    modules: list[set[str]]

    def where(self, module: str) -> list[int]:
        """The folders that may have a module, by their numbers: Python takes it from the first.

        Args:
            module: An outermost module.
        """
        return [number for number, names in enumerate(self.modules) if module in names]


def look() -> OnPath:
    """Look at what is on the path now.

    Example:
        >>> look() == look(), look().where("json") != []
        (True, True)
    """
    path = search_path()
    # "" is the working folder, whatever that is at the moment.
    names = [_names(folder or os.curdir) for folder in path]
    modules = [{name.partition(".")[0] for name in each} for each in names]
    for finder in sys.meta_path:
        module = getattr(finder, "__module__", None) or type(finder).__module__
        if hasattr(finder, "find_distributions") and module.partition(".")[0] not in _KNOWN:
            return OnPath(None, modules)
    found = [
        [os.path.abspath(folder), _metadata(folder or os.curdir, each)]
        for folder, each in zip(path, names, strict=True)
    ]
    return OnPath(found, modules)


def search_path() -> list[str]:
    """The path; whatever else a program puts there, Python passes over."""
    return [folder for folder in sys.path if isinstance(folder, str)]


def _names(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


def _metadata(path: str, names: list[str]) -> list[Any]:
    """The distributions in a folder, each with the stamps of what is read of it."""
    if not names:
        return [list(stamp(path))] if os.path.isfile(path) else []  # a zip file, or nothing
    found = sorted(name for name in names if name.lower().endswith(_METADATA))
    return [[name, *_stamps(os.path.join(path, name))] for name in found]


def _stamps(path: str) -> list[Any]:
    if path.lower().endswith(".dist-info"):
        return [list(stamp(f"{path}{os.sep}{name}")) for name in _READ]
    return [list(stamp(path)), *(list(stamp(os.path.join(path, name))) for name in _EGG)]
