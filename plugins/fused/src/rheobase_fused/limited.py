"""A command that is given so much time, and of whose words so many are kept."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from typing import IO, NamedTuple

_WORDS = 65_536
"""Bytes of a command's output that are kept; the rest is read and dropped."""
_LOOK = 0.1
"""Seconds between two looks at a command that still writes."""
_LAST_WORDS = 1.0
"""Seconds to wait for output that somebody holds open after the command has ended."""


class Said(NamedTuple):
    """What a command left behind.

    Attributes:
        status: Its exit status; None where it was ended because its time was over.
        output: The beginning of what it wrote; what is not UTF-8 is replaced.
    """

    status: int | None
    output: str


def limited(
    command: Sequence[str],
    seconds: float,
    environment: Mapping[str, str] | None = None,
    *,
    errors: bool = True,
) -> Said:
    """Run a command that reads nothing, in a process group of its own.

    It ends with all that it started: at the limit, on Ctrl-C, or on any other exception.

    Args:
        command: The program and its arguments.
        seconds: How long it may take.
        environment: Its variables. Default: those of this process.
        errors: Whether what it writes to the stream of errors is kept, too.

    Raises:
        OSError: If it cannot be started, or no thread to read what it says.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if errors else subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
        # Its files are the user's to read, whatever mask the user has.
        umask=0o077 if os.name == "posix" else -1,
    )
    kept = bytearray()
    if process.stdout is None:  # It was asked for.
        raise OSError(f"{command[0]}: no pipe to what it says")
    reader = threading.Thread(target=_read, args=(process.stdout, kept), daemon=True)
    try:
        try:
            reader.start()
        except RuntimeError as error:  # what Python makes of the system's refusal
            raise OSError(f"{command[0]}: nothing reads what it says: {error}") from error
        end = time.monotonic() + seconds
        # The end of its output tells at once that it has ended, unless somebody else holds that open.
        while reader.is_alive() and process.poll() is None and time.monotonic() < end:
            reader.join(min(_LOOK, seconds))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, end - time.monotonic()))
    finally:
        status = process.poll()
        if status is None:
            _end(process)
        if reader.ident is None:
            process.stdout.close()
        else:
            reader.join(_LAST_WORDS)
    return Said(status, bytes(kept).decode(errors="replace"))


def _read(stream: IO[bytes], kept: bytearray) -> None:
    with contextlib.suppress(OSError, ValueError), stream:
        while part := os.read(stream.fileno(), _WORDS):
            kept += part[: _WORDS - len(kept)]


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
