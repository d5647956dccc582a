"""Writing a file at a user's path: whole, or not at all.

A file that exists is never harmed by a write that fails: the new content goes to ``<name>.<pid>.part`` beside
it, to the disk, and takes its place in one step. What is no regular file (``/dev/stdout``, a FIFO) has no
content to lose, and is written to directly.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import OutputError, RheobaseError

_MEND = "give the path of a file that can be written"
_LONGEST = 255
"""Bytes that a name may have on the usual file systems."""


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], mend: str = _MEND) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of what is at that path if the block ends well."""
    with _named(path, mend), _opened(os.fspath(path)) as file:
        yield file


def write(path: str | os.PathLike[str], content: bytes, mend: str = _MEND) -> None:
    """Write a file as :func:`replacing` does."""
    with replacing(path, mend) as file:
        file.write(content)


def check_writable(path: str | os.PathLike[str]) -> Path:
    """Make sure that a file can be written, before anything is computed for it; what it holds stays."""
    with _named(path, _MEND):
        target, status = _destination(os.fspath(path))
        if status is not None and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), target)
        # Permissions do not tell of full disks and of file systems that only read: a part is made, and taken
        # away.
        if status is None or stat.S_ISREG(status.st_mode):
            part, handle = _part_of(target)
            os.close(handle)
            os.unlink(part)
    return Path(path)


@contextlib.contextmanager
def _named(path: str | os.PathLike[str], mend: str) -> Iterator[None]:
    """Make our error, with the path, of whatever keeps a file from being written."""
    try:
        yield
    except RheobaseError:
        raise
    except Exception as error:
        reason = _reason(error)
        if not reason:
            raise
        raise OutputError(f"cannot write {os.fspath(path)!r}: {reason}; {mend}") from error


def _reason(error: BaseException | None) -> str:
    """What the system says; empty where an error is not about a file."""
    # A library that is stopped in the middle of a file may raise another error when it tidies up: then the
    # one before it tells.
    while error is not None:
        if isinstance(error, OSError):
            return str(error.strerror or error)
        if isinstance(error, ValueError) and "null" in str(error):  # a NUL in the name
            return str(error)
        error = error.__context__
    return ""


@contextlib.contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    target, status = _destination(path)
    if status is not None and not stat.S_ISREG(status.st_mode):
        with open(target, "wb") as file:
            yield file
        return
    part, handle = _part_of(target)
    try:
        with open(handle, "wb") as file:
            if status is not None:
                _take_after(handle, status)
            yield file
            file.flush()
            os.fsync(handle)
        # Only after the content is on the disk: else a loss of power might leave the name with nothing in it.
        os.replace(part, target)
    except BaseException:  # Ctrl-C too: what was there is as it was
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise
    _sync_folder(os.path.dirname(target))


def _destination(path: str) -> tuple[str, os.stat_result | None]:
    """Where links lead, and what is there; None: nothing."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        target = os.path.realpath(path)
        folder = os.path.dirname(target)
        if not os.path.exists(folder):
            raise OutputError(
                f"cannot write {path!r}: the folder {folder} does not exist; create it or give another path"
            ) from None
        return target, None
    if stat.S_ISDIR(status.st_mode):
        raise OutputError(f"cannot write {path!r}: it is a folder; give the path of a file")
    if stat.S_ISREG(status.st_mode) and _is_descriptor(path):
        # Somebody else has it open, and would not see that another took its place.
        return path, os.stat_result((stat.S_IFCHR, *status[1:]))
    return (os.path.realpath(path) if stat.S_ISREG(status.st_mode) else path), status


def _is_descriptor(path: str) -> bool:
    """Whether a path leads over an open file of a process, as ``/dev/stdout`` does."""
    for _ in range(40):  # the most that systems follow
        folder = os.path.realpath(os.path.dirname(path))
        if re.fullmatch(r"/proc/[^/]+(/task/\d+)?/fd|/dev/fd", folder):
            return True
        if not os.path.islink(path):
            break
        path = os.path.join(folder, os.readlink(path))
    return False


def _part_of(target: str) -> tuple[str, int]:
    """A new file beside another: its path and its open handle."""
    folder, name = os.path.split(target)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    for count in range(100):
        ending = f".{os.getpid()}{f'-{count}' if count else ''}.part"
        begin = name
        # Letter by letter, though the limit is in bytes: no letter is cut in two.
        while len(os.fsencode(begin + ending)) > _LONGEST:
            begin = begin[:-1]
        part = os.path.join(folder, begin + ending)
        try:
            return part, os.open(part, flags, 0o666)
        except FileExistsError:  # another thread's, or left by a process that had our number
            continue
    raise FileExistsError(errno.EEXIST, f"{os.strerror(errno.EEXIST)}: {part}", part)


def _take_after(handle: int, status: os.stat_result) -> None:
    """Permissions and owner of the file that was there, as far as we may."""
    if not hasattr(os, "fchown"):
        return
    with contextlib.suppress(OSError):
        # The owner before the permissions: a change of owner takes set-user-ID away.
        mine = os.fstat(handle)
        if (mine.st_uid, mine.st_gid) != (status.st_uid, status.st_gid):
            os.fchown(handle, status.st_uid, status.st_gid)
    with contextlib.suppress(OSError):
        os.fchmod(handle, stat.S_IMODE(status.st_mode))


def _sync_folder(folder: str) -> None:
    """Let the new name outlive a loss of power; not every file system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
