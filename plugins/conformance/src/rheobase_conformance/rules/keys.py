"""Chance by the key: all of its bits count, and nothing else."""

from __future__ import annotations

from ..property import prop
from ..vacuous import vacuous
from ..violation import violated
from .case import RuleCase, asked
from .cases import populations
from .subject import RuleSubject

_LARGE = ((40, 30, False), (30, 30, True), (3, 90, False))
_BITS = (0, 1, 31, 32, 63, 64, 96, 127)
_KEYS = 8


@prop(
    "rule",
    "all-of-the-key-counts",
    "independence",
    cases=lambda subject, profile: populations(subject, profile, shapes=_LARGE),
    why="with a part of the key alone, projections of other names or seeds share their draws",
)
def all_of_the_key_counts(subject: RuleSubject, case: RuleCase) -> None:
    """Where another key gives other synapses, one that differs in a single bit does too."""
    keys = [RuleCase(seed=case.seed + more).key for more in range(_KEYS)]
    usual = [asked(subject, case, key=key) for key in keys]
    apart = sum(not one.equal(usual[0]) for one in usual)
    if not apart:
        vacuous("it draws nothing: other keys give the same")
    if apart < _KEYS // 2:
        vacuous("so little is drawn that two keys often give the same")
    for bit in _BITS:
        # Where little is drawn two keys may agree by chance, but not in all pairs.
        if all(
            asked(subject, case, key=key ^ (1 << bit)).equal(one)
            for key, one in zip(keys, usual, strict=True)
        ):
            violated(
                f"keys that differ in bit {bit} give the same synapses, and others give other ones; all 128 "
                "bits must count"
            )
