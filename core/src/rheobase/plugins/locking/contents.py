"""The files of an installed distribution and their hashes, and whether they are those that were installed.

They are all files that its RECORD lists; those that were added to its own packages, where an extension module
stands in for the source beside it; and the packages in which Python finds its plugins now, wherever they are:
the sources of an editable install, or what shadows the distribution. Nothing of it is imported.

Left out is what differs from one machine to the next though the distribution is the same: ``__pycache__``,
the scripts, and what installers note for themselves. What it needs of other distributions is not looked at.
"""

from __future__ import annotations

import base64
import csv
import os
from collections.abc import Iterable, Sequence
from importlib.machinery import all_suffixes
from typing import Any, NamedTuple

from ...errors import PluginError
from ...specs import PROJECT
from ..entry import module_of
from ..evidence import Stamps, stamp
from ..metadata import POINTS, check, text_of
from ..problem import first_line
from ..targets import way
from .files import Files, hash_of
from .loading import Trusted

_NOTES = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_build.json", "uv_cache.json")
"""What installers write into the folder of metadata for themselves."""

_SCRIPTS = ("bin", "Scripts")


class Contents(NamedTuple):
    """What a distribution consists of.

    Args:
        version: Its version.
        record: A hash over the paths and hashes of its RECORD; empty: it has none.
        files: Each file with its hash. A file is called as in RECORD; one that Python finds elsewhere, by its
            whole path.
        altered: The files that are not as RECORD has them, each with how.
        points: The names and values of its plugins' entry points.
        ways: Module of a plugin -> the files that Python would run on the way to it.
        seen: Each file and folder that was looked at, with the stamp that it had before that.
        trusted: What it is imported from, if it is as it was locked.
    """

    version: str
    record: str
    files: dict[str, str]
    altered: dict[str, str]
    points: tuple[tuple[str, str], ...]
    ways: dict[str, list[str]]
    seen: Stamps
    trusted: Trusted


def take(distribution: str) -> Contents:
    """Look at all files of a distribution; raises ``PluginError`` if one of them cannot be read."""
    try:
        found, version, points, rows = _metadata(distribution)
    except Exception as error:
        raise PluginError(f"its metadata cannot be read: {first_line(error)}") from error
    info = str(getattr(found, "_path", "")).rstrip(os.sep + "/")
    if not info:
        raise PluginError(f"the folder of its metadata is not to be had of {type(found).__name__}")
    info = os.path.abspath(info)  # on the path of an interactive session, the working folder is ""
    site, name = os.path.split(info)
    rows = {path: noted for path, noted in rows.items() if not _left_out(path, name)}
    files = Files()
    missing = [path for path in sorted(rows) if not files.add(path, os.path.join(site, path))]
    files.walk(name, info, without=frozenset(_NOTES))
    packages = _packages(rows)
    for package in sorted(packages):
        files.walk(package, os.path.join(site, package))
    lone = _lone_modules(rows, packages)
    for folder, modules in lone.items():
        files.walk(folder, os.path.join(site, folder), modules=modules)
    own = set(files.hashes)
    brought = {_dotted(package) for package in packages if not package.startswith(("..", "/"))}
    brought |= {_dotted(f"{folder}/{name}") for folder, modules in lone.items() for name in modules}
    # Whatever of it Python is asked for: the module of a model may be another than that of the hook.
    ways = {module: way(module) for module in sorted(brought | {module_of(value) for _, value in points})}
    for module, run in ways.items():
        _add_way(files, module, run, rows)
    altered = dict.fromkeys(missing, "is missing")
    if rows:
        altered |= {path: "is not as it was installed" for path in rows if _differs(path, rows, files)}
        altered |= dict.fromkeys(sorted(own - rows.keys()), "was added")
    record = "".join(f"{path},{rows[path]}\n" for path in sorted(rows))
    # Installers' notes are no part of it, but what it should be is told from one of them.
    files.seen[os.path.join(info, "RECORD")] = stamp(os.path.join(info, "RECORD"))
    modules = brought | {".".join(module.split(".")[: len(run)]) for module, run in ways.items() if run}
    return Contents(
        version,
        hash_of(record.encode("utf-8", "surrogateescape")) if rows else "",
        files.hashes,
        altered,
        points,
        ways,
        tuple(files.seen.items()),
        Trusted(files.places, sorted(modules)),
    )


