"""Which failures have a cause of their own, and which follow from an earlier one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from .result import Result, Verdict

FOUNDATIONS = frozenset({("neuron", "functions-are-pure")})
"""Kind and name of properties on which all later ones of the kind build."""

_RAISED = re.compile(r"it raised (?P<error>\w+: .*?)(?P<place> \(in [^()]*, line \d+\))?$", re.DOTALL)
_NUMBER = re.compile(r"(?<!line )(?<![\w:.])[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?!\w)")
_SHORT = 20


class Cause(NamedTuple):
    """A failure that is told whole.

    Args:
        result: It.
        same: The later ones in which the component raised the same error, at the same line.
        later: Those that may follow, as they build on the property that fails.
    """

    result: Result
    same: list[Result]
    later: list[Result]


def causes(results: Iterable[Result]) -> list[Cause]:
    """The failures that are not known to follow from earlier ones, each with those that do.

    It depends on earlier results alone, so it may be asked while they come in.

    Args:
        results: The results, in the order in which they were judged.

    Returns:
        One for each cause, in that order; each failure is in it once.
    """
    found: list[Cause] = []
    for result in results:
        if result.ok:
            continue
        failed = [cause for cause in found if cause.result.verdict is result.verdict is Verdict.FAILED]
        same = [cause for cause in failed if _is_same(cause.result, result)]
        founding = [
            cause for cause in failed if (cause.result.prop.kind, cause.result.prop.name) in FOUNDATIONS
        ]
        if same:
            same[0].same.append(result)
        elif founding:
            founding[0].later.append(result)
        else:
            found.append(Cause(result, [], []))
    return found


def _is_same(one: Result, other: Result) -> bool:
    """Whether the component raised in both the same error; its numbers, of units and steps, may differ."""
    first, second = _RAISED.search(one.seen), _RAISED.search(other.seen)
    if first is None:
        return False
    error = _without_numbers(first["error"])
    if second is not None:
        return error == _without_numbers(second["error"]) and first["place"] == second["place"]
    # Properties that catch an error tell it in a sentence of their own.
    return len(error) > _SHORT and error in _without_numbers(other.seen)


def _without_numbers(text: str) -> str:
    return _NUMBER.sub("#", text)
