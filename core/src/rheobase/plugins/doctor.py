"""How each installed plugin is: as metadata and the index tell, or loaded in a process of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..kinds import KINDS
from ..specs import ComponentSpec
from . import index, settings
from .discovery import Scan
from .entry import Entry
from .examiner import Examiner, Here
from .host import Host
from .installed import judged
from .outcome import Outcome
from .problem import AMISS, BROKEN, Problem, broken, removal, unusable

OK = "ok"
"""It was loaded when it was last looked at, and works."""
UNTRIED = "not loaded yet"
"""Nobody has asked for a component since it was installed."""
DISABLED = "disabled"
"""The user does not want it."""


@dataclass(frozen=True)
class Standing:
    """How one plugin stands.

    Args:
        entry: The plugin.
        status: ``"ok"``, ``"not loaded yet"``, ``"disabled"``, ``"broken"``, ``"incompatible"`` or
            ``"refused"``.
        cause: Why it is not used.
        mend: What to do.
        components: What it offers, as far as that is known.
    """

    entry: Entry
    status: str
    cause: str = ""
    mend: str = ""
    components: tuple[str, ...] = ()

    def to_plain(self) -> dict[str, Any]:
        """As values that JSON knows."""
        return {
            **self.entry.about,
            "requires": list(self.entry.requires),
            "spec": self.entry.spec,
            "status": self.status,
            "cause": self.cause,
            "mend": self.mend,
            "components": list(self.components),
        }


def overview(examining: Examiner | Here | None = None) -> tuple[list[Standing], list[Problem]]:
    """How each plugin stands, and the problems that are no installed plugin's; imports none of them.

    Args:
        examining: What reads metadata; default: another process, where there is no index that holds.

    Raises:
        ConfigurationError: If the user's settings cannot be used.
    """
    decided = settings.read()
    known = index.load(index.Key.take(Host())) if examining is None else None
    scan = known.scan if known is not None else _scan(examining or Examiner(decided.timeout))
    verdicts = judged(scan, decided)
    standings = {entry: Standing(entry, DISABLED, said) for entry, said in verdicts.disabled}
    for problem in verdicts.problems:
        if problem.entry is not None:
            standings[problem.entry] = Standing(problem.entry, problem.status, problem.cause, problem.mend)
    for entry in verdicts.wanted:
        outcome = known.outcomes.get(entry) if known is not None else None
        if outcome is None:
            standings[entry] = Standing(entry, UNTRIED)
            continue
        causes = [outcome.failure] if outcome.failure else [cause for _, _, cause in outcome.unusable]
        components = tuple(f"{spec.kind}:{spec.name}" for spec in outcome.specs)
        status, mend = (BROKEN, removal(entry)) if causes else (OK, "")
        standings[entry] = Standing(entry, status, "; ".join(causes), mend, components)
    rest = [problem for problem in verdicts.problems if problem.entry is None]
    return [standings[entry] for entry in scan.entries], rest


def _scan(examining: Examiner | Here) -> Scan:
    try:
        return examining.scan(Host())
    finally:
        examining.close()


@dataclass(frozen=True)
class Finding:
    """How one plugin is, seen by loading it.

    Args:
        entry: The plugin.
        status: ``"ok"``, ``"disabled"``, ``"broken"``, ``"incompatible"`` or ``"refused"``.
        seconds: How long its hook module took to import.
        components: What it offers and what can be loaded.
        problems: Why it is unwell.
        advice: What would make it better, though it works.
    """

    entry: Entry
    status: str
    seconds: float = 0.0
    components: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    advice: tuple[str, ...] = ()

    def to_plain(self) -> dict[str, Any]:
        """As values that JSON knows."""
        return {
            **self.entry.about,
            "status": self.status,
            "import_seconds": round(self.seconds, 4),
            "components": list(self.components),
            "problems": [problem.to_plain() for problem in self.problems],
            "advice": list(self.advice),
        }


@dataclass(frozen=True)
class Report:
    """How all plugins are.

    Args:
        findings: Each plugin.
        problems: What is amiss beside them: unreadable metadata, names that no plugin has.
        conflicts: The names that more than one distribution offers.
        unkept: Why the index cannot be kept; empty: it can.
    """

    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]
    conflicts: tuple[str, ...]
    unkept: str

    @property
    def ok(self) -> bool:
        """Whether every plugin that is wanted is well."""
        unwell = any(problem.status != AMISS for problem in self.problems)
        return not unwell and not any(finding.problems for finding in self.findings)


def examine_all(limit: float | None = None) -> Report:
    """Load every plugin that the user wants, each in a process of its own, and all that it offers.

    What came of it is kept for later listings.

    Args:
        limit: How long a plugin, and each of its components, may take, s; default: the user's setting.

    Raises:
        ConfigurationError: If the user's settings cannot be used.
    """
    decided = settings.read()
    limit = limit or decided.timeout
    key = index.Key.take(Host())
    with Examiner(limit) as examiner:
        known = index.Index(examiner.scan(Host()), examiner.core(), {})
        verdicts = judged(known.scan, decided)
        known.outcomes.update(
            zip(verdicts.wanted, examiner.examine_all(verdicts.wanted, apart=True), strict=True)
        )
        offered = [(entry, spec) for entry in verdicts.wanted for spec in known.outcomes[entry].specs]
        failures = dict(zip(offered, examiner.load_all(offered), strict=True))
    findings = [_finding(entry, known.outcomes[entry], failures) for entry in verdicts.wanted]
    findings += [Finding(entry, DISABLED, advice=(said,)) for entry, said in verdicts.disabled]
    for problem in verdicts.problems:
        if problem.entry is not None:
            findings.append(Finding(problem.entry, problem.status, problems=(problem,)))
    return Report(
        tuple(sorted(findings, key=lambda finding: finding.entry)),
        tuple(problem for problem in verdicts.problems if problem.entry is None),
        _conflicts(known, decided.override),
        index.save(known, key),
    )


def _finding(entry: Entry, outcome: Outcome, failures: Mapping[tuple[Entry, ComponentSpec], str]) -> Finding:
    problems = [broken(entry, outcome.failure, outcome.detail)] if outcome.failure else []
    problems += [unusable(entry, *each) for each in outcome.unusable]
    works = []
    for spec in outcome.specs:
        if failure := failures[entry, spec]:
            problems.append(unusable(entry, spec.kind, spec.name, failure))
        else:
            works.append(f"{spec.kind}:{spec.name}")
    advice = list(outcome.complaints)
    if outcome.heavy:
        advice.append(
            f"its hook module imports {outcome.heavy}; move that import to the model, and the first listing "
            "after an installation is quick"
        )
    if not entry.requires:
        advice.append(
            'its metadata do not say which core it was made for; add "rheobase>=..." to its dependencies'
        )
    status = BROKEN if problems else OK
    return Finding(entry, status, outcome.seconds, tuple(works), tuple(problems), tuple(advice))


def _conflicts(known: index.Index, override: Mapping[tuple[str, str], str]) -> tuple[str, ...]:
    offered = Counter(
        (spec.kind, spec.name, entry.distribution)
        for entry, outcome in known.outcomes.items()
        for spec in outcome.specs
    )
    times = Counter((kind, name) for kind, name, _ in offered)
    return tuple(
        f"{KINDS[kind]} {name!r} is offered by "
        + " and ".join(sorted(source for k, n, source in offered if (k, n) == (kind, name)))
        for (kind, name), count in sorted(times.items())
        if count > 1 and (kind, name) not in override
    )
