"""Starts the process that jobs are forked from, or one for a single job; ends it with all that it started.

Where this process has one thread only, as the ``rheobase`` command has, it is forked: that takes a fraction
of the time of a new interpreter. One with threads, such as one that uses torch, cannot be forked safely, and
another interpreter is started.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..metadata import search_path

if TYPE_CHECKING:
    import socket
    import subprocess

GRACE = 2.0
"""How long a process may take to end, or to say that another has ended, s."""

WHERE = getattr(signal, "SIGUSR2", 0)
"""At this signal a job says on stderr where it is, whatever it does."""

HEAD = 8
"""How many bytes the length of a request has."""

_FLAGS = (
    ("-I", sys.flags.isolated),
    ("-E", sys.flags.ignore_environment and not sys.flags.isolated),
    ("-s", sys.flags.no_user_site and not sys.flags.isolated),
    ("-S", sys.flags.no_site),
)


class Process:
    """A process, and the socket on which it is asked to fork jobs; see :mod:`.warm`."""

    def __init__(
        self, pid: int, channel: socket.socket | None = None, popen: subprocess.Popen[bytes] | None = None
    ) -> None:
        self.pid = pid
        self.channel = channel
        self._popen = popen
        self._status: int | None = None

    def poll(self) -> int | None:
        """Its exit status, or the number of a signal that ended it, below zero; None: it goes on."""
        if self._popen is not None:
            return self._popen.poll()
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._status = os.waitstatus_to_exitcode(status) if pid else None
        return self._status

    def talk(self, text: bytes, time: float) -> int:
        """Write a text to its stdin and wait for its end; raises ``subprocess.TimeoutExpired``."""
        if self._popen is None:
            raise RuntimeError("a forked process has no stdin to write to")
        self._popen.communicate(text, timeout=time)
        return self._popen.returncode

    def end(self, grace: float = GRACE) -> None:
        """End it, and what was started in it."""
        if self.channel is not None:
            self.channel.close()  # which tells it to end its own
        until = time.monotonic() + grace
        while self.channel is not None and self.poll() is None and time.monotonic() < until:
            time.sleep(0.002)
        with contextlib.suppress(OSError):  # it may have ended
            if os.name == "posix":
                os.killpg(self.pid, signal.SIGKILL)
            elif self._popen is not None:
                self._popen.kill()
        while self.poll() is None:
            time.sleep(0.002)


def start(serve: Callable[[int], None]) -> Process | None:
    """Start the process that jobs are forked from; None where there can be none, as if it is frozen."""
    import socket

    ours, theirs = socket.socketpair()
    with theirs:
        if _single_threaded():
            found = _fork(serve, ours, theirs)
        else:
            code = "from rheobase.plugins.worker.warm import main; main(int(sys.argv[-1]))"
            found = spawn(code, theirs.fileno())
    if found is None:
        ours.close()
        return None
    found.channel = ours
    return found


def _single_threaded() -> bool:
    # The system's count: Python's own leaves out the threads of libraries.
    try:
        return sys.platform == "linux" and len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return False


def _fork(serve: Callable[[int], None], ours: socket.socket, theirs: socket.socket) -> Process | None:
    try:
        pid = os.fork()
    except OSError:
        return None
    if pid:
        return Process(pid)
    try:
        os.setsid()
        ours.close()
        with open(os.devnull, "w") as nothing:
            for standard in (1, 2):
                os.dup2(nothing.fileno(), standard)
        serve(theirs.detach())
    finally:
        os._exit(1)  # nothing of the parent's is to run or to be flushed here


def spawn(code: str, *handles: int, **streams: Any) -> Process | None:
    """Start an interpreter; None where that cannot be. The handles are the last of its ``sys.argv``."""
    import subprocess  # here: an index that still holds needs none

    flags = [flag for flag, on in _FLAGS if on]
    path = search_path()
    code = f"import sys; sys.path[:] = sys.argv[1:{len(path) + 1}]; {code}"
    given = ["-c", code, *path, *map(str, handles)]
    try:
        popen = subprocess.Popen(
            [sys.executable, *flags, "-W", "ignore", *given],
            pass_fds=handles,
            # A group of its own: Ctrl-C is the parent's, and what a plugin starts can be ended with it.
            start_new_session=os.name == "posix",
            **(streams or dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)),
        )
    except (OSError, TypeError, ValueError):
        return None
    return Process(popen.pid, popen=popen)


def kill(pid: int) -> None:
    """End a job, and what was started in it."""
    for end in (os.killpg, os.kill):  # in this order: it may not have a group yet
        with contextlib.suppress(OSError):
            end(pid, signal.SIGKILL)


def ending(status: int) -> str:
    """How a process ended, in words; its status is the number of a signal that ended it, below zero.

    Example:
        >>> ending(3), ending(-9)
        ('exit status 3', 'signal SIGKILL')
    """
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"signal {signal.Signals(-status).name}"
    except ValueError:
        return f"signal {-status}"
