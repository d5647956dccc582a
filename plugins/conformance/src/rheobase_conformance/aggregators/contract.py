"""The contract of an aggregator: one tensor of the broadcast shape, and nothing else touched."""

from __future__ import annotations

import torch
from rheobase.errors import InputError

from ..property import prop
from ..subject import AggregatorSubject
from ..violation import require, violated
from .case import AggregatorCase
from .cases import PLAIN, inputs, naming, refused, result_of


@prop(
    "aggregator",
    "can-be-called",
    "contract",
    why="a neuron calls it with a list of tensors, and their identifiers or None",
)
def it_can_be_called(subject: AggregatorSubject) -> None:
    """It takes the inputs and the identifiers, by their place."""
    require(callable(subject.obj), f"{subject.obj!r} cannot be called")
    naming(subject, 2)
    try:
        subject.obj(AggregatorCase().inputs(), None)
    except InputError:
        return


@prop(
    "aggregator",
    "shape-and-type",
    "components",
    cases=inputs,
    why="a batch that collapses, or units that are spread, go unseen until results are wrong",
)
def one_tensor_of_the_broadcast_shape(subject: AggregatorSubject, case: AggregatorCase) -> None:
    """The result is one finite tensor of the shape to which the inputs broadcast, and of their type."""
    given = case.inputs()
    found = result_of(subject, given, case.names())
    shape = torch.broadcast_shapes(*case.shapes)
    require(
        found.shape == shape,
        f"inputs of the shapes {[list(each) for each in case.shapes]} gave {list(found.shape)}, and "
        "must give "
        f"{list(shape)}",
    )
    require(
        found.dtype == given[0].dtype,
        f"inputs of {given[0].dtype} gave {found.dtype}; the type must be kept",
    )
    require(
        bool(found.isfinite().all()),
        f"inputs between {case.scale / 2:g} and {2 * case.scale:g} gave {found.tolist()}",
    )


@prop(
    "aggregator",
    "inputs-are-not-changed",
    "components",
    cases=lambda subject, profile: inputs(subject, profile, named=True),
    why="inputs belong to their sources, which may use them again",
)
def inputs_are_not_changed(subject: AggregatorSubject, case: AggregatorCase) -> None:
    """Aggregating leaves the inputs, the list and the identifiers as they were."""
    given, names = case.inputs(), case.names()
    list_before, before = list(given), [each.clone() for each in given]
    subject.obj(given, names)
    if len(given) != len(list_before) or any(a is not b for a, b in zip(given, list_before, strict=True)):
        violated("the list of inputs was changed")
    for index, (now, then) in enumerate(zip(given, before, strict=True)):
        if not torch.equal(now, then):
            violated(f"input {index} was {then.tolist()} and is {now.tolist()}; it must not be changed")
    if names != case.names():
        violated(f"the identifiers were {case.names()} and are {names}")


@prop(
    "aggregator",
    "no-memory",
    "components",
    cases=inputs,
    why="a result that depends on what was asked before, or on chance, cannot be had again",
)
def it_has_no_memory(subject: AggregatorSubject, case: AggregatorCase) -> None:
    """The same inputs give the same, whatever was asked in between, and no random number is drawn."""
    names, drawn = case.names(), torch.get_rng_state()
    first = result_of(subject, case.inputs(), names)
    kept = first.clone()
    require(
        torch.equal(drawn, torch.get_rng_state()),
        "it drew from torch's global random numbers; chance has no place in it",
    )
    other = AggregatorCase(case.shapes, case.identifiers, case.dtype, 3.0 * case.scale, case.seed + 1)
    result_of(subject, other.inputs(), names)
    require(
        torch.equal(first, kept),
        f"its result was {kept.tolist()}, and is {first.tolist()} after another call",
    )
    again = result_of(subject, case.inputs(), names)
    require(torch.equal(again, kept), f"the same inputs gave {kept.tolist()}, and {again.tolist()} later")


@prop(
    "aggregator",
    "identifiers-match-inputs",
    "components",
    why="with one identifier too few an input is left out, or taken for another, in silence",
)
def a_wrong_number_of_identifiers_is_refused(subject: AggregatorSubject) -> None:
    """Identifiers that are more or fewer than the inputs are an error, or mean nothing at all."""
    fitting = next((names for names in naming(subject, 3) if names is not None), PLAIN[:3])
    for count, names in ((3, fitting[:2]), (2, fitting), (3, ())):
        given = AggregatorCase(((3,),) * count).inputs()
        try:
            found = subject.obj(given, list(names))
        except Exception:
            continue  # a neuron refuses such a call before the aggregator sees it
        alone = None if refused(subject, given, None) is not None else result_of(subject, given, None)
        require(
            alone is not None and torch.equal(found, alone),
            f"{len(names)} identifiers for {count} inputs gave {found!r}, and none gave {alone!r}; it must "
            "be an error, or ignore them",
        )


@prop(
    "aggregator",
    "missing-identifiers-are-told",
    "components",
    why="who forgets identifiers must be told, and not get another rule",
)
def missing_identifiers_are_told(subject: AggregatorSubject) -> None:
    """Without identifiers it works, or is an InputError that speaks of identifiers."""
    for count in (1, 2, 3):
        error = refused(subject, AggregatorCase(((3,),) * count).inputs(), None)
        require(
            error is None or "identifier" in str(error).lower(),
            f"without identifiers it raised: {error}; the message must say that identifiers are needed",
        )
