"""Whether plugins that were loaded twice, in two orders, said the same; and who may have changed that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .entry import Entry
from .outcome import Outcome, Stamp
from .stamps import UNSURE

Group = tuple[Entry, ...]
"""Plugins that are loaded in one process."""


def agreed(one: Outcome | None, other: Outcome | None) -> Outcome | None:
    """What a plugin offers, where it said so twice.

    Args:
        one: What came of it once; None: nothing.
        other: What came of it in another process.

    Returns:
        The outcome, which rests on all that either rests on. None where they differ, or it does not work:
        that may be another's doing.

    Example:
        >>> agreed(Outcome(sought=("toy",)), Outcome(sought=("tool",))).sought
        ('tool', 'toy')
        >>> agreed(Outcome(), Outcome(complaints=("a hook is misspelt",))) is None
        True
    """
    if one is None or other is None or one.failure or one.unusable:
        return None
    if one[:4] != other[:4]:
        return None
    return one._replace(
        heavy=one.heavy or other.heavy,
        files=_both(one.files, other.files),
        sought=tuple(sorted({*one.sought, *other.sought})),
        folders=_both(one.folders, other.folders),
    )


def differ(one: Outcome | None, other: Outcome | None) -> bool:
    """Whether a plugin worked twice, and not in the same way.

    Args:
        one: What came of it once; None: nothing.
        other: What came of it in another process.

    Example:
        >>> differ(Outcome(), Outcome(complaints=("a hook is misspelt",))), differ(Outcome(), None)
        (True, False)
    """
    if one is None or other is None or one.failure or other.failure or one.unusable or other.unusable:
        return False
    return one[:2] != other[:2]


def _both(
    one: Sequence[tuple[str, Stamp]], other: Sequence[tuple[str, Stamp]]
) -> tuple[tuple[str, Stamp], ...]:
    stamps = dict(one)
    for path, stamp in other:
        stamps[path] = stamp if stamps.get(path, stamp) == stamp else UNSURE
    return tuple(sorted(stamps.items()))


def suspects(
    share: Sequence[Group],
    there: Mapping[Entry, Outcome | None],
    back: Mapping[Entry, Outcome | None],
    apart: Mapping[Entry, Outcome],
) -> tuple[Entry | None, Sequence[Group]]:
    """Who may have changed what another offers.

    Args:
        share: The plugins of each distribution, in the order in which they were loaded in one process.
        there: What came of them in this order.
        back: What came of them in the reverse order.
        apart: What they offer.

    Returns:
        A plugin that said something else than it does apart, and those that were loaded before it whenever it
        did; None where there is none.

    Example:
        >>> from rheobase import NeuronSpec
        >>> good, evil = Entry("good", "1", "good", "good"), Entry("evil", "1", "evil", "evil")
        >>> changed = Outcome((NeuronSpec("lif", "evil:Cell"),))
        >>> share, there, apart = [(evil,), (good,)], {good: changed}, {good: Outcome()}
        >>> victim, [(culprit,)] = suspects(share, there, apart, apart)
        >>> victim.name, culprit.name
        ('good', 'evil')
    """
    late = [number for number, group in enumerate(share) if _changed(group, there, apart)]
    early = [number for number, group in enumerate(share) if _changed(group, back, apart)]
    if not late and not early:
        return None, ()
    victim = _changed(share[late[0]], there, apart) if late else _changed(share[early[-1]], back, apart)
    first = early[-1] + 1 if early else 0
    last = late[0] if late else len(share)
    # Where several did it, there may be none who was before all.
    return victim, share[first:last] or [group for group in share if victim not in group]


def _changed(
    group: Group, said: Mapping[Entry, Outcome | None], apart: Mapping[Entry, Outcome]
) -> Entry | None:
    """A plugin that works and said what it does not offer."""
    for entry in group:
        outcome, true = said.get(entry), apart.get(entry)
        if outcome and true and not outcome.failure and not outcome.unusable and outcome.specs != true.specs:
            return entry
    return None
