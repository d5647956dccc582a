"""The contract of an aggregator: one tensor of the broadcast shape, and nothing else touched."""

from __future__ import annotations

import torch
from hypothesis import strategies as st

from ..profiles import Profile
from ..property import prop
from ..subject import AggregatorSubject
from ..violation import violated
from .case import AggregatorCase

SHAPES: tuple[tuple[tuple[int, ...], ...], ...] = (
    ((3,), (3,)),
    ((2, 3), (3,), ()),
    ((), (4,)),
    ((1,), (2, 1)),
    ((3,),),
    ((), ()),
)
"""Shapes of inputs that broadcast."""


def inputs(subject: AggregatorSubject, profile: Profile) -> st.SearchStrategy[AggregatorCase]:
    """Inputs of all shapes that a neuron may get, with identifiers."""

    @st.composite
    def draw_inputs(draw: st.DrawFn) -> AggregatorCase:
        shapes = draw(st.sampled_from(SHAPES))
        names = tuple(
            draw(st.sampled_from(["a", "shunt_b", "c"])) if index else "a" for index in range(len(shapes))
        )
        return AggregatorCase(
            shapes, names, draw(st.sampled_from(["float64", "float32"])), draw(st.integers(0, 99))
        )

    return draw_inputs()


@prop(
    "aggregator",
    "inputs-are-not-changed",
    "components",
    cases=inputs,
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
