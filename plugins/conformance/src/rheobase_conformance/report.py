"""What came of judging one component."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from .causes import causes
from .coverage import Coverage
from .result import Result, Verdict
from .telling import of_all, of_coverage, of_failure, of_the_rest, of_those_that_follow

SCHEMA = 1
"""The version of what reports are in JSON; it grows when a key goes, or means something else."""


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
        about: The component's distribution, version and commit, where they are known; and those of the core.
        unasked: How many properties of the kind were not asked for.
        declared: Of a model, what could be moved: kind of declaration -> names.
    """

    kind: str
    name: str
    target: str
    profile: str
    seed: int
    results: tuple[Result, ...]
    about: dict[str, str | None]
    unasked: int = 0
    declared: Mapping[str, list[str]] = field(default_factory=dict)

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
    def coverage(self) -> Coverage:
        """What was tried of a model by all properties."""
        whole = Coverage()
        for result in self.results:
            whole.add(result.coverage)
        return whole

    @property
    def badge(self) -> str:
        """A line of Markdown for a README; empty where not all properties were asked for.

        It says how many properties passed of those that decided anything, and how many were vacuous. It is
        green only where all passed, and nothing vital was vacuous, such as whether a model spikes at all. Its
        label has the version and commit of the kit.
        """
        if self.unasked:
            return ""
        kept, decided = len(self.of(Verdict.PASSED)), sum(result.verdict.decided for result in self.results)
        text = f"{self.profile} {kept} of {decided}"
        if nothing := len(self.of(Verdict.VACUOUS)):
            text += f", {nothing} vacuous"
        silent = [result.prop.vital for result in self.of(Verdict.VACUOUS) if result.prop.vital]
        text = ", ".join([text, *silent])
        label = f"rheobase {self.about['rheobase']}"
        if commit := self.about["rheobase_commit"]:
            label += f" ({commit[:7]})"
        colour = "brightgreen" if kept == decided and not silent else ("yellow" if self.ok else "red")
        words = "-".join(_escaped(word) for word in (label, text, colour))
        return f"![rheobase conformance](https://img.shields.io/badge/{words})"

    @property
    def title(self) -> str:
        """What was judged, and how."""
        origin = " ".join(filter(None, (self.about["distribution"], self.about["version"])))
        source = f" of {origin}" if origin else (f" ({self.target})" if self.target != self.name else "")
        return f"{self.kind} {self.name}{source}, profile {self.profile}, seed {self.seed}"

    def to_plain(self) -> dict[str, Any]:
        """As a dictionary, for JSON; ``docs/conformance.md`` says what it has."""
        return {
            "schema": SCHEMA,
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
            "coverage": self._coverage(),
            "results": [result.to_plain() for result in self.results],
        }

    def _coverage(self) -> dict[str, Any] | None:
        if not self.declared:
            return None
        tried = self.coverage
        moved = {
            kind: {
                "moved": [name for name in names if name in tried.moved[kind]],
                "unmoved": tried.unmoved(kind, names),
            }
            for kind, names in self.declared.items()
        }
        return {"spikes": tried.spikes, **moved}

    def __str__(self) -> str:
        lines = [self.title, *(f"  {line}" for line in of_the_rest(self.results))]
        lines += [f"  {line}" for line in of_coverage(self.coverage, self.declared)]
        for cause in causes(self.results):
            lines += ["", *of_failure(cause.result)]
        if following := of_those_that_follow(self.results):
            lines += ["", *following]
        return "\n".join([*lines, "", of_all(self.results, unasked=self.unasked)])


def _escaped(word: str) -> str:
    """A part of a badge's address, in which hyphens and underscores have a meaning of their own."""
    return quote(word.replace("-", "--").replace("_", "__"), safe="")
