"""Starts the process in which plugins are loaded, and ends it with all that was started in it.

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
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

_CODE = "import sys; sys.path[:] = sys.argv[1:]; from rheobase.plugins.overseer import main; main()"

_FLAGS = (
    ("-I", sys.flags.isolated),
    ("-E", sys.flags.ignore_environment and not sys.flags.isolated),
    ("-s", sys.flags.no_user_site and not sys.flags.isolated),
    ("-S", sys.flags.no_site),
)


GRACE = 2.0
"""How long the process may take to end what it has started, s."""


class Process:
    """A process with three pipes.

    Args:
        pid: Its number.
        requests: Where it reads.
        replies: Where it answers.
        noise: Where goes whatever else is printed in it.
        popen: The process as the standard library started it; None: it was forked.
    """

    def __init__(
        self,
        pid: int,
        requests: IO[str],
        replies: IO[str],
        noise: IO[str],
        popen: subprocess.Popen[str] | None = None,
    ) -> None:
        self.requests = requests
        self.replies = replies
        self.noise = noise
        self._pid = pid
        self._popen = popen
        self._status: int | None = None

    def wait(self) -> int:
        """Wait for its end.

        Returns:
            Its exit status; the number of a signal that ended it, below zero.
        """
        if self._popen is not None:
            return self._popen.wait()
        if self._status is None:
            _, status = os.waitpid(self._pid, 0)
            self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def end(self) -> None:
        """End it, and what was started in it."""
        with contextlib.suppress(OSError):
            self.requests.close()  # which tells it to end its own
        until = time.monotonic() + GRACE
        while os.name == "posix" and not self._has_ended() and time.monotonic() < until:
            time.sleep(0.002)
        with contextlib.suppress(OSError):  # it may have ended
            if os.name == "posix":
                os.killpg(self._pid, signal.SIGKILL)
            elif self._popen is not None:
                self._popen.kill()
        self.wait()

    def _has_ended(self) -> bool:
        if self._popen is not None:
            return self._popen.poll() is not None
        if self._status is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            self._status = os.waitstatus_to_exitcode(status) if pid else None
        return self._status is not None


def start(work: Callable[[], None]) -> Process | None:
    """Start the process.

    Returns:
        The process; None where none can be started, as in a frozen application.
    """
    if _single_threaded():
        return _fork(work)
    return _spawn()


def _single_threaded() -> bool:
    # The system's count: Python's own leaves out the threads of libraries.
    try:
        return sys.platform == "linux" and len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return False


def _fork(work: Callable[[], None]) -> Process | None:
    try:
        pipes = [os.pipe() for _ in range(3)]
        pid = os.fork()
    except OSError:
        return None
    (theirs, requests), (replies, out), (noise, err) = pipes
    if pid == 0:
        try:
            os.setsid()
            for end, standard in ((theirs, 0), (out, 1), (err, 2)):
                os.dup2(end, standard)
            for end in (requests, replies, noise, theirs, out, err):
                if end > 2:
                    os.close(end)
            work()
        finally:
            os._exit(1)  # nothing of the parent's is to run or to be flushed here
    for end in (theirs, out, err):
        os.close(end)
    streams = [
        os.fdopen(end, mode, encoding="utf-8", errors="replace")
        for end, mode in ((requests, "w"), (replies, "r"), (noise, "r"))
    ]
    return Process(pid, streams[0], streams[1], streams[2])


def _spawn() -> Process | None:
    import subprocess  # here: an index that still holds needs none

    flags = [flag for flag, on in _FLAGS if on]
    path = [folder for folder in sys.path if isinstance(folder, str)]
    try:
        popen = subprocess.Popen(
            [sys.executable, *flags, "-W", "ignore", "-c", _CODE, *path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            # A group of its own: Ctrl-C is the parent's, and what a plugin starts can be ended with it.
            start_new_session=os.name == "posix",
        )
    except (OSError, TypeError, ValueError):
        return None
    if popen.stdin is None or popen.stdout is None or popen.stderr is None:
        return None
    return Process(popen.pid, popen.stdin, popen.stdout, popen.stderr, popen)
