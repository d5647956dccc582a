"""Has plugins loaded in another process, with a time limit for each, and survives whatever they do there."""

from __future__ import annotations

import contextlib
import json
import queue
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import IO, Any

from ..errors import PluginError
from ..specs import ComponentSpec
from . import child
from .compatibility import Host
from .discovery import Scan, scan
from .entry import Entry
from .outcome import Outcome, spec_to_plain
from .problem import Problem
from .process import Process, start
from .stamps import package_of, rests_on

START = 120.0
"""How long the process may take to start and to read all metadata, s."""

HASTE = 5.0
"""How long one of several plugins may take before each gets a process of its own, s."""


class Examiner:
    """A process that reads metadata and loads plugins; started when it is first asked, and anew when it dies.

    Where no process can be started, as in a frozen application, the work is done in this one: a plugin that
    raises harms no other there either, but one that hangs does.

    Args:
        limit: How long a plugin may take, s.

    Example:
        >>> with Examiner(limit=30.0) as examiner:
        ...     examiner.examine(Entry("toy-models", "1.2", "toy", "toy_models.hooks")).failure
        "ModuleNotFoundError: No module named 'toy_models'"
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._process: Process | None = None
        self._used = False
        self._abandoned = False
        self._number = 0
        self._replies: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._noise: deque[str] = deque(maxlen=60)
        self._reader: threading.Thread | None = None

    def scan(self, host: Host) -> Scan:
        """Read the metadata of all distributions.

        Args:
            host: The spec versions of this host.

        Returns:
            What is installed.
        """
        reply = self._ask({"do": "scan", **host.to_plain()}, START)
        if isinstance(reply, str):  # no plugin runs here: the process cannot do even that
            return scan(host)
        problems = (Problem(**problem) for problem in reply["problems"])
        return Scan(tuple(map(Entry.from_plain, reply["entries"])), tuple(problems), reply["version"])

    def core(self) -> Outcome:
        """Load core's own components."""
        reply = self._ask({"do": "core"}, START)
        if isinstance(reply, str):
            reply = child.answer({"do": "core"})
        return Outcome.from_plain(reply)

    def examine(self, entry: Entry) -> Outcome:
        """Load one plugin.

        Args:
            entry: The plugin.

        Returns:
            What came of it, in a process in which no other was loaded.
        """
        self._renew()
        return self._examine(entry)

    def examine_all(self, entries: Sequence[Entry]) -> list[Outcome]:
        """Load plugins one after the other; none can harm those after it.

        Args:
            entries: The plugins.

        Returns:
            What came of each.
        """
        found: list[Outcome] = []
        while len(found) < len(entries):
            found += self._examine_together(entries[len(found) :])
            # Where one hung or ended the process, it is among the next few. Each of them gets a process of
            # its own until it is found.
            sound = True
            while sound and len(found) < len(entries):
                found.append(self.examine(entries[len(found)]))
                sound = not found[-1].failure
        return found

    def _examine_together(self, entries: Sequence[Entry]) -> list[Outcome]:
        """Examine plugins in one process, which takes a fraction of the time.

        Returns:
            What came of the first of them: of all, unless the process ended early.
        """
        self._renew()
        process = self._process or self._start()
        if process is None:
            from .here import Here

            return Here().examine_all(entries)
        self._used = True
        limit = min(self.limit, HASTE)
        request = {"do": "examine all", "entries": [entry.to_plain() for entry in entries], "limit": limit}
        until = time.monotonic() + limit * len(entries) + START
        found: list[Outcome] = []
        with contextlib.suppress(queue.Empty, OSError):
            self._send(process, request)
            while len(found) < len(entries) and (plain := self._reply(until)) is not None:
                found.append(Outcome.from_plain(plain))
        self.close()
        for number, outcome in enumerate(found):
            if outcome.failure or outcome.unusable:
                # Another plugin may have spoilt that process: each is judged by itself.
                found[number] = self.examine(entries[number])
        return found

    def _renew(self) -> None:
        """See that the next plugin gets a process in which no other was loaded."""
        if self._used:
            self.close()

    def _examine(self, entry: Entry) -> Outcome:
        since = time.time_ns()
        self._used = True
        reply = self._ask({"do": "examine", "entry": entry.to_plain(), "limit": self.limit}, self.limit)
        if isinstance(reply, str):
            files, folders = rests_on(entry, since=since)
            overran = self.limit if time.time_ns() - since >= 1e9 * self.limit else 0.0
            if self._reader is not None:  # what it said last tells most; a process that it left may go on
                self._reader.join(timeout=1.0)
            detail = "".join(self._noise)
            sought = (package_of(entry),)
            return Outcome(
                failure=reply, detail=detail, files=files, sought=sought, folders=folders, limit=overran
            )
        return Outcome.from_plain(reply)

    def load(self, spec: ComponentSpec) -> str:
        """Import what a spec names.

        Args:
            spec: The spec of a component.

        Returns:
            Why it cannot be used; empty: it can.
        """
        request = {"do": "load", "spec": spec_to_plain(spec), "limit": self.limit}
        reply = self._ask(request, self.limit)
        return reply if isinstance(reply, str) else str(reply["failure"])

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.end()
            self._process = None
        self._used = False

    def abandon(self) -> None:
        """End the process, from any thread, and start no other."""
        self._abandoned = True
        if (process := self._process) is not None:
            process.end()

    def __enter__(self) -> Examiner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, request: dict[str, Any], limit: float) -> dict[str, Any] | str:
        """The answer; or, where the process hangs or dies over it, the cause in words."""
        process = self._process or self._start()
        if process is None:
            return child.answer(request)
        try:
            self._send(process, request)
            reply = self._reply(time.monotonic() + limit)
        except queue.Empty:
            self.close()
            return f"loading it did not end within {limit:g} s (RHEOBASE_TIMEOUT sets the limit)"
        except OSError:  # it died before it could read
            reply = None
        except BaseException:
            self.close()
            raise
        if reply is not None:
            return reply
        status = process.wait()
        self.close()
        return f"loading it ended the interpreter: {_ending(status)}"

    def _send(self, process: Process, request: dict[str, Any]) -> None:
        self._number += 1
        process.requests.write(json.dumps(request | {"number": self._number}) + "\n")
        process.requests.flush()

    def _reply(self, until: float) -> dict[str, Any] | None:
        """The next answer to the last request; None: the process has ended."""
        while line := self._replies.get(timeout=max(0.0, until - time.monotonic())):
            if (said := _said(line, self._number)) is not None:
                return said
            if time.monotonic() > until:
                raise queue.Empty
        return None

    def _start(self) -> Process | None:
        if self._abandoned:
            raise PluginError("nothing more is examined: it was interrupted")
        process = start(child.main)
        if process is None:
            return None
        self._replies = queue.SimpleQueue()
        self._noise.clear()
        for stream, put, most in (
            (process.replies, self._replies.put, -1),
            (process.noise, self._noise.append, 1000),
        ):
            self._reader = threading.Thread(target=_read, args=(stream, put, most), daemon=True)
            self._reader.start()
        self._process = process
        return process


def _said(line: str, number: int) -> dict[str, Any] | None:
    """The answer to the request of a number; None: the line is something else that a plugin wrote."""
    try:
        said = json.loads(line)
        found: dict[str, Any] | None = said["says"] if said["to"] == number else None
    except (ValueError, TypeError, KeyError):
        return None
    return found


def _read(stream: IO[str], put: Callable[[str], None], most: int) -> None:
    with stream:
        # A plugin may print without end, and without the end of a line.
        while line := stream.readline(most):
            put(line)
    put("")


def _ending(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"signal {signal.Signals(-status).name}"
    except ValueError:
        return f"signal {-status}"
