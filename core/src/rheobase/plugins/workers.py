"""Has jobs done in other processes, with a time limit for each, and survives whatever happens there."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import IO, Any, NamedTuple

from ..errors import PluginError
from . import child, overseer
from .overseer import NO_ANSWER, START, ending
from .process import Process, start

SLACK = 2.0
"""How much later than its limit a job must have ended, s."""

PATIENCE = 2.0
"""After how long the user is told for whom he waits, s."""


class Result(NamedTuple):
    """What came of a job.

    Args:
        answers: What it answered.
        failure: Why there are no more answers; empty: there are all.
        detail: What was printed until then.
        overran: Whether it took longer than it may.
        at: The place that it looked at then.
    """

    answers: list[Any]
    failure: str = ""
    detail: str = ""
    overran: bool = False
    at: str = ""


class Workers:
    """The process that watches over jobs; it is started when a job is to be done, and anew when it dies.

    Args:
        limit: How long an answer may take, s.

    Example:
        >>> with Workers(limit=30.0) as workers:
        ...     [result] = workers.run([{"do": "load", "spec": {"kind": "aggregator", "name": "largest",
        ...         "target": "builtins:max", "summary": "", "commutative": True, "associative": True,
        ...         "identity": None}}])
        >>> result.answers
        [{'failure': ''}]
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._process: Process | None = None
        self._abandoned = False
        self._replies: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._noise: deque[str] = deque(maxlen=60)

    def close(self) -> None:
        """End the process, and those that it started."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def abandon(self) -> None:
        """End the process, from any thread, and start no other."""
        self._abandoned = True
        if (process := self._process) is not None:
            process.end()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(
        self,
        jobs: Sequence[dict[str, Any]],
        limit: float = 0.0,
        *,
        each: Callable[[int, Result], object] = lambda number, result: None,
    ) -> list[Result] | None:
        """Have jobs done.

        Args:
            jobs: What is to be done; see :mod:`~rheobase.plugins.child`. What ``about`` says of a job is told
                to the user where it is waited for.
            limit: How long an answer may take, s; default: as long as for all.
            each: Called with the number of a job and what came of it, as soon as that is known.

        Returns:
            What came of each; None: no process can be started.
        """
        jobs = [{**job, "limit": limit or self.limit} for job in jobs]
        found: dict[int, Result] = {}
        if not child.APART:
            for number, job in enumerate(jobs):
                if (result := self._run_alone(job)) is None:
                    return None
                found[number] = result
                each(number, result)
            return list(found.values())
        process = self._process or self._start()
        if process is None:
            return None
        pids: dict[int, int] = {}
        waited: dict[int, float] = {}
        try:
            token = self._send(process, {"jobs": jobs})
            # The process watches over them itself; this is for one that was stopped. It says something
            # whenever a job begins or ends; a scan may take long while it gets on.
            longest = max(job["limit"] * child.wanted(job) for job in jobs) + SLACK
            first = until = time.monotonic() + START + 2 * self.limit * (1 + len(jobs))
            while len(found) < len(jobs) and (line := self._next_or_tell(until, waited, jobs)):
                if jobs[0]["do"] != "scan":
                    until = min(first, time.monotonic() + longest)
                with contextlib.suppress(ValueError, LookupError, TypeError):
                    said = json.loads(line)
                    if said.pop("to") != token:
                        continue
                    number = said.pop("number")
                    if "began" in said:
                        pids[number], waited[number] = said["began"], time.monotonic() + PATIENCE
                        continue
                    pids.pop(number, None)
                    waited.pop(number, None)
                    found[number] = Result(**said)
                    each(number, found[number])
        except (queue.Empty, OSError):
            pass
        except BaseException:
            self.close()
            raise
        left = [number for number in range(len(jobs)) if number not in found]
        if left:
            self._end_with(pids.values())
            status = process.wait()
            if len(jobs) == 1:
                cause = f"loading it ended the process that watches over it: {ending(status)}"
                found[0] = Result([], cause, "".join(self._noise))
                each(0, found[0])
            for number in left if len(jobs) > 1 else ():
                # One of those that were under way did it: each gets a process of its own to watch over it.
                again = self.run([jobs[number]])
                if again is None:
                    return None
                found[number] = again[0]
                each(number, again[0])
        return [found[number] for number in range(len(jobs))]

    def _end_with(self, pids: Collection[int]) -> None:
        """End the process, and those that it started and can end no more."""
        self.close()
        for pid in pids:
            for end in (os.killpg, os.kill):
                with contextlib.suppress(OSError):
                    end(pid, signal.SIGKILL)

    def _run_alone(self, job: dict[str, Any]) -> Result | None:
        """Have a job done by an interpreter of its own."""
        self.close()
        process = self._start()
        if process is None:
            return None
        result = Result([])
        try:
            token = self._send(process, job)
            until = time.monotonic() + job["limit"] + (START if job["do"] == "scan" else 0.0)
            while len(result.answers) < child.wanted(job):
                line = self._next(until)
                if not line:
                    return result._replace(
                        failure=f"loading it ended the interpreter: {ending(process.wait())}"
                    )
                result.answers.extend(child.said(line.encode(), token))
        except queue.Empty:
            cause = f"loading it did not end within {job['limit']:g} s (RHEOBASE_TIMEOUT sets the limit)"
            return result._replace(failure=cause, overran=True, detail="".join(self._noise))
        except child.Forged:
            return result._replace(failure=NO_ANSWER)
        except OSError:  # it died before it could read
            return result._replace(failure=f"loading it ended the interpreter: {ending(process.wait())}")
        finally:
            self.close()
        return result

    def _send(self, process: Process, request: dict[str, Any]) -> str:
        token = os.urandom(8).hex()
        process.requests.write(json.dumps({**request, "token": token}) + "\n")
        process.requests.flush()
        return token

    def _next(self, until: float) -> str:
        """The next line that the process writes; empty: it has ended."""
        return self._replies.get(timeout=max(0.0, until - time.monotonic()))

    def _next_or_tell(self, until: float, waited: dict[int, float], jobs: Sequence[dict[str, Any]]) -> str:
        """The next line; whoever has not answered for a while is named meanwhile."""
        while late := [number for number, when in waited.items() if when < until]:
            first = min(late, key=waited.__getitem__)
            with contextlib.suppress(queue.Empty):
                return self._next(waited[first])
            del waited[first]
            if about := jobs[first].get("about"):
                print(f"rheobase: waiting for {about}", file=sys.stderr, flush=True)
        return self._next(until)

    def _start(self) -> Process | None:
        if self._abandoned:
            raise PluginError("nothing more is examined: it was interrupted")
        process = start(overseer.main)
        if process is None:
            return None
        self._replies = queue.SimpleQueue()
        self._noise.clear()
        for stream, put, most in (
            (process.replies, self._replies.put, 2 * child.LONGEST),
            (process.noise, self._noise.append, 1000),
        ):
            threading.Thread(target=_read, args=(stream, put, most), daemon=True).start()
        self._process = process
        return process


def _read(stream: IO[str], put: Callable[[str], None], most: int) -> None:
    with stream:
        # A plugin may print without end, and without the end of a line.
        while line := stream.readline(most):
            put(line)
    put("")
