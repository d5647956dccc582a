"""Has plugins loaded in other processes, with a time limit for each, and survives whatever they do there.

Those of each distribution have a process of their own: what a plugin does to its process must not change what
others offer.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any

from ..specs import ComponentSpec
from . import discovery, examine
from .discovery import Scan
from .entry import Entry, by_distribution, canonical
from .evidence import package_of, rests_on
from .host import Host
from .locking.loading import trusted_of
from .outcome import Outcome, spec_to_plain
from .problem import Problem, brief, line, printable
from .suspects import Suspects
from .worker.pool import APART, Worker
from .worker.watched import NO_ANSWER, Watched

PLACES = 8
"""How many places that cannot be read a scan passes over before it is given up."""

HEAVY_AT_ONCE = 2
"""How many components are imported at a time: most import torch, which takes memory, and the disk."""

ENDED = "the process that asked for it was ended while loading it, twice; `rheobase doctor` tries it again"

Group = tuple[Entry, ...]
"""Plugins that are loaded in one process."""


class Here:
    """Does what :class:`Examiner` does in this process: for tests, and for what is known to be harmless.

    Args:
        found: Gives what is installed; the default reads the metadata.
    """

    apart = False
    """Whether the plugins of each distribution have a process of their own."""

    def __init__(self, found: Callable[[], Scan] | None = None) -> None:
        self._found = found
        self.outcomes: dict[Entry, Outcome] = {}

    def scan(self, host: Host) -> Scan:
        """Read the metadata of all distributions."""
        return self._found() if self._found is not None else discovery.scan(host)

    def core(self) -> Outcome:
        """Load core's own components."""
        return Outcome.from_plain(next(examine.answers({"do": "core"})))

    def examine_all(self, entries: Sequence[Entry]) -> list[Outcome]:
        """Load plugins."""
        return [examine.examine(entry) for entry in entries]

    def close(self) -> None:
        """Nothing is held."""


