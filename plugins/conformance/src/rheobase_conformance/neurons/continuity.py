"""Continuity: of the threshold and of the reset at the crossing itself, and of steps as they become short."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from torch import Tensor

from ..profiles import Profile
from ..property import Need, prop
from ..vacuous import vacuous
from ..violation import violated
from .case import NeuronCase
from .cases import runs
from .crossings import STRENGTHS, Sides, sides
from .driven import double_neurons
from .needs import CONTINUOUS, DETERMINISTIC, OWN_STEPS, RESET, THRESHOLD
from .points import Points, as_number
from .probing import after_reset, gap, plain
from .subject import NeuronSubject

JUMP = 1e-3
"""The part of the way of g in a step that a continuous one cannot leap between two neighbouring numbers."""


@prop(
    "neuron",
    "threshold-is-continuous",
    "numerics",
    cases=double_neurons,
    needs=(THRESHOLD, OWN_STEPS, CONTINUOUS),
    why="the crossing is found by how far g is from zero: of a g that leaps over it no state is the crossing",
)
def g_goes_to_zero_at_its_crossings(subject: NeuronSubject, case: NeuronCase) -> None:
    """Between two neighbouring states, one below the threshold and one above, g goes through zero."""
    around = _around(subject, case)
    if around is None:
        vacuous("no input was found that takes it over its threshold")
    neuron = plain(case, subject, around.start.shape[1])
    start, end, last, first = (
        gap(subject, neuron, each) for each in (around.start, around.end, around.last, around.first)
    )
    wrong = (first - last) > JUMP * (end - start)
    if bool(wrong.any()):
        unit = int(wrong.nonzero()[0])
        violated(
            f"g is {float(last[unit]):g} at {_told(subject, around.last[:, unit])}, and "
            f"{float(first[unit]):g} at the next number; it must go through zero, such as voltage - "
            "volt_thresh, which is a distance and no truth value"
        )


@prop(
    "neuron",
    "reset-holds-at-the-crossing",
    "numerics",
    cases=double_neurons,
    needs=(THRESHOLD, RESET, OWN_STEPS, CONTINUOUS),
    why="reset is given the state at the crossing, which rounding puts on either side of it",
)
def a_reset_does_the_same_on_both_sides_of_the_crossing(subject: NeuronSubject, case: NeuronCase) -> None:
    """States just below the crossing, at it and just above it are reset alike."""
    around = _around(subject, case)
    if around is None:
        vacuous("no input was found that takes it over its threshold")
    neuron = plain(case, subject, around.start.shape[1])
    places = {"before": around.before, "last": around.last, "first": around.first, "after": around.after}
    resets = {place: after_reset(subject, neuron, states) for place, states in places.items()}
    for row, name in enumerate(subject.schema.states):
        values = torch.stack([resets[place].get(name, states[row]) for place, states in places.items()])
        size = torch.maximum(around.start[row].abs(), around.end[row].abs()) + values.abs().amax(dim=0)
        wrong = (values.amax(dim=0) - values.amin(dim=0)) > 1e-6 * size
        if bool(wrong.any()):
            unit = int(wrong.nonzero()[0])
            low, high = int(values[:, unit].argmin()), int(values[:, unit].argmax())
            g = [gap(subject, neuron, states)[unit] for states in places.values()]
            violated(
                f"reset gives {name} = {float(values[low, unit]):.10g} where g is {float(g[low]):.3g}, and "
                f"{float(values[high, unit]):.10g} where it is {float(g[high]):.3g}; whoever spikes is reset,"
                " and the state at the crossing lies on either side of it by rounding: reset without a "
                "condition on the threshold"
            )


def _around(subject: NeuronSubject, case: NeuronCase) -> Sides | None:
    driven = subject.sizes.rheobase[subject.sizes.main] is not None
    return sides(subject, case, STRENGTHS if driven else (0.0,) * len(STRENGTHS))


def _told(subject: NeuronSubject, states: Tensor) -> str:
    return ", ".join(
        f"{name} {float(value):.17g}" for name, value in zip(subject.schema.states, states, strict=True)
    )


BOTH = Need(lambda s: s.has_update and s.has_derivatives, "the model has not both derivatives and an update")

PARTS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
"""The short steps, as parts of the model's own; in each state the one that comes nearest serves."""

APART = 1e-3
"""By how much the two may differ; a method of order 1 does so in steps of a thousandth of what is fastest."""


def _spiking(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """Runs with spikes, which move states that nothing else moves."""
    return runs(
        subject,
        profile,
        units=(4, 2),
        steps=(24, 40),
        courses=((30.0, 5.0), (10.0, -5.0, 30.0, 0.0), (3.0, -3.0)),
        dtypes=("float64",),
        events=("crossing",),
    )


@prop(
    "neuron",
    "update-follows-derivatives",
    "numerics",
    cases=_spiking,
    share=0.5,
    needs=(BOTH, CONTINUOUS, DETERMINISTIC),
    why="a model that says two things of itself is simulated as one, and analysed as the other",
)
def short_updates_go_along_the_derivatives(subject: NeuronSubject, case: NeuronCase) -> None:
    """In the states of a run, what ``update`` does in a short step is what ``derivatives`` say, times it."""
    points = Points(subject, case)
    places = list(range(0, len(points.states), 2))
    slopes = [points.call("derivatives", *points.at(place)) for place in places]
    for row, name in enumerate(subject.schema.states):
        before = torch.stack([points.at(place)[0][row].expand(points.units) for place in places])
        slope = torch.stack([as_number(each[name]).expand(points.units) for each in slopes])
        best, last = torch.full_like(slope, torch.inf), torch.full_like(slope, torch.inf)
        for part in PARTS:
            points.dt = part * subject.dt
            moved = [points.call("update", *points.at(place)) for place in places]
            if any(each is None for each in moved):
                vacuous("with these options it leaves the step to the integrator")
            after = torch.stack([as_number(each[name]).expand(points.units) for each in moved])
            gone = (after - before) / points.dt
            size = torch.maximum(slope.abs(), gone.abs()).clamp(min=1e-3 * float(slope.abs().max()))
            # What is left of a difference of numbers as large as the state gets, and of what it is made of.
            whole = float(before.abs().max()) + subject.sizes.excursion.get(name, 0.0)
            noise = 4096.0 * torch.finfo(torch.float64).eps * whole / points.dt
            gap = ((gone - slope).abs() - noise).clamp(min=0.0)
            far = gap / size.clamp(min=1e-300)
            best = torch.where(far < best, far, best)
            # What still falls with the step goes to zero; what stands is a difference of the two.
            stands, last = gap >= 0.5 * last, gap
        wrong = (best > APART) & stands
        if bool(wrong.any()):
            place, unit = divmod(int(best.where(wrong, -1.0).argmax()), points.units)
            violated(
                f"derivatives gives for {name} {float(slope[place, unit]):.6g} per ms, and update "
                f"{float(gone[place, unit]):.6g} per ms in a step of {points.dt:.3g} ms, from "
                f"{name} = {float(before[place, unit]):.6g}; both are of one model, so update must go to "
                "derivatives as dt goes to 0"
            )
