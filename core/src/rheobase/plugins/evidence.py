"""What the outcome of a plugin rests on: modules that it asked for, files that it read, each as it was."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
import time
from collections.abc import Collection, Iterable, Sequence
from operator import itemgetter
from types import ModuleType
from typing import Any

from . import targets
from .entry import Entry, module_of
from .outcome import Stamp

RACE = 20_000_000
"""The clock of a file system may stand still for that long, ns: a file that changes again before it goes on
keeps its stamp."""

COARSE = 2_000_000_000
"""The same, ns, of one that counts seconds; the coarsest counts two."""

UNSURE: Stamp = (0,)
"""The stamp of a file that may have changed since it was read; no file has it."""

_DEVICES = ("/proc/", "/sys/", "/dev/")

Stamps = tuple[tuple[str, Stamp], ...]


def stamp(path: str) -> Stamp:
    """What tells one state of a file from another: times, size and inode; empty where there is none."""
    return stamps([path])[0]


def stamps(paths: Iterable[str]) -> list[Stamp]:
    """The stamp of each of these files: one call for all, as each process looks at hundreds."""
    found: list[Stamp] = []
    for path in paths:
        try:
            status = os.stat(path)
            found.append((status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino))
        except (OSError, ValueError):  # noqa: PERF203 - each is looked at, whatever the others are
            found.append(())
    return found


def unchanged(kept: Collection[tuple[str, Collection[int]]]) -> bool:
    """Whether files are as they were."""
    # Without a frame for each file, for a process may have thousands to look at.
    return stamps(map(itemgetter(0), kept)) == list(map(tuple, map(itemgetter(1), kept)))


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
        with _changing:
            sys.meta_path = [self, *sys.meta_path]

    def __exit__(self, *_: object) -> None:
        _logs.pop(self._thread, None)
        with _changing:
            sys.meta_path = [finder for finder in sys.meta_path if finder is not self]

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> None:
        """Remember who asks."""
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


_changing = threading.Lock()
_logs: dict[int, ImportLog] = {}


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


def rests_on(
    entry: Entry,
    *,
    since: int,
    imported: Collection[str] = (),
    old: Collection[str] = (),
    targeted: Collection[str] = (),
    read: Collection[str] = (),
    sought: Collection[str] = (),
    lacking: bool = True,
) -> tuple[Stamps, Stamps]:
    """The files and the folders whose change may change what a plugin offers, each with its stamp.

    The files are those that :func:`matters` means; the folders, those of packages in which what it lacks may
    yet appear.

    Args:
        entry: The plugin.
        since: When it began to be loaded, in ns since 1970.
        imported: The modules that loading it imported.
        old: Modules that were imported before; their files may have changed since.
        targeted: The modules that its specs name.
        read: The files that it read, such as tables of models.
        sought: The modules that were looked for and not imported.
        lacking: Whether it makes a difference if any of that appears.
    """
    package = package_of(entry)
    files: dict[str, Stamp] = {}
    folders: set[str] = set()
    for name in (*imported, *old):
        origin = getattr(getattr(sys.modules.get(name), "__spec__", None), "origin", None)
        if isinstance(origin, str) and os.path.isabs(origin) and matters(name, origin, package):
            files[origin] = UNSURE if name in old else _stamp(origin, since)
    # A module that failed is not in sys.modules, nor is a target: its file is where a finder sees it.
    for wanted in (module_of(entry.value), *targeted, *(sought if lacking else ())):
        with contextlib.suppress(Exception):  # there is none, or a stranger's finder fails
            for name, spec in targets.levels(wanted):
                origin = spec.origin if spec is not None else None
                if origin and os.path.isabs(origin) and matters(name, origin, package):
                    files.setdefault(origin, _stamp(origin, since))
                folders.update((spec and spec.submodule_search_locations) or ())
    for path in read:
        if matters("", path, package) and not path.startswith(_DEVICES):
            files.setdefault(path, _stamp(path, since))
    return (
        tuple(sorted(files.items())),
        tuple((folder, _stamp(folder, since)) for folder in sorted(folders)) if lacking else (),
    )


def matters(module: str, file: str, package: str) -> bool:
    """Whether a module may change while the metadata of what is installed stay as they are.

    Those of the plugin's own package may, and those outside the folders where installers put packages.
    """
    return module.partition(".")[0] == package or not os.path.realpath(file).startswith(site_folders())


def package_of(entry: Entry) -> str:
    """The outermost package of a plugin."""
    return module_of(entry.value).partition(".")[0]


@functools.cache
def site_folders() -> tuple[str, ...]:
    """The folders where installers put packages, and those of Python itself."""
    import site
    import sysconfig

    folders = [sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib", "platstdlib")]
    folders += [*site.getsitepackages(), site.getusersitepackages()]
    return tuple({os.path.realpath(folder) + os.sep for folder in folders})


def _stamp(path: str, since: int) -> Stamp:
    found = stamp(path)
    # Times that lie ahead are another clock's, and tell nothing; whole seconds are those of a coarse clock.
    ticks = ((when, RACE if when % 1_000_000_000 else COARSE) for when in found[:2])
    recent = any(since - tick <= when <= time.time_ns() + RACE for when, tick in ticks)
    return UNSURE if recent else found
