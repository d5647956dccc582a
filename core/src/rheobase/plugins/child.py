"""The work that is done in other processes, so that no plugin can hang, end or change the user's.

Each job is a request, a dictionary that JSON knows, and has one answer, or one for each plugin::

    {"do": "scan", "spec": 1, "oldest": 1}  ->  {"entries": [...], "problems": [...]}
    {"do": "core"}                          ->  the outcome of core's own components
    {"do": "examine", "entries": [...]}     ->  the outcome of each of these plugins
    {"do": "load", "spec": {...}}           ->  {"failure": ""}, or why what it names cannot be used
    {"do": "whose", "offers": [...]}        ->  what is offered and lies in another distribution

An answer is a line of JSON with the token of its job in it, as a plugin may write into any pipe that it finds
open. Whatever else a plugin prints goes to stderr.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

from . import discovery, importlog
from .compatibility import Host
from .entry import Entry
from .outcome import Outcome, spec_from_plain
from .problem import first_line

APART = hasattr(os, "fork")
"""Whether each job is forked from a process in which no plugin was loaded; else an interpreter is started."""

WHERE = getattr(signal, "SIGUSR2", 0)
"""At this signal a job says on stderr where it is, whatever it does."""

LONGEST = 1 << 20
"""How many bytes an answer may have, where a plugin makes it up."""

LONGEST_SCAN = 16 * LONGEST
"""How many it may have that is about all distributions."""


def answers(request: dict[str, Any], at: Callable[[str], None] = lambda place: None) -> Iterator[Any]:
    """Do what a job asks for.

    Returns:
        The answers, as values that JSON knows.

    Example:
        >>> sorted(next(answers({"do": "scan", "spec": 1, "oldest": 1})))
        ['entries', 'problems']
    """
    if request["do"] == "scan":
        host = Host(request["spec"], request["oldest"])
        yield discovery.scan(host, at=at, without=request.get("without", ())).to_plain()
        return
    if request["do"] == "whose":
        from . import ownership

        yield ownership.strangers(request["offers"])
        return
    from . import component, examine, hooks

    if request["do"] == "core":
        from .. import builtin

        yield Outcome(hooks.collect(builtin, "the core").specs).to_plain()
    elif request["do"] == "load":
        yield {"failure": component.failure(spec_from_plain(request["spec"]))}
    else:
        if request.get("trusted"):
            from . import trusted

            trusted.activate({"": trusted.Trusted(*request["trusted"])})
        for entry in request["entries"]:
            yield examine.examine(Entry.from_plain(entry)).to_plain()


def wanted(request: dict[str, Any]) -> int:
    """How many answers a job has."""
    return len(request["entries"]) if request["do"] == "examine" else 1


class Forged(ValueError):
    """Somebody answers who was not asked."""


def said(line: bytes | bytearray, token: str) -> list[Any]:
    """The answer in a line.

    Returns:
        The answer, in a list; an empty one where the line is something else that a plugin printed.

    Raises:
        Forged: If it has the form of an answer, and is none to this job.

    Example:
        >>> said(b'{"to": "5f", "says": 3}', "5f"), said(b"hello", "5f")
        ([3], [])
    """
    if not line.startswith(b'{"to":'):
        return []
    try:
        plain = json.loads(line)
        if plain["to"] == token and plain.keys() == {"to", "says"}:
            return [plain["says"]]
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    raise Forged


def work(
    request: dict[str, Any], token: str, replies: int, at: Callable[[str], None] = lambda place: None
) -> None:
    """Do one job in this process.

    Args:
        request: The job.
        token: Its token.
        replies: Where the answers go.
        at: See :func:`answers`.
    """
    own = os.getpid()

    def reply(answer: Any) -> None:
        if os.getpid() != own:  # a plugin forked, and left this to be run twice
            os._exit(0)
        line = "\n" + json.dumps({"to": token, "says": answer}) + "\n"
        left = memoryview(line.encode())
        while left:
            left = left[os.write(replies, left) :]

    if request["do"] not in ("scan", "whose"):
        importlog.watch()  # those read hundreds of files that no plugin asked for
    if not APART:  # says on stderr where it hangs, before it is ended
        faulthandler.dump_traceback_later(0.9 * request["limit"], file=2)
    try:
        for answer in answers(request, at):
            reply(answer)
    except KeyboardInterrupt as error:  # in here it is no user's
        reply(Outcome(failure=first_line(error)).to_plain())