def _metadata(distribution: str) -> tuple[Any, str, tuple[tuple[str, str], ...], dict[str, str]]:
    import importlib_metadata

    # Not by the finders of others where it can be helped: they may fail, or never answer.
    context: Any = importlib_metadata.DistributionFinder.Context
    alike = list(importlib_metadata.MetadataPathFinder.find_distributions(context(name=distribution)))
    valid = (each for each in alike if any(text_of(each, name) for name in ("METADATA", "PKG-INFO", "")))
    found = next(valid, None) or importlib_metadata.distribution(distribution)
    version, points, record = _about(found)
    if not record:
        # In the folder of its sources, what setuptools left there may hide the metadata of the installation.
        for other in alike:
            if _about(other)[:2] == (version, points) and _about(other)[2]:
                found, (_, _, record) = other, _about(other)
                break
    lines = csv.reader(record.splitlines())
    rows = {line[0].replace("\\", "/"): line[1] if len(line) > 1 else "" for line in lines if line}
    return found, version, points, rows


def _about(found: Any) -> tuple[str, tuple[tuple[str, str], ...], str]:
    """The version, the plugins' entry points, and the RECORD."""
    check(found, POINTS, "METADATA", "PKG-INFO", "RECORD", "")
    points = sorted((each.name, each.value) for each in found.entry_points.select(group=PROJECT))
    return str(found.version), tuple(points), found.read_text("RECORD") or ""


def _left_out(path: str, info: str) -> bool:
    *folders, name = path.split("/")
    return (
        "__pycache__" in folders
        or (folders == [info] and name in _NOTES)
        or (folders[:1] == [".."] and folders[-1] in _SCRIPTS)
    )


def _packages(rows: Iterable[str]) -> set[str]:
    """The outermost folders with an ``__init__``: they are this distribution's alone."""
    every = {path.rpartition("/")[0] for path in rows if path.rpartition("/")[2].startswith("__init__.")}
    return {folder for folder in every if folder and not _within(folder, every)}


def _lone_modules(rows: Iterable[str], packages: set[str]) -> dict[str, set[str]]:
    """Folder -> the modules in it, for folders that are not the distribution's alone."""
    found: dict[str, set[str]] = {}
    for path in rows:
        folder, _, name = path.rpartition("/")
        if folder.startswith(("..", "/")) or folder.endswith((".dist-info", ".data")):
            continue
        if name.endswith(tuple(all_suffixes())) and not _within(path, packages):
            found.setdefault(folder, set()).add(name.partition(".")[0])
    return found


def _dotted(path: str) -> str:
    return path.strip("/").replace("/", ".")


def _within(path: str, folders: set[str]) -> bool:
    parts = path.split("/")
    return any("/".join(parts[:depth]) in folders for depth in range(1, len(parts)))


def _add_way(files: Files, module: str, run: Sequence[str], rows: Iterable[str]) -> None:
    """Add what Python runs to get at a plugin, where that is not in the RECORD."""
    file = run[-1] if run else ""
    if not file or files.has(file):
        return
    parts = module.split(".")[: len(run)]
    folder = os.path.dirname(file)
    package = os.path.basename(file).startswith("__init__.")
    # What stands in for a file that was installed is called by its whole path: it is another file.
    prefix = "/".join(parts)
    shadows = any(path.startswith((f"{prefix}/", f"{prefix}.")) for path in rows)
    if package or len(parts) > 1:
        inner = prefix if package else "/".join(parts[:-1])
        files.walk(folder if shadows else inner, folder)
    else:
        files.add(file if shadows else os.path.basename(file), file)


def _differs(path: str, rows: dict[str, str], files: Files) -> bool:
    method, _, noted = rows[path].partition("=")
    if method != "sha256" or path not in files.hashes:
        return False
    return noted != base64.urlsafe_b64encode(bytes.fromhex(files.hashes[path])).rstrip(b"=").decode()
