"""Finds the plugins that are installed, from the metadata of distributions alone."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from ..specs import PROJECT, VERSION
from . import metadata
from .compatibility import SPEC_GROUP, about_core, judge
from .entry import Entry, canonical
from .host import Host
from .metadata import POINTS, UnreadableError, names_group, points_of
from .problem import AMISS, LONGEST, UNREADABLE, Problem, brief, first_line

MOST = 1 << 20
"""How many bytes the plugins of one distribution may take in an answer: a scan has one for all."""

NAMED = 3
"""How many plugins a message about their distribution names."""

_FOLDER = re.compile(r"(?P<name>.+?)-(?P<version>\d[^-]*)(?:-.*)?\.(?:dist|egg)-info")


class Scan(NamedTuple):
    """What is installed.

    Args:
        entries: The plugins, sorted.
        problems: The distributions whose metadata cannot be read.
    """

    entries: tuple[Entry, ...] = ()
    problems: tuple[Problem, ...] = ()

    @classmethod
    def from_plain(cls, plain: Any) -> Scan:
        """A scan of values that JSON knows."""
        entries = tuple(map(Entry.from_plain, plain["entries"]))
        return cls(entries, tuple(Problem(**each) for each in plain["problems"]))

    def to_plain(self) -> dict[str, Any]:
        """As values that JSON knows."""
        return {
            "entries": [entry._asdict() for entry in self.entries],
            "problems": [problem._asdict() for problem in self.problems],
        }


def scan(
    host: Host | None = None,
    *,
    at: Callable[[str], None] = lambda place: None,
    without: Collection[str] = (),
) -> Scan:
    """Read the entry points of all installed distributions; imports none of them.

    A distribution that is there twice, as an editable install over a regular one or through a linked folder,
    counts once: as the one that Python imports, the first on the path.

    Args:
        host: The spec versions of the host; default: this one's.
        at: Called with each place before it is looked at, in case that never ends.
        without: The places that are passed over.

    Returns:
        The entry points of the group ``rheobase``, sorted by distribution and name.
    """
    # Here, not above: it costs more than all else together, and an index that is still valid needs none.
    import importlib_metadata

    importlib_metadata.MetadataPathFinder().invalidate_caches()
    host = host or Host()
    amiss: list[Problem] = []
    every = metadata.distributions(amiss, at=at, without=without)
    problems = set(amiss)
    # Asked for by name, importlib_metadata gives the distribution that the first folder of the path holds,
    # and passes over one without metadata.
    same: dict[str, list[Any]] = {}
    for found in every:
        same.setdefault(metadata.stem(found), []).append(found)
    # The parser is the dearest part of a scan, so only plugins' metadata is parsed, and most of it once.
    plugins = []
    for found in every:
        if (folder := metadata.folder_of(found)) not in without:
            at(folder)
            if missing := _without_metadata(folder):
                problems.add(missing)
            elif _is_plugin(found, problems):
                plugins.append(found)
    entries: set[Entry] = set()
    for found in plugins:
        at(metadata.folder_of(found))
        alike = same[metadata.stem(found)]
        if len(alike) == 1 or found is _first(alike, problems):
            entries.update(_entries(found, same, host, problems))
    return Scan(tuple(sorted(entries)), tuple(sorted(problems, key=lambda each: each.message)))


def _first(alike: list[Any], problems: set[Problem]) -> Any:
    """Of distributions with one name, that which counts."""
    for found in alike:
        if any(metadata.text_of(found, name) for name in ("METADATA", "PKG-INFO", "")):
            return found
        try:
            _about(found)
        except Exception as error:
            problems.add(_unreadable(found, error))
    return alike[0]


def _is_plugin(found: Any, problems: set[Problem]) -> bool:
    try:
        try:
            metadata.check(found, POINTS)
            text = _read(POINTS, lambda: found.read_text(POINTS) or "")
            plain = text.replace("\0", "").lstrip("\ufeff")
            if plain != text and names_group(plain):
                raise UnreadableError(f"{POINTS} is not UTF-8 without a byte-order mark, as it must be")
        except (OSError, UnreadableError) as error:
            if names_group(points_of(metadata.folder_of(found))) or isinstance(error, OSError):
                raise
            return False  # what others write is not for this host to judge
        return names_group(text)
    except Exception as error:
        problems.add(_unreadable(found, error))
        return False


def _entries(found: Any, others: Collection[str], host: Host, problems: set[Problem]) -> list[Entry]:
    """The plugins of a distribution.

    Args:
        found: The distribution.
        others: The names that the folders of metadata have.
        host: The spec versions of the host.
        problems: Takes up what is amiss.
    """
    try:
        about = _about(found)  # parsed anew each time that it is asked for
        name, release = str(about["Name"]), str(about["Version"])
        requires = about_core(about.get_all("Requires-Dist") or [])
        points = _read(POINTS, lambda: found.entry_points)
        specs = {point.name: point.value for point in points.select(group=SPEC_GROUP)}
        own = [(each.name, each.value, specs.get(each.name, "")) for each in points.select(group=PROJECT)]
        # With the names of the fields, and what is said of each.
        size = 300 + sum(map(len, (name, release, *requires)))
        if sum(size + sum(map(len, texts)) for texts in own) > MOST:
            raise UnreadableError(f"what its metadata say of plugins is more than {MOST >> 20} MiB")
        problems.update(_unnamed(name, spec) for spec in sorted(specs.keys() - {each[0] for each in own}))
        entries = []
        for point, value, spec in own:
            unfit, upgrade = judge(name, requires, spec, VERSION, host)
            if canonical(name) == PROJECT:  # the core needs no entry point, and its name is no other's
                unfit, upgrade = "it has the name of the core", f"Remove {metadata.folder_of(found)}"
            elif canonical(name) != metadata.stem(found) and canonical(name) in others:
                cause = f"its folder is {metadata.folder_of(found)}, and {name} is another distribution"
                unfit, upgrade = cause, f"Remove {metadata.folder_of(found)}"
            unfit = brief(unfit)
            entry = Entry(name, release, point, value, requires, spec, unfit, upgrade)
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
    _read("METADATA", lambda: metadata.check(found, "METADATA", "PKG-INFO", ""))
    about = _read("METADATA", lambda: found.metadata)
    for field in ("Name", "Version"):
        said = str(about.get(field) or "")
        if not said:
            raise UnreadableError(f"METADATA cannot be read: it has no {field}")
        if not said.isprintable() or len(said) > LONGEST:
            raise UnreadableError(f"METADATA cannot be read: its {field} is not one short line")
    return about


def _read(what: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except Exception as error:
        raise UnreadableError(f"{what} cannot be read: {first_line(error)}") from error


def _unreadable(found: Any, error: Exception) -> Problem:
    folder = metadata.folder_of(found)
    cause = str(error) if isinstance(error, UnreadableError) else f"cannot be read: {first_line(error)}"
    for line in map(str.strip, points_of(folder).splitlines()):
        if line and not line.startswith(("#", "[")) and "=" not in line:
            cause = f'{POINTS} has the line {line!r}; write it as name = "package.module:object"'
            break
    return unreadable(folder, cause)


def unreadable(folder: str, cause: str) -> Problem:
    """The problem of a distribution whose metadata cannot be read, with what can be told of it nonetheless.

    Args:
        folder: The folder of its metadata; distribution and version are told from its name.
        cause: What is wrong.
    """
    told = _FOLDER.fullmatch(os.path.basename(folder))
    name = canonical(told["name"] if told else os.path.splitext(os.path.basename(folder))[0])
    version = told["version"] if told else ""
    _, _, section = points_of(folder).replace(" ", "").partition(f"[{PROJECT}]\n")
    lines = section.partition("\n[")[0].splitlines()
    points = [line.partition("=") for line in lines if re.fullmatch(r"[\w.-]+=[\w.:]+", line)]
    subject = f"distribution {name} {version}".strip()
    if points:
        plugins = ", ".join(repr(point) for point, _, _ in points[:NAMED])
        plugins += f" and {len(points) - NAMED} more" if len(points) > NAMED else ""
        subject = f"plugin {plugins} of {name} {version}".strip()
    said = "".join(f'entry point {point} = "{value}", ' for point, _, value in points[:NAMED])
    wanted = f"{name}=={version}" if version else name
    # In this order: pip can neither remove nor replace what it cannot read, and some versions stop at it.
    mend = f"Remove that folder, and install it again: pip install --no-deps {wanted}, or disable it: "
    mend += f"RHEOBASE_DISABLE={name}"
    return Problem(
        UNREADABLE, subject, f"{cause} ({said}in {folder})", mend, distribution=name, version=version
    )


def passed_over(place: str, failure: str) -> Problem:
    """That a scan could not get past a place: a folder of metadata, another of the path, or a finder."""
    if place.endswith(("-info", ".egg")):
        return unreadable(place, failure)
    return metadata.amiss(place or "something", failure)


def _without_metadata(folder: str) -> Problem | None:
    """That a folder of metadata has none, as an installation leaves it that was interrupted."""
    if not folder.endswith(".dist-info") or not os.path.lexists(folder):
        return None
    path = os.path.join(folder, "METADATA")
    if os.path.isfile(path) and os.access(path, os.R_OK):
        return None
    if os.path.isfile(os.path.join(folder, POINTS)):
        return None  # known to be a plugin, or known to be none
    site, name = os.path.split(folder)
    cause = "its metadata are missing, so it cannot be told whether it holds a plugin"
    return unreadable(os.path.join(os.path.realpath(site), name), cause)
