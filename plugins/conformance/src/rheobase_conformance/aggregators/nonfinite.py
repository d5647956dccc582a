"""Inputs that are no numbers: they are passed on, to the unit that they belong to and to no other."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from ..property import prop
from ..subject import AggregatorSubject
from ..vacuous import vacuous
from ..violation import require
from .case import AggregatorCase
from .cases import ALIKE, inputs, refused, require_close, result_of

BROADCAST = (((2, 3), (3,), ()), ((3,), (2, 2, 3)))


@prop(
    "aggregator",
    "nan-is-passed-on",
    "components",
    cases=lambda subject, profile: inputs(subject, profile, shapes=(*ALIKE, *BROADCAST), dtypes=("float64",)),
    why="a neuron refuses what is not finite, which it sees only if the aggregator passes it on",
)
def nan_is_passed_on(subject: AggregatorSubject, case: AggregatorCase) -> None:
    """A NaN in an input that the result of a unit follows gives no finite number there, or an InputError."""
    names, before, decided = case.names(), result_of(subject, case.inputs(), case.names()), False
    for index, place in _places(case):
        counts = _follows(subject, case, index, place)
        given = _with(case, index, place, math.nan)
        if refused(subject, given, names) is not None:
            continue
        found = result_of(subject, given, names)
        decided = decided or bool(counts.any())
        wrong = counts & found.isfinite()
        require(
            not bool(wrong.any()),
            f"input {index} of {len(given)} is NaN at {list(place)}, and the result is {found.tolist()}; "
            f"without it {before.tolist()}. Pass it on: a comparison with NaN is false, and nan_to_num makes "
            "a number of it",
        )
    if not decided:
        vacuous("it refuses NaN, or no input moves the result a little")


@prop(
    "aggregator",
    "what-is-not-finite-stays-in-its-unit",
    "components",
    cases=lambda subject, profile: inputs(subject, profile, shapes=(*ALIKE, *BROADCAST)),
    why="one unit that overflows must not spoil thousands that do not",
)
def what_is_not_finite_stays_in_its_unit(subject: AggregatorSubject, case: AggregatorCase) -> None:
    """Where an input is NaN or infinite for a unit, all other units get what they get without it."""
    names, before = case.names(), result_of(subject, case.inputs(), case.names())
    for index, place in _places(case):
        touched = torch.zeros(case.shapes[index], dtype=torch.bool)
        touched[place] = True
        others = ~touched.expand(before.shape)
        for value in (math.nan, math.inf, -math.inf):
            given = _with(case, index, place, value)
            if refused(subject, given, names) is not None:
                continue
            found = result_of(subject, given, names)
            require(
                found.shape == before.shape, f"with {value} at {list(place)} it gives {list(found.shape)}"
            )
            require_close(
                found[others],
                before[others],
                f"input {index} is {value} at {list(place)}: the other units get, and without it",
                4.0 * case.scale,
            )


def _places(case: AggregatorCase) -> Iterator[tuple[int, tuple[int, ...]]]:
    """A place in each input, another in each."""
    generator = torch.Generator().manual_seed(case.seed)
    for index, shape in enumerate(case.shapes):
        yield index, tuple(int(torch.randint(size, (), generator=generator)) for size in shape)


def _with(case: AggregatorCase, index: int, place: tuple[int, ...], value: float) -> list[Tensor]:
    given = case.inputs()
    given[index][place] = value
    return given


def _follows(subject: AggregatorSubject, case: AggregatorCase, index: int, place: tuple[int, ...]) -> Tensor:
    """Where the result moves as an input moves a little, up and down: it is no choice between others."""
    names, value = case.names(), case.inputs()[index][place].item()
    low, middle, high = (
        result_of(subject, _with(case, index, place, value * factor), names) for factor in (0.999, 1.0, 1.001)
    )
    return (low != middle) & (middle != high) & (low != high)
