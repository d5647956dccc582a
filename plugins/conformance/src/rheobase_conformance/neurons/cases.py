"""Strategies for cases, from what a model declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from hypothesis import strategies as st
from rheobase.errors import RheobaseError

from ..drawing import drawn_by
from ..profiles import Profile
from .case import NeuronCase
from .subject import NeuronSubject

PERCENTS = (10, -10, 5, -5, 1, -1, 2, -2, 3, -3, 4, -4, 6, -6, 7, -7, 8, -8, 9, -9)
"""How far a parameter is taken from its default."""

COURSES: tuple[tuple[float, ...], ...] = (
    (10.0, 0.0, 3.0),
    (0.0, 20.0),
    (5.0, -5.0, 30.0, 0.0),
    (-3.0, 1.0, 8.0),
    (2.0,),
    (0.0,),
)
"""Levels of a run, in multiples of the size of current that moves the model."""


def runs(
    subject: NeuronSubject,
    profile: Profile,
    *,
    units: Sequence[int] = (3, 2, 5),
    batches: Sequence[tuple[int, ...]] = ((),),
    steps: Sequence[int] = (30, 12, 60),
    courses: Sequence[tuple[float, ...]] = COURSES,
    dtypes: Sequence[str] = ("float64", "float32"),
    events: Sequence[str] = ("crossing", "step"),
    vary: bool = True,
    options: bool = True,
) -> st.SearchStrategy[NeuronCase]:
    """Runs of a model, each short and full of events.

    The first of every choice is what hypothesis tries first, and what it shrinks to: so it is the one that
    reveals most.

    Args:
        subject: The model.
        profile: How much is tried.
        units: The numbers of units.
        batches: The batch dimensions.
        steps: The numbers of steps.
        courses: The levels of the inputs, as multiples of the sizes that move the model.
        dtypes: The floating-point types.
        events: The event modes; a model without a threshold has "crossing" only.
        vary: Whether parameters are taken from their defaults, by up to a tenth.
        options: Whether the model's options are chosen from.
    """

    def draw_run(draw: st.DrawFn) -> NeuronCase:
        count = draw(st.sampled_from(list(units)))
        chosen = {name: _drive(draw, subject, name, courses) for name in subject.inputs}
        params: dict[str, Any] = draw(parameters(subject, count)) if vary else {}
        if options:
            for name, option in subject.schema.options.items():
                params[name] = draw(st.sampled_from(option.choices))
        modes = list(events) if subject.has_threshold else ["crossing"]
        return NeuronCase(
            params=params,
            drive=chosen,
            units=count,
            batch=draw(st.sampled_from(list(batches))),
            steps=draw(st.sampled_from(list(steps))),
            dt=subject.dt,
            dtype=draw(st.sampled_from(list(dtypes))),
            event=draw(st.sampled_from(modes)),
            seed=draw(st.integers(0, 99)),
        )

    return drawn_by(draw_run)


def _drive(
    draw: st.DrawFn, subject: NeuronSubject, name: str, courses: Sequence[tuple[float, ...]]
) -> tuple[float, ...]:
    scale = subject.sizes.scale[name]
    return tuple(rounded(level * scale) for level in draw(st.sampled_from(list(courses))))


@st.composite
def parameters(draw: st.DrawFn, subject: NeuronSubject, units: int) -> dict[str, Any]:
    """Values of parameters near their defaults and in their domains, shared or one for each unit.

    Only parameters whose default is a number other than zero are taken from it: the others follow, or have
    no size to go by.
    """
    declared = subject.schema.parameters
    free = [
        name for name, value in declared.items() if isinstance(value.default, float) and value.default != 0
    ]
    if not free:
        return {}
    values: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(free), unique=True, max_size=3)):
        default = subject.defaults[name]
        each = draw(st.booleans())
        count = units if each else 1
        moved = [rounded(default * (1 + draw(st.sampled_from(PERCENTS)) / 100)) for _ in range(count)]
        inside = declared[name].domain.contains(torch.tensor(moved, dtype=torch.float64))
        if bool(inside.all()):
            values[name] = tuple(moved) if each else moved[0]
    return values if can_be_made(subject, values, units) else {}


def can_be_made(subject: NeuronSubject, values: Mapping[str, Any], units: int) -> bool:
    """Whether a model can be made with these values.

    A default that follows them may leave its domain, and a check of the author's own may raise ValueError; a
    model need not take all that its domains allow.
    """
    try:
        NeuronCase(params=values, units=units).neuron(subject.model)
    except (RheobaseError, ValueError):
        return False
    return True


def rounded(value: float) -> float:
    """Six digits, so that a script can be read."""
    return float(f"{value:.6g}")
