"""The contract of a rule: rows of numbers of units, in order, and nothing else touched."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import torch
from rheobase.errors import RheobaseError

from ..property import prop
from ..vacuous import vacuous
from ..violation import require, violated
from .case import RuleCase, asked
from .cases import SHAPES, going, populations
from .subject import RuleSubject


@prop(
    "rule",
    "can-be-called",
    "contract",
    why="a network calls it by place and by name, with whatever populations there are",
)
def it_can_be_called(subject: RuleSubject) -> None:
    """It takes (first, last, sources, targets, key), and same and positions by name."""
    require(callable(subject.obj), f"{subject.obj!r} cannot be called")
    if not any(going(subject, shape) for shape in SHAPES):
        subject.refuses_all()


@prop(
    "rule",
    "rows-are-counted",
    "contract",
    cases=populations,
    share=4,
    why="a row that ends elsewhere gives its synapses to another target",
)
def rows_are_counted(subject: RuleSubject, case: RuleCase) -> None:
    """It gives int64 tensors: where each row begins, from 0, never falling, to the number of indices."""
    rows = asked(subject, case)
    for name, each in zip(rows._fields, rows, strict=True):
        require(
            each.dtype == torch.int64 and each.ndim == 1,
            f"{name} is {each.dtype} of shape {list(each.shape)}; it must be int64 with one dimension",
        )
    require(
        len(rows.indptr) == case.targets + 1,
        f"indptr has {len(rows.indptr)} numbers for {case.targets} targets; it must have {case.targets + 1}",
    )
    ends = rows.indptr.tolist()
    require(
        ends[0] == 0 and ends == sorted(ends) and ends[-1] == len(rows.indices),
        f"indptr goes from {ends[0]} to {ends[-1]}, and there are {len(rows.indices)} indices; it must go "
        "from "
        "0 to their number and never fall",
    )


@prop(
    "rule",
    "indices-are-sources",
    "contract",
    cases=populations,
    share=4,
    why="a number that is no unit's is a synapse from nowhere",
)
def indices_are_sources(subject: RuleSubject, case: RuleCase) -> None:
    """Each index is the number of a source, from 0 up to one less than there are."""
    found = asked(subject, case).indices
    wrong = found[(found < 0) | (found >= case.sources)]
    require(
        not len(wrong), f"it gave the source {wrong[:1].tolist()}, and there are {case.sources}, from 0 on"
    )


@prop(
    "rule",
    "rows-are-sorted",
    "contract",
    cases=populations,
    share=4,
    why="in what order a sum is taken follows from the order of a row",
)
def rows_are_sorted(subject: RuleSubject, case: RuleCase) -> None:
    """The sources of each target ascend."""
    for target, row in enumerate(asked(subject, case).lists()):
        require(row == sorted(row), f"the sources of target {target} are {row}; they must be sorted")


@prop(
    "rule",
    "the-same-again",
    "independence",
    cases=populations,
    share=4,
    why="a network that is built again, or elsewhere, must be the same one",
)
def the_same_again(subject: RuleSubject, case: RuleCase) -> None:
    """The same arguments give the same rows, whatever was asked or drawn before."""
    first = asked(subject, case)
    kept = type(first)(*(each.clone() for each in first))
    torch.rand(3), random.random(), np.random.random()  # noqa: NPY002
    asked(
        subject, RuleCase(case.sources, case.targets, case.same, case.seed + 1, case.located, case.parameters)
    )
    if not first.equal(kept):
        violated("what it gave has changed after another call; it must give tensors of their own")
    again = asked(subject, case)
    if not again.equal(kept):
        violated(
            f"asked again it gave other rows: {len(kept.indices)} synapses, then {len(again.indices)}; "
            "target "
            f"-> sources were {kept.lists()[:3]}, and are {again.lists()[:3]}"
        )


@prop(
    "rule",
    "global-chance-is-left-alone",
    "independence",
    cases=populations,
    why="who draws from it changes what everyone draws who comes after",
)
def global_chance_is_left_alone(subject: RuleSubject, case: RuleCase) -> None:
    """It draws from no global random numbers, of Python, numpy or torch, and seeds none."""

    def states() -> dict[str, object]:
        of_numpy = np.random.get_state()  # noqa: NPY002
        return {
            "Python": random.getstate(),
            "numpy": (of_numpy[1].tobytes(), of_numpy[2:]),  # type: ignore[index]
            "torch": bytes(torch.get_rng_state().numpy()),
        }

    before = states()
    asked(subject, case)
    moved = [name for name, state in states().items() if state != before[name]]
    require(not moved, f"the global random numbers of {', '.join(moved)} have moved; draw by the key")


@prop(
    "rule",
    "positions-are-not-changed",
    "contract",
    cases=populations,
    why="they are the network's, and other rules read them",
)
def positions_are_not_changed(subject: RuleSubject, case: RuleCase) -> None:
    """The positions that it is given stay as they were."""
    given = replace(case, located=True).places()
    kept = [each.clone() for each in given]
    try:
        asked(subject, case, positions=given)
    except RheobaseError:
        vacuous("it refuses positions")
    same = all(torch.equal(one, other) for one, other in zip(given, kept, strict=True))
    require(same, "it wrote to the positions; they must stay as they were")
