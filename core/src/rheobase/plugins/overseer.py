"""Does jobs, each in a process that is forked for it alone, and watches over them.

This process never loads a plugin, so that what one of them does to its own stays there: it can replace no
class that another is judged with, and write into no pipe but its own.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import json
import mmap
import os
import select
import signal
import sys
import time
import warnings
from collections import deque
from collections.abc import Collection, Iterator
from typing import Any

from . import child, guard
from .fingerprint import search_path

AT_ONCE = 8
"""How many jobs are done at a time: many of them wait for a disk."""

TICK = 0.05
"""How often jobs that say nothing are looked at, s."""

START = 120.0
"""How long a job may take until it is at the first place that it looks at, s."""

MEMORY = 2 << 30
"""How many bytes of memory a job may have of its own. What it maps may be more: the libraries of torch for a
GPU are."""

NO_ANSWER = "it wrote what is no answer"

_NOISE = 64 << 10
_PLACE = 4096


class ParentEnded(Exception):
    """Nobody waits for answers any more."""


def main() -> None:
    """Do the jobs that are asked for on stdin, and answer on the pipe that was stdout, to the end."""
    guard.close()
    sys.path[:] = search_path()
    warnings.simplefilter("ignore")  # what a plugin's import warns of is its author's business
    requests, replies = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    # Where it was forked, the parent may have put others there, and in those text may wait to be printed.
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="replace", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="replace", closefd=False)
    faulthandler.enable(file=2)
    gc.disable()  # it ends soon, and collecting takes a good part of its time
    if child.APART:
        faulthandler.register(child.WHERE, file=2)
        serve(requests, replies)
    else:
        with os.fdopen(requests, encoding="utf-8") as lines:
            request = json.loads(lines.readline())
            child.work(request, request["token"], replies)
    os._exit(0)  # neither threads that a plugin left running nor its exit handlers are waited for


def serve(requests: int, replies: int) -> None:
    """Do jobs until there will be no more."""
    asking = Requests(requests)
    with contextlib.suppress(ParentEnded, BrokenPipeError):
        while True:
            asked = json.loads(asking.line())
            _prepare(asked["jobs"])
            with Jobs(asked["jobs"], asking, replies) as jobs:
                for result in jobs.results():
                    _write(replies, json.dumps({"to": asked["token"], **result}).encode() + b"\n")


class Requests:
    """The lines of a pipe.

    Args:
        handle: The pipe.
    """

    def __init__(self, handle: int) -> None:
        self.handle = handle
        self._text = b""

    def line(self) -> bytes:
        """The next line, for which it waits."""
        while b"\n" not in self._text:
            self.read()
        line, _, self._text = self._text.partition(b"\n")
        return line

    def read(self) -> None:
        """Read more of it.

        Raises:
            ParentEnded: If there is no more, nor will be.
        """
        found = os.read(self.handle, 1 << 16)
        if not found:
            raise ParentEnded
        self._text += found


def _prepare(jobs: list[dict[str, Any]]) -> None:
    """Import once what each job would import anew."""
    import importlib_metadata  # noqa: F401

    if any(job["do"] in ("core", "examine") for job in jobs):
        import resource  # noqa: F401

        from . import component, examine, hooks, stamps, targets  # noqa: F401

        stamps.warm_up()
        with contextlib.suppress(Exception):
            targets.find("no_such_module_at_all")  # lists the folders of the path
    gc.freeze()  # or the first collection in a job would copy all of it


class Jobs:
    """Jobs under way. Leaving the context ends them, with whatever was started in them.

    Args:
        requests: The jobs.
        parent: Ends when nobody waits for answers any more.
        replies: Where the results go, which no job may write to.
    """

    def __init__(self, requests: list[dict[str, Any]], parent: Requests, replies: int) -> None:
        self._replies = replies
        self._todo = deque(enumerate(requests))
        self._parent = parent
        self._poll = select.poll()
        self._poll.register(parent.handle, select.POLLIN)
        self._running: list[Job] = []
        # Those that have a pipe open; a plugin may close them all, and go on.
        self._active: dict[int, Job] = {}

    def __enter__(self) -> Jobs:
        return self

    def __exit__(self, *_: object) -> None:
        for job in self._running:
            self._finish(job)

    def results(self) -> Iterator[dict[str, Any]]:
        """What came of each job, as soon as it is known; ``number`` says which.

        Raises:
            ParentEnded: If nobody waits for it.
        """
        while self._todo or self._running:
            while self._todo and len(self._running) < AT_ONCE:
                number, request = self._todo.popleft()
                if request["do"] == "core":  # which needs no watching
                    yield {"number": number, "answers": list(child.answers(request))}
                    continue
                try:
                    job = Job(number, request, (self._parent.handle, self._replies, *self._active))
                except OSError as error:
                    if not self._running:
                        cause = f"no process can be started for it: {error.strerror}"
                        yield {"number": number, "answers": [], "failure": cause}
                    else:  # when one of those has ended
                        self._todo.appendleft((number, request))
                    break
                self._running.append(job)
                for handle in (job.replies, job.noise):
                    self._active[handle] = job
                    self._poll.register(handle, select.POLLIN)
                yield {"number": number, "began": job.pid}
            for handle, _ in self._poll.poll(1000 * TICK):
                if handle == self._parent.handle:
                    self._parent.read()
                elif handle in self._active and not self._active[handle].read(handle):
                    self._close(handle)
            for job in [each for each in self._running if each.ended()]:
                self._running.remove(job)
                self._finish(job)
                yield job.result()

    def _close(self, handle: int) -> None:
        self._poll.unregister(handle)
        self._active.pop(handle).close(handle)

    def _finish(self, job: Job) -> None:
        job.kill()
        for handle in (job.replies, job.noise):
            if handle in self._active:
                while job.read(handle):
                    pass
                self._close(handle)


def _bound() -> None:
    """Keep this process from taking all memory."""
    import resource  # where there is fork, there is this

    for kind, most in ((resource.RLIMIT_DATA, MEMORY), (resource.RLIMIT_AS, 16 * MEMORY)):
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (most, most))


class Job:
    """A job in a process of its own.

    Args:
        number: Its number.
        request: What is to be done.
        closed: The pipes that are not for it: others', and those to the user's process.

    Raises:
        OSError: If no process can be started.
    """

    def __init__(self, number: int, request: dict[str, Any], closed: Collection[int]) -> None:
        self.number = number
        self._wanted = child.wanted(request)
        self._limit = request["limit"]
        self._verb = "reading" if request["do"] in ("scan", "whose") else "loading"
        self._token = os.urandom(8).hex()
        self._answers: list[Any] = []
        self._longest = child.LONGEST_SCAN if request["do"] in ("scan", "whose") else child.LONGEST
        self._line = bytearray()
        self._tail = b""
        self._failure = ""
        self._overran = False
        self._status: int | None = None
        self._place = mmap.mmap(-1, _PLACE) if request["do"] == "scan" else None
        self._at = b""
        self._until = time.monotonic() + (START if self._place else self._limit)
        self.replies, theirs = os.pipe()
        self.noise, err = os.pipe()
        try:
            self.pid = os.fork()
        except OSError:
            for handle in (self.replies, self.noise, theirs, err):
                os.close(handle)
            raise
        if self.pid == 0:
            self._work(request, theirs, err, closed)
        os.close(theirs)
        os.close(err)
        os.set_blocking(self.replies, False)
        os.set_blocking(self.noise, False)

    def _work(self, request: dict[str, Any], replies: int, noise: int, closed: Collection[int]) -> None:
        """Do it, in the process that was forked."""
        try:
            os.setsid()
            _bound()
            os.dup2(noise, 1)
            os.dup2(noise, 2)
            os.close(noise)
            for handle in (self.replies, self.noise, *closed):
                os.close(handle)
            child.work(request, self._token, replies, self._note)
            os._exit(0)
        except BaseException:
            import traceback

            traceback.print_exc()
            raise
        finally:
            os._exit(1)

    def _note(self, place: str) -> None:
        if self._place is not None:
            text = place.encode("utf-8", "surrogateescape")[: _PLACE - 1]
            self._place[: len(text) + 1] = text + b"\0"

    def read(self, handle: int) -> bool:
        """Read what there is in one of its pipes; False: for now there is no more, or never again."""
        if handle < 0:
            return False
        try:
            found = os.read(handle, 1 << 16)
        except BlockingIOError:
            return False
        if handle == self.noise:
            self._tail = (self._tail + found)[-_NOISE:]
        elif found:
            self._read_answers(found)
        return bool(found)

    def close(self, handle: int) -> None:
        """Close one of its pipes: its number may soon be another's."""
        os.close(handle)
        if handle == self.noise:
            self.noise = -1
        else:
            self.replies = -1

    def _read_answers(self, found: bytes) -> None:
        self._line += found
        *lines, rest = self._line.split(b"\n") if b"\n" in found else (self._line,)
        self._line = rest
        for line in lines:
            if self._done():
                return
            try:
                answer = child.said(line, self._token)
            except child.Forged:
                self._failure = NO_ANSWER
                return
            if answer:
                self._answers += answer
                self._until = time.monotonic() + self._limit
                if len(line) > self._longest:
                    self._failure = self._too_long()
        if len(self._line) > self._longest and not self._done():
            self._failure = self._too_long()

    def _too_long(self) -> str:
        return f"it wrote more than {self._longest >> 20} MiB for an answer"

    def _done(self) -> bool:
        return bool(self._failure) or len(self._answers) >= self._wanted

    def ended(self) -> bool:
        """Whether all is known, or nothing more will be."""
        if self._done():
            return True
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
        if self._status is not None:
            while self.read(self.replies):
                pass
            if not self._done():
                self._failure = f"{self._verb} it ended the interpreter: {ending(self._status)}"
            return True
        if self._place is not None and self._place[:] != self._at:  # it gets on
            self._at = self._place[:]
            self._until = time.monotonic() + self._limit
        if time.monotonic() > self._until:
            self._failure = (
                f"{self._verb} it did not end within {self._limit:g} s (RHEOBASE_TIMEOUT sets the limit)"
            )
            self._overran = True
            self._ask_where()
        return bool(self._failure)

    def _ask_where(self) -> None:
        """Have it say on stderr where it hangs, and give it a moment for that."""
        with contextlib.suppress(OSError):
            os.kill(self.pid, child.WHERE)
            until = time.monotonic() + 2 * TICK
            while time.monotonic() < until and not self._tail.endswith(b">\n"):
                self.read(self.noise)
                time.sleep(0.002)

    def kill(self) -> None:
        """End it, and what was started in it."""
        if self._status is not None:
            with contextlib.suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)
            return
        for end in (os.killpg, os.kill):  # in this order: it may not have a group yet
            with contextlib.suppress(OSError):
                end(self.pid, signal.SIGKILL)
        for _ in range(100):  # what waits for a dead disk ends later
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
                break
            time.sleep(0.001)

    def result(self) -> dict[str, Any]:
        """What came of it."""
        at = self._place[:].partition(b"\0")[0] if self._place is not None else b""
        return {
            "number": self.number,
            "answers": self._answers,
            "failure": self._failure,
            "overran": self._overran,
            "detail": self._tail.decode("utf-8", "replace") if self._failure else "",
            "at": at.decode("utf-8", "surrogateescape"),
        }


def ending(status: int) -> str:
    """How a process ended, in words.

    Args:
        status: Its exit status; the number of a signal that ended it, below zero.

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


def _write(handle: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]
