"""What a property raises when it does not hold."""

from __future__ import annotations

from typing import NoReturn

from rheobase.errors import RheobaseError


class Violation(RheobaseError):
    """A property of the conformance kit does not hold; the message says what was seen, and what must be."""


def violated(message: str) -> NoReturn:
    """Say that the property does not hold.

    Args:
        message: What was seen, with numbers, and what must be.

    Raises:
        Violation: Always.
    """
    raise Violation(message)


def require(holds: bool, message: str) -> None:
    """Go on where something holds.

    Args:
        holds: Whether it does.
        message: What was seen, with numbers, and what must be.

    Raises:
        Violation: If it does not.

    Example:
        >>> require(1 + 1 == 2, "one and one are not two")
    """
    if not holds:
        raise Violation(message)
