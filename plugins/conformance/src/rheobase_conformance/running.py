"""Trying one property on one subject."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from hypothesis import strategies as st
from hypothesis.errors import HypothesisException

from .coverage import tallied
from .drawing import drawn_by
from .exploring import explore
from .profiles import Profile
from .property import Property
from .result import Result, Verdict
from .script import script
from .subject import Subject
from .surroundings import same_surroundings
from .told import told
from .vacuous import Vacuous


class _Failed(Exception):
    """One case failed. Hypothesis sees nothing but this, so that all failures are one to it."""


@dataclass(frozen=True)
class _Undrawn:
    """In place of a case, where drawing it failed: what it is drawn from is measured on the component."""

    came: Trial


class Trial(NamedTuple):
    """What came of one case.

    Attributes:
        seen: What was seen, if it fails.
        vacuous: Why it decides nothing, if it does not.
    """

    seen: str = ""
    vacuous: str = ""

    @property
    def holds(self) -> bool:
        """Whether the property holds in it."""
        return not (self.seen or self.vacuous)


@dataclass(frozen=True)
class _Outcome:
    """What was seen, if anything, of which case, after how many; and why others decided nothing."""

    seen: str = ""
    case: Any = None
    count: int = 1
    vacuous: Counter[str] = field(default_factory=Counter)


class _Trials:
    """The cases that were tried of a property, and those that fail.

    Args:
        prop: The property.
        subject: What is judged.
        limit: The seconds for which a failing case is made smaller.
    """

    def __init__(self, prop: Property, subject: Subject, limit: float) -> None:
        self._prop = prop
        self._subject = subject
        self._limit = limit
        self._until = float("inf")
        self._last = ""
        self.failed: dict[str, tuple[Any, str]] = {}
        self.vacuous: Counter[str] = Counter()
        self.count = 0

    def __call__(self, case: Any) -> None:
        key = repr(case)
        # Also where a second try would pass: what failed once has failed.
        if key not in self.failed:
            if time.perf_counter() > self._until:
                return
            undrawn = isinstance(case, _Undrawn)
            self.count += not (undrawn and case.came.seen)
            seen, nothing = case.came if undrawn else attempt(self._prop, self._subject, case)
            if not seen:
                self.vacuous.update([nothing] if nothing else [])
                return
            if not self.failed:
                self._until = time.perf_counter() + self._limit
            self.failed[key] = (None if undrawn else case, seen)
        self._last = key
        raise _Failed

    def outcome(self) -> _Outcome:
        """The last case that failed, to which hypothesis came at the end, and what was seen."""
        case, seen = self.failed.get(self._last, (None, ""))
        return _Outcome(seen, case, self.count, self.vacuous)


def judge(
    prop: Property, subject: Subject, profile: Profile, seed: int, expected: str | None = None
) -> Result:
    """Try one property.

    Args:
        prop: The property.
        subject: What is judged.
        profile: How much is tried.
        seed: Of the cases.
        expected: Why it is expected to fail; None: it is not.

    Returns:
        What came of it.

    Raises:
        KeyboardInterrupt: If the user ends it; whatever else the component raises is a failure of it.
    """
    began = time.perf_counter()
    with same_surroundings(), tallied() as coverage:
        seen, lacking = _caught(lambda: prop.lacking(subject))
        if lacking:
            return Result(prop, Verdict.NOT_APPLICABLE, lacking)
        if not profile.includes(prop.level):
            return Result(prop, Verdict.LEFT_OUT, f"the profile {prop.level} tries it")
        found = _Outcome(seen, count=0) if seen else search(prop, subject, profile, seed)
    result = Result(
        prop,
        Verdict.PASSED,
        examples=found.count,
        seconds=time.perf_counter() - began,
        vacuous=dict(found.vacuous),
        coverage=coverage,
    )
    if found.seen:
        return replace(
            result,
            verdict=Verdict.FAILED if expected is None else Verdict.EXPECTED,
            reason=found.seen if expected is None else expected,
            case=found.case,
            script=script(prop, subject, found.case, found.seen, profile.name, seed),
            seen=found.seen,
        )
    if found.count and found.vacuous.total() == found.count:
        return replace(result, verdict=Verdict.VACUOUS, reason="; ".join(found.vacuous))
    if expected is not None:
        reason = f"it was expected to fail ({expected}), and passes; expect it no longer"
        return replace(result, verdict=Verdict.UNEXPECTED, reason=reason)
    return result


def attempt(prop: Property, subject: Subject, case: Any = None) -> Trial:
    """Try a property once.

    Args:
        prop: The property.
        subject: What is judged.
        case: The case, where the property has cases.

    Returns:
        What came of it.
    """
    arguments = (subject,) if prop.cases is None else (subject, case)
    with same_surroundings():
        try:
            return Trial(_caught(lambda: prop.check(*arguments))[0])
        except Vacuous as nothing:
            return Trial(vacuous=str(nothing))


def search(prop: Property, subject: Subject, profile: Profile, seed: int) -> _Outcome:
    """Look for a case in which a property fails; without cases, try it.

    Args:
        prop: The property.
        subject: What is judged.
        profile: How much is tried.
        seed: Of the cases.
    """
    if prop.cases is None:
        tried = attempt(prop, subject)
        return _Outcome(tried.seen, vacuous=Counter([tried.vacuous] if tried.vacuous else []))
    cases = prop.cases
    trials = _Trials(prop, subject, profile.shrinking)
    examples = max(1, round(profile.examples * prop.share))
    shrink = profile.shrinking > 0
    seen, _ = _caught(lambda: explore(trials, _drawn(cases(subject, profile)), examples, seed, shrink=shrink))
    # Whatever hypothesis makes of a failure that comes and goes, it is one.
    return trials.outcome() if trials.failed or not seen else _Outcome(seen, count=trials.count)


def _drawn(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def draw_case(draw: st.DrawFn) -> Any:
        try:
            return draw(strategy)
        except HypothesisException:
            raise
        except Vacuous as nothing:
            return _Undrawn(Trial(vacuous=str(nothing)))
        except (Exception, SystemExit) as error:
            return _Undrawn(Trial(told(error)))

    return drawn_by(draw_case)


def _caught(do: Callable[[], Any]) -> tuple[str, Any]:
    """Do something of which the component is a part; gives what was seen if it fails, and what it gave."""
    try:
        return "", do()
    except (KeyboardInterrupt, Vacuous):
        raise
    except BaseException as error:  # a model that calls sys.exit or pytest.skip ends no run and skips nothing
        return told(error), None
