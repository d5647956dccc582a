"""Profiles: how much is tried of each property."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rheobase.errors import ArgumentError, nearest

Level = Literal["smoke", "standard", "full"]


@dataclass(frozen=True)
class Profile:
    """How much is tried.

    Args:
        name: "smoke", "standard" or "full".
        examples: The cases that are tried of a property that has many.
        shrinking: The seconds spent on making a failing case smaller.
    """

    name: Level
    examples: int
    shrinking: float

    def includes(self, level: Level) -> bool:
        """Whether properties of a level are tried.

        Example:
            >>> PROFILES["standard"].includes("smoke"), PROFILES["standard"].includes("full")
            (True, False)
        """
        return _ORDER.index(level) <= _ORDER.index(self.name)

    @property
    def rank(self) -> int:
        """0, 1 or 2."""
        return _ORDER.index(self.name)


_ORDER: tuple[Level, ...] = ("smoke", "standard", "full")

PROFILES: dict[str, Profile] = {
    "smoke": Profile("smoke", examples=2, shrinking=0.5),
    "standard": Profile("standard", examples=8, shrinking=2.0),
    "full": Profile("full", examples=12, shrinking=5.0),
}
"""The profiles, the quickest first."""


def profile_named(name: str) -> Profile:
    """The profile of a name.

    Raises:
        ArgumentError: If there is none.

    Example:
        >>> profile_named("smoke").examples
        2
    """
    if name not in PROFILES:
        raise ArgumentError(
            f"profile={name!r}; it must be one of {', '.join(PROFILES)}{nearest(str(name), PROFILES)}"
        )
    return PROFILES[name]
