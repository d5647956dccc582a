"""What a report says, in lines of text: the same in the command, in pytest and in ``print(report)``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .causes import causes
from .coverage import Coverage
from .property import FAMILIES
from .result import Result, Shown, Verdict

_SCRIPT = {
    Shown.UNTRIED: "a script that shows it",
    Shown.CASE: "a script that shows it, also in a process of its own",
    Shown.PROPERTY: (
        "a script that shows it by all cases; its case alone does not, as it depends on those before"
    ),
    Shown.NEITHER: (
        "a script that does not show it by itself: the failure depends on what was tried before, or comes "
        "and goes"
    ),
}


def of_failure(result: Result) -> list[str]:
    """A failure whole: what must hold, what was seen, why it matters, and the script.

    The script is not indented, so that it can be copied as it stands.

    Args:
        result: A result that is not ok.
    """
    prop = result.prop
    lines = [
        f"{result.verdict.value.upper()}: {prop.name} ({FAMILIES[prop.family]})",
        f"  must hold: {prop.statement}",
        f"  {'seen' if result.verdict is Verdict.FAILED else 'but'}: {result.reason}",
        f"  why it matters: {prop.why}",
    ]
    if result.script:
        lines += [f"  {_SCRIPT[result.shown]}:", "", *result.script.splitlines()]
    return lines


def of_those_that_follow(results: Iterable[Result]) -> list[str]:
    """The failures that are not told whole, as they follow from others: a line for each cause.

    Args:
        results: The results, in the order in which they were judged.
    """
    lines = []
    for cause in causes(results):
        for following, what in ((cause.same, "fail by the same error"), (cause.later, "fail, perhaps by it")):
            if following:
                names = ", ".join(each.prop.name for each in following)
                lines.append(
                    f"{cause.result.prop.name} is told once: {len(following)} more {what} (--only NAME tells "
                    f"one whole): {names}"
                )
    return lines


def of_family(family: str, results: Sequence[Result]) -> str:
    """A family in one line: how many ran, and how they went.

    Args:
        family: One of :data:`FAMILIES`.
        results: Its results.
    """
    ran = [result for result in results if result.verdict.ran]
    told = [f"{len(ran)} ran", *_counted(ran)] if ran else ["none ran"]
    return f"  {FAMILIES[family]}: {', '.join(told)}"


def of_the_rest(results: Iterable[Result]) -> list[str]:
    """What neither passed nor failed, by verdict and reason, and expected failures.

    Args:
        results: The results.
    """
    lines = []
    for result in results:
        if result.verdict is Verdict.EXPECTED:
            lines += [f"failed as expected: {result.prop.name}: {result.reason}", f"  seen: {result.seen}"]
        if result.verdict is Verdict.VACUOUS and result.prop.vital:
            lines.append(f"{result.prop.vital.upper()}, so the badge is not green: {result.reason}")
    for verdict in (Verdict.VACUOUS, Verdict.NOT_APPLICABLE, Verdict.LEFT_OUT):
        reasons: dict[str, list[str]] = {}
        for result in results:
            if result.verdict is verdict and not (result.prop.vital and verdict is Verdict.VACUOUS):
                reasons.setdefault(result.reason, []).append(result.prop.name)
        lines += [f"{verdict.value}, as {reason}: {', '.join(names)}" for reason, names in reasons.items()]
    return lines


def of_coverage(tried: Coverage, declared: Mapping[str, Sequence[str]]) -> list[str]:
    """What was tried of a model: a line; none for what is no model.

    Args:
        tried: What was tried.
        declared: Kind of declaration -> names.
    """
    if not declared:
        return []
    parts = [f"{tried.spikes:,} spikes seen"]
    for kind, names in declared.items():
        left = tried.unmoved(kind, names)
        if names:
            told = f"{len(names) - len(left)} of {len(names)} {kind} moved"
            parts.append(told + (f" (not {', '.join(left)})" if left else ""))
    return [f"tried: {', '.join(parts)}"]


def of_durations(results: Iterable[Result], most: int) -> list[str]:
    """The slowest properties, with their seconds.

    Args:
        results: The results.
        most: How many; 0: all that ran.
    """
    ran = sorted((each for each in results if each.verdict.ran), key=lambda each: -each.seconds)
    return [
        f"{each.seconds:8.2f} s  {each.examples:3} cases  {each.prop.name}"
        for each in ran[: most or len(ran)]
    ]


def of_all(results: Sequence[Result], *, unasked: int = 0) -> str:
    """All results in one line: how many ran and had each verdict, and how long it took.

    Args:
        results: The results.
        unasked: How many properties were not asked for.
    """
    ran = sum(result.verdict.ran for result in results)
    told = [f"{ran} of {len(results) + unasked} properties ran", *_counted(results)]
    if unasked:
        told.append(f"{unasked} not asked for")
    return f"{', '.join(told)}; {sum(result.seconds for result in results):.1f} s"


def _counted(results: Iterable[Result]) -> list[str]:
    verdicts = [result.verdict for result in results]
    return [f"{verdicts.count(verdict)} {verdict.value}" for verdict in Verdict if verdict in verdicts]
