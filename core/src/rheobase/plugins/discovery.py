"""Finds the plugins that are installed, from the metadata of distributions alone."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from ..specs import PROJECT
from .compatibility import SPEC_GROUP, Host, about_core, judge
from .entry import Entry, canonical
from .problem import AMISS, Problem
from .unreadable import POINTS, UnreadableError, empty, fault, names_group, text_of, unreadable

LONGEST = 500
"""The most characters of a message that a plugin makes up."""


class Scan(NamedTuple):
    """What is installed.

    Args:
        entries: The plugins, sorted.
        problems: The distributions whose metadata cannot be read.
        version: The version of the core; empty where its metadata are missing.
    """

    entries: tuple[Entry, ...] = ()
    problems: tuple[Problem, ...] = ()
    version: str = ""


def first_line(error: BaseException) -> str:
    """The type of an exception and the first line of its message.

    Example:
        >>> first_line(ModuleNotFoundError("No module named 'jax'"))
        "ModuleNotFoundError: No module named 'jax'"
    """
    try:
        lines = str(error).strip().splitlines()
    except KeyboardInterrupt:
        raise
    except BaseException:  # a stranger's exception may fail to print
        lines = []
    return brief(f"{type(error).__name__}: {lines[0]}") if lines else type(error).__name__


def brief(text: str) -> str:
    """A text, or its beginning where it is too long for a message.

    Example:
        >>> len(brief("very " * 1000))
        500
    """
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 4]} ..."


def scan(host: Host | None = None) -> Scan:
    """Read the entry points of all installed distributions; imports none of them.

    A distribution that is there twice, as an editable install over a regular one or through a linked folder,
    counts once: as the one that Python imports, the first on the path.

    Args:
        host: The spec versions of the host; default: this one's.

    Returns:
        The entry points of the group ``rheobase``, sorted by distribution and name.

    Example:
        >>> all(entry.distribution for entry in scan().entries)
        True
    """
    # Here, not above: it costs more than all else together, and an index that is still valid needs none.
    import importlib_metadata

    importlib_metadata.MetadataPathFinder().invalidate_caches()
    host = host or Host()
    problems: set[Problem] = set(empty())
    try:
        version = importlib_metadata.version(PROJECT)
    except importlib_metadata.PackageNotFoundError:  # run from a source tree
        version = ""
    every = list(importlib_metadata.distributions())
    # The parser is the dearest part of a scan, so only plugins' metadata is parsed, and most of it once.
    times = Counter(map(_stem, every))
    plugins = [found for found in every if _is_plugin(found, problems)]
    entries: set[Entry] = set()
    for found in plugins:
        if times[_stem(found)] == 1:
            entries.update(_entries(found, version, host, problems))
    # Asked for by name, importlib_metadata gives the distribution that the first folder of the path holds,
    # and passes over one without metadata.
    for name in {_name(found, problems) for found in plugins if times[_stem(found)] > 1} - {""}:
        same = [found for found in plugins if _name(found, problems) == name]
        entries.update(_entries(_first(name, same), version, host, problems))
    return Scan(tuple(sorted(entries)), tuple(sorted(problems, key=lambda each: each.message)), version)


def _stem(found: Any) -> str:
    """The name that the folder of metadata begins with; that of an egg may have no version after it."""
    folder = os.path.basename(_folder(found))
    return canonical(re.sub(r"\.(dist-info|egg-info|egg)$", "", folder).partition("-")[0])


def _first(name: str, same: list[Any]) -> Any:
    import importlib_metadata

    try:
        return importlib_metadata.distribution(name)
    except importlib_metadata.PackageNotFoundError:  # their folders have another name than their metadata
        return same[0]


def _is_plugin(found: Any, problems: set[Problem]) -> bool:
    try:
        try:
            text = _read(POINTS, lambda: found.read_text(POINTS) or "")
        except UnreadableError:
            if names_group(text_of(_folder(found))):
                raise
            return False  # what others write is not for this host to judge
        return names_group(text)
    except Exception as error:
        problems.add(_unreadable(found, error))
        return False


def _name(found: Any, problems: set[Problem]) -> str:
    try:
        return canonical(str(_about(found)["Name"]))
    except Exception as error:
        problems.add(_unreadable(found, error))
        return ""


def _entries(found: Any, version: str, host: Host, problems: set[Problem]) -> list[Entry]:
    try:
        about = _about(found)  # parsed anew each time that it is asked for
        name, release = str(about["Name"]), str(about["Version"])
        requires = about_core(about.get_all("Requires-Dist") or [])
        points = _read(POINTS, lambda: found.entry_points)
        specs = {point.name: point.value for point in points.select(group=SPEC_GROUP)}
        entries = []
        names = {point.name for point in points.select(group=PROJECT)}
        problems.update(_unnamed(name, spec) for spec in sorted(specs.keys() - names))
        for point in points.select(group=PROJECT):
            spec = specs.get(point.name, "")
            unfit, upgrade = judge(name, requires, spec, version, host)
            entry = Entry(name, release, point.name, point.value, requires, spec, unfit, upgrade)
            entries.append(entry)
        return entries
    except Exception as error:
        problems.add(_unreadable(found, error))
        return []


def _unnamed(distribution: str, spec: str) -> Problem:
    cause = f"its metadata give a spec version for {spec!r}, and it has no plugin of that name"
    mend = f'In [project.entry-points."{SPEC_GROUP}"], use the names of [project.entry-points.{PROJECT}]'
    return Problem(AMISS, f"a plugin of {distribution}", cause, mend, distribution=distribution)


def _about(found: Any) -> Any:
    about = _read("METADATA", lambda: found.metadata)
    for field in ("Name", "Version"):
        if not about.get(field):
            raise UnreadableError(f"METADATA cannot be read: it has no {field}")
    return about


def _read(what: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except Exception as error:
        raise UnreadableError(f"{what} cannot be read: {first_line(error)}") from error


def _unreadable(found: Any, error: Exception) -> Problem:
    folder = _folder(found)
    cause = str(error) if isinstance(error, UnreadableError) else f"cannot be read: {first_line(error)}"
    return unreadable(folder, fault(text_of(folder)) or cause)


def _folder(found: Any) -> str:
    return str(getattr(found, "_path", None) or found.locate_file(""))
