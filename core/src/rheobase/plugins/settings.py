"""What the user decides about plugins: which are left alone, which stand in for others, and how strictly.

Each decision can be made for one call, by an environment variable, or for a project, in ``rheobase.toml``::

    [plugins]                                  # RHEOBASE_...
    disable = ["toy-models", "adex"]           # DISABLE=toy-models,adex
    only = ["rheobase-lif", "rheobase-rk45"]   # ONLY=rheobase-lif,rheobase-rk45
    none = true                                # NO_PLUGINS=1
    strict = true                              # STRICT=1
    timeout = 30.0                             # TIMEOUT=30, in s, for loading one plugin

    [plugins.override]                         # OVERRIDE=integrator:rk4=fast-rk
    "integrator:rk4" = "fast-rk"

That is the nearest such file, from the working folder upwards; so is the lock. A plugin is named by its
distribution, by its entry point, or by both: ``toy-models:toy``. What either of the two places disables is
disabled; otherwise the variable wins.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from ..errors import ConfigurationError, nearest
from ..kinds import KINDS
from .entry import Entry, canonical
from .problem import Problem

SETTINGS = "rheobase.toml"
LOCK = "rheobase.lock"

KEYS = ("disable", "only", "none", "strict", "timeout", "override")
"""The keys of the table."""

LIMIT = 30.0
"""How long a plugin may take to load, s. One whose hook module imports torch, against all advice, takes a few
on a slow disk."""

_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")


class Control(NamedTuple):
    """What the user decided.

    Args:
        disable: Name of a plugin -> where that was said.
        only: Names of the plugins that alone are used, or None: all.
        only_said: Where that was said.
        none: Where it was said that no plugin is used; empty: nowhere.
        strict: Whether warnings about plugins are errors.
        timeout: How long a plugin may take to load, s.
        override: Kind and name -> the distribution whose component that name means.
    """

    disable: Mapping[str, str] = MappingProxyType({})
    only: frozenset[str] | None = None
    only_said: str = ""
    none: str = ""
    strict: bool = False
    timeout: float = LIMIT
    override: Mapping[tuple[str, str], str] = MappingProxyType({})

    def disabled(self, each: Entry | Problem) -> str:
        """Where the user said that a plugin, or what may be one, is not wanted; empty: nowhere."""
        if self.none or not (self.disable or self.only is not None):
            return self.none
        names = each.names
        for name in sorted(names & self.disable.keys()):
            return self.disable[name]
        if self.only is not None and not names & self.only:
            return f"not in {self.only_said}"
        return ""

    def unknown(self, installed: Sequence[Entry | Problem]) -> list[str]:
        """A complaint for each name that nothing has, whether it is a plugin or cannot be read."""
        said = {**self.disable, **dict.fromkeys(self.only or (), self.only_said)}
        known = {name for each in installed for name in each.names} if said else set()
        return [
            f"{where} names {name!r}, and no plugin of that name is installed{nearest(name, known)}"
            for name, where in sorted(said.items())
            if name not in known
        ]


def read(environ: Mapping[str, str] = os.environ) -> Control:
    """Read the user's decisions.

    Raises:
        ConfigurationError: If a variable or the project's file has something else than the above.
    """
    path, table = _table()
    said = f"{path}, disable"
    disable = {canonical(name): said for name in _list_of(table.get("disable", []), said)}
    disable |= {canonical(name): "RHEOBASE_DISABLE" for name in _names(environ.get("RHEOBASE_DISABLE", ""))}
    only, only_said = None, ""
    if "only" in table:
        only_said = f"{path}, only"
        only = frozenset(map(canonical, _list_of(table["only"], only_said)))
    if "RHEOBASE_ONLY" in environ:
        only_said = "RHEOBASE_ONLY"
        only = frozenset(map(canonical, _names(environ[only_said])))
    none = _flag(environ, "RHEOBASE_NO_PLUGINS", table, "none", path)
    said = f"{path}, override"
    overrides = _overrides(_table_of(table.get("override", {}), said), said)
    overrides |= _overrides(_override_of(environ), "RHEOBASE_OVERRIDE")
    return Control(
        disable,
        only,
        only_said,
        none,
        bool(_flag(environ, "RHEOBASE_STRICT", table, "strict", path)),
        _timeout(environ, table, path),
        overrides,
    )


def _names(text: str) -> list[str]:
    return [name for part in text.split(",") if (name := part.strip())]


def _list_of(value: Any, where: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ConfigurationError(f'{where} is {value!r}; it must be a list of names: ["toy-models"]')
    return value


def _table_of(value: Any, where: str) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise ConfigurationError(
            f'{where} is {value!r}; it must have lines like "integrator:rk4" = "fast-rk"'
        )
    return value


def _override_of(environ: Mapping[str, str]) -> dict[str, str]:
    parts = [part.partition("=") for part in _names(environ.get("RHEOBASE_OVERRIDE", ""))]
    for name, _, distribution in parts:
        if not name.strip() or not distribution.strip():
            raise ConfigurationError(
                f"RHEOBASE_OVERRIDE is {environ['RHEOBASE_OVERRIDE']!r}; write it as integrator:rk4=fast-rk"
            )
    return {name.strip(): distribution.strip() for name, _, distribution in parts}


def _overrides(given: Mapping[str, str], where: str) -> dict[tuple[str, str], str]:
    overrides = {}
    for key, distribution in given.items():
        kind, _, name = key.partition(":")
        if kind not in KINDS or not name:
            raise ConfigurationError(
                f"{where} has {key!r}; it must name a kind ({', '.join(KINDS)}) and a component: "
                "integrator:rk4"
            )
        overrides[kind, name] = canonical(distribution)
    return overrides


def _flag(environ: Mapping[str, str], variable: str, table: Mapping[str, Any], key: str, path: str) -> str:
    """Where a flag is set; empty: it is not."""
    if variable in environ:
        value = environ[variable].strip().lower()
        if value not in _YES + _NO:
            raise ConfigurationError(f"{variable} is {environ[variable]!r}; it must be 1 or 0")
        return variable if value in _YES else ""
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise ConfigurationError(f"{path}, {key} is {value!r}; it must be true or false")
    return f"{path}, {key}" if value else ""


def _timeout(environ: Mapping[str, str], table: Mapping[str, Any], path: str) -> float:
    value: Any = table.get("timeout", LIMIT)
    where = f"{path}, timeout"
    if text := environ.get("RHEOBASE_TIMEOUT", ""):
        where, value = "RHEOBASE_TIMEOUT", text
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = -1.0
    if isinstance(value, bool) or not 0 < seconds < 1e6:
        raise ConfigurationError(f"{where} is {value!r}; it must be a number of seconds above 0")
    return seconds


def find(name: str) -> str | None:
    """The nearest file of this name, in the working folder or one above it; None where there is none.

    Raises:
        ConfigurationError: If something else has that name, such as a link that leads nowhere: whoever put
            it there means something to hold, and nothing would.
    """
    try:
        folder = os.getcwd()
    except OSError:  # the working folder is gone
        return None
    while True:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return path
        # A folder may well have the name of the settings; it locks nothing out.
        if os.path.lexists(path) and (name == LOCK or not os.path.isdir(path)):
            raise ConfigurationError(f"{path} is no file, so it cannot be read; mend it, or remove it")
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def read_toml(path: str) -> dict[str, Any]:
    """Read a file in TOML; raises ``OSError`` or ``ValueError`` if it cannot be read, or is none."""
    # Not above: most projects have no such file. Before Python 3.11 the reader is a package of its own.
    toml: Any = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    with open(path, "rb") as file:
        content: dict[str, Any] = toml.load(file)
    return content


def _table() -> tuple[str, dict[str, Any]]:
    """The path of the project's settings, and their ``[plugins]``; two empty values where there are none."""
    path = find(SETTINGS)
    if path is None:
        return "", {}
    try:
        content = read_toml(path)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}; mend it, or remove it") from error
    unknown = sorted(set(content) - {"plugins"})
    table = content.get("plugins", {})
    if unknown or not isinstance(table, dict):
        raise ConfigurationError(f"{path} has {unknown or 'plugins = ...'}; it may have one table, [plugins]")
    for key in table:
        if key not in KEYS:
            raise ConfigurationError(
                f"{path} has {key!r} in [plugins]{nearest(key, KEYS)}; it may have {', '.join(KEYS)}"
            )
    return path, table
