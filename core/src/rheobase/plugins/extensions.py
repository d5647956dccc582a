"""What other distributions add to Rheobase itself, under its own name: modules and commands."""

from __future__ import annotations

from . import metadata
from .problem import Problem
from .unreadable import POINTS

MODULES = "rheobase.modules"
"""The group of entry points for modules: ``conformance = some_package`` is ``rheobase.conformance``."""

COMMANDS = "rheobase.commands"
"""The group of entry points for commands: ``name = module:command``, a command of click."""


def extensions(group: str) -> dict[str, str]:
    """What installed distributions add, by name; the first on the path wins, and nothing is imported.

    Metadata that cannot be read add nothing: ``rheobase doctor`` tells of them.

    Returns:
        Name -> ``module``, or ``module:object``.

    Example:
        >>> extensions("no.such.group")
        {}
    """
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for distribution in metadata.distributions(problems):
        if f"[{group}]" not in metadata.text_of(distribution, POINTS):
            continue
        try:
            points = distribution.entry_points.select(group=group)
            found = {point.name: point.value for point in points} | found
        except Exception:  # a stranger's metadata may raise anything
            continue
    return found
