"""What is installed: core's components, and those of each plugin that the user wants and that works."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ..kinds import KINDS
from ..specs import PROJECT, VERSION, Provenance
from . import host, index, settings
from .component import Registered
from .discovery import Scan
from .entry import Entry, canonical
from .host import Host
from .problem import AMISS, INCOMPATIBLE, LEFT_OUT, REFUSED, Problem, broken, removal, unusable

if TYPE_CHECKING:
    from .examiner import Examiner, Here

CORE = PROJECT
"""The distribution whose names cannot be shadowed."""

CORE_PLUGIN = "core"
"""The name of the plugin through which core offers its components."""


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
        """The end of a message that something is not installed: the plugins that may have offered it."""
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


def load(examining: Examiner | Here | None = None) -> Installed:
    """Find out what is installed, from the index where it still holds.

    Args:
        examining: What reads metadata and loads plugins; default: another process, and the index.

    Raises:
        ConfigurationError: If the user's settings cannot be used.
    """
    if host.closed():  # a plugin asks while it is being examined
        return core()
    decided = settings.read()
    key = index.Key.take(Host()) if examining is None else None
    known = index.load(key, decided.timeout) if key is not None else None
    verdicts = judged(known.scan, decided) if known is not None else None
    if known is None or verdicts is None or not known.outcomes.keys() >= set(verdicts.wanted):
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
                index.save(known._replace(apart=known.apart and examiner.apart), key)
    return _assembled(known, verdicts, decided)


def _other_process(limit: float) -> Examiner | Here:
    from .examiner import Examiner  # here: an index that still holds needs none

    return Examiner(limit)


def judged(scan: Scan, decided: settings.Control) -> Verdicts:
    """Decide about each plugin, from its metadata, what the user said, and the project's lock.

    Raises:
        ConfigurationError: If the lock file cannot be read.
    """
    wanted: list[Entry] = []
    disabled: list[tuple[Entry, str]] = []
    problems = [problem for problem in scan.problems if not decided.disabled(problem)]
    for entry in scan.entries:
        if said := decided.disabled(entry):
            disabled.append((entry, said))
        elif entry.unfit:
            mend = f"{entry.upgrade}, or disable it: RHEOBASE_DISABLE={entry.distribution}"
            problems.append(Problem(INCOMPATIBLE, entry.label, entry.unfit, mend, entry))
        else:
            wanted.append(entry)
    # The files of a plugin that is left out anyhow need not be hashed.
    refused = _refusals(wanted)
    problems += [
        Problem(REFUSED, entry.label, cause, "If you trust it: rheobase lock", entry)
        for entry, cause in refused.items()
    ]
    unknown = decided.unknown([*scan.entries, *scan.problems])
    problems += [Problem(AMISS, "plugins", cause) for cause in unknown]
    used = tuple(entry for entry in wanted if entry not in refused) if refused else tuple(wanted)
    return Verdicts(used, tuple(disabled), tuple(problems))


def _refusals(entries: Iterable[Entry]) -> dict[Entry, str]:
    """The plugins that are not as the project's lock file has them, each with the cause."""
    path = settings.find(settings.LOCK)
    if path is None:
        if f"{__package__}.locking.loading" in sys.modules:  # where there was one
            from .locking import loading

            loading.activate({})
        return {}
    from .locking import check, loading  # here: most projects have no such file

    causes, found = check.judge(path, entries)
    loading.activate(found)
    return causes


def _assembled(known: index.Index, verdicts: Verdicts, decided: settings.Control) -> Installed:
    """Put together what is on offer."""
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
        if outcome.complaints or outcome.unusable:
            mend = removal(entry)
            problems += [Problem(AMISS, entry.label, each, mend, entry) for each in outcome.complaints]
            problems += [unusable(entry, *each) for each in outcome.unusable]
        for spec in outcome.specs:
            place = spec.kind, spec.name
            origin = Provenance(spec.kind, spec.name, entry.distribution, entry.version)
            part = Registered(spec, origin, entry.name)
            if place in decided.override and decided.override[place] == canonical(entry.distribution):
                unused.pop(place, None)
                part = replace(part, preferred=True, provenance=overriding(origin, own.get(place)))
            elif place in own:
                problems.append(
                    Problem(AMISS, entry.label, f"{cores(part)}; the plugin's own is {part.qualified!r}")
                )
            components.append(part)
    for (kind, name), source in sorted(unused.items()):
        cause = f"the override {kind}:{name} = {source} has no effect: {source} offers none"
        problems.append(Problem(AMISS, "plugins", cause))
    return Installed(tuple(components), tuple(problems), verdicts.disabled, decided.strict)


def overriding(origin: Provenance, core_part: Registered | None) -> Provenance:
    """The provenance of a component that stands in for one of core's."""
    return origin if core_part is None else replace(origin, overrides=core_part.qualified)


def cores(part: Registered) -> str:
    """That a component has a name of core's."""
    return f"the {KINDS[part.spec.kind]} {part.spec.name!r} is core's and stays so"


def core() -> Installed:
    """Core's own components, which come through the same hooks as everybody's."""
    from .examiner import Here

    known = index.Index(Scan(), Here().core(), {})
    return _assembled(known, Verdicts((), (), ()), settings.Control())
