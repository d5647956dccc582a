"""Whom a process was loading when it was ended, told to the next one.

A plugin finds the user's own process and may end it, which nothing here outlives. So before plugins are
loaded it is noted whose they are, in a file that is locked until that is done: one that nobody locks is of a
process that was ended. Whoever is noted is loaded alone then, and no more once that ended a process, too.
"""

from __future__ import annotations

import contextlib
import glob
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import BinaryIO

from .. import cache
from .index import path_of_index

SURE = 2
"""How often loading a distribution may end a process; the last time, nothing was loaded beside it."""


class Suspects:
    """The distributions that were being loaded when processes were ended, as long as this one loads any."""

    def __init__(self) -> None:
        self._path = f"{path_of_index()}.{os.getpid()}.loading"
        self._earlier: list[str] = []
        self._locked: BinaryIO | None = None
        self._times: dict[str, int] = {}

    def __enter__(self) -> Suspects:
        for path in glob.glob(f"{glob.escape(path_of_index())}.*.loading"):
            with contextlib.suppress(AttributeError, ImportError, OSError, TypeError, ValueError):
                _lock(path).close()  # raises where the process is still there
                self._earlier.append(path)
                for name, times in cache.read_json(path).items():
                    self._times[name] = max(self._times.get(name, 0), int(times))
        return self

    @property
    def sure(self) -> set[str]:
        """Those that are not to be loaded."""
        return {name for name, times in self._times.items() if times >= SURE}

    def rounds(self, names: Collection[str]) -> Iterator[list[str]]:
        """Which of these are loaded at the same time: each that is suspected alone, the others after them."""
        for name in names:
            if 0 < self._times.get(name, 0) < SURE:
                self._note({name: self._times[name] + 1})
                yield [name]
        rest = [name for name in names if name not in self._times]
        if rest:
            self._note(dict.fromkeys(rest, 1))
            yield rest

    def _note(self, times: Mapping[str, int]) -> None:
        if cache.write_json(self._path, {**dict.fromkeys(self.sure, SURE), **times}) == "":
            with contextlib.suppress(ImportError, OSError):
                self._locked = _lock(self._path)
        self._forget(each for each in self._earlier if each != self._path)

    def __exit__(self, *_: object) -> None:
        self._forget([self._path])
        if self._locked is not None:
            self._locked.close()

    @staticmethod
    def _forget(paths: Iterable[str]) -> None:
        for path in paths:
            with contextlib.suppress(OSError):
                os.unlink(path)


def _lock(path: str) -> BinaryIO:
    """Lock a file as long as this process is there; raises ``OSError`` where another has locked it."""
    import fcntl  # ImportError: this system has another way, and there nothing is noted

    file = open(path, "r+b")  # noqa: SIM115 - it stays open as long as it is locked
    try:
        # What is forked from this process has no part in the lock.
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise
    return file
