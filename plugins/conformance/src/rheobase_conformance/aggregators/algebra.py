"""The claimed algebra of an aggregator."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from ..property import Need, prop
from ..subject import AggregatorSubject
from ..violation import require
from .case import AggregatorCase
from .cases import ALIKE, inputs, require_close, result_of, size_of

COMMUTATIVE = Need(lambda subject: subject.claims.commutative, "it claims no commutativity")
ASSOCIATIVE = Need(lambda subject: subject.claims.associative, "it claims no associativity")
IDENTITY = Need(lambda subject: subject.claims.identity is not None, "it claims no identity")


@prop(
    "aggregator",
    "commutative-as-claimed",
    "components",
    cases=lambda subject, profile: inputs(subject, profile, shapes=(*ALIKE, ((2, 3), (3,), ()))),
    needs=(COMMUTATIVE,),
    why="who lists the sources of a neuron goes by the claim that their order does not matter",
)
def the_order_of_inputs_does_not_matter(subject: AggregatorSubject, case: AggregatorCase) -> None:
    """Inputs in another order, each with its identifier, give the same."""
    given, names = case.inputs(), case.names()
    expected = result_of(subject, given, names)
    size, places = size_of(subject, given, names), range(len(given))
    # The last few exchanged; all reversed; each in the place of the next.
    for order in (
        *itertools.islice(itertools.permutations(places), 1, 7),
        tuple(reversed(places)),
        (*places[1:], 0),
    ):
        moved = None if names is None else [names[place] for place in order]
        found = result_of(subject, [given[place] for place in order], moved)
        require_close(found, expected, f"inputs in the order {list(order)}, and as they were", size)


@prop(
    "aggregator",
    "associative-as-claimed",
    "components",
    cases=lambda subject, profile: inputs(subject, profile, shapes=ALIKE[:1] + ALIKE[2:], alike=True),
    needs=(ASSOCIATIVE,),
    why="inputs are combined in groups where that is claimed to be the same",
)
def groups_of_inputs_do_not_matter(subject: AggregatorSubject, case: AggregatorCase) -> None:
    """Inputs that are combined in groups first give the same."""
    given, names = case.inputs(), case.names()
    expected = result_of(subject, given, names)
    count, size = len(given), size_of(subject, given, names)

    def of(some: list[Tensor], start: int) -> Tensor:
        # All have one identifier, and so has a group of them.
        return result_of(subject, some, None if names is None else names[start : start + len(some)])

    for split in range(1, count):
        left, right = of(given[:split], 0), of(given[split:], split)
        pair = None if names is None else [names[0], names[-1]]
        found = result_of(subject, [left, right], pair)
        require_close(
            found, expected, f"the first {split} and the last {count - split} combined first, and all", size
        )


@prop(
    "aggregator",
    "identity-as-claimed",
    "components",
    cases=lambda subject, profile: inputs(subject, profile, shapes=(*ALIKE, ((3,),)), alike=True),
    needs=(IDENTITY,),
    why="a source that is silent sends the identity, and must change nothing",
)
def the_identity_changes_nothing(subject: AggregatorSubject, case: AggregatorCase) -> None:
    """The value that is claimed as identity changes nothing, wherever it stands among the inputs."""
    given, names = case.inputs(), case.names()
    expected, size = result_of(subject, given, names), size_of(subject, given, names)
    for shape in ((), case.shapes[0]):
        nothing = torch.full(shape, float(subject.claims.identity or 0.0), dtype=given[0].dtype)
        for place in range(len(given) + 1):
            more = [*given[:place], nothing, *given[place:]]
            found = result_of(subject, more, None if names is None else [*names, names[0]])
            require_close(
                found, expected, f"with {subject.claims.identity} at place {place}, and without it", size
            )


@prop(
    "aggregator",
    "every-input-counts",
    "components",
    cases=lambda subject, profile: inputs(subject, profile, shapes=ALIKE, dtypes=("float64",), alike=True),
    why="a source that is dropped falls silent, and nobody is told",
)
def every_input_counts(subject: AggregatorSubject, case: AggregatorCase) -> None:
    """Among inputs with one identifier, or none, each has an effect on the result."""
    names = case.names()
    for index in range(len(case.shapes)):
        # A rule may have limits, or care for the largest only: small ones, large ones, up and down.
        moved = any(
            _moves(
                subject, AggregatorCase(case.shapes, None, case.dtype, scale, case.seed), names, index, factor
            )
            for scale in (1.0, 0.01, 30.0)
            for factor in (50.0, 0.02, -1.0)
        )
        require(
            moved,
            f"input {index} of {len(case.shapes)} has no effect on the result, however large or small it is",
        )


def _moves(
    subject: AggregatorSubject, case: AggregatorCase, names: list[str] | None, index: int, factor: float
) -> bool:
    given = case.inputs()
    before = result_of(subject, given, names)
    given[index] = factor * given[index]
    return not torch.equal(before, result_of(subject, given, names))