class Examiner:
    """Reads metadata and loads plugins, in processes that are started when they are needed.

    Where no process can be started, as in a frozen application, the work is done in this one: a plugin that
    raises harms no other there either, but one that hangs does.

    Args:
        limit: How long a plugin may take, s.

    Example:
        >>> with Examiner(limit=30.0) as examiner:
        ...     examiner.examine(Entry("toy-models", "1.2", "toy", "toy_models.hooks")).failure
        "ModuleNotFoundError: No module named 'toy_models'"
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.outcomes: dict[Entry, Outcome] = {}
        """What came of those that were loaded so far."""
        self.apart = True
        self._worker = Worker(limit)
        self.close = self._worker.close

    def scan(self, host: Host) -> Scan:
        """Read the metadata of all distributions; a place that cannot be read is passed over, and told."""
        without: list[str] = []
        problems: list[Problem] = []
        for _ in range(PLACES):
            results = self._worker.run([{"do": "scan", "without": without, **host._asdict()}])
            if results is None:
                return discovery.scan(host)
            [result] = results
            if result.answers:
                with contextlib.suppress(AttributeError, LookupError, TypeError, ValueError):
                    found = Scan.from_plain(result.answers[0])
                    return found._replace(problems=(*problems, *found.problems))
            problems.append(discovery.passed_over(result.at, result.failure or NO_ANSWER))
            if not result.at:
                break
            without.append(result.at)
        return Scan(problems=tuple(problems))

    def core(self) -> Outcome:
        """Load core's own components."""
        results = self._worker.run([{"do": "core"}])
        if results is None or not results[0].answers:
            return Here().core()
        return Outcome.from_plain(results[0].answers[0])

    def examine(self, entry: Entry) -> Outcome:
        """Load one plugin."""
        return self.examine_all([entry])[0]

    def examine_all(self, entries: Sequence[Entry], *, apart: bool = not APART) -> list[Outcome]:
        """Load plugins, several at a time; none can harm another distribution's.

        Args:
            entries: The plugins.
            apart: Whether those of one distribution have a process each, too.
        """
        groups = by_distribution(dict.fromkeys(entries))
        try:
            with Suspects() as suspects:
                for names in suspects.rounds(groups):
                    together = [tuple(groups[name]) for name in names]
                    if apart:
                        together = [(entry,) for group in together for entry in group]
                    if not self._judge(together):
                        self.apart = False
                        return Here().examine_all(entries)
                for entry in (each for name in suspects.sure & groups.keys() for each in groups[name]):
                    self.outcomes[entry] = _failed(entry, ENDED, time.time_ns())
        finally:
            self._name_strangers([entry for entry in entries if entry in self.outcomes])
        return [self.outcomes[entry] for entry in entries]

    def _judge(self, groups: Sequence[Group]) -> bool:
        """Load plugins, a process for each group; False: no process can be started."""
        # One may have spoilt the process for the others of its distribution: they are judged apart. And
        # it may have ended those beside it, taken their answers, or lowered their limits: what does not
        # work is loaded once more, with nothing beside it.
        spoilt: list[Group] = []
        failed: list[Group] = []
        if self._run(groups, spoilt, failed) is None or self._run(spoilt, [], failed) is None:
            return False
        for group in failed if len(groups) > 1 else ():
            self._run([group], [], [])
        return True

    def _run(self, groups: Sequence[Group], spoilt: list[Group], failed: list[Group]) -> list[Watched] | None:
        since = time.time_ns()

        def sort(job: Watched) -> None:
            group = groups[job.number]
            for entry, outcome in zip(group, self._outcomes(group, job, since), strict=True):
                if len(group) > 1 and (outcome is None or outcome.failure or outcome.unusable):
                    spoilt.append((entry,))
                elif outcome is not None:
                    self.outcomes[entry] = outcome
                    # What hung would do so again, unless somebody had stopped it.
                    if (outcome.failure or outcome.unusable) and (job.stopped or not job.overran):
                        failed.append(group)

        return self._worker.run(list(map(_request, groups)), sort)

    def _outcomes(self, group: Group, job: Watched, since: int) -> list[Outcome | None]:
        """What came of plugins that were loaded in one process; None: nothing, for one before it failed."""
        found: list[Outcome | None] = []
        failure = job.failure
        try:
            found.extend(map(Outcome.from_plain, job.answers))
        except ValueError:  # those before it are there
            failure = NO_ANSWER
        if len(found) < len(group):
            failed = _failed(group[len(found)], failure or NO_ANSWER, since)
            failed = failed._replace(detail=job.detail, limit=self.limit if job.overran else 0.0)
            found += [failed, *[None] * (len(group) - len(found) - 1)]
        return found

    def _name_strangers(self, entries: Sequence[Entry]) -> None:
        """Say which components lie in another distribution than the one that offers them."""
        offers = [
            [each.distribution, [[spec.kind, spec.name, spec.target] for spec in self.outcomes[each].specs]]
            for each in entries
        ]
        if not any(specs for _, specs in offers):
            return
        results = self._worker.run([{"do": "whose", "offers": offers}])
        said = results[0].answers[0] if results and results[0].answers else None
        if not isinstance(said, list) or len(said) != len(offers):
            return
        for entry, complaints in zip(entries, said, strict=True):
            outcome = self.outcomes[entry]
            complaints = (*outcome.complaints, *map(str, complaints))
            self.outcomes[entry] = outcome._replace(complaints=complaints)

    def load_all(self, offered: Sequence[tuple[Entry, ComponentSpec]]) -> list[str]:
        """Import what specs name, each in a process of its own; gives why it cannot be used, or nothing."""
        requests = [
            {"do": "load", "spec": spec_to_plain(spec), "trusted": trusted_of(canonical(entry.distribution))}
            for entry, spec in offered
        ]
        results = self._worker.run(requests, at_once=HEAVY_AT_ONCE)
        if results is None:
            return [str(next(examine.answers(request))["failure"]) for request in requests]
        return [result.failure or _failure(result.answers[0]) for result in results]

    def __enter__(self) -> Examiner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def scan_apart(limit: float) -> Scan:
    """Read the metadata of all distributions as every listing does, with a limit for each place, s."""
    with Examiner(limit) as examiner:
        return examiner.scan(Host())


def _failed(entry: Entry, failure: str, since: int) -> Outcome:
    files, folders = rests_on(entry, since=since)
    return Outcome(failure=failure, files=files, sought=(package_of(entry),), folders=folders)


def _request(group: Group) -> dict[str, Any]:
    about = f"{group[0].label} (RHEOBASE_TIMEOUT sets how long, RHEOBASE_DISABLE leaves it out)"
    locked = trusted_of(canonical(group[0].distribution))
    entries = [each._asdict() for each in group]
    return {"do": "examine", "entries": entries, "trusted": locked, "about": printable(brief(about))}


def _failure(answer: Any) -> str:
    told = answer.get("failure") if isinstance(answer, dict) else None
    return line(told) if isinstance(told, str) else NO_ANSWER
