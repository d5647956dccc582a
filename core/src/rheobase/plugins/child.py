"""The process in which plugins are loaded, so that none of them can hang or end the user's.

It reads requests from stdin, a line of JSON each, and answers on the pipe that was its stdout. Each request
has a number, which is in the answer too, as a plugin may write into any pipe that it finds open::

    {"do": "scan", "spec": 1, "oldest": 1}  ->  {"entries": [...], "problems": [...], "version": "0.1.0"}
    {"do": "core"}                          ->  the outcome of core's own components
    {"do": "examine", "entry": {...}}       ->  the outcome of that plugin
    {"do": "examine all", "entries": [...]} ->  the outcome of each, a line each; the process ends if it hangs
    {"do": "load", "spec": {...}}           ->  {"failure": ""}, or why what it names cannot be used

Whatever a plugin prints goes to stderr.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import os
import queue
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TextIO

from . import discovery, guard, importlog
from .compatibility import Host
from .entry import Entry
from .fingerprint import search_path
from .outcome import Outcome, spec_from_plain

AT_ONCE = 8
"""How many plugins are imported at a time."""


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Do what a request asks for.

    Args:
        request: One of those above.

    Returns:
        The answer, as values that JSON knows.

    Example:
        >>> sorted(answer({"do": "scan", "spec": 1, "oldest": 1}))
        ['entries', 'problems', 'version']
    """
    if request["do"] == "scan":
        found = discovery.scan(Host(request["spec"], request["oldest"]))
        return scan_to_plain(found)
    from . import component, examine, hooks

    if request["do"] == "core":
        from .. import builtin

        return Outcome(hooks.collect(builtin, "the core").specs).to_plain()
    if request["do"] == "load":
        return {"failure": component.failure(spec_from_plain(request["spec"]))}
    return examine.examine(Entry.from_plain(request["entry"])).to_plain()


def scan_to_plain(found: discovery.Scan) -> dict[str, Any]:
    """A scan as values that JSON knows.

    Args:
        found: The scan.
    """
    return {
        "entries": [entry.to_plain() for entry in found.entries],
        "problems": [problem._asdict() for problem in found.problems],
        "version": found.version,
    }


def main() -> None:
    """Answer requests until there are no more."""
    guard.close()
    sys.path[:] = search_path()
    warnings.simplefilter("ignore")  # what a plugin's import warns of is its author's business
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    with open(os.devnull) as nothing:
        requests = os.fdopen(os.dup(0), encoding="utf-8")
        os.dup2(nothing.fileno(), 0)
    # Where it was forked, the parent may have put others there, and in those text may wait to be printed.
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="replace", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="replace", closefd=False)
    faulthandler.enable(file=2)
    gc.disable()  # it ends soon, and collecting takes a good part of its time
    _serve(requests, replies)


def examine_together(entries: Sequence[Entry], limit: float, reply: Callable[[Outcome], None]) -> None:
    """Load plugins, several at once: many of them wait for a disk, or for each other.

    Args:
        entries: The plugins.
        limit: For how long the process may get no further, s, before it ends.
        reply: Called with what came of each, in their order.
    """
    from . import examine

    found: dict[int, examine.BroughtIn] = {}
    todo = iter(enumerate(entries))
    turn = threading.Lock()

    def work() -> None:
        while True:
            with turn:
                faulthandler.dump_traceback_later(limit, file=2, exit=True)
                number, entry = next(todo, (-1, None))
            if entry is None:
                return
            try:
                found[number] = examine.bring_in(entry)
            except BaseException as error:  # in here an interrupt is no user's
                found[number] = examine.BroughtIn(entry, error=error)

    threads = [threading.Thread(target=work) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(len(entries)):
        faulthandler.dump_traceback_later(limit, file=2, exit=True)
        try:
            outcome = examine.judge(found[number])
        except BaseException as error:
            outcome = Outcome(failure=discovery.first_line(error))
        reply(outcome)
    faulthandler.cancel_dump_traceback_later()


def _until_the_parent_ends(requests: TextIO) -> Iterator[str]:
    """The requests as they come; when there will be no more, the process ends, whatever it does then."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        try:
            for line in requests:
                lines.put(line)
        finally:
            # Neither threads that a plugin left running nor its exit handlers are waited for.
            os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    while True:
        yield lines.get()


def _serve(requests: TextIO, replies: TextIO) -> None:
    own = os.getpid()

    def reply(plain: dict[str, Any]) -> None:
        if os.getpid() != own:  # a plugin forked, and left this to be run twice
            os._exit(0)
        replies.write("\n" + json.dumps({"to": request["number"], "says": plain}) + "\n")

    for line in _until_the_parent_ends(requests):
        request = json.loads(line)
        if request["do"] != "scan":
            importlog.watch()  # not before: a scan reads hundreds of files that no plugin asked for
        if request["do"] == "examine all":
            entries = [Entry.from_plain(each) for each in request["entries"]]
            examine_together(entries, request["limit"], lambda outcome: reply(outcome.to_plain()))
        else:
            if limit := request.get("limit"):
                # Says on stderr where it hangs, before the parent ends it.
                faulthandler.dump_traceback_later(0.9 * limit, file=2)
            try:
                reply(answer(request))
            except KeyboardInterrupt as error:  # in here it is no user's
                reply(Outcome(failure=discovery.first_line(error)).to_plain())
            faulthandler.cancel_dump_traceback_later()
        replies.flush()
