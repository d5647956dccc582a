"""What a property raises when it can decide nothing: it neither holds nor fails."""

from __future__ import annotations

from typing import NoReturn


class Vacuous(Exception):
    """A property, or one of its cases, can decide nothing; the message says why.

    It is no error of Rheobase's, so that properties which bear errors of a model do not swallow it.
    """


def vacuous(reason: str) -> NoReturn:
    """Say that a case decides nothing: what the property is about did not come about in it.

    A property of which all cases are vacuous has the verdict "vacuous", and counts neither as passed nor as
    failed. Say it only where nothing was decided before, and nothing would be after.

    Args:
        reason: Why, without numbers that differ from case to case: equal reasons are counted together.

    Raises:
        Vacuous: Always. Whoever tries the property counts it.

    Example:
        >>> vacuous("no input makes it spike")  # doctest: +IGNORE_EXCEPTION_DETAIL
        Traceback (most recent call last):
        rheobase.conformance.vacuous.Vacuous: no input makes it spike
    """
    raise Vacuous(reason)
