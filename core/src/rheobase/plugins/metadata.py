"""The distributions on the path, and the files of their metadata, read with care.

Whoever writes them may leave a pipe, a device or a finder there that fails, or never answers. A file is read
only where it is one, and not without end; whatever is about to be looked at is told before.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable, Collection
from typing import Any

from ..specs import PROJECT
from .entry import canonical
from .problem import AMISS, Problem, first_line

POINTS = "entry_points.txt"
"""The file in which a distribution says what it offers to others."""

MODULES = f"{PROJECT}.modules"
"""The group of entry points for modules: ``conformance = some_package`` is ``rheobase.conformance``."""

COMMANDS = f"{PROJECT}.commands"
"""The group of entry points for commands: ``name = module:command``, a command of click."""

LARGEST = 128 << 20
"""How many bytes a file of metadata may have."""

FINDER = "finder "
"""With it begins the place of a finder of distributions."""

_GROUP = re.compile(rf"^[ \t]*\[[ \t]*{PROJECT}\s*(?P<end>\]|$)", re.MULTILINE)


class UnreadableError(Exception):
    """Metadata that cannot be read; the message says why."""


def search_path() -> list[str]:
    """The path; whatever else a program puts there, Python passes over."""
    return [folder for folder in sys.path if isinstance(folder, str)]


def distributions(
    problems: list[Problem],
    *,
    at: Callable[[str], None] = lambda place: None,
    without: Collection[str] = (),
) -> list[Any]:
    """The distributions that all finders find, in the order of the path.

    Args:
        problems: Takes up those of finders that fail, and of what lies on the path and cannot be searched.
        at: Called with each place before it is looked at.
        without: The places that are passed over.
    """
    import importlib_metadata

    context: Any = importlib_metadata.DistributionFinder.Context
    path = [folder for folder in search_path() if _searchable(folder, problems)]
    found: list[Any] = []
    for finder in list(sys.meta_path):
        find = getattr(finder, "find_distributions", None)
        if find is None:
            continue
        own = isinstance(finder, importlib_metadata.MetadataPathFinder)
        kind = finder if isinstance(finder, type) else type(finder)
        for folders in [[folder] for folder in path] if own else [path]:
            place = folders[0] or os.curdir if own else f"{FINDER}{kind.__module__}.{kind.__qualname__}"
            if place in without:
                continue
            at(place)
            try:
                for each in find(context(path=folders)):
                    stem(each)
                    found.append(each)
            except Exception as error:
                problems.append(amiss(place, f"it fails: {first_line(error)}"))
    return found


def extensions(group: str) -> dict[str, str]:
    """What installed distributions add to Rheobase itself; the first on the path wins. Imports nothing.

    Metadata that cannot be read add nothing: ``rheobase doctor`` tells of them.

    Returns:
        Name -> ``module``, or ``module:object``.
    """
    found: dict[str, str] = {}
    for distribution in distributions([]):
        if f"[{group}]" not in text_of(distribution, POINTS):
            continue
        try:
            points = distribution.entry_points.select(group=group)
            found = {point.name: point.value for point in points} | found
        except Exception:  # a stranger's metadata may raise anything
            continue
    return found


def _searchable(folder: str, problems: list[Problem]) -> bool:
    """Whether Python would search it: a folder or an archive. A pipe would be waited for without end."""
    try:
        mode = os.stat(folder or os.curdir).st_mode
    except (OSError, ValueError):
        return False
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        problems.append(amiss(folder, "it is neither a folder nor a file"))
    return stat.S_ISDIR(mode) or stat.S_ISREG(mode)


def amiss(place: str, cause: str) -> Problem:
    """That a place on the path, or a finder, cannot be used."""
    what = place if place.startswith(FINDER) else f"{place!r} on the path"
    cause = f"{cause}, so distributions that it may know are not seen"
    return Problem(AMISS, what, cause, "Mend it, or remove it")


def folder_of(found: Any) -> str:
    """The folder of a distribution's metadata."""
    return str(getattr(found, "_path", None) or found.locate_file(""))


def stem(found: Any) -> str:
    """The name that the folder of metadata begins with; that of an egg may have no version after it."""
    folder = os.path.basename(folder_of(found))
    return canonical(re.sub(r"\.(dist-info|egg-info|egg)$", "", folder).partition("-")[0])


def read_file(path: str) -> bytes:
    """Read a file; raises ``OSError`` where it is something else, such as a pipe, or too large."""
    # Without waiting for whoever would write into a pipe.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags), "rb") as file:
        _require_file(os.fstat(file.fileno()), "it")
        return file.read(LARGEST)


def check(found: Any, *names: str) -> None:
    """See that files of metadata can be read, before something reads them that does not look.

    None need be there; raises ``OSError`` if one is something else, or too large.
    """
    import pathlib  # here: an index that still holds needs none

    path = getattr(found, "_path", None)
    if not isinstance(path, pathlib.Path):  # in an archive, or of a finder's own
        return
    for name in names:
        try:
            status = os.stat(f"{path}{os.sep}{name}" if name else path)
        except OSError:
            continue
        if name or not stat.S_ISDIR(status.st_mode):
            _require_file(status, name or "it")


def _require_file(status: os.stat_result, name: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(f"{name} is no file")
    if status.st_size > LARGEST:
        raise OSError(f"{name} has {status.st_size >> 20} MiB")


def text_of(found: Any, name: str) -> str:
    """A file of metadata; empty: it is not there, or cannot be read."""
    try:
        check(found, name)
        return found.read_text(name) or ""
    except Exception:
        return ""


def points_of(folder: str) -> str:
    """The entry points in a folder of metadata, with whatever of them can be decoded."""
    try:
        # Without what another encoding has between letters.
        plain = read_file(os.path.join(folder, POINTS)).replace(b"\0", b"").decode("utf-8", "replace")
        return plain.lstrip("\ufeff\ufffd")
    except OSError:
        return ""


def names_group(text: str) -> bool:
    """Whether entry points have any for Rheobase; raises ``UnreadableError`` if that cannot be told."""
    found = _GROUP.search(text)
    if found is not None and not found["end"]:
        raise UnreadableError(f"{POINTS} has the line {found[0].strip()!r}, which lacks its ']'")
    return found is not None
