"""What is done in other processes: metadata are read, a plugin is loaded, and it is said what came of it.

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

import importlib
import json
import os
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import PluginError
from . import discovery, evidence, host, targets
from .entry import Entry
from .metadata import search_path
from .outcome import Outcome, spec_from_plain
from .problem import brief, first_line

HEAVY = ("torch", "numpy", "scipy", "jax", "tensorflow", "matplotlib", "pandas")
"""What a hook module has no use for, and what makes every listing without an index wait."""

LONGEST = 1 << 16
"""How many characters of a traceback are kept: its end, as its beginning is ours."""

_VALUE = re.compile(r"(?P<module>[\w.]+)\s*(?::\s*(?P<attribute>[\w.]+))?\s*(?:\[.*\])?")

_examined: set[str] = set()
"""The modules that plugins imported while they were examined in this process."""


def examine(entry: Entry) -> Outcome:
    """Import a plugin, call its hooks and look for the targets of its specs.

    Returns:
        What it offers. Anything that it raises, an attempt to leave the interpreter included, becomes the
        outcome's failure; only the user's Ctrl-C goes through.
    """
    from . import offers  # here: it imports pluggy, and a scan needs none

    log, path = evidence.ImportLog(), list(sys.path)
    since, start = time.time_ns(), time.perf_counter()
    seconds = 0.0
    offer = offers.Offer(())
    error: BaseException | None = None
    with log:
        try:
            plugin = _load(entry.value)
            seconds = time.perf_counter() - start
            offer = offers.collect(plugin, entry.label)
        except BaseException as raised:
            # None of the user's interrupts can reach a process that is there for plugins.
            if isinstance(raised, KeyboardInterrupt) and not host.closed():
                raise
            error = raised
            seconds = seconds or time.perf_counter() - start
    sys.path[:] = path  # whoever uses a component does so without what its hook module does to the path
    unusable = {
        (spec.kind, spec.name): cause for spec in offer.specs if (cause := targets.missing(spec.target))
    }
    modules = [spec.target.partition(":")[0] for spec in offer.specs]
    imported = {name for name in log.places if name in sys.modules}
    sought = {name: place for name, place in log.places.items() if name not in sys.modules}
    _examined.update(imported)
    package = evidence.package_of(entry)
    # Whether it was a plugin that asked for a module, and not what some package of an installer's tries.
    asked = any(evidence.matters(module, file, package) for file, _, module in sought.values())
    files, folders = evidence.rests_on(
        entry,
        since=since,
        imported=imported,
        old=_loaded_before(package),
        targeted=modules,
        read=log.read,
        sought=sought,
        lacking=bool(error or unusable) or asked,
    )
    return Outcome(
        specs=tuple(spec for spec in offer.specs if (spec.kind, spec.name) not in unusable),
        complaints=offer.complaints,
        unusable=tuple((kind, name, cause) for (kind, name), cause in unusable.items()),
        failure=_cause(error, entry),
        detail=_traceback(error),
        heavy=log.line_of((*HEAVY, *modules)),
        seconds=seconds,
        files=files,
        sought=tuple(sorted({name.partition(".")[0] for name in (package, *log.places, *modules)})),
        folders=folders,
    )


def _load(value: str) -> Any:
    match = _VALUE.fullmatch(value.strip())
    if match is None:
        raise PluginError('its entry point is not of the form "package.module:object"')
    plugin: Any = importlib.import_module(match["module"])
    for attribute in (match["attribute"] or "").split(".") if match["attribute"] else ():
        plugin = getattr(plugin, attribute)
    return plugin


def _loaded_before(package: str) -> set[str]:
    """The plugin's own modules that were imported by something else, which may be long ago."""
    if package not in sys.modules or package in _examined:
        return set()
    return {name for name in sys.modules.keys() - _examined if name.partition(".")[0] == package}


def _cause(error: BaseException | None, entry: Entry) -> str:
    if error is None:
        return ""
    # What the hooks say of a plugin begins with its label, which the problem has already.
    own = isinstance(error, PluginError)
    return brief(str(error).removeprefix(f"{entry.label}: ")) if own else first_line(error)


def _traceback(error: BaseException | None) -> str:
    import traceback

    if error is None:
        return ""
    try:
        return "".join(traceback.format_exception(error))[-LONGEST:]
    except Exception:  # a stranger's exception may fail to print
        return type(error).__name__


def answers(request: dict[str, Any], at: Callable[[str], None] = lambda place: None) -> Iterator[Any]:
    """Do what a job asks for; ``at`` is told each place that a scan is about to look at."""
    if request.get("trusted"):
        from .locking import loading

        loading.activate({"": loading.Trusted(*request["trusted"])})
    if request["do"] == "scan":
        asking = host.Host(request["spec"], request["oldest"])
        yield discovery.scan(asking, at=at, without=request.get("without", ())).to_plain()
    elif request["do"] == "whose":
        from . import ownership

        yield ownership.strangers(request["offers"])
    elif request["do"] == "core":
        from .. import builtin
        from . import offers

        yield Outcome(offers.collect(builtin, "the core").specs).to_plain()
    elif request["do"] == "load":
        from . import component

        yield {"failure": component.failure(spec_from_plain(request["spec"]))}
    else:
        for entry in request["entries"]:
            yield examine(Entry.from_plain(entry)).to_plain()


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
