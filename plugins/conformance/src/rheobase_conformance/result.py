"""What came of one property."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .coverage import Coverage
from .plain import plain
from .property import Property


class Shown(str, Enum):
    """What shows a failure again in a process of its own, where nothing was tried before."""

    UNTRIED = ""
    CASE = "case"
    PROPERTY = "property"
    NEITHER = "neither"


class Verdict(str, Enum):
    """What came of a property."""

    PASSED = "passed"
    FAILED = "failed"
    EXPECTED = "failed as expected"
    UNEXPECTED = "passed unexpectedly"
    VACUOUS = "vacuous"
    NOT_APPLICABLE = "not applicable"
    LEFT_OUT = "left out"

    @property
    def ran(self) -> bool:
        """Whether the property was tried."""
        return self not in (Verdict.NOT_APPLICABLE, Verdict.LEFT_OUT)

    @property
    def decided(self) -> bool:
        """Whether the property was tried, and one case at least was not vacuous."""
        return self.ran and self is not Verdict.VACUOUS


@dataclass(frozen=True)
class Result:
    """What came of one property.

    Args:
        prop: The property.
        verdict: What came of it.
        reason: Why it failed, was expected to, is vacuous, does not apply or was left out; empty where it
            passed.
        case: The smallest case found for which it fails, or None.
        script: A script that shows the failure again; of an expected one too.
        examples: How many cases were tried.
        seconds: How long it took.
        seen: What was seen where it failed, as expected or not.
        vacuous: Why cases decided nothing -> how many of them, where it did not fail.
        coverage: What was tried of a model.
        shown: What shows the failure again by itself: its case, all cases of the property, or neither.
    """

    prop: Property
    verdict: Verdict
    reason: str = ""
    case: Any = None
    script: str = ""
    examples: int = 0
    seconds: float = 0.0
    seen: str = ""
    vacuous: Mapping[str, int] = field(default_factory=dict)
    coverage: Coverage = field(default_factory=Coverage)
    shown: Shown = Shown.UNTRIED

    @property
    def ok(self) -> bool:
        """Whether it is as it should be: it neither failed nor passed against expectation."""
        return self.verdict not in (Verdict.FAILED, Verdict.UNEXPECTED)

    def to_plain(self) -> dict[str, Any]:
        """As a dictionary, for JSON."""
        return {
            "property": self.prop.name,
            "family": self.prop.family,
            "statement": self.prop.statement,
            "why": self.prop.why,
            "verdict": self.verdict.value,
            "reason": self.reason,
            "seen": self.seen,
            "case": plain(self.case),
            "script": self.script,
            "shown": self.shown.value or None,
            "examples": self.examples,
            "vacuous": dict(self.vacuous),
            "spikes": self.coverage.spikes,
            "seconds": round(self.seconds, 4),
        }
