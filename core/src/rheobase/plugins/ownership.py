"""In which distribution the target of a spec lies: whoever offers a component should also bring it."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.machinery import all_suffixes
from typing import Any

from ..kinds import KINDS
from ..specs import PROJECT
from .entry import canonical
from .metadata import text_of

_MAPPING = re.compile(r"^MAPPING\b[^=\n]*=\s*(\{.*?\})", re.MULTILINE)
"""The packages of an editable install, in the finder that setuptools writes for it."""

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


def strangers(offers: Sequence[Any]) -> list[list[str]]:
    """What distributions offer that lies in others, of which they do not say that they need them.

    Args:
        offers: For each distribution its name, and of what it offers kind, name and target.

    Returns:
        For each, a line for every such component.

    Example:
        >>> strangers([["toy-models", [["aggregator", "largest", "builtins:max"]]]])
        [[]]
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
        self._every: dict[str, Any] = {}
        self._brought: dict[str, list[str]] | None = None
        self._modules: dict[str, frozenset[str] | None] = {}

    def stranger(self, distribution: str, module: str) -> str:
        """The distribution and version that a module is of.

        Empty: the one that is asked for, or not known.
        """
        own = canonical(distribution)
        if module in sys.stdlib_module_names or module in (self.modules(own) or ()):
            return ""
        owners = self._owners().get(module, [])
        # What it needs, it may speak for: models may lie in a library that knows nothing of Rheobase.
        if not owners or self._needed_by({own, PROJECT}).intersection(owners):
            return ""
        return f"{owners[0]} {self._all()[owners[0]].version}"

    def modules(self, name: str) -> frozenset[str] | None:
        """The outermost modules of a distribution; None: it does not say."""
        if name not in self._modules:
            found = self._all().get(name)
            self._modules[name] = None if found is None else _modules_of(found)
        return self._modules[name]

    def _owners(self) -> dict[str, list[str]]:
        """Module -> the distributions that bring it."""
        if self._brought is None:
            self._brought = {}
            for name in self._all():
                for module in self.modules(name) or ():
                    self._brought.setdefault(module, []).append(name)
        return self._brought

    def _all(self) -> dict[str, Any]:
        if not self._every:
            from . import metadata

            for found in metadata.distributions([]):
                self._every.setdefault(metadata.stem(found), found)
        return self._every

    def _needed_by(self, names: set[str]) -> set[str]:
        todo, done = list(names), set(names)
        while todo:
            found = self._all().get(todo.pop())
            for line in _requirements(found) if found is not None else ():
                needed = canonical(line)
                if needed not in done:
                    done.add(needed)
                    todo.append(needed)
        return done


def _requirements(found: Any) -> Iterator[str]:
    for line in text_of(found, "METADATA").partition("\n\n")[0].splitlines():
        if line.startswith("Requires-Dist:") and (name := _NAME.search(line.partition(":")[2])):
            yield name[0]


def _modules_of(found: Any) -> frozenset[str] | None:
    folder = str(found.locate_file(""))
    modules: set[str] = set()
    record = text_of(found, "RECORD")
    if not record:
        return None
    for line in record.splitlines():
        path = line.strip('"').partition(",")[0]
        first, _, rest = path.partition("/")
        if not rest and first.endswith(".pth"):
            for source in _lines(os.path.join(folder, first)):
                modules.update(_outermost(os.path.join(folder, source)))
        elif not rest and first.startswith("__editable__") and first.endswith("_finder.py"):
            modules.update(_mapped(os.path.join(folder, first)))
        elif rest and not first.endswith((".dist-info", ".data")) and first not in ("..", ""):
            modules.add(first)
        elif not rest and first.endswith(tuple(all_suffixes())):
            modules.add(first.partition(".")[0])
    return frozenset(modules)


def _lines(path: str) -> list[str]:
    """The folders that a file of paths adds."""
    lines = _text(path).splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith(("#", "import "))]


def _outermost(folder: str) -> Iterable[str]:
    try:
        names = os.listdir(folder)
    except OSError:
        return ()
    return (
        name.partition(".")[0] for name in names if name.endswith((".py", ".so", ".pyd")) or "." not in name
    )


def _mapped(path: str) -> Iterable[str]:
    found = _MAPPING.search(_text(path))
    try:
        mapping = ast.literal_eval(found[1]) if found else {}
        return [str(name).partition(".")[0] for name in mapping]
    except (SyntaxError, ValueError):
        return ()


def _text(path: str) -> str:
    from .metadata import read_file

    try:
        return read_file(path).decode("utf-8", "replace")
    except OSError:
        return ""
