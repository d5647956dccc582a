"""The user's cache folder, and files in it that only the user can have written."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
import zlib
from typing import Any


def folder() -> str:
    """Where Rheobase keeps what it can make again: ``RHEOBASE_CACHE_DIR``, else in the user's caches."""
    if given := os.environ.get("RHEOBASE_CACHE_DIR"):
        return os.path.abspath(given)
    home = os.path.expanduser("~")
    if os.name == "nt":
        base = os.environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
    elif sys.platform == "darwin":
        base = os.path.join(home, "Library", "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
    # expanduser() leaves the ~ where nobody knows whose home this is.
    if base.startswith("~"):
        import tempfile

        user = os.geteuid() if hasattr(os, "geteuid") else "user"
        return os.path.join(tempfile.gettempdir(), f"rheobase-{user}")
    return os.path.join(os.path.abspath(base), "rheobase")


def read(path: str) -> bytes | None:
    """The content of a file; None where there is none, or where another user could have written it."""
    try:
        with open(path, "rb") as file:
            # Asked of the open file: by the next call its path may mean another.
            if not _ours(file.fileno()):
                return None
            return file.read()
    except OSError:
        return None


def write(path: str, content: bytes) -> str:
    """Write a file, whole or not at all, beside other processes; why it could not be, or an empty string."""
    part = f"{path}.{os.getpid()}.part"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        # Never through a link that lies there already.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with open(os.open(part, flags, 0o600), "wb") as file:
            file.write(content)
        os.replace(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(part)
        return f"{path} cannot be written: {error.strerror or error}"
    return ""


def read_json(path: str) -> Any:
    """A value that :func:`write_json` kept; None where there is none, or it is damaged or not the user's."""
    check, _, body = (read(path) or b"").partition(b"\n")
    if not check or check != _checksum(body):
        return None
    try:
        return json.loads(body)
    except ValueError:
        return None


def write_json(path: str, value: Any) -> str:
    """Keep a value that JSON knows, with a checksum, as :func:`write` does."""
    body = json.dumps(value).encode()
    return write(path, _checksum(body) + b"\n" + body)


def drop_old(directory: str, days: float) -> None:
    """Remove the files of a folder of the cache that were written more than ``days`` ago."""
    oldest = time.time() - 86400.0 * days
    with contextlib.suppress(OSError), os.scandir(directory) as found:
        for each in found:
            if each.is_file(follow_symlinks=False) and each.stat(follow_symlinks=False).st_mtime < oldest:
                with contextlib.suppress(OSError):
                    os.unlink(each.path)


def _checksum(body: bytes) -> bytes:
    return b"%08x" % zlib.crc32(body)


def _ours(handle: int) -> bool:
    if not hasattr(os, "geteuid"):
        return True
    # What lies here is trusted, so nobody else may own it or write to it.
    status = os.fstat(handle)
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022
