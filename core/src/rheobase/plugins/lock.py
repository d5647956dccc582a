"""Locks plugins as they are, and says later which are not as they were locked; imports none of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ..errors import PluginError
from . import lockfile
from .entry import Entry, by_distribution, canonical
from .lockfile import Locked
from .trusted import Trusted
from .verified import Verified


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
    """Look at plugins as they are.

    Args:
        entries: The plugins.

    Returns:
        Their distributions, with a hash of each file.

    Example:
        >>> take([Entry("toy-models", "1.2", "toy", "toy_models")]).unread.keys()
        dict_keys(['toy-models'])
    """
    from . import contents

    taken = Taken({}, {}, ())
    altered: list[str] = []
    for name, group in sorted(by_distribution(entries).items()):
        try:
            found = contents.take(name)
        except PluginError as error:
            taken.unread[name] = str(error)
            continue
        if stray := next((entry for entry in group if (entry.name, entry.value) not in found.points), None):
            taken.unread[name] = _stray(stray)
            continue
        taken.plugins[name] = Locked(found.version, found.record, found.files)
        altered += [f"{path} of {name} {found.version} {how}" for path, how in found.altered.items()]
    return taken._replace(altered=tuple(altered))


def refused(path: str, entries: Iterable[Entry], *, anew: bool = False) -> dict[Entry, str]:
    """The plugins that are not as a lock file has them; see :func:`judge`."""
    return judge(path, entries, anew=anew)[0]


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
    known = Verified.load(path)
    every = sorted(by_distribution(entries).items())
    groups = [each for each in every if anew or not known.holds(*each)]
    trusted = {each[0]: known.trusted(each[0]) for each in every if each not in groups}
    if not groups:
        return {}, trusted
    from . import contents  # here: it takes time, and what has not changed needs none

    locked = lockfile.read(path)
    causes: dict[Entry, str] = {}
    for name, group in groups:
        if name not in locked:
            causes |= dict.fromkeys(group, f"it is not in {path}")
            continue
        try:
            found = contents.take(name)
        except PluginError as error:
            causes |= dict.fromkeys(group, str(error))
            continue
        for entry in group:
            stray = (entry.name, entry.value) not in found.points
            now = Locked(str(entry.version), found.record, found.files)
            if cause := _stray(entry) if stray else difference(locked[name], now, path):
                causes[entry] = cause
        if not any(entry in causes for entry in group):
            known.add(name, group, found)
            trusted[name] = found.trusted
    known.save()
    return causes, trusted


def difference(before: Locked, now: Locked, path: str) -> str:
    """What differs between a distribution and the lock file, in one line.

    Args:
        before: As the lock file has it.
        now: As it is.
        path: The lock file.

    Returns:
        The version, else the files, else the RECORD; empty: nothing.

    Example:
        >>> one, two = Locked("1.0", "", {"toy.py": "9f", "c.py": "4a"}), Locked("1.0", "", {"toy.py": "60"})
        >>> difference(one, two, "/x/rheobase.lock")
        'toy.py has changed, and c.py is gone, since /x/rheobase.lock was written'
        >>> difference(one, one, "/x/rheobase.lock")
        ''
    """
    if before.version != now.version:
        return f"its version is {now.version}, and {path} has {before.version}"
    both = before.files.keys() & now.files.keys()
    changed = sorted(file for file in both if before.files[file] != now.files[file])
    added, gone = sorted(now.files.keys() - both), sorted(before.files.keys() - both)
    told = [
        *_told(changed, "has", "have", "changed"),
        *_told(added, "was", "were", "added"),
        *_told(gone, "is", "are", "gone"),
    ]
    if not told and before.record != now.record:
        told = ["its RECORD has changed"]
    if not told:
        return ""
    return f"{', and '.join(told)}{',' if len(told) > 1 else ''} since {path} was written"


def absent(locked: Iterable[str], entries: Iterable[Entry]) -> list[str]:
    """The distributions that a lock file has and that are not installed.

    Args:
        locked: The names in the lock file.
        entries: All installed plugins.

    Example:
        >>> absent(["adex", "toy-models"], [Entry("Toy_Models", "1.2", "toy", "toy_models")])
        ['adex']
    """
    return sorted(set(locked) - {canonical(entry.distribution) for entry in entries})


def compare(before: Mapping[str, Locked], now: Mapping[str, Locked], path: str) -> dict[str, str]:
    """What differs between two locks.

    Args:
        before: The lock of before.
        now: The lock of now.
        path: The lock file.

    Returns:
        Name of a distribution -> what differs, for all that either of them has; empty: nothing.
    """
    changes = {}
    for name in sorted(before.keys() | now.keys()):
        if name not in now:
            changes[name] = f"no longer in {path}"
        elif name not in before:
            changes[name] = "new"
        else:
            changes[name] = difference(before[name], now[name], path)
    return changes


def _told(files: Sequence[str], one: str, several: str, what: str) -> list[str]:
    if len(files) > 1:
        return [f"{files[0]} and {len(files) - 1} more {several} {what}"]
    return [f"{file} {one} {what}" for file in files]


def _stray(entry: Entry) -> str:
    return f"its entry point is not in the metadata that Python finds for {entry.distribution}"
