"""Chance: what a stochastic model draws is drawn for each unit and row."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from rheobase.errors import NonFiniteStateError, RheobaseError
from torch import Tensor

from ..profiles import Profile
from ..property import prop
from ..vacuous import vacuous
from ..violation import violated
from .case import NeuronCase
from .needs import HAZARD, STOCHASTIC
from .probing import feed
from .running import seeded
from .subject import NeuronSubject

STRONG = 3.0
"""The input of these runs, in multiples of the size that moves the model."""

ROWS, UNITS, STEPS = 6, 3, 40
"""Of the runs whose lanes must part."""

LATELY = 8
"""Over how many steps two lanes must be alike to count as one."""


def usual(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """The model with its defaults, under one of a hundred seeds."""
    return st.builds(lambda seed: NeuronCase(dt=subject.dt, seed=seed), st.integers(0, 99))


@prop(
    "neuron",
    "rows-draw-apart",
    "independence",
    cases=usual,
    needs=(STOCHASTIC,),
    share=0.25,
    why="rows that share their random numbers are one experiment, written down several times",
)
def rows_and_units_draw_their_own_numbers(subject: NeuronSubject, case: NeuronCase) -> None:
    """Rows and units alike in all else part as soon as runs with other seeds do, from the first step on."""
    # The same unit under other seeds shows what the noise does to a model; rows and units must do no less.
    seeds = [_lanes(subject, case, case.seed + place, ()) for place in range(ROWS)]
    together = _lanes(subject, case, case.seed, (ROWS,))
    decided = False
    for step in (0, STEPS - 1):
        if min(len(each) for each in (*seeds, together)) <= step:
            break
        if _different([_lately(each, step)[0] for each in seeds]) < ROWS:
            continue
        decided = True
        found = _different(list(_lately(together, step)))
        if found < ROWS * UNITS:
            violated(
                f"{ROWS} rows of {UNITS} units under one input go through {found} different states up to "
                f"step {step}, and runs of one unit under {ROWS} seeds in {ROWS}; draw for each unit and row:"
                " declare what is drawn as a Draw, or draw in the shape [*batch, units] of the input"
            )
    if not decided:
        vacuous("runs under other seeds do not part, or end in a named error")


@prop(
    "neuron",
    "hazard-is-a-rate",
    "numerics",
    cases=usual,
    needs=(HAZARD,),
    share=0.25,
    why="a hazard that is nowhere above zero, as the logarithm of a rate may be, makes no spike",
)
def a_hazard_is_a_number_above_zero_somewhere(subject: NeuronSubject, case: NeuronCase) -> None:
    """The hazard is a number wherever a strong input leads, and not below zero in all of these states."""
    rates = []
    for sign in (1.0, -1.0):
        neuron = case.neuron(subject.model, num_units=UNITS)
        seeded(neuron, case.seed)
        data = feed(subject, neuron, torch.full((UNITS,), sign * STRONG))
        for step in range(STEPS):
            states = neuron.schema.pack_state(
                *(getattr(neuron, name).detach() for name in neuron.schema.states)
            )
            rate = torch.as_tensor(subject.model.hazard(states, neuron.params)).detach()
            if bool(rate.isnan().any()):
                violated(
                    f"after {step} steps of {neuron.dt:g} ms under a strong input the hazard is "
                    f"{rate.flatten().tolist()}; give a rate in 1/ms, such as exp(distance)"
                )
            rates.append(rate.flatten())
            try:
                neuron(data)
            except NonFiniteStateError as error:
                if "'hazard_left'" in str(error):
                    violated(f"within a step under a strong input the hazard is no number: {error}")
                break
            except RheobaseError:
                break
    seen = torch.cat(rates)
    if bool((seen <= 0).all()) and bool((seen < 0).any()):
        violated(
            f"under strong inputs of either sign the hazard is from {float(seen.min()):g} to "
            f"{float(seen.max()):g} per ms, and below zero it counts as zero: it makes no spike; give a rate "
            "from 0 up, such as exp(distance)"
        )


def _lately(states: list[Tensor], step: int) -> Tensor:
    """The states after a step and the few before it: units that spike in one step are in one after it."""
    return torch.cat(states[max(0, step + 1 - LATELY) : step + 1], dim=-1)


def _lanes(subject: NeuronSubject, case: NeuronCase, seed: int, batch: tuple[int, ...]) -> list[Tensor]:
    """The states after each step of units that are driven alike, each ``[lanes, states]``."""
    neuron = case.neuron(subject.model, num_units=UNITS)
    seeded(neuron, seed)
    data = fed(subject, neuron, UNITS, batch)
    seen = []
    for _ in range(STEPS):
        try:
            neuron(data)
        except RheobaseError:
            break
        states = [getattr(neuron, name).detach() for name in neuron.schema.states]
        seen.append(torch.stack([part.expand(*batch, UNITS).reshape(-1) for part in states], dim=-1))
    return seen


def _different(lanes: list[Tensor]) -> int:
    return len(torch.unique(torch.stack(lanes), dim=0))


def fed(subject: NeuronSubject, neuron: Any, units: int, batch: tuple[int, ...]) -> Any:
    """A strong input that is the same for all rows and units: what the neuron is called with."""
    data = feed(subject, neuron, torch.full((units,), STRONG))
    if isinstance(data, Tensor):
        return data.expand(*batch, units)
    # An input that is not driven has its default in every row.
    return {name: value.expand(*batch, units) for name, value in data.items()}
