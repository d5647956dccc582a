"""Rates: what a stochastic model draws for its events is drawn anew for each, and in any step alike."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from rheobase.errors import RheobaseError, ZenoError

from ..property import prop
from ..surroundings import one_thread
from ..vacuous import vacuous
from ..violation import violated
from .case import NeuronCase
from .chance import fed, usual
from .needs import STOCHASTIC, THRESHOLD
from .subject import NeuronSubject

LANES = 1024
INTERVALS, MOST_STEPS, PILOT = 4, 100, 50
"""How many mean intervals a run lasts, how many steps at most, and how many the run that finds the mean."""

ENOUGH = 500
"""Fewer spikes of all lanes say too little."""

COARSE = (10.0, 4.0, 1.0)
"""The step of these runs, in multiples of the model's own: the first that it can be run with."""

SURE = 5.0
"""Standard deviations of a difference that chance is not held to make: less than one run in a million."""

FAR = 2.7
"""The distance of Kolmogorov and Smirnov, in units of sqrt(1/n + 1/m), for one in a million."""


class Train(NamedTuple):
    """The spikes of many units driven alike.

    Attributes:
        counts: How many each lane had, ``[lanes]``.
        between: The intervals, ms, of all lanes, in order of size.
        dt: The step, ms.
        length: The length of the run, ms.
        told: How messages call the run.
    """

    counts: np.ndarray
    between: np.ndarray
    dt: float
    length: float
    told: str

    @property
    def rate(self) -> float:
        """Spikes per ms and lane."""
        return float(self.counts.mean()) / self.length


@prop(
    "neuron",
    "rates-agree",
    "numerics",
    cases=usual,
    needs=(STOCHASTIC, THRESHOLD),
    share=0.1,
    why="a random number that serves two events makes their intervals alike, and the rate hang on the step",
)
def rates_and_intervals_are_those_of_the_model(subject: NeuronSubject, case: NeuronCase) -> None:
    """Rate and intervals are the same, but for chance and a step, in any event mode, batch and step."""
    for factor in COARSE:
        dt = factor * subject.dt
        if subject.schema.dt_max is not None and dt > max(subject.schema.dt_max, subject.dt):
            continue
        pilot = _train(subject, replace(case, dt=dt), PILOT * dt, ())
        if pilot is None:
            continue
        if pilot.counts.sum() < ENOUGH:
            vacuous("it spikes too rarely to be judged by its rate")
        if pilot.rate * dt <= 0.5:
            _require_same_trains(subject, replace(case, dt=dt), min(INTERVALS / pilot.rate, MOST_STEPS * dt))
            return
    vacuous("in no step that was tried it can be run, or spikes less than every other step")


def _require_same_trains(subject: NeuronSubject, case: NeuronCase, length: float) -> None:
    reference = _train(subject, case, length, ())
    others = [replace(case, event="located")]
    # Noise of each step is not the same noise at another step; the crossings between its steps are lost.
    if subject.schema.draws and not subject.has_update and not subject.own_forward:
        others.append(replace(case, dt=(case.dt or subject.dt) / 4))
    found = [_train(subject, other, length, ()) for other in others]
    found.append(_train(subject, case, length, (16,)))
    if reference is None or reference.counts.sum() < ENOUGH:
        vacuous("it spikes too rarely to be judged by its rate")
    for other in found:
        if other is not None and other.counts.sum() >= ENOUGH:
            _require_same_train(reference, other)


def _require_same_train(one: Train, other: Train) -> None:
    # On the grid an interval is up to a step longer; the course within a step may err by some of one, too.
    grid = 1.5 * max(one.dt, other.dt)
    slack = one.rate**2 * grid
    error = float(one.counts.std(ddof=1)) / len(one.counts) ** 0.5 / one.length
    # The counts of the one say what chance does; those of a faulty one may scatter without bound.
    allowed = SURE * error * 2.0**0.5 + slack
    if abs(one.rate - other.rate) > allowed:
        violated(
            f"{one.told}: {one.rate * 1e3:.4g} spikes per second; {other.told}: {other.rate * 1e3:.4g}; "
            f"chance and the grid explain a difference of {allowed * 1e3:.3g}; draw anew for each event"
        )
    # The deviation of n counts is known to 1 / sqrt(2 n) of it, if they are near to normal; twice that is
    # for those that are not. Half a spike is the grid's, of trains that are nearly regular.
    scatter = float(one.counts.std(ddof=1))
    most_scatter = 2.0 * SURE * scatter / len(one.counts) ** 0.5 + 0.5
    if abs(float(other.counts.std(ddof=1)) - scatter) > most_scatter:
        violated(
            f"{one.told}: the spikes of a unit have the standard deviation {scatter:.4g}; {other.told}: "
            f"{float(other.counts.std(ddof=1)):.4g}; chance and the grid explain a difference of "
            f"{most_scatter:.2g}; draw anew for each event"
        )
    most = one.length / 2.0
    mine, others = (each.between[each.between <= most] for each in (one, other))
    if min(len(mine), len(others)) < ENOUGH:
        return
    limit = FAR * (1.0 / len(mine) + 1.0 / len(others)) ** 0.5
    for a, b in ((mine, others), (others, mine)):
        at = np.arange(1, len(a) + 1) / len(a)
        beyond = at - np.searchsorted(b, a + grid, side="right") / len(b)
        if beyond.max() > limit:
            place = int(beyond.argmax())
            violated(
                f"{one.told}, and {other.told}: {at[place]:.3g} of the intervals between spikes of the one "
                f"are up to {a[place]:.4g} ms long, and {at[place] - beyond[place]:.3g} of those of the "
                f"other up to {a[place] + grid:.4g} ms; chance explains a difference of {limit:.2g}; draw "
                "anew for each event"
            )


def _train(subject: NeuronSubject, case: NeuronCase, length: float, batch: tuple[int, ...]) -> Train | None:
    """A run of many lanes; None where the model cannot be run so."""
    units = LANES // int(np.prod(batch, dtype=int))
    try:
        neuron = case.neuron(subject.model, num_units=units)
        data, steps = fed(subject, neuron, units, batch), round(length / neuron.dt)
        with one_thread():
            times, lanes = zip(*(_spikes(neuron, neuron(data)) for _ in range(steps)), strict=True)
    except ZenoError as error:
        violated(
            f"units alike in all else do not come to the end of a step: {error}; draw anew for each event"
        )
    except RheobaseError:
        return None
    when, who = np.concatenate(times), np.concatenate(lanes)
    order = np.lexsort((when, who))
    when, who = when[order], who[order]
    told = f"event={case.event!r}, dt = {neuron.dt:g} ms" + (f", batch {list(batch)}" if batch else "")
    return Train(
        np.bincount(who, minlength=LANES),
        np.sort(np.diff(when)[np.diff(who) == 0]),
        neuron.dt,
        steps * neuron.dt,
        told,
    )


def _spikes(neuron: Any, out: Any) -> tuple[np.ndarray, np.ndarray]:
    """The times and lanes of the spikes of a step."""
    if "spike_times" in out:
        times = out["spike_times"].detach().reshape(-1, out["spike_times"].shape[-1]).numpy()
        lanes, places = np.nonzero(~np.isnan(times))
        return times[lanes, places], lanes
    lanes = np.flatnonzero(out["spiked"].detach().reshape(-1).numpy())
    return np.full(len(lanes), neuron.time), lanes
