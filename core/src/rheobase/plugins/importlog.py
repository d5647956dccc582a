"""Which modules were looked for while something was imported, by which line, and which files were read."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
from collections.abc import Sequence
from types import ModuleType
from typing import Any

_lock = threading.Lock()
_logs: dict[int, ImportLog] = {}


class ImportLog:
    """A finder that finds nothing and remembers which line asked for each module first.

    It listens to the thread that enters its context, and to no other.
    """

    def __init__(self) -> None:
        self.places: dict[str, tuple[str, int, str]] = {}
        self.read: set[str] = set()
        """The files that were read; only after :func:`watch`."""
        self._thread = 0

    def __enter__(self) -> None:
        self._thread = threading.get_ident()
        _logs[self._thread] = self
        # A new list each time: another thread that goes through the old one must not miss a finder.
        with _lock:
            sys.meta_path = [self, *sys.meta_path]

    def __exit__(self, *_: object) -> None:
        _logs.pop(self._thread, None)
        with _lock:
            sys.meta_path = [finder for finder in sys.meta_path if finder is not self]

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> None:
        """Remember who asks.

        Args:
            name: The module that is looked for.
            path: Not used.
            target: Not used.
        """
        if threading.get_ident() != self._thread:
            return
        frame = sys._getframe(1)
        while frame is not None and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back  # type: ignore[assignment]
        if frame is not None:
            asking = str(frame.f_globals.get("__name__"))
            self.places.setdefault(name, (frame.f_code.co_filename, frame.f_lineno, asking))

    def line_of(self, names: Sequence[str]) -> str:
        """The first of these modules that was imported, with the line that did it."""
        places = ((name, *self.places[name]) for name in names if name in self.places)
        return next((f"{name} ({file}, line {line})" for name, file, line, _ in places), "")


@functools.cache
def watch() -> None:
    """From now on logs remember files too: Python has no way back."""
    sys.addaudithook(_audit)


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if event != "open":
        return
    log = _logs.get(threading.get_ident())
    path, _, flags = args
    reads = isinstance(flags, int) and not flags & (os.O_WRONLY | os.O_RDWR)
    # Bytecode changes with its source.
    if log is None or not reads or not isinstance(path, str) or path.endswith(".pyc"):
        return
    with contextlib.suppress(OSError):  # the working folder may be gone
        log.read.add(os.path.abspath(path))
