"""What only this user, or the machine's administrator, can have written.

A kernel is code: whoever writes it acts in the name of who loads it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from .refusal import Amiss

_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def check_own(path: Path) -> None:
    """Refuse what another user could have written.

    Args:
        path: A file, or a folder.

    Raises:
        Refusal: If it belongs to somebody else, is a link, or others may write it.
        OSError: If it is not there.
    """
    if not hasattr(os, "getuid"):
        return
    about = path.lstat()
    if about.st_uid != os.getuid() or stat.S_ISLNK(about.st_mode):
        raise Amiss(
            f"{path} is not this user's own, so no kernel is loaded from it; "
            "remove it, or set RHEOBASE_CACHE_DIR"
        )
    if about.st_mode & _OTHERS:
        raise Amiss(
            f"{path} can be written by others, so no kernel is loaded from it; take their right: chmod go-w"
        )


def open_to_others(path: Path) -> Path | None:
    """The nearest folder above a path whose names others can change; None: there is none.

    As ssh does it: each folder up to the home folder, or the root, belongs to this user or to root, and is
    written by no other, unless its sticky bit keeps everyone to their own names.

    Args:
        path: The path, without links.

    Raises:
        OSError: If a folder above is not there.
    """
    if not hasattr(os, "getuid"):
        return None
    home = os.path.realpath(os.path.expanduser("~"))
    for folder in path.parents:
        about = folder.stat()
        shared = about.st_mode & _OTHERS and not about.st_mode & stat.S_ISVTX
        if about.st_uid not in (0, os.getuid()) or shared:
            return folder
        if os.fspath(folder) == home:
            return None
    return None
