"""What came of judging one component."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from .property import FAMILIES
from .result import Result, Verdict


@dataclass(frozen=True)
class Report:
    """What came of judging one component.

    Args:
        kind: The kind of component.
        name: What it is called.
        target: How it is found again.
        profile: How much was tried.
        seed: Of the cases.
        results: One for each property of the kind, in the kit's order.
        about: The component's distribution and version, where it is installed; and those of the core.
    """

    kind: str
    name: str
    target: str
    profile: str
    seed: int
    results: tuple[Result, ...]
    about: dict[str, str | None]

    @property
    def ok(self) -> bool:
        """Whether nothing failed, and nothing passed that was expected to fail."""
        return all(result.ok for result in self.results)

    @property
    def counts(self) -> dict[str, int]:
        """How many properties there are, how many ran, and how many had each verdict."""
        each = Counter(result.verdict for result in self.results)
        idle = each[Verdict.NOT_APPLICABLE] + each[Verdict.LEFT_OUT]
        return {
            "properties": len(self.results),
            "ran": len(self.results) - idle,
            **{verdict.value: each[verdict] for verdict in Verdict},
        }

    def of(self, *verdicts: Verdict) -> tuple[Result, ...]:
        """The results with one of these verdicts."""
        return tuple(result for result in self.results if result.verdict in verdicts)

    @property
    def failures(self) -> tuple[Result, ...]:
        """The results that are not as they should be."""
        return tuple(result for result in self.results if not result.ok)

    @property
    def seconds(self) -> float:
        """How long it took."""
        return sum(result.seconds for result in self.results)

    @property
    def badge(self) -> str:
        """A line of Markdown for a README."""
        counts = self.counts
        kept = counts[Verdict.PASSED.value]
        text = f"{self.profile} {kept} of {counts['ran']}".replace(" ", "%20")
        colour = "brightgreen" if kept == counts["ran"] else ("yellow" if self.ok else "red")
        return f"![rheobase conformance](https://img.shields.io/badge/rheobase-{text}-{colour})"

    def to_plain(self) -> dict[str, Any]:
        """As a dictionary, for JSON."""
        return {
            "kind": self.kind,
            "name": self.name,
            "target": self.target,
            **self.about,
            "profile": self.profile,
            "seed": self.seed,
            "ok": self.ok,
            "counts": self.counts,
            "seconds": round(self.seconds, 3),
            "badge": self.badge,
            "results": [result.to_plain() for result in self.results],
        }

    def __str__(self) -> str:
        counts = self.counts
        told = [f"{counts['ran']} of {counts['properties']} properties ran"]
        told += [f"{counts[verdict.value]} {verdict.value}" for verdict in Verdict if counts[verdict.value]]
        lines = [f"{self.kind} {self.name}, {self.profile}: {', '.join(told)}"]
        for result in self.failures:
            family = FAMILIES[result.prop.family]
            lines += ["", f"{result.prop.name} ({family}): {result.prop.statement}"]
            lines += [
                f"  {result.verdict.value}: {result.reason}",
                f"  why it matters: {result.prop.why}",
            ]
            lines += [f"    {line}" for line in result.script.splitlines()]
        return "\n".join(lines)
