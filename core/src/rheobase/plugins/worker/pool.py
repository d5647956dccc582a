"""Has jobs done in other processes, with a time limit for each, and survives whatever happens there.

Each is forked from one :mod:`.warm` process, and its pipes are read here. Where the system
has no fork, each has an interpreter of its own.
"""

from __future__ import annotations

import errno
import json
import os
import select
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from . import process
from .process import GRACE, HEAD, Process, ending
from .watched import LONGEST_SCAN, NOISE, START, TICK, Watched

if TYPE_CHECKING:
    import socket

APART = hasattr(os, "fork")
"""Whether each job is forked from a process in which no plugin was loaded; else an interpreter is started."""

AT_ONCE = 8
"""How many jobs are done at a time: many of them wait for a disk."""

Each = Callable[[Watched], object]


class Lost(Exception):
    """The process that jobs are forked from has ended, or does not answer."""


class Worker:
    """Has jobs done; a process is started when there is one to be done, and anew when that is lost.

    Args:
        limit: How long an answer may take, s.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._process: Process | None = None
        self._running: list[Watched] = []
        self._text = b""

    def close(self, grace: float = GRACE) -> None:
        """End the process, and the jobs."""
        for job in self._running:
            job.close()
        self._running.clear()
        if self._process is not None:
            self._process.end(grace)
            self._process = None

    def run(
        self,
        requests: Sequence[dict[str, Any]],
        each: Each = lambda job: None,
        *,
        at_once: int = AT_ONCE,
    ) -> list[Watched] | None:
        """Have jobs done, as :mod:`~rheobase.plugins.examine` describes them.

        Args:
            requests: What is to be done. What ``about`` says of a job is told to the user where it is waited
                for.
            each: Called with a job as soon as it is known what came of it.
            at_once: How many are done at a time.

        Returns:
            The jobs, done; None: no process can be started.
        """
        found: dict[int, Watched] = {}

        def note(job: Watched) -> None:
            found[job.number] = job
            each(job)

        jobs = [Watched(number, request, self.limit) for number, request in enumerate(requests)]
        fresh = self._process is None
        try:
            if APART:
                if jobs and not self._start():
                    return None
                self._watch(deque(jobs), note, at_once)
            else:
                for job in jobs:
                    if not self._run_alone(job):
                        return None
                    note(job)
        except Lost:
            left = [job for job in jobs if job.number not in found]
            status = self._lose()
            if len(jobs) == len(left) == 1 and (fresh or left[0].pid):
                left[0].failure = f"loading it ended the process that watches over it: {ending(status)}"
                note(left.pop())
            for job in left:
                # One of those that were under way did it: each gets a process of its own to be forked from.
                again = self.run([requests[job.number]])
                if again is None:
                    return None
                again[0].number = job.number
                note(again[0])
                self.close()
        except BaseException:
            self.close()
            raise
        return [found[number] for number in range(len(jobs))]

    def _lose(self) -> int:
        """End what is left of the process, and the jobs; gives how it ended."""
        known = self._process
        self.close(grace=0.0)
        return (known.poll() or 0) if known is not None else 0

    def _watch(self, todo: deque[Watched], note: Callable[[Watched], object], at_once: int) -> None:
        """Have jobs begin, several at a time, and read what they say until each is done.

        Raises:
            Lost: If the process that they are forked from is lost.
        """
        full = False
        while todo or self._running:
            while todo and len(self._running) < at_once and not full:
                job = todo.popleft()
                if error := self._begin(job):
                    job.close()
                    if self._running:  # when one of those has ended
                        todo.appendleft(Watched(job.number, job.request, self.limit))
                        full = True
                    else:
                        job.failure = f"no process can be started for it: {os.strerror(error)}"
                        note(job)
            self._read()
            for job in list(self._running):
                if not job.done:
                    job.tell()
                    if time.monotonic() > job.until:
                        job.drain()  # who waited here for another may have kept it waiting
                if not job.done and time.monotonic() > job.until:
                    job.overrun()
                    job.close()
                    self._wait_for_end(job)
                if job.done:
                    self._running.remove(job)
                    job.close()
                    note(job)
                    full = False

    @property
    def _channel(self) -> socket.socket:
        if self._process is None or self._process.channel is None:
            raise Lost
        return self._process.channel

    def _begin(self, job: Watched) -> int:
        """Have a job begin; gives the number of the error if it cannot."""
        import socket

        channel = self._channel
        text = json.dumps(job.request).encode()
        try:
            pipes = job.open_pipes()
        except OSError as error:
            return error.errno or errno.EMFILE
        # It imports what jobs need before the first of them.
        channel.settimeout(self.limit + GRACE if self._running else START)
        try:
            socket.send_fds(channel, [len(text).to_bytes(HEAD, "big")], list(pipes))
            channel.sendall(text)
        except OSError as error:
            raise Lost from error
        finally:
            for pipe in pipes:
                os.close(pipe)
        self._running.append(job)
        while not job.pid:
            for word, number, *status in self._said():
                if word == "began":
                    job.begin(int(number))
                elif word == "failed":
                    self._running.remove(job)
                    return int(number)
                else:
                    self._end(int(number), int(*status))
        return 0

    def _said(self) -> list[list[str]]:
        """What the process says, a list of words for each line; it is waited for."""
        try:
            found = self._channel.recv(1 << 12)
        except OSError as error:
            raise Lost from error
        if not found:
            raise Lost
        *lines, self._text = (self._text + found).split(b"\n")
        return [line.decode().split() for line in lines]

    def _end(self, pid: int, status: int) -> None:
        for job in self._running:
            if job.pid == pid:
                job.end(status)

    def _read(self) -> None:
        """Read what there is to be read, or wait a moment for it."""
        channel = self._channel.fileno()
        jobs = {handle: job for job in self._running for handle in job.pipes}
        poll = select.poll()
        for handle in (channel, *jobs):
            poll.register(handle, select.POLLIN)
        for handle, _ in poll.poll(1000 * TICK):
            if handle in jobs:
                if handle in jobs[handle].pipes:  # as its end was told of, it may be closed
                    jobs[handle].read(handle)
            else:
                for _, pid, status in self._said():
                    self._end(int(pid), int(status))

    def _wait_for_end(self, job: Watched) -> None:
        """See that the end of a job is told: whoever does not tell it has been stopped."""
        self._channel.settimeout(GRACE)
        while job.status is None:
            for _, pid, status in self._said():
                self._end(int(pid), int(status))

    def _start(self) -> bool:
        if self._process is None:
            from . import warm

            self._text = b""
            self._process = process.start(warm.main)
        return self._process is not None

    def _run_alone(self, job: Watched) -> bool:
        """Have a job done by an interpreter of its own; False: none can be started."""
        import subprocess
        import tempfile

        code = "from rheobase.plugins.examine import main; main()"
        with tempfile.TemporaryFile() as replies, tempfile.TemporaryFile() as noise:
            known = self._process = process.spawn(code, stdin=subprocess.PIPE, stdout=replies, stderr=noise)
            if known is None:
                return False
            try:
                status = known.talk(json.dumps(job.request).encode(), job.time)
            except subprocess.TimeoutExpired:
                status = None
            self.close(grace=0.0)
            for file, take, most in (replies, job.hear, 2 * LONGEST_SCAN), (noise, job.print, NOISE):
                file.seek(max(0, file.seek(0, os.SEEK_END) - most) if take == job.print else 0)
                take(file.read(most))
        if status is not None:
            job.end(status)
        elif not job.done:
            job.overrun()
        return True
