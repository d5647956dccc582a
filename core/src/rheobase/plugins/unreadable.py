"""Distributions whose metadata cannot be read, and what can be told of them nonetheless."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Collection

from ..specs import PROJECT
from .entry import canonical
from .metadata import read_file
from .problem import UNREADABLE, Problem

POINTS = "entry_points.txt"
"""The file in which a distribution says what it offers to others."""

_FOLDER = re.compile(r"(?P<name>.+?)-(?P<version>\d[^-]*)(?:-.*)?\.(?:dist|egg)-info")
_GROUP = re.compile(rf"^[ \t]*\[[ \t]*{PROJECT}\s*(?P<end>\]|$)", re.MULTILINE)


class UnreadableError(Exception):
    """Metadata that cannot be read; the message says why."""


def names_group(text: str) -> bool:
    """Whether the entry points of a distribution have any for Rheobase.

    Raises:
        UnreadableError: If it cannot be told which.

    Example:
        >>> names_group("[rheobase]\\ntoy = toy_models.plugin"), names_group("[console_scripts]")
        (True, False)
    """
    found = _GROUP.search(text)
    if found is not None and not found["end"]:
        raise UnreadableError(f"{POINTS} has the line {found[0].strip()!r}, which lacks its ']'")
    return found is not None


def fault(text: str) -> str:
    """What is wrong with entry points that cannot be parsed; empty: nothing that is known here.

    Example:
        >>> print(fault("[rheobase]\\ntoy toy_models"))
        entry_points.txt has the line 'toy toy_models'; write it as name = "package.module:object"
    """
    for line in map(str.strip, text.splitlines()):
        if line and not line.startswith(("#", "[")) and "=" not in line:
            return f'{POINTS} has the line {line!r}; write it as name = "package.module:object"'
    return ""


def unreadable(folder: str, cause: str) -> Problem:
    """The problem of a distribution whose metadata cannot be read.

    Args:
        folder: The folder of its metadata; distribution and version are told from its name.
        cause: What is wrong.

    Example:
        >>> print(unreadable("site/toy_models-1.2.dist-info", "METADATA cannot be read").message)
        distribution toy-models 1.2 is left out, the others work: METADATA cannot be read (in \
site/toy_models-1.2.dist-info). Remove that folder, and install it again: pip install --no-deps \
toy-models==1.2, or disable it: RHEOBASE_DISABLE=toy-models
    """
    told = _FOLDER.fullmatch(os.path.basename(folder))
    name = canonical(told["name"] if told else os.path.splitext(os.path.basename(folder))[0])
    version = told["version"] if told else ""
    points = _points(folder)
    subject = f"distribution {name} {version}".strip()
    if points:
        plugins = ", ".join(repr(point.partition("=")[0].strip()) for point in points)
        subject = f"plugin {plugins} of {name} {version}".strip()
    said = "".join(f"entry point {_quoted(point)}, " for point in points)
    wanted = f"{name}=={version}" if version else name
    # In this order: pip can neither remove nor replace what it cannot read, and some versions stop at it.
    mend = f"Remove that folder, and install it again: pip install --no-deps {wanted}, or disable it: "
    mend += f"RHEOBASE_DISABLE={name}"
    return Problem(
        UNREADABLE, subject, f"{cause} ({said}in {folder})", mend, distribution=name, version=version
    )


def text_of(folder: str) -> str:
    """The entry points in a folder of metadata, with whatever of them can be decoded."""
    try:
        # Without what another encoding has between letters.
        plain = read_file(os.path.join(folder, POINTS)).replace(b"\0", b"").decode("utf-8", "replace")
        return plain.lstrip("\ufeff\ufffd")
    except OSError:
        return ""


def _points(folder: str) -> list[str]:
    """The lines of Rheobase's group that are well formed."""
    _, found, section = text_of(folder).replace(" ", "").partition(f"[{PROJECT}]\n")
    lines = section.partition("\n[")[0].splitlines()
    return [line for line in lines if found and re.fullmatch(r"[\w.-]+=[\w.:]+", line)]


def _quoted(point: str) -> str:
    name, _, value = point.partition("=")
    return f'{name} = "{value}"'


def empty(at: Callable[[str], None] = lambda place: None, without: Collection[str] = ()) -> list[Problem]:
    """The folders of metadata without any metadata, as an installation leaves that was interrupted."""
    problems = []
    for folder in dict.fromkeys(map(os.path.realpath, sys.path)):
        if folder in without:
            continue
        at(folder)
        try:
            with os.scandir(folder) as found:
                infos = [each.path for each in found if each.name.endswith(".dist-info")]
        except OSError:
            continue
        for info in infos:
            if info in without:
                continue
            at(info)
            metadata = os.path.join(info, "METADATA")
            if os.path.isfile(metadata) and os.access(metadata, os.R_OK):
                continue
            if os.path.isfile(os.path.join(info, POINTS)):
                continue  # known to be a plugin, or known to be none
            cause = "its metadata are missing, so it cannot be told whether it holds a plugin"
            problems.append(unreadable(info, cause))
    return problems
