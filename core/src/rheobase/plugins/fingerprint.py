"""What is on ``sys.path``, by looking at files and reading none.

Equal fingerprints mean that a scan of the distributions would find the same. It costs a listing of each
folder and two looks at each distribution, a few milliseconds for hundreds; importing what reads metadata
costs ten times that.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

from .stamps import stamps

_METADATA = (".dist-info", "egg-info", ".egg", ".egg-link")
_KNOWN = (
    "_frozen_importlib",
    "_frozen_importlib_external",
    "zipimport",
    "importlib_metadata",
    "_distutils_hack",
)
_READ = [f"{os.sep}{name}" for name in ("entry_points.txt", "METADATA")]
_EGG = [
    "",
    *(
        f"{folder}{os.sep}{name}"
        for folder in ("", f"{os.sep}EGG-INFO")
        for name in ("entry_points.txt", "PKG-INFO", "requires.txt")
    ),
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

    def where(self, modules: Iterable[str]) -> dict[str, list[int]]:
        """The folders that may have each module, by their numbers: Python takes it from the first."""
        found: dict[str, list[int]] = {module: [] for module in modules}
        for number, names in enumerate(self.modules):
            for module in names & found.keys():
                found[module].append(number)
        return found


def look() -> OnPath:
    """Look at what is on the path now.

    Example:
        >>> look() == look(), look().where(["json"])["json"] != []
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
    found: list[Any] = []
    for folder, each in zip(path, names, strict=True):
        known = sorted([name for name in each if name.lower().endswith(_METADATA)])
        # All at once: a call for each distribution costs more than the look at its files.
        files = [
            f"{folder or os.curdir}{os.sep}{name}{file}"
            for name in known
            for file in (_READ if name.lower().endswith(".dist-info") else _EGG)
        ]
        if not each and os.path.isfile(folder):  # a zip file
            files = [folder]
        found.append([os.path.abspath(folder), known, [[*stamp] for stamp in stamps(files)]])
    return OnPath(found, modules)


def search_path() -> list[str]:
    """The path; whatever else a program puts there, Python passes over."""
    return [folder for folder in sys.path if isinstance(folder, str)]


def _names(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []
