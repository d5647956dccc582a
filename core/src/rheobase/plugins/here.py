"""Loads plugins in this process: for tests, and for what is known to be harmless."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from . import child
from .compatibility import Host
from .discovery import Scan, scan
from .entry import Entry
from .outcome import Outcome


class Here:
    """Does what :class:`~rheobase.plugins.isolation.Examiner` does, without another process.

    Args:
        found: Gives what is installed; the default reads the metadata.

    Example:
        >>> [spec.name for spec in Here().core().specs][:2]
        ['analog', 'rk1']
    """

    def __init__(self, found: Callable[[], Scan] | None = None) -> None:
        self._found = found
        self.outcomes: dict[Entry, Outcome] = {}

    def scan(self, host: Host) -> Scan:
        """See ``Examiner.scan``."""
        return self._found() if self._found is not None else scan(host)

    def core(self) -> Outcome:
        """See ``Examiner.core``."""
        return Outcome.from_plain(next(child.answers({"do": "core"})))

    def examine_all(self, entries: Sequence[Entry]) -> list[Outcome]:
        """See ``Examiner.examine_all``."""
        from .examine import examine

        return [examine(entry) for entry in entries]

    def close(self) -> None:
        """Nothing is held."""
