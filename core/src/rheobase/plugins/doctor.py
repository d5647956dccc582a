"""How each installed plugin is: as metadata and the index tell, or loaded in a process of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ..kinds import KINDS
from ..specs import ComponentSpec
from . import index, settings
from .discovery import Scan
from .entry import Entry
from .examiner import Examiner, Here
from .host import Host
from .installed import Verdicts, judged
from .outcome import Outcome
from .problem import AMISS, BROKEN, Problem, broken, unusable

OK = "ok"
"""It was loaded when it was last looked at, and works."""
UNTRIED = "not loaded yet"
"""Nobody has asked for a component since it was installed."""
DISABLED = "disabled"
"""The user does not want it."""

Failures = Mapping[tuple[Entry, ComponentSpec], str]
"""Why a component cannot be imported; empty: it can."""


@dataclass(frozen=True)
class Standing:
    """How one plugin stands.

    Args:
        entry: The plugin.
        status: ``"ok"``, ``"not loaded yet"``, ``"disabled"``, ``"broken"``, ``"incompatible"`` or
            ``"refused"``.
        components: What it offers and what is not known to fail.
        problems: Why it is unwell.
        advice: Where it was disabled, or what would make it better though it works.
        seconds: How long its hook module took to import.
    """

    entry: Entry
    status: str
    components: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    advice: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def cause(self) -> str:
        """Why it is not used."""
        disabled = self.advice if self.status == DISABLED else ()
        return "; ".join([*disabled, *(problem.cause for problem in self.problems)])

    @property
    def mend(self) -> str:
        """What to do."""
        return self.problems[0].mend if self.problems else ""

    def to_plain(self, *, loaded: bool) -> dict[str, Any]:
        """As values that JSON knows: of a plugin that was loaded now, or of one that need not have been."""
        about = {**self.entry.about, "status": self.status, "components": list(self.components)}
        if loaded:
            problems = [problem.to_plain() for problem in self.problems]
            seconds = round(self.seconds, 4)
            return {**about, "import_seconds": seconds, "problems": problems, "advice": list(self.advice)}
        made_for = {"requires": list(self.entry.requires), "spec": self.entry.spec}
        return {**about, **made_for, "cause": self.cause, "mend": self.mend}


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
    return _standings(verdicts, known.outcomes if known is not None else {})


def _scan(examining: Examiner | Here) -> Scan:
    try:
        return examining.scan(Host())
    finally:
        examining.close()


@dataclass(frozen=True)
class Report:
    """How all plugins are.

    Args:
        plugins: Each of them.
        problems: What is amiss beside them: unreadable metadata, names that no plugin has.
        conflicts: The names that more than one distribution offers.
        unkept: Why the index cannot be kept; empty: it can.
    """

    plugins: tuple[Standing, ...]
    problems: tuple[Problem, ...]
    conflicts: tuple[str, ...]
    unkept: str

    @property
    def ok(self) -> bool:
        """Whether every plugin that is wanted is well."""
        unwell = any(problem.status != AMISS for problem in self.problems)
        return not unwell and not any(plugin.problems for plugin in self.plugins)


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
    standings, problems = _standings(verdicts, known.outcomes, failures)
    conflicts = _conflicts(known, decided.override)
    return Report(tuple(standings), tuple(problems), conflicts, index.save(known, key))


def _standings(
    verdicts: Verdicts,
    outcomes: Mapping[Entry, Outcome],
    failures: Failures = MappingProxyType({}),
) -> tuple[list[Standing], list[Problem]]:
    found = [Standing(entry, DISABLED, advice=(said,)) for entry, said in verdicts.disabled]
    rest = []
    for problem in verdicts.problems:
        if problem.entry is not None:
            found.append(Standing(problem.entry, problem.status, problems=(problem,)))
        else:
            rest.append(problem)
    for entry in verdicts.wanted:
        outcome = outcomes.get(entry)
        found.append(_standing(entry, outcome, failures) if outcome else Standing(entry, UNTRIED))
    return sorted(found, key=lambda standing: standing.entry), rest


def _standing(entry: Entry, outcome: Outcome, failures: Failures) -> Standing:
    problems = [broken(entry, outcome.failure, outcome.detail)] if outcome.failure else []
    problems += [unusable(entry, *each) for each in outcome.unusable]
    works = []
    for spec in outcome.specs:
        if failure := failures.get((entry, spec)):
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
    return Standing(entry, status, tuple(works), tuple(problems), tuple(advice), outcome.seconds)


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
