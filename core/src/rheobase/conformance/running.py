"""Trying one property on one subject."""

from __future__ import annotations

import time
import warnings
from typing import Any

from .profiles import Profile
from .property import Property
from .result import Result, Verdict
from .subject import Subject
from .violation import Violation


class _Failed(Exception):
    """One case failed. Hypothesis sees nothing but this, so that all failures are one to it."""


class _Trials:
    """The cases that were tried of a property, and those that fail.

    Args:
        check: The property's function.
        subject: What is judged.
        limit: The seconds for which a failing case is made smaller.
    """

    def __init__(self, check: Any, subject: Subject, limit: float) -> None:
        self._check = check
        self._subject = subject
        self._limit = limit
        self._until = float("inf")
        self.failed: dict[str, tuple[Any, Exception]] = {}
        self.count = 0

    def __call__(self, case: Any) -> None:
        key = repr(case)
        if key in self.failed:
            # Also where a second try would pass: what failed once has failed.
            self._fail(key)
        if time.perf_counter() > self._until:
            return
        self.count += 1
        try:
            self._check(self._subject, case)
        except Exception as error:
            if not self.failed:
                self._until = time.perf_counter() + self._limit
            self.failed[key] = (case, error)
            self._fail(key)

    def _fail(self, key: str) -> None:
        self.last = key
        raise _Failed

    @property
    def smallest(self) -> tuple[Any, Exception]:
        """The last case that failed, to which hypothesis came at the end, and its error."""
        return self.failed[self.last]


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
    """
    lacking = prop.lacking(subject)
    if lacking:
        return Result(prop, Verdict.NOT_APPLICABLE, lacking)
    if not profile.includes(prop.level):
        return Result(prop, Verdict.LEFT_OUT, f"the profile {prop.level} tries it")
    began = time.perf_counter()
    with warnings.catch_warnings():
        # Whatever the filters of who asks: the verdict is the same.
        warnings.simplefilter("ignore")
        case, error, count = _try(prop, subject, profile, seed)
    seconds = time.perf_counter() - began
    if error is None:
        if expected is None:
            return Result(prop, Verdict.PASSED, examples=count, seconds=seconds)
        reason = f"it was expected to fail ({expected}), and passes; expect it no longer"
        return Result(prop, Verdict.UNEXPECTED, reason, examples=count, seconds=seconds)
    if expected is not None:
        return Result(prop, Verdict.EXPECTED, expected, case, "", count, seconds)
    from .script import script

    seen = told(error)
    return Result(prop, Verdict.FAILED, seen, case, script(prop, subject, case, seen), count, seconds)


def told(error: Exception) -> str:
    """An error in one line: a violation by its message, any other by its type too."""
    if isinstance(error, Violation):
        return str(error)
    cause = " ".join(str(error).split()) or "no message"
    return f"it raised {type(error).__name__}: {cause}"


def _try(prop: Property, subject: Subject, profile: Profile, seed: int) -> tuple[Any, Exception | None, int]:
    if prop.cases is None:
        try:
            prop.check(subject)
        except Exception as error:
            return None, error, 1
        return None, None, 1
    trials = _Trials(prop.check, subject, profile.shrinking)
    try:
        strategy = prop.cases(subject, profile)
    except Exception as error:  # what the cases are drawn from is measured on the component
        return None, error, 0
    try:
        _explore(trials, strategy, max(1, round(profile.examples * prop.share)), seed)
    except Exception as error:
        # Whatever hypothesis makes of a failure that comes and goes, it is one.
        if not trials.failed:
            return None, error, trials.count
    if trials.failed:
        case, cause = trials.smallest
        return case, cause, trials.count
    return None, None, trials.count


def _explore(trials: _Trials, strategy: Any, examples: int, seed: int) -> None:
    import hypothesis
    from hypothesis import HealthCheck, Phase, Verbosity

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
        deadline=None,
        database=None,
        print_blob=False,
        report_multiple_bugs=False,
    )
    @hypothesis.given(strategy)
    def explore(case: Any) -> None:
        trials(case)

    explore()
