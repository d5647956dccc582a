"""Which files the outcome of a plugin rests on, and what tells one state of them from another."""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Collection, Iterable, Iterator
from importlib.machinery import ModuleSpec

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
    """What tells one state of a file from another.

    Returns:
        Times, size and inode; empty where there is no such file.

    Example:
        >>> stamp("no/such/file")
        ()
    """
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
    """Whether files are as they were.

    Example:
        >>> unchanged([("no/such/file", ())]), unchanged([("no/such/file", UNSURE)])
        (True, False)
    """
    return stamps([path for path, _ in kept]) == [tuple(then) for _, then in kept]


def rests_on(
    entry: Entry,
    *,
    since: int,
    imported: Collection[str] = (),
    old: Collection[str] = (),
    targets: Collection[str] = (),
    read: Collection[str] = (),
    sought: Collection[str] = (),
    lacking: bool = True,
) -> tuple[Stamps, Stamps]:
    """The files and the folders whose change may change what a plugin offers.

    The files are those that :func:`matters` means; the folders, those of packages in which what it lacks may
    yet appear.

    Args:
        entry: The plugin.
        since: When it began to be loaded, in ns since 1970.
        imported: The modules that loading it imported.
        old: Modules that were imported before; their files may have changed since.
        targets: The modules that its specs name.
        read: The files that it read, such as tables of models.
        sought: The modules that were looked for and not imported.
        lacking: Whether it makes a difference if any of that appears.

    Returns:
        Files and folders, each with its stamp.
    """
    package = package_of(entry)
    files: dict[str, Stamp] = {}
    folders: set[str] = set()
    for name in (*imported, *old):
        origin = getattr(getattr(sys.modules.get(name), "__spec__", None), "origin", None)
        if isinstance(origin, str) and os.path.isabs(origin) and matters(name, origin, package):
            files[origin] = UNSURE if name in old else _stamp(origin, since)
    # A module that failed is not in sys.modules, nor is a target: its file is where a finder sees it.
    for wanted in (module_of(entry.value), *targets, *(sought if lacking else ())):
        for name, found in _way_to(wanted):
            origin = found.origin
            if origin and os.path.isabs(origin) and matters(name, origin, package):
                files.setdefault(origin, _stamp(origin, since))
            folders.update(found.submodule_search_locations or ())
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

    Args:
        module: The module.
        file: Its file.
        package: The plugin's package.

    Example:
        >>> matters("json", os.__file__, "toy_models"), matters("toy_models", os.__file__, "toy_models")
        (False, True)
    """
    return module.partition(".")[0] == package or not os.path.realpath(file).startswith(_site_folders())


def package_of(entry: Entry) -> str:
    """The outermost package of a plugin.

    Example:
        >>> package_of(Entry("toy-models", "1.2", "toy", "toy_models.plugin:hooks"))
        'toy_models'
    """
    return module_of(entry.value).partition(".")[0]


def _stamp(path: str, since: int) -> Stamp:
    found = stamp(path)
    # Times that lie ahead are another clock's, and tell nothing.
    recent = any(since - _tick(when) <= when <= time.time_ns() + RACE for when in found[:2])
    return UNSURE if recent else found


def _tick(when: int) -> int:
    """For how long the clock that told a time may stand still, ns."""
    return RACE if when % 1_000_000_000 else COARSE


def _way_to(module: str) -> Iterator[tuple[str, ModuleSpec]]:
    """A module's parents and the module, as far as they can be found."""
    from . import targets

    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        name = ".".join(parts[:depth])
        try:
            spec = getattr(sys.modules.get(name), "__spec__", None) or targets.find(name)
        except Exception:  # there is none, or a stranger's finder fails
            return
        if spec is not None:
            yield name, spec


def warm_up() -> None:
    """Find out now what is the same for all plugins."""
    _site_folders()


@functools.cache
def _site_folders() -> tuple[str, ...]:
    import site
    import sysconfig

    folders = [sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib", "platstdlib")]
    folders += [*site.getsitepackages(), site.getusersitepackages()]
    return tuple({os.path.realpath(folder) + os.sep for folder in folders})
