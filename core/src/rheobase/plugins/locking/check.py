"""Locks plugins as they are, and says later which are not as they were locked; imports none of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from ...errors import PluginError
from ..entry import Entry, by_distribution, canonical
from . import lockfile
from .loading import Trusted
from .lockfile import Locked, difference
from .verified import Verified

if TYPE_CHECKING:
    from .contents import Contents


class Taken(NamedTuple):
    """Plugins as they are.

    Args:
        plugins: Name of a distribution -> how it is to be locked.
        unread: Those that cannot be locked, each with the cause.
        altered: Which of their files are not as they were installed, a line each.
    """

    plugins: dict[str, Locked]
    unread: dict[str, str]
    altered: tuple[str, ...]


def take(entries: Iterable[Entry]) -> Taken:
    """Look at the distributions of plugins as they are, with a hash of each file."""
    taken = Taken({}, {}, ())
    altered: list[str] = []
    for name, group in sorted(by_distribution(entries).items()):
        found = _contents(name)
        stray = [] if isinstance(found, str) else [entry for entry in group if _is_stray(entry, found)]
        if isinstance(found, str):
            taken.unread[name] = found
        elif stray:
            taken.unread[name] = _stray(stray[0])
        else:
            taken.plugins[name] = Locked(found.version, found.record, found.files)
            altered += [f"{path} of {name} {found.version} {how}" for path, how in found.altered.items()]
    return taken._replace(altered=tuple(altered))


def judge(
    path: str, entries: Iterable[Entry], *, anew: bool = False
) -> tuple[dict[Entry, str], dict[str, Trusted]]:
    """Which plugins are not as a lock file has them, and which are.

    Args:
        path: The lock file.
        entries: The plugins.
        anew: Whether to hash every file, also those that show no change since they were hashed.

    Returns:
        Those that are not, each with the cause, in one line; and what is trusted of the others.

    Raises:
        ConfigurationError: If the lock file cannot be read.
    """
    known = Verified(path)
    causes: dict[Entry, str] = {}
    trusted: dict[str, Trusted] = {}
    locked: dict[str, Locked] | None = None
    for name, group in sorted(by_distribution(entries).items()):
        if not anew and known.holds(name, group):
            trusted[name] = known.trusted(name)
            continue
        locked = lockfile.read(path) if locked is None else locked
        if name not in locked:
            causes |= dict.fromkeys(group, f"it is not in {path}")
            continue
        found = _contents(name)
        if isinstance(found, str):
            causes |= dict.fromkeys(group, found)
            continue
        for entry in group:
            now = Locked(str(entry.version), found.record, found.files)
            if cause := _stray(entry) if _is_stray(entry, found) else difference(locked[name], now, path):
                causes[entry] = cause
        if not any(entry in causes for entry in group):
            known.add(name, group, found)
            trusted[name] = found.trusted
    known.save()
    return causes, trusted


def absent(locked: Iterable[str], entries: Iterable[Entry]) -> list[str]:
    """The distributions that a lock file has and that are not installed."""
    return sorted(set(locked) - {canonical(entry.distribution) for entry in entries})


def _contents(distribution: str) -> Contents | str:
    """What a distribution consists of, or why that cannot be told."""
    from . import contents  # here: it takes time, and what has not changed needs none

    try:
        return contents.take(distribution)
    except PluginError as error:
        return str(error)


def _is_stray(entry: Entry, found: Contents) -> bool:
    return (entry.name, entry.value) not in found.points


def _stray(entry: Entry) -> str:
    return f"its entry point is not in the metadata that Python finds for {entry.distribution}"
