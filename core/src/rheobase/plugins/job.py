"""What is done in other processes, so that no plugin can hang, end or change the user's.

A job is a request, a dictionary that JSON knows, and has one answer, or one for each plugin::

    {"do": "scan", "spec": 1, "oldest": 1}  ->  {"entries": [...], "problems": [...]}
    {"do": "core"}                          ->  the outcome of core's own components
    {"do": "examine", "entries": [...]}     ->  the outcome of each of these plugins
    {"do": "load", "spec": {...}}           ->  {"failure": ""}, or why what it names cannot be used
    {"do": "whose", "offers": [...]}        ->  what is offered and lies in another distribution

It writes lines of JSON: answers, ``{"to": token, "says": ...}``, and where it is, with ``"at"`` for
``"says"``. The token is that of its request, as a plugin may write into any pipe that it finds open.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from . import discovery, evidence, host
from .entry import Entry
from .metadata import search_path
from .outcome import Outcome, spec_from_plain
from .problem import first_line


def answers(request: dict[str, Any], at: Callable[[str], None] = lambda place: None) -> Iterator[Any]:
    """Do what a job asks for; ``at`` is told each place that a scan is about to look at.

    Example:
        >>> sorted(next(answers({"do": "scan", "spec": 1, "oldest": 1})))
        ['entries', 'problems']
    """
    if request["do"] == "scan":
        asking = host.Host(request["spec"], request["oldest"])
        yield discovery.scan(asking, at=at, without=request.get("without", ())).to_plain()
        return
    if request["do"] == "whose":
        from . import ownership

        yield ownership.strangers(request["offers"])
        return
    from . import component, examine, hooks  # here: they take time, and a scan needs none of them

    if request["do"] == "core":
        from .. import builtin

        yield Outcome(hooks.collect(builtin, "the core").specs).to_plain()
    elif request["do"] == "load":
        yield {"failure": component.failure(spec_from_plain(request["spec"]))}
    else:
        if request.get("trusted"):
            from .locking import loading

            loading.activate({"": loading.Trusted(*request["trusted"])})
        for entry in request["entries"]:
            yield examine.examine(Entry.from_plain(entry)).to_plain()


def work(request: dict[str, Any], replies: int) -> None:
    """Do a job in this process, and write what comes of it into a pipe."""
    own, token = os.getpid(), request["token"]

    def write(**said: Any) -> None:
        if os.getpid() != own:  # a plugin forked, and left this to be run twice
            os._exit(0)
        left = memoryview(f"\n{json.dumps({'to': token, **said})}\n".encode())
        while left:
            left = left[os.write(replies, left) :]

    if request["do"] not in ("scan", "whose"):
        evidence.watch()  # those read hundreds of files that no plugin asked for
    try:
        for answer in answers(request, lambda place: write(at=place)):
            write(says=answer)
    except KeyboardInterrupt as error:  # in here it is no user's
        write(says=Outcome(failure=first_line(error)).to_plain())


def prepare_process() -> None:
    """Make this a process that examines plugins: it sees none of them, and nothing of the user's terminal."""
    host.close()
    sys.path[:] = search_path()
    warnings.simplefilter("ignore")  # what a plugin's import warns of is its author's business
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    # Where it was forked, the parent may have put others there, and in those text may wait to be printed.
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="replace", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="replace", closefd=False)


def main() -> None:
    """Do the one job that is asked for on stdin, and answer on stdout: where processes cannot be forked."""
    import faulthandler

    request = json.loads(sys.stdin.read())
    replies = os.dup(1)
    os.dup2(2, 1)
    prepare_process()
    faulthandler.enable(file=2)
    faulthandler.dump_traceback_later(0.9 * request["limit"], file=2)  # it says where it hangs
    work(request, replies)
    os._exit(0)  # neither threads that a plugin left running nor its exit handlers are waited for
