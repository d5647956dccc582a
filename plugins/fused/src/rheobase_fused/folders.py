"""The folder of compiled kernels: the user's, or one for this process alone."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rheobase.errors import RheobaseWarning

from .trusted import check_own, open_to_others

_DAY = 86_400.0
LEFT_OVER = _DAY
"""Seconds after which a folder that somebody compiled in is one that was left behind."""
UNUSED, MOST = 90 * _DAY, 1_000
"""Kernels go that were not used for so many seconds, and the oldest beyond so many."""

_PREFIX = "rheobase-kernels-"

_own: dict[int, Path] = {}
"""Process -> its own folder: after a fork there is another one."""
_told: set[str] = set()


def kernel_folder() -> Path:
    """Where compiled kernels are kept: in ``RHEOBASE_CACHE_DIR``, or in the user's cache.

    Where nothing can be kept, or others could put something else in its place, it is a folder of this
    process, which goes with it.

    Raises:
        Refusal: If it belongs to somebody else, or others may write there.
        OSError: If there is no place even for a folder of this process.
    """
    given = _cache()
    if given is None:
        return process_folder()
    path = Path(os.path.realpath(given)) / "kernels"
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.is_dir() or not os.access(path, os.W_OK | os.X_OK):
            return process_folder()
        check_own(path)
        others = open_to_others(path)
    except (OSError, ValueError):
        return process_folder()
    if others is not None:
        _tell_once(
            f"{others} can be written by others, who could put their own code in place of {path}; kernels "
            "are compiled anew in each process. Take their right, chmod go-w, or set RHEOBASE_CACHE_DIR"
        )
        return process_folder()
    return path


def process_folder() -> Path:
    """A folder for this process alone, which is removed when it ends.

    Raises:
        OSError: If there is no place for it.
    """
    process = os.getpid()
    if process not in _own or not _own[process].is_dir():
        sweep(Path(tempfile.gettempdir()), _PREFIX)
        _own[process] = new_folder(tempfile.gettempdir(), _PREFIX)
        atexit.register(_remove, process, _own[process])
    return _own[process]


@contextmanager
def working_folder(folder: Path) -> Iterator[Path]:
    """A new folder in the folder of kernels, for as long as one is compiled.

    Raises:
        OSError: If there is no place for it.
    """
    work = new_folder(os.fspath(folder), "tmp")
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def new_folder(parent: str, prefix: str) -> Path:
    """A new folder that this user can use, whatever the mask.

    Raises:
        OSError: If there is no place for it.
    """
    made = tempfile.mkdtemp(prefix=prefix, dir=parent)
    os.chmod(made, 0o700)
    return Path(made)


def sweep(folder: Path, prefix: str = "tmp") -> None:
    """Remove what processes that were killed left in a folder more than a day ago.

    Args:
        folder: The folder.
        prefix: What the names of such files and folders begin with.
    """
    oldest = time.time() - LEFT_OVER
    for written, path in _files(folder):
        if path.name.startswith(prefix) and written < oldest:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                _unlink(path)


def drop_unused(folder: Path) -> None:
    """Remove kernels that nobody has used for long, and the longest unused where there are very many.

    Args:
        folder: The folder.
    """
    kernels = sorted(each for each in _files(folder) if each[1].suffix in (".so", ".py"))
    oldest = time.time() - UNUSED
    for place, (used, path) in enumerate(kernels):
        if used < oldest or place < len(kernels) - MOST:
            _unlink(path)


def used(path: Path) -> None:
    """Note that a kernel was used, to a day."""
    with contextlib.suppress(OSError):
        if path.stat().st_mtime < time.time() - _DAY:
            os.utime(path)


def _cache() -> str | None:
    """The folder that everything is kept in; None where it is not known whose home this is."""
    if given := os.environ.get("RHEOBASE_CACHE_DIR"):
        return os.path.abspath(given)
    home = os.path.expanduser("~")
    if sys.platform == "darwin":
        base = os.path.join(home, "Library", "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
    return None if base.startswith("~") else os.path.join(os.path.abspath(base), "rheobase")


def _files(folder: Path) -> list[tuple[float, Path]]:
    """When this user's files and folders were written, and which they are."""
    found = []
    own = os.getuid() if hasattr(os, "getuid") else 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                about = entry.stat(follow_symlinks=False)
                if about.st_uid == own:
                    found.append((about.st_mtime, Path(entry.path)))
    return found


def _unlink(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _remove(process: int, folder: Path) -> None:
    if process == os.getpid():
        shutil.rmtree(folder, ignore_errors=True)


def _tell_once(message: str) -> None:
    if message not in _told:
        _told.add(message)
        warnings.warn(message, RheobaseWarning, stacklevel=2)
