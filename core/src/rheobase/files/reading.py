"""Reading files of strangers: only regular ones, within bounds, and every failure is told as ours.

What a file is made of decides what a library raises over it, from ``zlib.error`` to ``RecursionError``.
Whoever opened the file knows its name and what it should have been; so errors are turned there, once.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from typing import BinaryIO

from ..errors import ArgumentError, RheobaseError, shortened


@contextlib.contextmanager
def reading(
    path: str | os.PathLike[str],
    error: type[ArgumentError],
    what: str,
    mend: str,
    *,
    most: int | None = None,
) -> Iterator[BinaryIO]:
    """A file to read from, of ``most`` bytes; what goes wrong in the block is an ``error`` that names it."""
    try:
        with _opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            if most is not None and size > most:
                raise OSError(errno.EFBIG, f"it has {size} bytes, and {most} are read at most")
            yield file
    except RheobaseError:
        raise
    except OSError as failure:
        reason = failure.strerror or str(failure)
        raise error(f"{os.fspath(path)}: cannot be read: {reason}; {mend}") from failure
    except Exception as failure:
        reason = f"{type(failure).__name__}: {shortened(str(failure))}"
        raise error(f"{os.fspath(path)}: cannot be read as {what} ({reason}); {mend}") from failure


def _opened(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file; another, which may have no end or no beginning, is not waited for."""
    # Looked at first: some devices do something when they are opened. And afterwards: it may be another.
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise _irregular(status)
    # O_NONBLOCK: should it have become a FIFO since, to open it would wait for a writer.
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    file = open(os.open(path, flags), "rb")  # noqa: SIM115
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        file.close()
        raise _irregular(status)
    return file


def _irregular(status: os.stat_result) -> OSError:
    folder = stat.S_ISDIR(status.st_mode)
    return OSError(errno.EINVAL, "it is a folder" if folder else "it is no regular file")
