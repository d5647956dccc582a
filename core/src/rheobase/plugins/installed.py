"""What is installed: core's components, and those of each plugin that the user wants and that works."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

from ..kinds import KINDS
from ..specs import PROJECT, VERSION, Provenance
from . import control, host, index, project
from .component import Registered
from .discovery import Scan
from .entry import Entry, canonical
from .host import Host
from .outcome import Outcome
from .problem import AMISS, BROKEN, INCOMPATIBLE, LEFT_OUT, REFUSED, Problem, broken, removal

CORE = PROJECT
"""The distribution whose names cannot be shadowed."""


CORE_PLUGIN = "core"
"""The name of the plugin through which core offers its components."""


class Examining(Protocol):
    """What reads metadata and loads plugins: another process, or this one."""

    outcomes: dict[Entry, Outcome]
    """What came of plugins before :meth:`examine_all` was interrupted."""

    def scan(self, host: Host) -> Scan:
        """Read the metadata."""

    def core(self) -> Outcome:
        """Load core's own components."""

    def examine_all(self, entries: Sequence[Entry]) -> list[Outcome]:
        """Load plugins."""

    def close(self) -> None:
        """Let go of what is held."""


class Installed(NamedTuple):
    """What is on offer.

    Args:
        components: Everything that can be used.
        problems: Whatever is amiss.
        disabled: The plugins that the user does not want, each with where that was said.
        strict: Whether what is amiss is an error.
    """

    components: tuple[Registered, ...] = ()
    problems: tuple[Problem, ...] = ()
    disabled: tuple[tuple[Entry, str], ...] = ()
    strict: bool = False

    @property
    def missing(self) -> str:
        """The end of a message that something is not installed: the plugins that may have offered it.

        Example:
            >>> toy = Entry("toy-models", "1.2", "toy", "toy_models.plugin")
            >>> Installed(disabled=((toy, "RHEOBASE_DISABLE"),)).missing
            " Left out: plugin 'toy' of toy-models 1.2 (disabled: RHEOBASE_DISABLE)."
        """
        left_out = (problem for problem in self.problems if problem.status in LEFT_OUT)
        sources = [f"{problem.source} ({problem.status})" for problem in left_out]
        sources += [f"{entry.label} (disabled: {said})" for entry, said in self.disabled]
        return f" Left out: {', '.join(dict.fromkeys(sources))}." if sources else ""


class Verdicts(NamedTuple):
    """What is to be done with each plugin, judged before any of them is imported.

    Args:
        wanted: Those that are used.
        disabled: Those that the user does not want, each with where that was said.
        problems: Those that are left out, and names that no plugin has.
    """

    wanted: tuple[Entry, ...]
    disabled: tuple[tuple[Entry, str], ...]
    problems: tuple[Problem, ...]


def judge(scan: Scan, decided: control.Control, refused: Mapping[Entry, str]) -> Verdicts:
    """Decide about each plugin, from its metadata and what the user said.

    Args:
        scan: What is installed.
        decided: What the user decided.
        refused: The plugins that are not as the lock file has them, each with the cause.
    """
    wanted: list[Entry] = []
    disabled: list[tuple[Entry, str]] = []
    problems = [problem for problem in scan.problems if not decided.unwanted(problem.names)]
    for entry in scan.entries:
        if said := decided.disabled(entry):
            disabled.append((entry, said))
        elif entry.unfit:
            mend = f"{entry.upgrade}, or disable it: RHEOBASE_DISABLE={entry.distribution}"
            problems.append(Problem(INCOMPATIBLE, entry.label, entry.unfit, mend, entry))
        elif cause := refused.get(entry, ""):
            problems.append(Problem(REFUSED, entry.label, cause, "If you trust it: rheobase lock", entry))
        else:
            wanted.append(entry)
    unread = frozenset(name for problem in scan.problems for name in problem.names)
    problems += [Problem(AMISS, "plugins", cause) for cause in decided.unknown(scan.entries, unread)]
    return Verdicts(tuple(wanted), tuple(disabled), tuple(problems))


