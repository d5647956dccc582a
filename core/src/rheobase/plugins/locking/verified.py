"""Which plugins were found to be as the lock file has them, so that their files need not be hashed again.

For each there are the stamps that all its files and folders had before they were read. Whoever changes a file
may set its size and its times back, but not the time of that change itself, which the system keeps. Where the
system keeps none, as on Windows, everything is hashed each time.
"""

from __future__ import annotations

import json
import os
import sys
import time
import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ... import cache
from ..entry import Entry
from ..evidence import COARSE, stamp, unchanged
from ..metadata import search_path
from ..targets import way
from .loading import Trusted

if TYPE_CHECKING:
    from .contents import Contents

FORMAT = 3
"""Grows when an older file could be read wrongly."""

SETTLED = COARSE
"""What changed less than that long ago, ns, may change again without a new stamp."""


class Verified:
    """The distributions that are as one lock file has them, as seen by this interpreter with this path.

    Nothing is known where the file of it is damaged, or another user could have written it, or the lock file
    has changed.
    """

    def __init__(self, lock: str) -> None:
        path = list(map(os.path.abspath, search_path()))
        where = [os.path.abspath(lock), sys.executable or "", sys.prefix, path]
        name = zlib.crc32(json.dumps(where).encode())
        self._file = os.path.join(cache.folder(), "locks", f"{name:08x}.json")
        self._lock = stamp(lock)
        self._about = [FORMAT, list(self._lock), *where]
        self._since = time.time_ns()
        self._changed = False
        kept = cache.read_json(self._file)
        known = isinstance(kept, dict) and kept.get("about") == self._about
        self._plugins: dict[str, Any] = kept["plugins"] if known else {}

    def holds(self, distribution: str, entries: Iterable[Entry]) -> bool:
        """Whether a distribution with these plugins was as the lock file has it, and is so still."""
        kept = self._plugins.get(distribution)
        if kept is None or os.name == "nt":
            return False
        try:
            return (
                all(_plain(entry) in kept["entries"] for entry in entries)
                and unchanged(kept["seen"])
                and all(way(module) == files for module, files in kept["ways"].items())
                and len(kept["trusted"]) == len(Trusted._fields)
            )
        except (AttributeError, KeyError, TypeError, ValueError):  # not of this format after all
            return False

    def trusted(self, distribution: str) -> Trusted:
        """What a distribution that :meth:`holds` is imported from."""
        return Trusted(*self._plugins[distribution]["trusted"])

    def add(self, distribution: str, entries: Iterable[Entry], found: Contents) -> None:
        """A distribution is as the lock file has it."""
        times = [when for _, each in found.seen for when in each[:2]]
        if all(when < self._since - SETTLED for when in times):
            self._plugins[distribution] = {
                "entries": [_plain(entry) for entry in entries],
                "ways": found.ways,
                "trusted": found.trusted,
                "seen": [[path, list(each)] for path, each in found.seen],
            }
            self._changed = True

    def save(self) -> None:
        """Keep what is known. Where that cannot be, everything is hashed each time."""
        if self._changed and self._lock and max(self._lock[:2]) < self._since - SETTLED:
            cache.write_json(self._file, {"about": self._about, "plugins": self._plugins})


def _plain(entry: Entry) -> list[str]:
    return [entry.name, entry.value, entry.version]
