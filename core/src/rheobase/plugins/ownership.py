"""In which distribution the target of a spec lies: whoever offers a component should also bring it."""

from __future__ import annotations

import ast
import functools
import os
import re
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import all_suffixes
from typing import Any

from ..kinds import KINDS
from ..specs import PROJECT
from . import metadata
from .entry import canonical

_MAPPING = re.compile(r"^MAPPING\b[^=\n]*=\s*(\{.*?\})", re.MULTILINE)
"""The packages of an editable install, in the finder that setuptools writes for it."""

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


def strangers(offers: Sequence[Any]) -> list[list[str]]:
    """What distributions offer that lies in others, of which they do not say that they need them.

    Args:
        offers: For each distribution its name, and of what it offers kind, name and target.

    Returns:
        For each, a line for every such component.
    """
    known = Distributions()
    return [
        [
            f"{KINDS[kind]} {name!r} is {target!r}, which lies in {owner}"
            for kind, name, target in specs
            if (owner := known.stranger(distribution, target.partition(":")[0].partition(".")[0]))
        ]
        for distribution, specs in offers
    ]


class Distributions:
    """Which outermost modules each distribution on the path brings."""

    def __init__(self) -> None:
        self._modules: dict[str, frozenset[str]] = {}

    @functools.cached_property
    def _every(self) -> dict[str, Any]:
        every: dict[str, Any] = {}
        for found in metadata.distributions([]):
            every.setdefault(metadata.stem(found), found)
        return every

    @functools.cached_property
    def _owners(self) -> dict[str, list[str]]:
        """Module -> the distributions that bring it."""
        owners: dict[str, list[str]] = {}
        for name in self._every:
            for module in self._brought(name):
                owners.setdefault(module, []).append(name)
        return owners

    def stranger(self, distribution: str, module: str) -> str:
        """The distribution and version that a module is of; empty: the one asked for, or not known."""
        own = canonical(distribution)
        if module in sys.stdlib_module_names or module in self._brought(own):
            return ""
        owners = self._owners.get(module, [])
        # What it needs, it may speak for: models may lie in a library that knows nothing of Rheobase.
        if not owners or self._needed_by({own, PROJECT}).intersection(owners):
            return ""
        return f"{owners[0]} {self._every[owners[0]].version}"

    def _brought(self, name: str) -> frozenset[str]:
        if name not in self._modules:
            found = self._every.get(name)
            self._modules[name] = frozenset(_modules_of(found) if found is not None else ())
        return self._modules[name]

    def _needed_by(self, names: set[str]) -> set[str]:
        todo, done = list(names), set(names)
        while todo:
            found = self._every.get(todo.pop())
            for line in metadata.text_of(found, "METADATA").partition("\n\n")[0].splitlines():
                needed = (
                    _NAME.search(line.removeprefix("Requires-Dist:")) if "Requires-Dist:" in line else None
                )
                if needed and canonical(needed[0]) not in done:
                    done.add(canonical(needed[0]))
                    todo.append(canonical(needed[0]))
        return done


def _modules_of(found: Any) -> Iterator[str]:
    """The outermost modules of a distribution, by its RECORD and what that says of an editable install."""
    folder = str(found.locate_file(""))
    for line in metadata.text_of(found, "RECORD").splitlines():
        first, _, rest = line.strip('"').partition(",")[0].partition("/")
        path = os.path.join(folder, first)
        if not rest and first.endswith(".pth"):
            for source in _text(path).splitlines():
                if source.strip() and not source.startswith(("#", "import ")):
                    yield from _modules_in(os.path.join(folder, source.strip()))
        elif not rest and first.startswith("__editable__") and first.endswith("_finder.py"):
            yield from _mapped(_text(path))
        elif rest and not first.endswith((".dist-info", ".data")) and first not in ("..", ""):
            yield first
        elif not rest and first.endswith(tuple(all_suffixes())):
            yield first.partition(".")[0]


def _modules_in(folder: str) -> list[str]:
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    modules = [name for name in names if name.endswith((".py", ".so", ".pyd")) or "." not in name]
    return [name.partition(".")[0] for name in modules]


def _mapped(finder: str) -> list[str]:
    found = _MAPPING.search(finder)
    try:
        return [str(name).partition(".")[0] for name in (ast.literal_eval(found[1]) if found else {})]
    except (SyntaxError, ValueError):
        return []


def _text(path: str) -> str:
    try:
        return metadata.read_file(path).decode("utf-8", "replace")
    except OSError:
        return ""
