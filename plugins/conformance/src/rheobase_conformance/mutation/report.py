"""What came of the mutants of a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ..report import Report
from .making import Mutant


class Fate(str, Enum):
    """What came of a mutant."""

    SURVIVED = "survived"
    SAME = "the same"
    KIT = "killed by the kit"
    TESTS = "killed by the tests"


@dataclass(frozen=True)
class Judged:
    """What came of one mutant.

    Args:
        mutant: The mutant.
        fate: What came of it.
        by: The property that failed, where the kit killed it.
        seen: What was seen where it was killed; in what it is the same where it is.
        seconds: How long it took.
    """

    mutant: Mutant
    fate: Fate
    by: str = ""
    seen: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        more = self.by or (self.seen if self.fate is Fate.SAME else "")
        return f"{self.mutant}: {self.fate.value}" + (f" ({more})" if more else "")

    def to_plain(self) -> dict[str, Any]:
        """As a dictionary, for JSON."""
        return {
            **self.mutant.to_plain(),
            "fate": self.fate.value,
            "property": self.by or None,
            "seen": self.seen,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True)
class MutationReport:
    """What came of the mutants of a model.

    Args:
        report: What came of the model itself; where that is not ok, no mutant was judged.
        tests: The command of the author's own tests; empty: none was given.
        judged: One for each mutant, survivors first.
        elsewhere: Functions of the model, and what they use, that its module does not define: not mutated.
    """

    report: Report
    tests: str
    judged: tuple[Judged, ...]
    elsewhere: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the model itself passed; mutants that survive are no failure."""
        return self.report.ok

    @property
    def counts(self) -> dict[str, int]:
        """How many mutants there are, and how many had each fate."""
        each = Counter(judged.fate for judged in self.judged)
        return {"mutants": len(self.judged), **{fate.value: each[fate] for fate in Fate}}

    def of(self, *fates: Fate) -> tuple[Judged, ...]:
        """Those with one of these fates."""
        return tuple(each for each in self.judged if each.fate in fates)

    def to_plain(self) -> dict[str, Any]:
        """As a dictionary, for JSON; ``docs/conformance.md`` says what it has."""
        return {
            "tests": self.tests or None,
            "counts": self.counts,
            "elsewhere": list(self.elsewhere),
            "seconds": round(sum(each.seconds for each in self.judged), 3),
            "mutants": [each.to_plain() for each in self.judged],
        }

    def __str__(self) -> str:
        return "\n".join([*map(str, self.judged), *of_the_whole(self)])


def of_the_whole(report: MutationReport) -> list[str]:
    """Totals in a line, and a line on what was left out.

    Args:
        report: The report.
    """
    if not report.ok:
        failed = ", ".join(each.prop.name for each in report.report.failures)
        return [f"no mutant was judged, as the model itself fails: {failed}"]
    counts: Mapping[str, int] = report.counts
    told = [f"{counts[fate.value]} {_WORDS[fate]}" for fate in Fate if counts[fate.value]]
    seconds = sum(each.seconds for each in report.judged)
    number = counts["mutants"]
    lines = [f"{number} mutant{'s' * (number != 1)}: {', '.join(told) or 'none'}; {seconds:.1f} s"]
    if report.elsewhere:
        lines.append(
            f"not mutated, as the model's module does not define them: {', '.join(report.elsewhere)}"
        )
    return lines


_WORDS = {
    Fate.SURVIVED: "survived",
    Fate.SAME: "perhaps no other model",
    Fate.KIT: "killed by the kit",
    Fate.TESTS: "killed by the tests",
}
