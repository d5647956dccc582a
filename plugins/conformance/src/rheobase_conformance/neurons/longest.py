"""The largest step that a model declares as a number, and how its presets begin."""

from __future__ import annotations

import math
from typing import Any

import torch
from rheobase import RungeKutta
from rheobase.errors import RheobaseError
from torch import Tensor

from ..property import Need, prop
from ..vacuous import vacuous
from ..violation import require, violated
from .case import NeuronCase
from .needs import CONTINUOUS, DETERMINISTIC, PRESETS
from .probing import Trajectory, feed, gap, pulled, silence, trajectory
from .subject import NeuronSubject

NUMBER = Need(lambda s: s.schema.dt_max is not None, "the model declares no dt_max that is a number")

STRENGTHS = (0.3, -1.0, 2.0, 5.0)
"""The main input, as parts of what moves the model: below what makes it spike, against it, and above."""

LEAST, MOST, FINER = 6, 60, 8
"""The fewest and most of these steps in a run; how many times shorter those are that show the truth."""

OFF = 0.5
"""How far a run in the longest steps may be from the true one, as a part of the way that this goes."""

SLACK = 0.25
"""By what part of the time to it the first spike may come earlier or later, beside two of these steps."""


@prop(
    "neuron",
    "steps-of-dt-max-serve",
    "numerics",
    needs=(NUMBER, DETERMINISTIC, CONTINUOUS),
    why="nobody is warned below it: results that only shorter steps give right are taken for the model's",
)
def steps_of_the_largest_size_serve(subject: NeuronSubject) -> None:
    """Steps of ``dt_max`` give the courses and first spikes that steps eight times shorter give."""
    dt = subject.schema.dt_max
    if dt is None:
        return
    latency = subject.latency or 0.0
    steps = min(max(math.ceil(1.5 * latency / dt), LEAST), MOST)
    true = _run(subject, dt / FINER, FINER * steps)
    if true is None:
        vacuous("it does not bear its input in much shorter steps either")
    seen = _run(subject, dt, steps)
    complaints = _complaints(subject, seen, true)
    if not complaints:
        return
    again = _run(subject, dt / (2 * FINER), 2 * FINER * steps)
    # Where steps that are shorter still do not bear it out, nothing is said.
    settled = set() if again is None else complaints.keys() & _complaints(subject, seen, again).keys()
    settled -= set() if again is None else _complaints(subject, true, again, steps=steps).keys()
    for unit in sorted(settled):
        violated(
            f"dt_max is {dt:g} ms; in steps of it, under {subject.sizes.main} of {STRENGTHS[unit]:g} times "
            f"what moves the model, {complaints[unit]} in steps of {true.dt:.3g} ms"
        )


def _run(subject: NeuronSubject, dt: float, steps: int) -> Trajectory | None:
    """A run of one unit for each strength; None: it fails."""
    neuron = NeuronCase(dt=dt, units=len(STRENGTHS)).neuron(subject.model, integrator=RungeKutta())
    try:
        run = trajectory(neuron, feed(subject, neuron, STRENGTHS), steps)
    except RheobaseError:
        return None
    return run if bool(run.states.isfinite().all()) else None


def _complaints(
    subject: NeuronSubject, seen: Trajectory | None, true: Trajectory, steps: int | None = None
) -> dict[int, str]:
    """Unit -> how it goes otherwise than in shorter steps, looked at so many times (by default each step)."""
    if seen is None:
        return dict.fromkeys(range(len(STRENGTHS)), "the run fails, and does not")
    found = {}
    whole = len(seen.states) - 1 if steps is None else steps
    grid, end = seen.dt, seen.dt * (len(seen.states) - 1)
    for unit in range(len(STRENGTHS)):
        first, right = (float(each.when(1)[0, unit]) for each in (seen, true))
        room = 2.0 * grid + SLACK * right
        if math.isfinite(right):
            # One that comes at the end may just miss it.
            if right + room < end and not abs(first - right) <= room:
                found[unit] = f"the first spike comes at {first:.4g} ms, and at {right:.4g} ms"
        elif math.isfinite(first):
            found[unit] = f"it spikes at {first:.4g} ms, and does not"
        else:
            coarse, fine = (each.states[:: (len(each.states) - 1) // whole, :, unit] for each in (seen, true))
            way = (fine - fine[0]).abs().amax(dim=0) + 1e-6 * fine.abs().amax(dim=0)
            off = ((coarse - fine).abs().amax(dim=0) / way).nan_to_num()
            if float(off.max()) > OFF:
                name = list(subject.schema.states)[int(off.argmax())]
                found[unit] = f"{name} is off its course by {float(off.max()):.3g} of the way that it goes"
    return found


@prop(
    "neuron",
    "presets-begin-well",
    "contract",
    needs=(PRESETS,),
    why="a preset is what a newcomer tries first: it must not begin in a spike, nor with a warning",
)
def every_preset_begins_armed_and_in_steps_that_serve(subject: NeuronSubject) -> None:
    """Every preset begins below threshold, without a spike, and with a dt up to ``dt_max``."""
    for name, preset in subject.schema.presets.items():
        neuron = NeuronCase(preset=name).neuron(subject.model)
        limit = _limit(subject, neuron)
        if preset.dt is not None and limit is not None and preset.dt > limit * (1.0 + 1e-9):
            violated(
                f"the preset {name!r} has dt {preset.dt:g} ms, and dt_max is {limit:g} ms where it begins"
            )
        if subject.has_threshold:
            g = float(gap(subject, neuron, pulled(neuron)).max())
            require(g < 0, f"the preset {name!r} begins with g = {g:g}; below its threshold g is below zero")
        if subject.spikes:
            require(not bool(neuron.spiked.any()), f"the preset {name!r} has spiked before its first step")


def _limit(subject: NeuronSubject, neuron: Any) -> float | None:
    """What ``dt_max`` allows where a neuron begins, ms."""
    if subject.schema.dt_max is not None:
        return subject.schema.dt_max
    if not callable(getattr(subject.model, "dt_max", None)):
        return None
    state = subject.schema.pack_state(*(getattr(neuron, name).detach() for name in subject.schema.states))
    given: Any = subject.model.dt_max
    limit: Tensor = torch.as_tensor(given(state, neuron.params, neuron.prepare(silence(subject, neuron))))
    return float(limit.detach().min())
