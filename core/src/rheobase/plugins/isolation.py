"""Has plugins loaded in other processes, with a time limit for each, and survives whatever they do there.

What a plugin does to its process must not change what others offer. Where there are few, each distribution's
are loaded in a process of their own. Where there are many, that takes long: several share one, and are loaded
again in another, in the reverse order. Of any two, each is then loaded before the other once; where something
is not the same both times, or core's own is not what it is, it is found out apart.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

from ..specs import PROJECT, ComponentSpec
from . import child, discovery
from .agreement import Group, agreed, differ, suspects
from .compatibility import Host
from .discovery import Scan
from .entry import Entry, by_distribution
from .here import Here
from .outcome import Outcome, spec_to_plain
from .overseer import NO_ANSWER, START
from .problem import Problem
from .stamps import package_of, rests_on
from .workers import Result, Workers

PLACES = 8
"""How many places that cannot be read a scan passes over before it is given up."""

FEW = 16
"""Up to how many distributions each has a process of its own at once."""

SHARED = 4
"""By how many processes more than that are shared, in each order."""

CORE: Group = (Entry(PROJECT, "", "core", f"{PROJECT}.builtin"),)
"""What is known, and loaded last where a process is shared."""

HASTE = 5.0
"""How long a plugin may take where it shares a process, before it gets its own, s."""


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
        self._workers = Workers(limit)
        self.close = self._workers.close
        self.abandon = self._workers.abandon

    def scan(self, host: Host) -> Scan:
        """Read the metadata of all distributions.

        Args:
            host: The spec versions of this host.

        Returns:
            What is installed. A place that cannot be read is passed over, and a problem.
        """
        without: list[str] = []
        problems: list[Problem] = []
        for _ in range(PLACES):
            results = self._workers.run([{"do": "scan", "without": without, **host.to_plain()}])
            if results is None:
                return discovery.scan(host)
            [result] = results
            if result.answers:
                with contextlib.suppress(AttributeError, LookupError, TypeError, ValueError):
                    found = Scan.from_plain(result.answers[0])
                    return found._replace(problems=(*problems, *found.problems))
                result = result._replace(failure=NO_ANSWER)
            problems.append(discovery.passed_over(result.at, result.failure))
            if not result.at:
                break
            without.append(result.at)
        return Scan(problems=tuple(problems))

    def core(self) -> Outcome:
        """Load core's own components."""
        results = self._workers.run([{"do": "core"}], START)
        if results is None or not results[0].answers:
            return Here().core()
        return Outcome.from_plain(results[0].answers[0])

    def examine(self, entry: Entry) -> Outcome:
        """Load one plugin.

        Args:
            entry: The plugin.

        Returns:
            What came of it.
        """
        return self.examine_all([entry])[0]

    def examine_all(self, entries: Sequence[Entry]) -> list[Outcome]:
        """Load plugins, several at a time; none can harm another distribution's.

        Args:
            entries: The plugins.

        Returns:
            What came of each.
        """
        found: dict[Entry, Outcome] = {}
        groups = _by_distribution(entries)
        try:
            if len(groups) <= FEW:
                self._examine_apart(groups, found)
            else:
                self._examine_shared(groups, found)
        except NoProcess:
            return Here().examine_all(entries)
        self._name_strangers(found)
        return [found[entry] for entry in entries]

    def _examine_apart(self, groups: Sequence[Group], found: dict[Entry, Outcome]) -> None:
        """Load the plugins of each distribution in a process of their own."""
        while groups:
            alone: list[Group] = []
            for group, outcomes in zip(groups, self._loaded(groups, self.limit), strict=True):
                for entry, outcome in zip(group, outcomes, strict=True):
                    # One of the same distribution may have spoilt that process: it is judged by itself.
                    if len(group) > 1 and (outcome is None or outcome.failure or outcome.unusable):
                        alone.append((entry,))
                    elif outcome is not None:
                        found[entry] = outcome
            groups = alone

    def _examine_shared(self, groups: Sequence[Group], found: dict[Entry, Outcome]) -> None:
        """Load the plugins of several distributions in one process, twice; apart, where those differ."""
        shares = [groups[number::SHARED] for number in range(SHARED)]
        orders = [_joined([*share, CORE]) for share in shares]
        orders += [_joined([*share[::-1], CORE]) for share in shares]
        loaded = self._loaded(orders, min(self.limit, HASTE))
        told = [dict(zip(*each, strict=True)) for each in zip(orders, loaded, strict=True)]
        there, back = told[:SHARED], told[SHARED:]
        core = self.core().specs
        apart: list[Group] = []
        for share, one, other in zip(shares, there, back, strict=True):
            # Two that do the same may have another between them both times. What they do to the last, which
            # is known, tells; and where one differs, none there is believed.
            sound = all(last is not None and last.specs == core for last in (one[CORE[0]], other[CORE[0]]))
            sound = sound and not any(differ(one[entry], other[entry]) for entry in _joined(share))
            for group in share:
                same = [agreed(one[entry], other[entry]) for entry in group] if sound else [None]
                if all(same):
                    found.update((entry, each) for entry, each in zip(group, same, strict=True) if each)
                else:
                    apart.append(group)
        self._examine_apart(apart, found)
        for share, one, other in zip(shares, there, back, strict=True):
            self._blame(share, one, other, found)

    def _blame(
        self,
        share: Sequence[Group],
        there: dict[Entry, Outcome | None],
        back: dict[Entry, Outcome | None],
        found: dict[Entry, Outcome],
    ) -> None:
        """Say who changed what others offer, where they were loaded after it."""
        victim, groups = suspects(share, there, back, found)
        if victim is None:
            return
        pairs = [(*group, victim) for group in groups]
        for group, outcomes in zip(groups, self._loaded(pairs, self.limit), strict=True):
            changed = outcomes[-1]
            if changed is not None and not changed.failure and changed.specs != found[victim].specs:
                complaint = f"loading it changes what {victim.label} offers, which is loaded without it"
                for entry in group:
                    found[entry] = found[entry]._replace(complaints=(*found[entry].complaints, complaint))

    def _loaded(self, groups: Sequence[Group], limit: float) -> list[list[Outcome | None]]:
        """What came of plugins, those of a group in one process."""
        since = time.time_ns()
        jobs = [{"do": "examine", "entries": [each.to_plain() for each in group]} for group in groups]
        results = self._workers.run(jobs, limit) if jobs else []
        if results is None:
            raise NoProcess
        return [self._outcomes(*each, since) for each in zip(groups, results, strict=True)]

    def _outcomes(self, group: Group, result: Result, since: int) -> list[Outcome | None]:
        """What came of plugins that were loaded in one process; None: nothing, for one before it failed."""
        found: list[Outcome | None] = []
        try:
            found.extend(map(Outcome.from_plain, result.answers))
        except ValueError:  # those before it are there
            result = result._replace(failure=NO_ANSWER)
        if len(found) < len(group):
            entry = group[len(found)]
            files, folders = rests_on(entry, since=since)
            failed = Outcome(
                failure=result.failure or NO_ANSWER,
                detail=result.detail,
                files=files,
                sought=(package_of(entry),),
                folders=folders,
                limit=self.limit if result.overran else 0.0,
            )
            found += [failed, *[None] * (len(group) - len(found) - 1)]
        return found

    def _name_strangers(self, found: dict[Entry, Outcome]) -> None:
        """Say which components lie in another distribution than the one that offers them."""
        offers = [
            [entry.distribution, [[spec.kind, spec.name, spec.target] for spec in outcome.specs]]
            for entry, outcome in found.items()
        ]
        if not any(specs for _, specs in offers):
            return
        results = self._workers.run([{"do": "whose", "offers": offers}]) or [Result([])]
        said = results[0].answers[0] if results[0].answers else None
        if not isinstance(said, list) or len(said) != len(offers):
            return
        for (entry, outcome), complaints in zip(list(found.items()), said, strict=True):
            if complaints:
                complaints = (*outcome.complaints, *map(str, complaints))
                found[entry] = outcome._replace(complaints=complaints)

    def load(self, spec: ComponentSpec) -> str:
        """Import what a spec names.

        Args:
            spec: The spec of a component.

        Returns:
            Why it cannot be used; empty: it can.
        """
        request = {"do": "load", "spec": spec_to_plain(spec)}
        results = self._workers.run([request])
        if results is None:
            return str(next(child.answers(request))["failure"])
        [result] = results
        try:
            return result.failure or str(result.answers[0]["failure"])
        except (LookupError, TypeError):
            return NO_ANSWER

    def __enter__(self) -> Examiner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class NoProcess(Exception):
    """No process can be started."""


def _by_distribution(entries: Sequence[Entry]) -> list[Group]:
    if not child.APART:
        return [(entry,) for entry in entries]
    return [tuple(group) for group in by_distribution(dict.fromkeys(entries)).values()]


def _joined(groups: Sequence[Group]) -> Group:
    return tuple(entry for group in groups for entry in group)
