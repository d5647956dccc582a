"""Finds the plugins that are installed, and loads the hook module of each in isolation.

A plugin is an entry point in the group ``rheobase``. Its module is imported by :func:`load`; what
goes wrong there becomes a :class:`~rheobase.errors.PluginError` with the command that mends it, so
that one broken plugin never harms another.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from typing import Any

import importlib_metadata

from ..errors import PluginError
from ..hookspecs import PROJECT

_VALUE = re.compile(r"(?P<module>[\w.]+)\s*(?::\s*(?P<attribute>[\w.]+))?\s*(?:\[.*\])?")
_GROUP = re.compile(rf"^\s*\[\s*{PROJECT}\s*\]", re.MULTILINE)


@dataclass(frozen=True, order=True)
class Entry:
    """One entry point of an installed distribution.

    Args:
        distribution: The distribution's name.
        version: Its version.
        name: The entry point's name.
        value: What it names: ``"package.module"`` or ``"package.module:object"``.
    """

    distribution: str
    version: str
    name: str
    value: str

    @property
    def label(self) -> str:
        """The entry in words, for messages.

        Example:
            >>> Entry("toy-models", "1.2", "toy", "toy_models.plugin").label
            "plugin 'toy' of toy-models 1.2"
        """
        return f"plugin {self.name!r} of {self.distribution} {self.version}"

    def left_out(self, cause: str) -> str:
        """The message that says why this plugin is left out, and what to do.

        Args:
            cause: What is wrong, in one line.

        Example:
            >>> print(Entry("toy-models", "1.2", "toy", "toy.hooks").left_out("it is empty"))
            plugin 'toy' of toy-models 1.2 is left out, the others work: it is empty (entry point \
toy = "toy.hooks"). Mend it, or remove it: pip uninstall toy-models
        """
        return (
            f"{self.label} is left out, the others work: {cause} "
            f'(entry point {self.name} = "{self.value}"). '
            f"Mend it, or remove it: pip uninstall {self.distribution}"
        )


@dataclass(frozen=True)
class Scan:
    """What is installed.

    Args:
        entries: The entry points, sorted.
        problems: A message for each distribution whose metadata cannot be read.
    """

    entries: tuple[Entry, ...]
    problems: tuple[str, ...] = ()


def canonical(distribution: str) -> str:
    """The name of a distribution in the form in which names are compared.

    Example:
        >>> canonical("Rheobase_LIF")
        'rheobase-lif'
    """
    return re.sub(r"[-_.]+", "-", distribution).lower()


def first_line(error: BaseException) -> str:
    """The type of an exception and the first line of its message.

    Example:
        >>> first_line(ModuleNotFoundError("No module named 'jax'"))
        "ModuleNotFoundError: No module named 'jax'"
    """
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def scan() -> Scan:
    """Read the entry points of all installed distributions; imports none of them.

    A distribution that is there twice, as an editable install over a regular one or through a
    linked folder, counts once: as the one that Python imports, the first on the path.

    Returns:
        The entry points of the group ``rheobase``, sorted by distribution and name.

    Example:
        >>> all(entry.distribution for entry in scan().entries)
        True
    """
    problems: set[str] = set()
    names = {_plugin_name(found, problems) for found in importlib_metadata.distributions()}
    entries = {entry for name in names if name for entry in _entries(name, problems)}
    return Scan(tuple(sorted(entries)), tuple(sorted(problems)))


def _plugin_name(found: Any, problems: set[str]) -> str | None:
    # Only plugins' metadata is parsed: the parser is the dearest part of a scan.
    try:
        if not _GROUP.search(found.read_text("entry_points.txt") or ""):
            return None
        if name := canonical(found.metadata["Name"]):
            return name
        raise ValueError("it has no name")
    except Exception as error:
        problems.add(_unreadable(str(found.locate_file("")), error))
        return None


def _entries(name: str, problems: set[str]) -> list[Entry]:
    # Asked for by name, importlib_metadata gives the distribution that the first folder of the
    # path holds, and passes over one without metadata.
    try:
        found = importlib_metadata.distribution(name)
        return [
            Entry(found.metadata["Name"], found.version, point.name, point.value)
            for point in found.entry_points.select(group=PROJECT)
        ]
    except Exception as error:
        problems.add(_unreadable(name, error))
        return []


def _unreadable(where: str, error: Exception) -> str:
    return (
        f"the metadata of a plugin in {where} cannot be read and it is left out, the others work: "
        f"{first_line(error)}. Install that distribution again, or remove its .dist-info folder"
    )


def load(entry: Entry) -> Any:
    """Import what an entry point names.

    Args:
        entry: The entry point.

    Returns:
        The plugin: a module or an object with hook implementations.

    Raises:
        PluginError: If the entry point is malformed, or importing it raises anything at all, an
            attempt to leave the interpreter included. Only the user's Ctrl-C goes through.

    Example:
        >>> load(Entry("toy-models", "1.2", "toy", "toy_models.hooks"))
        Traceback (most recent call last):
        ...
        rheobase.errors.PluginError: plugin 'toy' of toy-models 1.2 is left out, the others work: \
ModuleNotFoundError: No module named 'toy_models' (entry point toy = "toy_models.hooks"). Mend it, or \
remove it: pip uninstall toy-models
    """
    match = _VALUE.fullmatch(entry.value.strip())
    if match is None:
        raise PluginError(entry.left_out('its entry point is not of the form "package.module:object"'))
    try:
        plugin: Any = importlib.import_module(match["module"])
        for attribute in (match["attribute"] or "").split(".") if match["attribute"] else ():
            plugin = getattr(plugin, attribute)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise PluginError(entry.left_out(first_line(error))) from error
    return plugin
