"""The commit of what is installed or lies in a folder, read from files; no code is run for it."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import re
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from rheobase.spi import text_of

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REFERENCE = "ref: "


def of_distribution(name: str) -> str | None:
    """The commit of which a distribution was installed; None: nothing tells it.

    pip writes it down where it installed from a repository; of an editable installation it is the one that is
    checked out where its sources lie.

    Args:
        name: The distribution.

    Example:
        >>> of_distribution("no-such-distribution") is None
        True
    """
    try:
        told = json.loads(text_of(importlib.metadata.distribution(name), "direct_url.json") or "{}")
        commit = told.get("vcs_info", {}).get("commit_id")
        if isinstance(commit, str):
            return commit
        if told.get("dir_info", {}).get("editable"):
            return of_folder(Path(url2pathname(urlsplit(told["url"]).path)))
    except (importlib.metadata.PackageNotFoundError, OSError, ValueError, LookupError, AttributeError):
        pass
    return None


def of_folder(folder: Path) -> str | None:
    """The commit that is checked out in a folder or one above it; None: no repository of git is there.

    What was changed since is not told.

    Args:
        folder: The folder.
    """
    with contextlib.suppress(OSError, ValueError):
        for each in (folder, *folder.parents):
            if (each / ".git").exists():
                return _head(each / ".git")
    return None


def _head(git: Path) -> str | None:
    if git.is_file():  # of a worktree
        git = git.parent / git.read_text().partition("gitdir:")[2].strip()
    common = git
    if (git / "commondir").exists():
        common = Path(os.path.normpath(git / (git / "commondir").read_text().strip()))
    head = (git / "HEAD").read_text().strip()
    if head.startswith(_REFERENCE):
        name = head.removeprefix(_REFERENCE)
        head = _reference(name, (git, common))
    return head if _COMMIT.fullmatch(head) else None


def _reference(name: str, folders: tuple[Path, ...]) -> str:
    for folder in folders:
        if (folder / name).is_file():
            return (folder / name).read_text().strip()
    for folder in folders:
        packed = folder / "packed-refs"
        for line in packed.read_text().splitlines() if packed.is_file() else ():
            commit, _, other = line.partition(" ")
            if other == name:
                return commit
    return ""
