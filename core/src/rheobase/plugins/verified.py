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

from .. import cache
from .entry import Entry
from .stamps import stamp, unchanged
from .targets import way
from .trusted import Trusted

if TYPE_CHECKING:
    from .contents import Contents

FORMAT = 3
"""Grows when an older file could be read wrongly."""

SETTLED = 2_000_000_000
"""What changed less than that long ago, ns, may change again without a new stamp: some file systems count
seconds, and the coarsest two."""


class Verified:
    """The plugins that are as one lock file has them.

    Args:
        about: What this rests on: the lock file with its stamp, the interpreter and its path.
        plugins: What is known of each distribution.
    """

    def __init__(self, about: list[Any], plugins: dict[str, Any]) -> None:
        self._about = about
        self._plugins = plugins
        self._since = time.time_ns()
        self._changed = False

    @classmethod
    def load(cls, lock: str) -> Verified:
        """Read what is known.

        Returns:
            What is known; nothing where the file of it is damaged, or another user could have written it, or
            the lock file has changed.

        Example:
            >>> Verified.load("no/such/file").holds("toy-models", [])
            False
        """
        path = [os.path.abspath(folder) for folder in sys.path if isinstance(folder, str)]
        about = [FORMAT, os.path.abspath(lock), list(stamp(lock)), sys.executable or "", sys.prefix, path]
        kept = cache.read_json(_file(about))
        if kept is None:
            return cls(about, {})
        try:
            return cls(about, kept["plugins"] if kept["about"] == about else {})
        except (KeyError, TypeError, ValueError):
            return cls(about, {})

    def holds(self, distribution: str, entries: Iterable[Entry]) -> bool:
        """Whether a distribution is known to be as the lock file has it, and has not changed since.

        Args:
            distribution: Its name.
            entries: Its plugins.
        """
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
        """A distribution is as the lock file has it.

        Args:
            distribution: Its name.
            entries: Its plugins.
            found: What it consists of.
        """
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
        lock = self._about[2]
        if self._changed and lock and max(lock[:2]) < self._since - SETTLED:
            cache.write_json(_file(self._about), {"about": self._about, "plugins": self._plugins})


def _file(about: list[Any]) -> str:
    _, lock, _, *interpreter = about
    name = zlib.crc32(json.dumps([lock, *interpreter]).encode())
    return os.path.join(cache.folder(), "locks", f"{name:08x}.json")


def _plain(entry: Entry) -> list[str]:
    return [entry.name, entry.value, entry.version]
