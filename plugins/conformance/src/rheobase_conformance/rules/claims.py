"""The claims of a rule, and what its choices promise."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from hypothesis import strategies as st

from ..profiles import Profile
from ..property import Need, prop
from ..violation import require, violated
from .case import RuleCase, asked
from .cases import ONE_POPULATION, SHAPES, populations
from .subject import RuleSubject

_APART = tuple(shape for shape in SHAPES if not shape[2] and shape[0] == shape[1])


def _claims(name: str) -> Need:
    return Need(lambda s: getattr(s.claims, name), f"the rule does not claim {name}=True")


def _takes(name: str) -> Need:
    return Need(lambda s: s.takes(name), f"the rule takes no {name}")


def _without(name: str, shapes: Any = SHAPES) -> Callable[..., st.SearchStrategy[RuleCase]]:
    """Cases in which this is not wanted."""

    def cases(subject: RuleSubject, profile: Profile) -> st.SearchStrategy[RuleCase]:
        return populations(subject, profile, shapes=shapes, **{name: False})

    return cases


@prop(
    "rule",
    "indegree-as-claimed",
    "components",
    cases=populations,
    needs=[_claims("indegree")],
    why="sizes of memory and the input of a unit are computed from it",
)
def indegree_as_claimed(subject: RuleSubject, case: RuleCase) -> None:
    """All targets have equally many synapses."""
    degrees = asked(subject, case).indptr.diff()
    require(
        len(degrees.unique()) <= 1,
        f"it claims indegree=True, and targets have from {int(degrees.min())} to {int(degrees.max())} "
        "synapses",
    )


@prop(
    "rule",
    "outdegree-as-claimed",
    "components",
    cases=populations,
    needs=[_claims("outdegree")],
    why="the cost of a spike is computed from it",
)
def outdegree_as_claimed(subject: RuleSubject, case: RuleCase) -> None:
    """All sources have equally many synapses."""
    degrees = asked(subject, case).indices.bincount(minlength=case.sources)
    require(
        len(degrees.unique()) <= 1,
        f"it claims outdegree=True, and sources have from {int(degrees.min())} to {int(degrees.max())} "
        "synapses",
    )


@prop(
    "rule",
    "total-as-claimed",
    "components",
    cases=populations,
    needs=[_claims("total")],
    why="weights are given by number before anything is drawn",
)
def total_as_claimed(subject: RuleSubject, case: RuleCase) -> None:
    """How many synapses there are follows from the parameters, not from the key."""
    counts = {len(asked(subject, replace(case, seed=case.seed + more)).indices) for more in range(5)}
    require(len(counts) == 1, f"it claims total=True, and with five keys it made {sorted(counts)} synapses")


@prop(
    "rule",
    "symmetric-as-claimed",
    "components",
    cases=lambda subject, profile: populations(subject, profile, shapes=ONE_POPULATION),
    needs=[_claims("symmetric")],
    why="what couples both ways, as gap junctions do, must do so in every pair",
)
def symmetric_as_claimed(subject: RuleSubject, case: RuleCase) -> None:
    """Within a population there are as many synapses from i to j as from j to i."""
    rows = asked(subject, case)
    count = torch.zeros(case.targets, case.sources, dtype=torch.int64)
    count.index_put_((rows.targets(), rows.indices), torch.ones_like(rows.indices), accumulate=True)
    apart = (count != count.T).nonzero().tolist()
    if apart:
        i, j = apart[0]
        violated(
            f"it claims symmetric=True, and there are {int(count[j, i])} synapses from {i} to {j}, and "
            f"{int(count[i, j])} from {j} to {i}"
        )


@prop(
    "rule",
    "no-autapses-where-none-are-wanted",
    "components",
    cases=_without("autapses", ONE_POPULATION),
    needs=[_takes("autapses")],
    why="a unit that excites itself is another model",
)
def no_autapses(subject: RuleSubject, case: RuleCase) -> None:
    """With autapses=False no unit of a population is connected to itself."""
    rows = asked(subject, case)
    itself = rows.indices[rows.indices == rows.targets()].tolist()
    require(not itself, f"with autapses=False unit {itself[:1]} is connected to itself")


@prop(
    "rule",
    "autapses-are-of-one-population",
    "components",
    cases=_without("autapses", _APART),
    needs=[_takes("autapses")],
    why="unit 3 of one population and unit 3 of another are strangers",
)
def autapses_are_of_one_population(subject: RuleSubject, case: RuleCase) -> None:
    """Between two populations autapses=False changes nothing."""
    allowed = replace(case, parameters={**case.parameters, "autapses": True})
    one, other = asked(subject, case), asked(subject, allowed)
    require(
        one.equal(other),
        f"between two populations there are {len(one.indices)} synapses with autapses=False and "
        f"{len(other.indices)} with True; it is about one population alone",
    )


@prop(
    "rule",
    "no-multapses-where-none-are-wanted",
    "components",
    cases=_without("multapses"),
    needs=[_takes("multapses")],
    why="a pair that is met twice has twice the weight",
)
def no_multapses(subject: RuleSubject, case: RuleCase) -> None:
    """With multapses=False no pair is met twice."""
    for target, row in enumerate(asked(subject, case).lists()):
        twice = [one for one, next_ in itertools.pairwise(row) if one == next_]
        require(not twice, f"with multapses=False target {target} hears source {twice[:1]} twice")
