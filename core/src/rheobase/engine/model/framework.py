"""Which classes are the framework's own, and which an author's."""

from __future__ import annotations


def of_framework(kind: type) -> bool:
    """Whether a class is one of the framework's base classes: it has ``_framework = True`` in its own body.

    Not inherited, so that an author's class is not taken for one; and no module's name, so that a class may
    move from file to file.
    """
    return vars(kind).get("_framework", False) is True
