"""Loads one plugin and says what came of it. Runs the plugin's code: elsewhere in a process of its own."""

from __future__ import annotations

import importlib
import re
import sys
import time
import traceback
from typing import Any

from ..errors import PluginError
from . import evidence, hooks, host, targets
from .entry import Entry
from .evidence import ImportLog
from .outcome import Outcome
from .problem import brief, first_line

HEAVY = ("torch", "numpy", "scipy", "jax", "tensorflow", "matplotlib", "pandas")
"""What a hook module has no use for, and what makes every listing without an index wait."""

_VALUE = re.compile(r"(?P<module>[\w.]+)\s*(?::\s*(?P<attribute>[\w.]+))?\s*(?:\[.*\])?")


def examine(entry: Entry) -> Outcome:
    """Import a plugin, call its hooks and look for the targets of its specs.

    Returns:
        What it offers. Anything that it raises, an attempt to leave the interpreter included, becomes the
        outcome's failure; only the user's Ctrl-C goes through.

    Example:
        >>> examine(Entry("toy-models", "1.2", "toy", "toy_models.hooks")).failure
        "ModuleNotFoundError: No module named 'toy_models'"
    """
    log, path = ImportLog(), list(sys.path)
    since, start = time.time_ns(), time.perf_counter()
    plugin: Any = None
    error: BaseException | None = None
    with log:
        try:
            plugin = _load(entry.value)
        except BaseException as raised:
            _let_through(raised)
            error = raised
    _examined.update(log.places)
    seconds = time.perf_counter() - start
    offer = hooks.Offer(())
    if error is None:
        with log:
            try:
                offer = hooks.collect(plugin, entry.label)
            except BaseException as raised:
                _let_through(raised)
                error = raised
    sys.path[:] = path  # whoever uses a component does so without what its hook module does to the path
    unusable = {
        (spec.kind, spec.name): cause for spec in offer.specs if (cause := targets.missing(spec.target))
    }
    modules = [spec.target.partition(":")[0] for spec in offer.specs]
    imported = {name for name in log.places if name in sys.modules}
    sought = {name: place for name, place in log.places.items() if name not in sys.modules}
    _examined.update(imported)
    asked = (evidence.package_of(entry), *log.places, *modules)
    files, folders = evidence.rests_on(
        entry,
        since=since,
        imported=imported,
        old=_loaded_before(entry),
        targeted=modules,
        read=log.read,
        sought=sought,
        lacking=bool(error or unusable) or any(_asked_by(entry, *place) for place in sought.values()),
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
        sought=tuple(sorted({name.partition(".")[0] for name in asked})),
        folders=folders,
    )


def _let_through(error: BaseException) -> None:
    """Raise the user's interrupt; none can reach a process that is there for plugins."""
    if isinstance(error, KeyboardInterrupt) and not host.closed():
        raise error


def _cause(error: BaseException | None, entry: Entry) -> str:
    if error is None:
        return ""
    # What the hooks say of a plugin begins with its label, which the problem has already.
    own = isinstance(error, PluginError)
    return brief(str(error).removeprefix(f"{entry.label}: ")) if own else first_line(error)


_examined: set[str] = set()
"""The modules that plugins imported while they were examined in this process."""


def _loaded_before(entry: Entry) -> set[str]:
    """The plugin's own modules that were imported by something else, which may be long ago."""
    package = evidence.package_of(entry)
    if package not in sys.modules or package in _examined:
        return set()
    return {name for name in sys.modules.keys() - _examined if name.partition(".")[0] == package}


def _asked_by(entry: Entry, file: str, line: int, module: str) -> bool:
    """Whether it was a plugin that asked for a module, and not what some package of an installer's tries."""
    return evidence.matters(module, file, evidence.package_of(entry))


def _load(value: str) -> Any:
    match = _VALUE.fullmatch(value.strip())
    if match is None:
        raise PluginError('its entry point is not of the form "package.module:object"')
    plugin: Any = importlib.import_module(match["module"])
    for attribute in (match["attribute"] or "").split(".") if match["attribute"] else ():
        plugin = getattr(plugin, attribute)
    return plugin


def _traceback(error: BaseException | None) -> str:
    if error is None:
        return ""
    try:
        return "".join(traceback.format_exception(error))
    except Exception:  # a stranger's exception may fail to print
        return type(error).__name__
