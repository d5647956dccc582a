"""Noise and dt: what noise makes of a model within a time does not grow without bound as dt falls."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from rheobase.errors import RheobaseError
from torch import Tensor

from ..property import prop
from ..surroundings import one_thread
from ..vacuous import vacuous
from ..violation import violated
from .case import NeuronCase
from .chance import STRONG, usual
from .needs import CONTINUOUS, STOCHASTIC
from .probing import feed, pulled, trajectory
from .running import seeded
from .subject import NeuronSubject

UNITS = 2048
FINER = 4
"""By what the step is divided each time."""

DIVISIONS, FIRST = 4, 8
"""How many step sizes there are at most, and how many steps of the longest one the time has."""

SURE = 6.0
"""Standard errors that chance is not held to make: of two in a thousand million, three times in a row."""

LEAST = math.log(2.0)
"""The growth, as a logarithm, that noise of the wrong size has; where it ignores dt it is log 4."""

ENOUGH = 200
"""Units that must differ from the others, or spike: of fewer the errors are not normal."""


class Law(NamedTuple):
    """One figure of many units at the end of a run.

    Attributes:
        name: What it is of, for messages.
        log: Its logarithm; NaN where it is zero, or rests on too few units.
        error: The standard error of that.
    """

    name: str
    log: float
    error: float


@prop(
    "neuron",
    "noise-settles-as-dt-falls",
    "numerics",
    cases=usual,
    needs=(STOCHASTIC, CONTINUOUS),
    level="standard",
    share=0.1,
    why="noise that is drawn at each step and not scaled by dt is another noise at every dt, ever more of it",
)
def variances_and_counts_settle_as_dt_falls(subject: NeuronSubject, case: NeuronCase) -> None:
    """Within a fixed time the variance of states and the number of spikes do not grow as 1/dt or faster."""
    decided = False
    for strength in (STRONG, 0.0):
        runs: list[tuple[float, list[Law]]] = []
        for division in range(DIVISIONS):
            dt = subject.dt / FINER**division
            laws = _laws(subject, replace(case, dt=dt, seed=case.seed + division), strength)
            if laws is None:
                break
            runs.append((dt, laws))
            decided |= len(runs) > 2 and any(math.isfinite(law.log) for law in laws)
            grown = _growing(runs) if len(runs) > 2 else None
            if len(runs) > 2 and grown is None:
                break
        else:
            name, growth = grown or ("", "")
            violated(
                f"under {strength:g} times the input that moves it the {name} of {UNITS} units after "
                f"{FIRST * subject.dt:g} ms grows {growth} times as dt falls from "
                f"{' to '.join(f'{dt:.3g}' for dt, _ in runs)} ms: it does not settle; scale what is drawn "
                "in a step by dt (a chance by dt, white noise added to a state by sqrt(dt)), or declare a map"
            )
    if not decided:
        vacuous("no two hundred units differ or spike, or it cannot be run with shorter steps")


def _growing(runs: list[tuple[float, list[Law]]]) -> tuple[str, str] | None:
    """The first figure that grows in every division, by as much each time, and its growth; None: none."""
    for laws in zip(*(laws for _, laws in runs), strict=True):
        steps = [
            (after.log - before.log, math.hypot(before.error, after.error))
            for before, after in pairwise(laws)
        ]
        sure = all(by - SURE * error > 0.0 and by > LEAST for by, error in steps)
        # What settles grows by half as much at the next division, or less: sqrt(dt) is halved.
        lasts = all(
            after >= 0.75 * before - SURE * math.hypot(error, other)
            for (before, error), (after, other) in pairwise(steps)
        )
        if sure and lasts:
            return laws[0].name, ", ".join(f"{math.exp(by):.3g}" for by, _ in steps)
    return None


def _laws(subject: NeuronSubject, case: NeuronCase, strength: float) -> list[Law] | None:
    """Variances of the states, and the mean number of spikes; None where the run fails."""
    try:
        neuron = case.neuron(subject.model, num_units=UNITS)
        seeded(neuron, case.seed)
        data: Any = feed(subject, neuron, torch.full((UNITS,), strength))
        with one_thread():
            run = trajectory(neuron, data, round(FIRST * subject.dt / neuron.dt))
    except RheobaseError:
        return None
    ends = pulled(neuron)
    laws = [
        _log_of(f"variance of {name}", (end - end.mean()) ** 2, int((end != end.median()).sum()))
        for name, end in zip(subject.schema.states, ends, strict=True)
    ]
    counts = run.spiked.sum(dim=0).double()
    return [*laws, _log_of("number of spikes", counts, int((counts > 0).sum()))]


def _log_of(name: str, each: Tensor, effective: int) -> Law:
    mean = float(each.mean())
    if effective < ENOUGH or not 0.0 < mean < math.inf:
        return Law(name, math.nan, math.nan)
    return Law(name, math.log(mean), float(each.std()) / mean / len(each) ** 0.5)
