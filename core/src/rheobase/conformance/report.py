"""What came of judging one component."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from .causes import causes
from .result import Result, Verdict
from .telling import of_all, of_failure, of_the_rest, of_those_that_follow


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
        unasked: How many properties of the kind were not asked for.
    """

    kind: str
    name: str
    target: str
    profile: str
    seed: int
    results: tuple[Result, ...]
    about: dict[str, str | None]
    unasked: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing failed, and nothing passed that was expected to fail."""
        return all(result.ok for result in self.results)

    @property
    def counts(self) -> dict[str, int]:
        """How many properties there are, how many ran, and how many had each verdict."""
        each = Counter(result.verdict for result in self.results)
        return {
            "properties": len(self.results) + self.unasked,
            "ran": sum(result.verdict.ran for result in self.results),
            **{verdict.value: each[verdict] for verdict in Verdict},
            "not asked for": self.unasked,
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
        """A line of Markdown for a README; empty where not all properties were asked for.

        It says how many properties passed of those that decided anything, and how many were vacuous. It is
        green only where all passed, and nothing vital was vacuous, such as whether a model spikes at all.
        """
        if self.unasked:
            return ""
        kept, decided = len(self.of(Verdict.PASSED)), sum(result.verdict.decided for result in self.results)
        text = f"{self.profile} {kept} of {decided}"
        if nothing := len(self.of(Verdict.VACUOUS)):
            text += f", {nothing} vacuous"
        silent = [result.prop.vital for result in self.of(Verdict.VACUOUS) if result.prop.vital]
        text = ", ".join([text, *silent])
        text = text.replace(" ", "%20").replace(",", "%2C")
        colour = "brightgreen" if kept == decided and not silent else ("yellow" if self.ok else "red")
        return f"![rheobase conformance](https://img.shields.io/badge/rheobase-{text}-{colour})"

    @property
    def title(self) -> str:
        """What was judged, and how."""
        origin = " ".join(filter(None, (self.about["distribution"], self.about["version"])))
        source = f" of {origin}" if origin else (f" ({self.target})" if self.target != self.name else "")
        return f"{self.kind} {self.name}{source}, profile {self.profile}, seed {self.seed}"

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
        lines = [self.title, *(f"  {line}" for line in of_the_rest(self.results))]
        for cause in causes(self.results):
            lines += ["", *of_failure(cause.result)]
        if following := of_those_that_follow(self.results):
            lines += ["", *following]
        return "\n".join([*lines, "", of_all(self.results, unasked=self.unasked)])
