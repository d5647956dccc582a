"""The process apart in which a component is judged: it says what it is about before it tries it."""

from __future__ import annotations

import contextlib
import faulthandler
import io
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from rheobase.spi import ComponentSpec

from .catalogue import properties
from .finding import find_one
from .profiles import profile_named
from .property import Property
from .result import Result
from .running import attempt, judge
from .subject import Subject
from .told import told

WHERE = getattr(signal, "SIGUSR2", 0)
"""At this signal the process says where it is, whatever it does."""

MEMORY = 4 << 30
"""The memory that a component may take beyond what the process begins with, bytes; under Linux."""

_LOOK = 1.0
"""Seconds between two looks at whether the other process is still there."""

_OUT = re.compile(r"MemoryError|[Cc]annot allocate memory|can't allocate memory|bad_alloc")


@dataclass(frozen=True)
class Errand:
    """What a process is to judge.

    Args:
        names: The properties, in order.
        profile: How much is tried.
        seed: Of the cases.
        expected: Property -> the reason why it is expected to fail.
        kind: The kind of component.
        target: What another process finds it by.
        spec: What is claimed of it, where the target does not say so.
        strongest: The strongest input under which it is measured.
        path: The path of modules.
        alone: Instead, the one case that the one property is tried on, if it has cases; None: all cases.
    """

    names: tuple[str, ...]
    profile: str
    seed: int
    expected: Mapping[str, str]
    kind: str
    target: str
    spec: ComponentSpec | None
    strongest: float
    path: tuple[str, ...]
    alone: tuple[Any, ...] | None = None


def work(connection: Connection, errand: Errand, subject: Subject | None, where: int | None) -> None:
    """Judge a component, and say how far it is, in pairs: a word, and what belongs to it.

    Args:
        connection: To who waits for the results.
        errand: What is to be judged.
        subject: The component; None: it is found by its target.
        where: A file in which this process is to say where it hangs, when it is asked; None: it is not.
    """
    try:
        _settle(connection, where)
        if subject is None:
            sys.path[:] = errand.path
            subject = find_one(errand.target, spec=errand.spec, kind=errand.kind)
        subject.strongest = errand.strongest
        full = _limit_memory()
        known = {prop.name: prop for prop in properties(subject.kind)}
        for name in errand.names:
            if full() > 0.5:
                break  # What was judged before left too much behind: another process goes on.
            connection.send(("began", name))
            if errand.alone is not None:
                connection.send(("result", attempt(known[name], subject, *errand.alone).seen))
                break
            watched = replace(known[name], check=_watched(known[name].check, connection))
            profile = profile_named(errand.profile)
            result = judge(watched, subject, profile, errand.seed, errand.expected.get(name))
            connection.send(("result", _without_property(result)))
            if _OUT.search(result.seen):
                break
        connection.send(("done", None))
    except KeyboardInterrupt:
        connection.send(("interrupted", None))
    except (BrokenPipeError, ConnectionResetError):
        pass  # Nobody waits any more.
    finally:
        with contextlib.suppress(OSError):
            connection.close()
        os._exit(0)  # Threads of a component, and its exit handlers, are not waited for.


def _settle(connection: Connection, where: int | None) -> None:
    """Be a process that can be ended with all that it starts, and that prints through the other one."""
    import torch

    if hasattr(os, "setsid"):
        os.setsid()
        # Whoever waits may be killed, and this process hang.
        threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    # Of a fork the threads of the other process are not, and torch would wait for them.
    torch.set_num_threads(1)
    sys.stdout, sys.stderr = _Printed(connection, "out"), _Printed(connection, "err")
    if WHERE and where is not None:
        faulthandler.register(WHERE, file=where, all_threads=True)


def _end_with(parent: int) -> None:
    """End this process, and what was started in it, when another parent than the one given has it."""
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os.killpg(os.getpid(), signal.SIGKILL)


class _Printed(io.TextIOBase):
    """A stream that another process prints."""

    def __init__(self, connection: Connection, stream: str) -> None:
        self._connection, self._stream = connection, stream

    def write(self, text: str) -> int:
        self._connection.send((self._stream, text))
        return len(text)

    def writable(self) -> bool:
        return True


def _limit_memory() -> Callable[[], float]:
    """Let allocations fail beyond the limit; gives which part of it is taken. Elsewhere than Linux: 0."""
    status = Path("/proc/self/status")
    try:
        import resource

        start = _taken(status)
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        if hard == resource.RLIM_INFINITY or hard > start + MEMORY:
            resource.setrlimit(resource.RLIMIT_DATA, (start + MEMORY, hard))
    except (ImportError, OSError, ValueError):
        return lambda: 0.0
    return lambda: (_taken(status) - start) / MEMORY


def _taken(status: Path) -> int:
    """The memory that the limit counts: what a process can write to and shares with no other, bytes."""
    found = re.search(r"^VmData:\s+(\d+) kB", status.read_text(), re.MULTILINE)
    if found is None:
        raise ValueError(f"{status} says nothing of VmData")
    return 1024 * int(found[1])


def _watched(check: Callable[..., None], connection: Connection) -> Callable[..., None]:
    """A property's check that announces its case first, and tells if the memory did not suffice."""

    def watched(subject: Subject, *case: Any) -> None:
        _announce(connection, case)
        try:
            check(subject, *case)
        except Exception as error:
            if _OUT.search(seen := told(error)):
                connection.send(("full", seen))
                # Nothing more can be relied on in this process.
                with contextlib.suppress(OSError):
                    connection.close()
                os._exit(1)
            raise

    return watched


def _announce(connection: Connection, case: tuple[Any, ...]) -> None:
    try:
        connection.send(("case", case))
    except (BrokenPipeError, ConnectionResetError):
        raise
    except Exception:  # It cannot be pickled, and is told without.
        connection.send(("case", ()))


def _without_property(result: Result) -> dict[str, Any]:
    """The fields of a result but its property, which its reader has."""
    return {each.name: getattr(result, each.name) for each in fields(result) if each.name != "prop"}


def found_as(prop: Property, given: Mapping[str, Any]) -> Result:
    """A result as it was sent, of its property."""
    return Result(prop, **given)
