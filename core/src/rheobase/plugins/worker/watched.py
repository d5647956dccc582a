"""A job that is done in another process, as this one sees it: within its time, and within bounds."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from typing import Any

from . import process

TICK = 0.05
"""How often jobs that say nothing are looked at, s."""

PATIENCE = 2.0
"""After how long the user is told for whom he waits, s."""

START = 120.0
"""How long the first job may take to begin, and a scan until it is at the first place that it looks at, s."""

LONGEST = 1 << 20
"""How many bytes an answer may have, where a plugin makes it up."""

LONGEST_SCAN = 16 * LONGEST
"""How many it may have that is about all distributions."""

NOISE = 64 << 10
"""How many bytes are kept of what a job prints."""

READS = 32
"""How often a pipe is read that is to be emptied: twice what one holds."""

NO_ANSWER = "it wrote what is no answer"


class Watched:
    """A job: what it has said so far, until when it may go on, and what came of it."""

    def __init__(self, number: int, request: dict[str, Any], limit: float) -> None:
        self.number = number
        self.request = {**request, "limit": limit, "token": os.urandom(8).hex()}
        self.pid = 0
        self.status: int | None = None
        self.pipes: list[int] = []
        """Where it answers and where it prints, as long as they are open."""
        self.failure = ""
        """Why there are no more answers; empty: there are all."""
        self.overran = False
        """Whether it took longer than it may."""
        self.stopped = False
        """Whether it was stopped then, which anybody may have done."""
        self.at = ""
        """The place that it looked at last."""
        self.answers: list[Any] = []
        self._reads = request["do"] in ("scan", "whose")
        self.verb = "reading" if self._reads else "loading"
        self._longest = LONGEST_SCAN if self._reads else LONGEST
        self._wanted = len(request["entries"]) if request["do"] == "examine" else 1
        self._line = bytearray()
        self._heard = 0  # since the last answer
        self._tail = b""
        self._noise = -1
        self._told = 0.0
        self.until = 0.0

    def begin(self, pid: int) -> None:
        """From now on its time passes."""
        self.pid, self._told = pid, time.monotonic() + PATIENCE
        self.until = time.monotonic() + self.time

    @property
    def time(self) -> float:
        """How long it may take until it says something, s."""
        return START if self.request["do"] in ("scan", "core") else float(self.request["limit"])

    @property
    def done(self) -> bool:
        """Whether all is known of it that will be."""
        return bool(self.failure) or len(self.answers) >= self._wanted

    def read(self, handle: int) -> bool:
        """Read what there is in one of its pipes; False: for now there is no more, or never again."""
        try:
            found = os.read(handle, 1 << 16)
        except BlockingIOError:
            return False
        if handle == self._noise:
            self.print(found)
        else:
            self.hear(found)
        if not found:
            os.close(handle)
            self.pipes.remove(handle)
        return bool(found)

    def drain(self) -> None:
        """Read all that is in its pipes."""
        for handle in list(self.pipes):
            for _ in range(READS):  # whoever fills it faster is not read to the end
                if handle not in self.pipes or not self.read(handle):
                    break

    def open_pipes(self) -> tuple[int, int]:
        """Make its pipes; gives its own ends."""
        replies, theirs = os.pipe()
        self._noise, err = os.pipe()
        self.pipes = [replies, self._noise]
        for handle in self.pipes:
            os.set_blocking(handle, False)
        return theirs, err

    def print(self, found: bytes) -> None:
        """Keep the end of what it prints."""
        self._tail = (self._tail + found)[-NOISE:]

    def hear(self, found: bytes) -> None:
        """Take what it answers."""
        self._line += found
        self._heard += len(found)
        *lines, rest = self._line.split(b"\n") if b"\n" in found else (self._line,)
        self._line = rest
        for line in lines:
            if self.done:
                return
            self._take(line)
        if self._heard > self._longest + len(found) and not self.done:
            self.failure = self._too_long()

    def _take(self, line: bytes | bytearray) -> None:
        if not line.startswith(b'{"to":'):
            return  # something else that a plugin printed
        said: Any = None
        with contextlib.suppress(ValueError, RecursionError):
            said = json.loads(line)
        if not isinstance(said, dict) or said.pop("to", None) != self.request["token"] or len(said) != 1:
            self.failure = NO_ANSWER  # who has the form of an answer, and does not know to what
        elif self._reads and isinstance(said.get("at"), str):  # whoever else says so would gain time
            self.at = said["at"]
        elif "says" not in said:
            self.failure = NO_ANSWER
        elif len(line) > self._longest:
            self.failure = self._too_long()
        else:
            self.answers.append(said["says"])
        self._heard = 0
        self.until = time.monotonic() + self.request["limit"]

    def _too_long(self) -> str:
        return f"it wrote more than {self._longest >> 20} MiB for an answer"

    def end(self, status: int) -> None:
        """Its process has ended."""
        self.status = status
        self.drain()
        if not self.done:
            self.failure = f"{self.verb} it ended the interpreter: {process.ending(status)}"

    def overrun(self) -> None:
        """It took too long: have it say on stderr where it hangs, and give it a moment for that."""
        limit = self.request["limit"]
        self.failure = f"{self.verb} it did not end within {limit:g} s (RHEOBASE_TIMEOUT sets the limit)"
        self.overran = True
        if self.pid and self.status is None:
            with contextlib.suppress(OSError), open(f"/proc/{self.pid}/stat", "rb") as file:
                self.stopped = file.read().rpartition(b")")[2].split()[:1] in ([b"T"], [b"t"])
            with contextlib.suppress(OSError):
                os.kill(self.pid, process.WHERE)
                until = time.monotonic() + 2 * TICK
                while time.monotonic() < until and not self._tail.endswith(b">\n"):
                    self.drain()
                    time.sleep(0.002)

    def close(self) -> None:
        """End it, with whatever was started in it, and let go of its pipes."""
        if self.pid and self.status is None:
            process.kill(self.pid)
        self.drain()
        for handle in self.pipes:
            os.close(handle)
        self.pipes.clear()

    def tell(self) -> None:
        """Tell the user for whom he waits, if that takes long."""
        about = self.request.get("about")
        if about and self._told < time.monotonic():
            print(f"rheobase: waiting for {about}", file=sys.stderr, flush=True)
            self._told = float("inf")

    @property
    def detail(self) -> str:
        """What it printed until it failed."""
        return self._tail.decode("utf-8", "replace") if self.failure else ""
