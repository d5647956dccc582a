"""Strategies for the cases of synapses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from hypothesis import strategies as st
from rheobase.errors import RheobaseError

from ..drawing import drawn_by
from ..profiles import Profile
from .bench import start
from .case import SynapseCase
from .subject import SynapseSubject

PERCENTS = (10, -10, 5, -5, 1, -1, 7, -7)
"""By how much parameters are moved."""


def spikes(
    subject: SynapseSubject,
    profile: Profile,
    *,
    units: Sequence[int] = (3, 1, 5),
    batches: Sequence[tuple[int, ...]] = ((), (2,)),
    dtypes: Sequence[str] = ("float64", "float32"),
    strengths: Sequence[float] = (1.0, 10.0, 0.1),
    moved: bool = True,
) -> st.SearchStrategy[SynapseCase]:
    """Units with parameters near their defaults, shared or one for each, that some spikes have reached.

    Args:
        subject: The synapse.
        profile: How much is tried.
        units: The numbers of units.
        batches: Batch dimensions.
        dtypes: The floating-point types.
        strengths: The sizes of weights.
        moved: Whether parameters are moved.
    """

    def draw_spikes(draw: st.DrawFn) -> SynapseCase:
        count = draw(st.sampled_from(list(units)))
        params = draw(_near(subject, count)) if moved else {}
        case = SynapseCase(
            params,
            count,
            draw(st.sampled_from(list(batches))),
            draw(st.sampled_from(list(dtypes))),
            draw(st.sampled_from([3, 1, 0, 6])),
            draw(st.sampled_from(list(strengths))),
            draw(st.integers(0, 99)),
        )
        return case if can_be_made(subject, case) else SynapseCase(units=count, seed=case.seed)

    return drawn_by(draw_spikes)


def plain(subject: SynapseSubject, profile: Profile) -> st.SearchStrategy[SynapseCase]:
    """:func:`spikes` without batches, in double precision: what all that is measured is measured in."""
    return spikes(subject, profile, batches=((),), dtypes=("float64",))


def _near(subject: SynapseSubject, units: int) -> st.SearchStrategy[dict[str, Any]]:
    usual = values_of(subject)

    def draw_near(draw: st.DrawFn) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in usual.items():
            if not draw(st.booleans()):
                continue
            domain = subject.schema.parameters[name].domain
            # With states of each source, and of each synapse, a parameter is one number.
            each = draw(st.booleans()) and not subject.of_source and not subject.plastic
            percents = [draw(st.sampled_from(PERCENTS)) for _ in range(units if each else 1)]
            # What is 0 is moved by itself, in its own unit.
            around = [round(value * (1 + p / 100) if value else p / 100, 12) for p in percents]
            if bool(domain.contains(torch.tensor(around, dtype=torch.float64)).all()):
                found[name] = around if each else around[0]
        for name, option in subject.schema.options.items():
            choices = getattr(option, "choices", None)
            if choices and draw(st.booleans()):
                found[name] = draw(st.sampled_from(list(choices)))
        return found

    return drawn_by(draw_near)


def values_of(subject: SynapseSubject) -> dict[str, float]:
    """Parameter -> its value where none is given."""
    known: dict[str, float] | None = subject.__dict__.get("_values")
    if known is None:
        params = start(subject, subject.host, SynapseCase(units=1)).params
        known = {name: float(getattr(params, name).reshape(-1)[0]) for name in subject.schema.parameters}
        subject.__dict__["_values"] = known
    return known


def can_be_made(subject: SynapseSubject, case: SynapseCase) -> bool:
    """Whether the synapse takes the values of a case: those of several may not go together."""
    try:
        start(subject, subject.host, case)
    except RheobaseError:
        return False
    return True
