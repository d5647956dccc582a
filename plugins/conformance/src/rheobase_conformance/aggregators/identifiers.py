"""Identifiers: what they mean is respected, and what means nothing changes nothing."""

from __future__ import annotations

import itertools

import torch

from ..property import prop
from ..subject import AggregatorSubject
from ..vacuous import vacuous
from ..violation import require
from .case import AggregatorCase
from .cases import ALIKE, inputs, naming, refused, result_of

_LETTERS = "bdfghjklmpqrtvwxz"


@prop(
    "aggregator",
    "names-without-meaning-change-nothing",
    "components",
    cases=lambda subject, profile: inputs(subject, profile, shapes=ALIKE, dtypes=("float64",)),
    why="a result that hangs on how a source is called, or on the order of a set, changes from run to run",
)
def names_without_meaning_change_nothing(subject: AggregatorSubject, case: AggregatorCase) -> None:
    """Inputs with different names that mean nothing give the same, whatever the names are."""
    count, given = len(case.shapes), case.inputs()
    first = None
    for turn in range(10):
        # Words that nobody uses, the same in each run.
        names = [_name(1000 * case.seed + 10 * turn + place) for place in range(count)]
        if refused(subject, given, names) is not None:
            continue
        found = result_of(subject, given, names)
        if first is None:
            first = names, found
        require(
            torch.equal(found, first[1]),
            f"with the identifiers {first[0]} it gives {first[1].tolist()}, and with {names} "
            f"{found.tolist()}",
        )


def _name(number: int) -> str:
    generator = torch.Generator().manual_seed(number)
    places = torch.randint(len(_LETTERS), (6,), generator=generator).tolist()
    return "zq" + "".join(_LETTERS[place] for place in places)


@prop(
    "aggregator",
    "identifiers-that-are-demanded-are-used",
    "components",
    why="a rule that asks for identifiers and goes by the order of the inputs is wrong when that changes",
)
def identifiers_that_are_demanded_are_used(subject: AggregatorSubject) -> None:
    """One that does not work without identifiers gives different results for different ones."""
    given = AggregatorCase(((3,), (3,), (3,))).inputs()
    if refused(subject, given, None) is None:
        vacuous("it takes inputs without identifiers")
    tried = [names for names in naming(subject, 3) if names is not None]
    results = [result_of(subject, given, names) for names in tried]
    require(
        any(not torch.equal(one, other) for one, other in itertools.pairwise(results)),
        f"it refuses inputs without identifiers, and gives {results[0].tolist()} whatever they are, for "
        "instance "
        f"{tried[0]} and {tried[-1]}",
    )
