"""What is amiss with a plugin: which one, why, and the command that mends it."""

from __future__ import annotations

from typing import NamedTuple

from ..kinds import KINDS
from .entry import Entry, canonical

BROKEN = "broken"
"""Loading it failed, or what it offers cannot be used."""
UNREADABLE = "unreadable"
"""Its metadata cannot be read."""
INCOMPATIBLE = "incompatible"
"""Its metadata say that it was made for another host."""
REFUSED = "refused"
"""It is not as the lock file has it."""
AMISS = "amiss"
"""Something small: the plugin works."""

LONGEST = 500
"""The most characters of a message that a plugin makes up."""

LEFT_OUT = (BROKEN, UNREADABLE, INCOMPATIBLE, REFUSED)
"""The kinds of problem for which a plugin, or a component of it, is left out."""


class Problem(NamedTuple):
    """A plugin, or a component of one, with which something is amiss.

    Args:
        status: ``"broken"``, ``"unreadable"``, ``"incompatible"``, ``"refused"`` or ``"amiss"``.
        subject: The plugin in words.
        cause: What is wrong, in one line.
        mend: What to do.
        entry: The plugin, where it is known.
        detail: The whole traceback, where there is one.
        distribution: The distribution, where that is known and the plugin is not.
        version: Its version.
    """

    status: str
    subject: str
    cause: str
    mend: str = ""
    entry: Entry | None = None
    detail: str = ""
    distribution: str = ""
    version: str = ""

    @property
    def message(self) -> str:
        """All of it but the detail, in one line."""
        left_out = " is left out, the others work" if self.status in LEFT_OUT else ""
        # Names, values and requirements come from a stranger's metadata, and have any length there.
        point = f" (entry point {brief(self.entry.text)})" if self.entry else ""
        subject, cause, mend = brief(self.subject), brief(self.cause, 2 * LONGEST), brief(self.mend)
        text = f"{subject}{left_out}: {cause}{point}{'. ' if mend else ''}{mend}"
        return printable(text)

    @property
    def name(self) -> str:
        """The plugin's name, or the problem's subject where that is not known."""
        if self.distribution:
            return "?"
        return self.entry.name if self.entry else self.subject

    @property
    def source(self) -> str:
        """The distribution and its version, or the plugin in words."""
        if self.distribution:
            return f"{self.distribution} {self.version}".strip()
        return f"{self.entry.distribution} {self.entry.version}" if self.entry else self.subject

    @property
    def names(self) -> frozenset[str]:
        """The names by which what it is about can be disabled."""
        if self.entry is not None:
            return self.entry.names
        return frozenset({canonical(self.distribution)} if self.distribution else ())

    def to_plain(self) -> dict[str, str | None]:
        """As values that JSON knows, for people's own tools."""
        entry = self.entry
        return {
            "status": self.status,
            "plugin": entry.name if entry else None,
            "distribution": entry.distribution if entry else self.distribution or None,
            "version": entry.version if entry else self.version or None,
            "entry_point": entry.text if entry else None,
            "subject": self.subject,
            "cause": self.cause,
            "mend": self.mend,
        }


def broken(entry: Entry, cause: str, detail: str = "") -> Problem:
    """The problem of a plugin that cannot be loaded."""
    return Problem(BROKEN, entry.label, cause, removal(entry), entry, detail)


def unusable(entry: Entry, kind: str, name: str, cause: str) -> Problem:
    """The problem of a component that cannot be used."""
    return Problem(BROKEN, f"{KINDS[kind]} {name!r} of {entry.label}", cause, removal(entry), entry)


def removal(entry: Entry) -> str:
    """What to do about a plugin that is broken."""
    name = entry.distribution
    return f"Mend it, remove it: pip uninstall {name}, or disable it: RHEOBASE_DISABLE={name}"


def brief(text: str, most: int = LONGEST) -> str:
    """A text, or its beginning where it is too long for a message."""
    return text if len(text) <= most else f"{text[: most - 4]} ..."


def line(text: str) -> str:
    """A stranger's text as one line that can be shown."""
    return printable(brief(text))


def printable(text: str) -> str:
    """A stranger's text without what a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else " " for letter in text)


def first_line(error: BaseException) -> str:
    """The type of an exception and the first line of its message."""
    try:
        lines = str(error).strip().splitlines()
    except KeyboardInterrupt:
        raise
    except BaseException:  # a stranger's exception may fail to print
        lines = []
    return brief(f"{type(error).__name__}: {lines[0]}") if lines else type(error).__name__
