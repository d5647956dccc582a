"""The lock file: which plugins a project trusts, each as it was when ``rheobase lock`` was last run.

``rheobase.lock`` is JSON, sorted and indented, so that a change of it reads well in version control::

    {
      "format": 1,
      "plugins": {
        "toy-models": {
          "files": {"toy_models.py": "9f86d0..."},
          "record": "60303a...",
          "version": "1.2"
        }
      }
    }

The hashes are sha256. It holds on every machine with the same distributions, but for editable installs, whose
metadata name a folder of the machine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ... import files
from ...errors import ConfigurationError

FORMAT = 1
"""Grows when an older Rheobase could read the file wrongly."""


class Locked(NamedTuple):
    """A plugin's distribution as the lock file has it.

    Args:
        version: Its version.
        record: A hash over the paths and hashes of its RECORD; empty: it had none.
        files: Each of its files with its hash.
    """

    version: str
    record: str
    files: Mapping[str, str]


def read(path: str) -> dict[str, Locked]:
    """Read a lock file: each distribution, by its name in the form in which names are compared.

    Raises:
        ConfigurationError: If it cannot be read, or is no lock file that this Rheobase knows.
    """
    mend = "put back a good one, or trust what is installed: rheobase lock"
    try:
        with open(path, encoding="utf-8") as file:
            return _parsed(json.load(file, object_pairs_hook=_without_doubles))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror or error}; {mend}") from error
    except (RecursionError, ValueError) as error:
        raise ConfigurationError(f"{path} is no lock file that can be used: {error}; {mend}") from error


def write(path: str, plugins: Mapping[str, Locked]) -> None:
    """Write a lock file, whole or not at all; raises ``OutputError`` if it cannot be written."""
    plain = {name: {**plugin._asdict(), "files": dict(plugin.files)} for name, plugin in plugins.items()}
    text = json.dumps({"format": FORMAT, "plugins": plain}, indent=2, sort_keys=True)
    files.write(path, f"{text}\n".encode(), mend="mend that, or lock elsewhere")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys differ: of two that are equal a reader sees one, and the other counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        double = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"it has {double!r} twice")
    return found


def _parsed(content: Any) -> dict[str, Locked]:
    known = content.get("format") if isinstance(content, dict) else None
    if known != FORMAT or isinstance(known, bool):
        raise ValueError(f"its format is {known!r}, and this Rheobase knows {FORMAT}")
    plugins = content.get("plugins")
    if not isinstance(plugins, dict):
        raise ValueError("it has no plugins")
    return {name: _locked(name, plain) for name, plain in plugins.items()}


def _locked(name: str, plain: Any) -> Locked:
    fields = isinstance(plain, dict) and plain.keys() == set(Locked._fields)
    if not fields or not isinstance(plain["files"], dict):
        raise ValueError(f"what it has of {name!r} is not version, record and files")
    texts = plain["version"], plain["record"], *plain["files"].values()
    if not all(isinstance(text, str) for text in texts):
        raise ValueError(f"what it has of {name!r} is not in words")
    return Locked(**plain)


def difference(before: Locked, now: Locked, path: str) -> str:
    """What differs between a distribution and the lock file: its version, else files, else the RECORD."""
    if before.version != now.version:
        return f"its version is {now.version}, and {path} has {before.version}"
    both = before.files.keys() & now.files.keys()
    changed = sorted(file for file in both if before.files[file] != now.files[file])
    added, gone = sorted(now.files.keys() - both), sorted(before.files.keys() - both)
    told = [
        *_told(changed, "has", "have", "changed"),
        *_told(added, "was", "were", "added"),
        *_told(gone, "is", "are", "gone"),
    ]
    if not told and before.record != now.record:
        told = ["its RECORD has changed"]
    if not told:
        return ""
    return f"{', and '.join(told)}{',' if len(told) > 1 else ''} since {path} was written"


def compare(before: Mapping[str, Locked], now: Mapping[str, Locked], path: str) -> dict[str, str]:
    """What differs between two locks, for each distribution that either of them has; empty: nothing."""
    changes = {}
    for name in sorted(before.keys() | now.keys()):
        if name not in now:
            changes[name] = f"no longer in {path}"
        elif name not in before:
            changes[name] = "new"
        else:
            changes[name] = difference(before[name], now[name], path)
    return changes


def _told(files: Sequence[str], one: str, several: str, what: str) -> list[str]:
    if len(files) > 1:
        return [f"{files[0]} and {len(files) - 1} more {several} {what}"]
    return [f"{file} {one} {what}" for file in files]
