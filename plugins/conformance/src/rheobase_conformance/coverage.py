"""What was tried of a model: how often it was seen to spike, and which of its declarations were moved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

MOVED = ("parameters", "options", "inputs", "presets")
"""The kinds of declarations that are moved."""


@dataclass
class Coverage:
    """What was tried of a model by some properties.

    Attributes:
        spikes: The spikes that were seen, of all units, in runs whose outputs were looked at.
        moved: Kind -> the names that had another value than their default, or were driven, in some run.
    """

    spikes: int = 0
    moved: dict[str, set[str]] = field(default_factory=lambda: {kind: set() for kind in MOVED})

    def add(self, other: Coverage) -> None:
        """Count what was tried by others too."""
        self.spikes += other.spikes
        for kind, names in other.moved.items():
            self.moved[kind] |= names

    def unmoved(self, kind: str, names: Iterable[str]) -> list[str]:
        """Those of some names that were not moved."""
        return [name for name in names if name not in self.moved[kind]]


_TALLY: ContextVar[Coverage | None] = ContextVar("rheobase-coverage", default=None)


@contextmanager
def tallied() -> Iterator[Coverage]:
    """Count what is tried meanwhile."""
    tally = Coverage()
    token = _TALLY.set(tally)
    try:
        yield tally
    finally:
        _TALLY.reset(token)


def spiked(outputs: Mapping[str, Any]) -> None:
    """Count the spikes of what a step returned."""
    tally = _TALLY.get()
    given = outputs.get("spiked")
    if tally is not None and given is not None and not given.is_meta:
        tally.spikes += int(given.count_nonzero())


def moved(kind: str, names: Iterable[str]) -> None:
    """Count declarations as moved.

    Args:
        kind: One of :data:`MOVED`.
        names: Their names.
    """
    tally = _TALLY.get()
    if tally is not None:
        tally.moved[kind].update(names)


def declared(schema: Any) -> dict[str, list[str]]:
    """What could be moved of a model: kind -> names, in the order of their declaration."""
    inputs = list(schema.inputs) if schema.declared and schema.inputs else ["input"]
    return {
        "parameters": list(schema.parameters),
        "options": list(schema.options),
        "inputs": inputs,
        "presets": list(schema.presets),
    }
