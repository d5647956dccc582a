"""Judging in a process apart: a component that hangs, ends its process or eats memory fails a property.

Where it can, the process is forked, within milliseconds; else another interpreter is started, which finds the
component by itself. After one has died another goes on with the next property.
"""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import multiprocessing.connection
import os
import re
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from rheobase.spi import ending

from .again import found_again
from .profiles import profile_named
from .property import Property
from .result import Result, Shown, Verdict
from .running import judge
from .script import BY_ALL, NOT_DRAWN, brings_its_spec, script
from .subject import Subject
from .told import is_of_the_author
from .worker import MEMORY, WHERE, Errand, found_as, work

LIMIT = 300.0
"""How long one case may take by default, s: minutes, as torch's compiler may take one on a slow machine."""

STRONGEST = (math.inf, 1e4, 1e2, 1.0, 0.0)
"""The strongest inputs under which a component is measured: less each time that this ends its process."""

START = 120.0
"""How long a process may take until it begins with the first property, s."""

FORK = sys.platform == "linux"
"""Whether processes are forked. Elsewhere libraries of the system may not bear it."""

_WAIT = 3600.0
"""The longest that is waited at once, s: the system takes no number of any size."""

_NEXT = 0.1
"""The part of the limit that is left to each case once one has overrun it: the verdict is known by then."""

_LEAST = 10.0
"""But so many seconds at least, if the limit has them."""


class Apart:
    """Judges a component in processes apart, one after the other.

    Args:
        subject: The component.
        profile: How much is tried.
        seed: Of the cases.
        expected: Property -> the reason why it is expected to fail.
        limit: How long one case may take, s.
        again: Whether the script of a failure is tried in a process of its own.
    """

    def __init__(
        self,
        subject: Subject,
        profile: str,
        seed: int,
        expected: Mapping[str, str],
        limit: float,
        *,
        again: bool = True,
    ) -> None:
        self._subject, self._profile, self._seed, self._expected = subject, profile, seed, expected
        self._limit, self._tries_again = limit, again
        self._strongest = list(STRONGEST)
        self._begins = self._overran = False

    def results(self, chosen: Sequence[Property]) -> Iterator[Result]:
        """The results of properties, in their order, each as soon as it is known.

        Raises:
            KeyboardInterrupt: If the user ends it.
        """
        left = list(chosen)
        while left:
            with _Process(self._subject, self._errand(left)) as process:
                while left:
                    result = self._next(process, left[0])
                    if result is None:
                        break
                    left.pop(0)
                    yield self._shown(result)
                    if process.ended:
                        break

    def _shown(self, result: Result) -> Result:
        """A failure with what shows it again in a process of its own, and the script that does.

        Where processes are forked the new one has tried nothing yet, and costs no more than the case.
        """
        if not (result.seen and self._tries_again and FORK) or self._overran:
            return result  # What hung would hang again.
        prop = result.prop
        given = () if prop.cases is None else (result.case,)
        # Where none could be drawn, the script draws cases anyway.
        if (prop.cases is None or result.case is not None) and self._again(prop, given):
            return replace(result, shown=Shown.CASE)
        if prop.cases is not None and self._again(prop, None):
            text = script(
                *(prop, self._subject, None, result.seen, self._profile, self._seed),
                without=NOT_DRAWN if result.case is None else BY_ALL,
            )
            return replace(result, shown=Shown.PROPERTY, script=text)
        return replace(result, shown=Shown.NEITHER)

    def _again(self, prop: Property, alone: tuple[Any, ...] | None) -> bool:
        """Whether a property fails in a process of its own, on one case or on all."""
        with _Process(self._subject, replace(self._errand([prop]), alone=alone)) as process:
            until = time.monotonic() + self._limit
            while True:
                word, value = process.said(until)
                if word == "result":
                    return bool(value if alone is not None else value["seen"])
                if word == "interrupted":
                    raise KeyboardInterrupt
                if word not in ("began", "case"):
                    return word != "done"
                until = time.monotonic() + self._limit

    def _errand(self, left: Sequence[Property]) -> Errand:
        subject = self._subject
        return Errand(
            tuple(prop.name for prop in left),
            self._profile,
            self._seed,
            dict(self._expected),
            subject.kind,
            found_again(subject),
            None if brings_its_spec(subject) else subject.spec,
            self._strongest[0],
            tuple(sys.path),
        )

    def _next(self, process: _Process, prop: Property) -> Result | None:
        """What comes of the next property; None: another process is to go on."""
        self._overran = False
        began = time.perf_counter()
        case: tuple[Any, ...] | None = None
        failure, count, until = "", 0, time.monotonic() + START + self._limit
        while True:
            word, value = process.said(until)
            if word == "result":
                return found_as(prop, value)
            if word == "done":
                return None
            if word == "gone" and not self._begins:
                # No process can be had: a script that starts one where it is imported, for instance.
                process.end()
                expected = self._expected.get(prop.name)
                return judge(prop, self._subject, profile_named(self._profile), self._seed, expected)
            if word == "interrupted":
                raise KeyboardInterrupt
            if word in ("began", "case"):
                self._begins = True
                case = value if word == "case" else None
                count += word == "case"
                until = time.monotonic() + self._limit
                continue
            if word == "full":
                failure = f"it took {MEMORY >> 30} GiB of memory: {value}"
            elif word == "late":
                self._overran = True
                failure = f"it did not end within {self._limit:g} s{process.where()}"
                self._limit = min(self._limit, max(_LEAST, _NEXT * self._limit))
            else:
                failure = f"it ended its process: {value}"
            break
        process.end()
        if case is None:
            # Before any case: where its sizes are measured, on which the cases of all properties hang.
            failure = f"while its cases were drawn, {failure}"
            if prop.cases is not None and len(self._strongest) > 1:
                del self._strongest[0]
        return self._failed(prop, failure, case, count, time.perf_counter() - began)

    def _failed(
        self, prop: Property, seen: str, given: tuple[Any, ...] | None, count: int, seconds: float
    ) -> Result:
        case = given[0] if given else None
        expected = self._expected.get(prop.name)
        return Result(
            prop,
            Verdict.FAILED if expected is None else Verdict.EXPECTED,
            seen if expected is None else expected,
            case,
            script(prop, self._subject, case, seen, self._profile, self._seed),
            count,
            seconds,
            seen,
        )


