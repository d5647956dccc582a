"""What one target hears hangs on no other: any part of the rows is that part of the whole."""

from __future__ import annotations

import itertools

import torch
from rheobase.errors import RheobaseError

from ..property import prop
from ..vacuous import vacuous
from ..violation import require, violated
from .case import Rows, RuleCase, asked
from .cases import populations
from .subject import RuleSubject


def _cuts(targets: int) -> list[list[int]]:
    half = targets // 2
    return [[0, half, targets], [0, 1, targets], [0, targets - 1, targets], [0, targets // 3, half, targets]]


@prop(
    "rule",
    "parts-make-the-whole",
    "independence",
    cases=populations,
    share=4,
    why="each process makes the rows of its own targets, and the network must be the same for any number",
)
def parts_make_the_whole(subject: RuleSubject, case: RuleCase) -> None:
    """The rows of targets a to b, followed by those of b to c, are those of a to c, bit for bit."""
    whole = asked(subject, case)
    if not len(whole.indices):
        vacuous("it makes no synapse")
    for cut in _cuts(case.targets):
        parts = [asked(subject, case, a, b) for a, b in itertools.pairwise(cut)]
        for place, part in enumerate(parts):
            a, b = cut[place], cut[place + 1]
            expected = Rows(
                whole.indptr[a : b + 1] - whole.indptr[a], whole.indices[whole.indptr[a] : whole.indptr[b]]
            )
            if not part.equal(expected):
                violated(
                    f"targets {a} to {b - 1} of {case.targets} hear {part.lists()[:3]} where they are "
                    "asked for "
                    f"alone, and {expected.lists()[:3]} among all; what a target hears must not hang on "
                    "the range"
                )


@prop(
    "rule",
    "no-rows-are-no-rows",
    "contract",
    cases=populations,
    share=4,
    why="with more processes than targets some have none to make",
)
def no_rows_are_no_rows(subject: RuleSubject, case: RuleCase) -> None:
    """For no targets it gives the one number 0, and no sources."""
    for place in (0, case.targets // 2, case.targets):
        try:
            found = asked(subject, case, place, place)
        except Exception as error:
            violated(
                f"asked for the targets from {place} to {place} it raised {type(error).__name__}: {error}"
            )
        require(
            found.indptr.tolist() == [0] and not len(found.indices),
            f"asked for the targets from {place} to {place} it gave {found.indptr.tolist()} and "
            f"{found.indices.tolist()}; it must give [0] and []",
        )


@prop(
    "rule",
    "nobody-is-connected-to-nobody",
    "contract",
    cases=populations,
    share=4,
    why="a population of a size that is computed may have no units",
)
def nobody_is_connected(subject: RuleSubject, case: RuleCase) -> None:
    """Without sources, or without targets, there are no synapses; or the rule refuses, in words."""
    for sources, targets in ((0, case.targets), (case.sources, 0), (0, 0)):
        if case.same and sources != targets:
            continue
        empty = RuleCase(sources, targets, case.same, case.seed, case.located, case.parameters)
        try:
            found = asked(subject, empty)
        except RheobaseError:
            continue
        require(
            torch.equal(found.indptr, torch.zeros(targets + 1, dtype=torch.int64)) and not len(found.indices),
            f"{sources} sources and {targets} targets gave {found.indptr.tolist()} and "
            f"{found.indices.tolist()}; there can be no synapse",
        )
