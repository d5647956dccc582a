"""What the last scan found, kept in the user's cache folder so that the next process need not look again.

It holds while the distributions on the path, the files of the plugins and the host are what they were. That
is told by looking at files and reading none: a few milliseconds for hundreds, where importing what reads
metadata costs ten times that. A plugin that looked for something in vain is tried again as soon as a folder
changes where that may have appeared.
"""

from __future__ import annotations

import contextlib
import os
import sys
import zlib
from collections.abc import Iterable
from typing import Any, NamedTuple

from .. import cache
from ..errors import RheobaseError
from .discovery import Scan
from .entry import Entry, canonical
from .evidence import stamps, unchanged
from .host import Host
from .metadata import search_path
from .outcome import Outcome

FORMAT = 3
"""Grows when an older index could be read wrongly."""

KEPT_DAYS = 60
"""After how many days an index is dropped. Its path may be nobody's any more; else it is soon made again."""

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

_METADATA = (".dist-info", "egg-info", ".egg", ".egg-link")
_READ = [f"{os.sep}{name}" for name in ("entry_points.txt", "METADATA")]
_EGG = [
    "",
    *(
        f"{folder}{os.sep}{name}"
        for folder in ("", f"{os.sep}EGG-INFO")
        for name in ("entry_points.txt", "PKG-INFO", "requires.txt")
    ),
]
_FINDERS = (
    "_frozen_importlib",
    "_frozen_importlib_external",
    "zipimport",
    "importlib_metadata",
    "_distutils_hack",
)
"""The modules whose finders find nothing but what lies in the folders of the path."""


class Index(NamedTuple):
    """What is known of the plugins on the path.

    Args:
        scan: The metadata.
        core: Core's own components.
        outcomes: What came of the plugins that were loaded so far.
        apart: Whether each distribution's were loaded in a process of their own.
    """

    scan: Scan
    core: Outcome
    outcomes: dict[Entry, Outcome]
    apart: bool = True


class Key(NamedTuple):
    """What an index rests on. Taken before anything is looked up, so that what changes meanwhile shows.

    Args:
        now: The host, and the distributions on the path; None for these where the path has finders of
            distributions that cannot be looked into.
        names: What lies in each folder of the path.
    """

    now: dict[str, Any]
    names: list[list[str]]

    @classmethod
    def take(cls, host: Host) -> Key:
        """The key of this moment."""
        files = _own_files()
        own = [[file, *stamp] for file, stamp in zip(files, stamps(files), strict=True)]
        path, names = _look()
        return cls({"format": FORMAT, "host": list(host), "own": own, "path": path}, names)

    def where(self, modules: Iterable[str]) -> dict[str, list[int]]:
        """The folders that may have each module, by their numbers: Python takes it from the first."""
        found: dict[str, list[int]] = {module: [] for module in modules}
        for number, names in enumerate(self.names):
            for name in names:
                places = found.get(name.partition(".")[0])
                if places is not None and number not in places:
                    places.append(number)
        return found


def path_of_index() -> str:
    """The file in which the index for this interpreter and this path is kept."""
    about = [sys.executable or "", sys.prefix, sys.version, *map(os.path.abspath, search_path())]
    name = zlib.crc32("\n".join(about).encode("utf-8", "replace"))
    return os.path.join(cache.folder(), "plugins", f"{name:08x}.json")


def load(key: Key, limit: float = 0.0) -> Index | None:
    """Read the index, if it still holds.

    Args:
        key: What is now.
        limit: How long a plugin may take now, s; one that had less time and did not end is tried again.

    Returns:
        What it says, without the outcomes that may have changed; None where there is no index, or it is
        damaged, another user could have written it, or what is installed has changed.
    """
    kept = cache.read_json(path_of_index())
    if kept is None:
        return None
    try:
        if key.now["path"] is None or kept["key"] != key.now:
            return None
        scan = Scan.from_plain(kept)
        found = zip(scan.entries, kept["outcomes"], strict=True)
        known = [(entry, plain) for entry, plain in found if plain is not None]
        same = key.where(kept["modules"]) == kept["modules"]
        # What one of them imported, another may use that was loaded in the same process.
        changed = {
            _process_of(entry, kept["apart"]) for entry, plain in known if not unchanged(plain["files"])
        }
        outcomes = {
            entry: Outcome.kept(plain)
            for entry, plain in known
            if same and _process_of(entry, kept["apart"]) not in changed
            if unchanged(plain["folders"]) and not 0 < plain["limit"] < limit
        }
        return Index(scan, Outcome.kept(kept["core"]), outcomes, bool(kept["apart"]))
    except (AttributeError, KeyError, TypeError, ValueError, RheobaseError):  # not of this format after all
        return None


def save(index: Index, key: Key) -> str:
    """Keep the index for later processes.

    Returns:
        Why it could not be kept; empty: it was. Everything works without, only slower.
    """
    if key.now["path"] is None:
        return "the path has finders of distributions that cannot be looked into"
    outcomes = [index.outcomes.get(entry) for entry in index.scan.entries]
    sought = {module for outcome in outcomes if outcome for module in outcome.sought}
    kept: dict[str, Any] = {
        "key": key.now,
        **index.scan.to_plain(),
        "core": index.core.to_plain(),
        "outcomes": [outcome and outcome.to_plain() for outcome in outcomes],
        "modules": key.where(sorted(sought)),
        "apart": index.apart,
    }
    path = path_of_index()
    cache.drop_old(os.path.dirname(path), KEPT_DAYS)
    return cache.write_json(path, kept)


def _process_of(entry: Entry, apart: bool) -> str:
    return canonical(entry.distribution) if apart else ""


def _own_files() -> list[str]:
    """The files of this host that have a part in finding and judging plugins."""
    found = []
    for folder in (_ROOT, os.path.join(_ROOT, "plugins")):
        with contextlib.suppress(OSError):  # in a zip file, which is on the path, so its stamp is in the key
            names = sorted(os.listdir(folder))
            found += [f"{folder}{os.sep}{name}" for name in names if name.endswith(".py")]
    return found


def _look() -> tuple[list[Any] | None, list[list[str]]]:
    """The distributions on the path, as values that JSON knows; and what lies in each folder of it."""
    every: list[list[str]] = []
    found: list[Any] | None = []
    for finder in sys.meta_path:
        module = getattr(finder, "__module__", None) or type(finder).__module__
        if hasattr(finder, "find_distributions") and module.partition(".")[0] not in _FINDERS:
            found = None
    for folder in search_path():
        place = folder or os.curdir  # "" is the working folder, whatever that is at the moment
        try:
            names = os.listdir(place)
        except OSError:
            names = []
        every.append(names)
        if found is None:
            continue
        known = sorted([name for name in names if name.lower().endswith(_METADATA)])
        files = [folder] if not names and os.path.isfile(folder) else []  # a zip file
        # All at once: a call for each distribution costs more than the look at its files.
        files += [
            f"{place}{os.sep}{name}{file}"
            for name in known
            for file in (_READ if name.lower().endswith(".dist-info") else _EGG)
        ]
        found.append([os.path.abspath(folder), known, list(map(list, stamps(files)))])
    return found, every
