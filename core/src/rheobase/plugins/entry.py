"""One entry point of an installed distribution, as its metadata gives it; nothing is imported for it."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """A plugin that is installed: an entry point in the group ``rheobase``.

    Args:
        distribution: The distribution's name.
        version: Its version.
        name: The entry point's name.
        value: What it names: ``"package.module"`` or ``"package.module:object"``.
        requires: Its ``Requires-Dist`` lines that name rheobase.
        spec: The spec versions for which it was made: ``"v1"`` or ``"v1:v2"``; empty: not said.
        unfit: Why this host cannot use it, from its metadata alone; empty: it can.
        upgrade: The command that mends that.
    """

    distribution: str
    version: str
    name: str
    value: str
    requires: tuple[str, ...] = ()
    spec: str = ""
    unfit: str = ""
    upgrade: str = ""

    @property
    def label(self) -> str:
        """The entry in words, for messages."""
        return f"plugin {self.name!r} of {self.distribution} {self.version}"

    @property
    def text(self) -> str:
        """The line in the metadata."""
        return f'{self.name} = "{self.value}"'

    @property
    def names(self) -> frozenset[str]:
        """The names by which it can be disabled: distribution, plugin, and both."""
        distribution, name = canonical(self.distribution), canonical(self.name)
        return frozenset({distribution, name, f"{distribution}:{name}"})

    @property
    def about(self) -> dict[str, Any]:
        """What people's own tools want to know of it."""
        return {
            "plugin": self.name,
            "distribution": self.distribution,
            "version": self.version,
            "entry_point": self.text,
        }

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Entry:
        """The entry of whose ``_asdict()`` JSON made this."""
        return cls(**{**plain, "requires": tuple(plain["requires"])})


@functools.lru_cache(4096)
def canonical(distribution: str) -> str:
    """The name of a distribution in the form in which names are compared."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def by_distribution(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Plugins by the names of their distributions, in the form in which these are compared."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(canonical(entry.distribution), []).append(entry)
    return groups


def module_of(value: str) -> str:
    """The module that an entry point names."""
    return value.partition("[")[0].partition(":")[0].strip()