def load(examining: Examining | None = None) -> Installed:
    """Find out what is installed, from the index where it still holds.

    Args:
        examining: What reads metadata and loads plugins; default: another process, and the index.

    Raises:
        ConfigurationError: If the user's settings cannot be used.
    """
    if host.closed():  # a plugin asks while it is being examined
        return core()
    decided = control.read()
    key = index.Key.take(Host()) if examining is None else None
    known = index.load(key, decided.timeout) if key is not None else None
    verdicts = judged(known.scan, decided) if known is not None else None
    if known is None or verdicts is None or any(entry not in known.outcomes for entry in verdicts.wanted):
        examiner = examining or _other_process(decided.timeout)
        try:
            known = known or index.Index(examiner.scan(Host()), examiner.core(), {})
            verdicts = verdicts or judged(known.scan, decided)
            missing = [entry for entry in verdicts.wanted if entry not in known.outcomes]
            known.outcomes.update(zip(missing, examiner.examine_all(missing), strict=True))
        finally:
            examiner.close()
            if key is not None and known is not None:
                # Whoever waits for some and stops it need not wait for the others again.
                known.outcomes.update(examiner.outcomes)
                index.save(known, key)
    return assemble(known, verdicts, decided)


def _other_process(limit: float) -> Examining:
    from .examiner import Examiner  # here: an index that still holds needs none

    return Examiner(limit)


def judged(scan: Scan, decided: control.Control) -> Verdicts:
    """Decide about each plugin as :func:`judge` does, with the project's lock file if there is one.

    Raises:
        ConfigurationError: If the lock file cannot be read.
    """
    # The files of a plugin that is left out anyhow need not be hashed.
    return judge(
        scan,
        decided,
        refusals(entry for entry in scan.entries if not entry.unfit and not decided.disabled(entry)),
    )


def refusals(entries: Iterable[Entry]) -> dict[Entry, str]:
    """The plugins that are not as the project's lock file has them, each with the cause.

    Args:
        entries: The installed plugins.

    Raises:
        ConfigurationError: If the lock file cannot be read.
    """
    path = project.find(project.LOCK)
    if path is None:
        if f"{__package__}.locking.loading" in sys.modules:  # where there was one
            from .locking import loading

            loading.activate({})
        return {}
    from .locking import check, loading  # here: most projects have no such file

    causes, found = check.judge(path, entries)
    loading.activate(found)
    return causes


def assemble(known: index.Index, verdicts: Verdicts, decided: control.Control) -> Installed:
    """Put together what is on offer.

    Args:
        known: What came of the plugins that were loaded.
        verdicts: Which of them are used.
        decided: What the user decided.
    """
    components = [
        Registered(spec, Provenance(spec.kind, spec.name, CORE, VERSION), CORE_PLUGIN)
        for spec in known.core.specs
    ]
    own = {(part.spec.kind, part.spec.name): part for part in components}
    problems = list(verdicts.problems)
    unused = dict(decided.override)
    for entry in verdicts.wanted:
        outcome = known.outcomes[entry]
        if outcome.failure:
            problems.append(broken(entry, outcome.failure, outcome.detail))
            continue
        problems += [
            Problem(AMISS, entry.label, complaint, removal(entry), entry) for complaint in outcome.complaints
        ]
        problems += [
            Problem(BROKEN, f"{KINDS[kind]} {name!r} of {entry.label}", cause, removal(entry), entry)
            for kind, name, cause in outcome.unusable
        ]
        for spec in outcome.specs:
            place = spec.kind, spec.name
            origin = Provenance(spec.kind, spec.name, entry.distribution, entry.version)
            part = Registered(spec, origin, entry.name)
            if decided.override.get(place) == canonical(entry.distribution):
                unused.pop(place, None)
                part = replace(part, preferred=True, provenance=overriding(origin, own.get(place)))
            elif place in own:
                problems.append(
                    Problem(AMISS, entry.label, f"{cores(part)}; the plugin's own is {part.qualified!r}")
                )
            components.append(part)
    problems += [
        Problem(
            AMISS, "plugins", f"the override {kind}:{name} = {source} has no effect: {source} offers none"
        )
        for (kind, name), source in sorted(unused.items())
    ]
    return Installed(tuple(components), tuple(problems), verdicts.disabled, decided.strict)


def overriding(origin: Provenance, core_part: Registered | None) -> Provenance:
    """The provenance of a component that stands in for one of core's."""
    return origin if core_part is None else replace(origin, overrides=core_part.qualified)


def cores(part: Registered) -> str:
    """That a component has a name of core's."""
    return f"the {KINDS[part.spec.kind]} {part.spec.name!r} is core's and stays so"


def core() -> Installed:
    """Core's own components, which come through the same hooks as everybody's.

    Example:
        >>> sorted(part.spec.name for part in core().components if part.spec.kind == "integrator")
        ['rk1', 'rk2', 'rk3', 'rk4']
    """
    from .examiner import Here

    known = index.Index(Scan(), Here().core(), {})
    return assemble(known, Verdicts((), (), ()), control.Control())