def can_be_apart(subject: Subject) -> bool:
    """Whether a component can be judged in another process: by a fork, or as it is found again there."""
    return FORK or bool(found_again(subject))


class _Process:
    """A process under way. Leaving the context ends it, with whatever was started in it."""

    def __init__(self, subject: Subject, errand: Errand) -> None:
        context: Any = multiprocessing.get_context("fork" if FORK else "spawn")
        self._connection, theirs = context.Pipe(duplex=False)
        self._hangs: IO[bytes] | None = tempfile.TemporaryFile() if FORK else None  # noqa: SIM115
        handle = None if self._hangs is None else self._hangs.fileno()
        given = subject if FORK else None
        self._process = context.Process(target=work, args=(theirs, errand, given, handle))
        self.ended = False
        _print()
        with warnings.catch_warnings():
            # Of forks beside threads: torch's and numpy's, which the new process does without.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process.start()
        theirs.close()

    def __enter__(self) -> _Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._connection.close()
        if self._hangs is not None:
            self._hangs.close()

    def said(self, until: float) -> tuple[str, Any]:
        """What it says next; "late" after a time, "gone" with how where it has ended."""
        while True:
            left = max(0.0, until - time.monotonic())
            ready = multiprocessing.connection.wait(
                [self._connection, self._process.sentinel], min(left, _WAIT)
            )
            if not ready and left > _WAIT:
                continue
            if not ready:
                return "late", None
            # What it said before it ended comes first.
            if self._connection in ready or self._connection.poll():
                try:
                    word, value = self._connection.recv()
                except (EOFError, OSError):
                    return "gone", self._ending()
                if word in ("out", "err"):
                    _print(value, word)
                    continue
                return word, value
            return "gone", self._ending()

    def _ending(self) -> str:
        # It may have closed its pipes, and go on.
        until = time.monotonic() + 1.0
        while self._process.exitcode is None and time.monotonic() < until:
            time.sleep(0.01)
        self.end()
        return ending(self._process.exitcode or 0)

    def where(self) -> str:
        """Where it hangs, in words: the author's innermost line; empty: that cannot be said."""
        if not WHERE or self._hangs is None or self._process.pid is None:
            return ""
        with contextlib.suppress(OSError):
            os.kill(self._process.pid, WHERE)
        text, until = "", time.monotonic() + 1.0
        while time.monotonic() < until and not text.endswith("\n"):
            time.sleep(0.05)
            text = os.pread(self._hangs.fileno(), 1 << 16, 0).decode(errors="replace")
        lines = re.findall(r'^  File "(.*)", line (\d+) in (.*)$', text, re.MULTILINE)
        for file, line, name in lines:
            if is_of_the_author(file):
                return f" (in {name}, {Path(file).name}, line {line})"
        return ""

    def end(self) -> None:
        """End it, and what was started in it."""
        if self.ended:
            return  # Its number may be another's by now.
        if self._process.pid is not None and hasattr(os, "killpg"):
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.join()
        self.ended = True


def _print(text: str = "", stream: str = "out") -> None:
    """Print what a component printed; what waits to be printed would be printed by a fork too."""
    for each, name in ((sys.stdout, "out"), (sys.stderr, "err")):
        with contextlib.suppress(OSError, ValueError):
            if text and stream == name:
                each.write(text)
            each.flush()
