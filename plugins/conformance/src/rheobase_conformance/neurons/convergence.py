"""Convergence: shorter steps come nearer to one solution, at the integrator's order."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import torch
from hypothesis import strategies as st
from rheobase import Advance, RungeKutta
from rheobase.errors import RheobaseError
from torch import Tensor

from ..profiles import Profile
from ..property import Need, prop
from ..vacuous import vacuous
from ..violation import violated
from .case import NeuronCase
from .cases import runs
from .needs import CONTINUOUS, DECLARED, DERIVATIVES, DETERMINISTIC, LASTING
from .oracle import Oracle
from .probing import feed, plain, silence, trajectory
from .subject import NeuronSubject

OWN_RULE = Need(
    lambda s: s.own_forward or s.has_update, "its steps are the integrator's: no forward or update of its own"
)

LEVELS = (0.2, 0.1, 0.05)
"""Inputs well below the rheobase, as parts of it: as smooth a run as the model has."""

COARSE = 8
"""How many of the longest steps that run has."""

HALVINGS = 5


def weak_runs(subject: NeuronSubject, profile: Profile) -> st.SearchStrategy[NeuronCase]:
    """Neurons in double precision; the input is chosen by the property."""
    return runs(
        subject, profile, units=(1,), courses=((1.0,),), steps=(1,), dtypes=("float64",), events=("crossing",)
    )


@prop(
    "neuron",
    "converges-at-its-order",
    "numerics",
    cases=weak_runs,
    share=0.5,
    needs=(DECLARED, DERIVATIVES, DETERMINISTIC, CONTINUOUS, LASTING),
    why="a method that loses its order, or its dt, gives other numbers than the equations",
)
def halving_dt_gains_what_the_integrator_claims(subject: NeuronSubject, case: NeuronCase) -> None:
    """Below threshold, halving dt makes the error fall at the integrator's order, or it is at rounding."""
    case = case.of_one_unit()
    probe = plain(case, subject, len(LEVELS))
    order = getattr(probe.integrator, "order", None)
    if order is None:
        vacuous("the integrator states no order")
    start = None
    quiet = subject.own_forward
    if quiet:
        # Its input may go through a rule of its own. What is left is to follow the equations in silence,
        # from a state away from rest; if it leaves its steps to the integrator at all.
        start = _displaced(subject, probe)
        if start is None or not _heeds_the_integrator(subject, case):
            vacuous("in silence its forward leaves no steps to the integrator")
    length = COARSE * probe.dt
    ends: list[Tensor] = []
    sizes: list[Tensor] = []
    for halving in range(HALVINGS):
        seen = _ended(subject, case, probe.dt, halving, start)
        if seen is None:
            vacuous("it spikes, or ends in a named error, well below its rheobase")
        ends.append(seen[0])
        sizes.append(seen[1])
        orders = _orders(ends, sizes)
        if orders is None:
            return  # The differences are at rounding.
        if len(orders) < 2:
            continue
        agree = (orders[-1] - orders[-2]).abs() <= 0.3
        if bool((agree & (orders[-1] >= order - 0.6)).all()):
            return
        low = agree & (orders[-1] < order - 0.6)
        # A field with a kink has no more to give: the plain method shows it.
        if bool(low.any()) and len(orders) >= 3 and _plain_is_better(subject, case, probe, start, low, order):
            unit = int(low.nonzero()[0])
            gone = ", ".join(f"{float((a - b)[:, unit].abs().max()):.2g}" for a, b in pairwise(ends))
            violated(
                f"{'in silence' if quiet else f'at {LEVELS[unit]:g} of what moves the model'}, after "
                f"{length:g} ms "
                f"in {COARSE} steps of {probe.dt:g} ms, in twice as many, and so on, the ends differ by "
                f"{gone}: "
                f"that is order {float(orders[-1][unit]):.2f}; {probe.integrator!r} claims {order}"
            )
    gaps = [(a - b).abs().amax(dim=0) for a, b in pairwise(ends)]
    if bool((gaps[-1] > gaps[0]).any()) and _plain_is_better(
        subject, case, probe, start, gaps[-1] > gaps[0], 0.5
    ):
        unit = int((gaps[-1] > gaps[0]).nonzero()[0])
        violated(
            f"the ends of runs of {length:g} ms with dt = {probe.dt:g} ms, half of it and so on differ by "
            f"{', '.join(f'{float(gap[unit]):.2g}' for gap in gaps)}; shorter steps must come nearer to "
            "one solution"
        )


def _ended(
    subject: NeuronSubject, case: NeuronCase, dt: float, halving: int, start: dict[str, Tensor] | None
) -> tuple[Tensor, Tensor] | None:
    """The states at the end, and their largest values on the way, ``[states, units]``."""
    neuron = plain(case, subject, len(LEVELS), dt=dt / 2**halving, **(start or {}))
    data = feed(subject, neuron, LEVELS) if start is None else silence(subject, neuron)
    try:
        run = trajectory(neuron, data, COARSE * 2**halving)
    except RheobaseError:
        return None
    if bool(run.spiked.any()) or not bool(run.states.isfinite().all()):
        return None
    return run.states[-1], run.states.abs().amax(dim=0)


def _orders(ends: list[Tensor], sizes: list[Tensor]) -> list[Tensor] | None:
    """The orders that successive differences show, by unit; None where the last are at rounding."""
    size = torch.stack(sizes).amax(dim=0).clamp(min=1e-300)
    gaps = [((a - b).abs() / size).amax(dim=0) for a, b in pairwise(ends)]
    if gaps and bool((gaps[-1] <= 1e-10).all()):
        return None
    # A unit that is at rounding counts as of any order.
    return [
        torch.where(fine <= 1e-10, math.inf, (coarse / fine.clamp(min=1e-300)).log2())
        for coarse, fine in pairwise(gaps)
    ]


def _plain_is_better(
    subject: NeuronSubject,
    case: NeuronCase,
    probe: Any,
    start: dict[str, Tensor] | None,
    who: Tensor,
    order: float,
) -> bool:
    """Whether plain Runge-Kutta of order 4 on the same functions has the order, for one of these units."""
    ends, sizes = [], []
    for halving in range(4):
        neuron = plain(case, subject, len(LEVELS), dt=probe.dt / 2**halving, **(start or {}))
        data = neuron.prepare(feed(subject, neuron, LEVELS) if start is None else silence(subject, neuron))
        oracle = Oracle(subject, neuron)
        y = [getattr(neuron, name).detach() for name in subject.schema.states]
        size = torch.stack(y).abs()
        for _ in range(COARSE * 2**halving):
            y = oracle.moved(y, data)
            size = torch.maximum(size, torch.stack(y).abs())
        ends.append(torch.stack(y))
        sizes.append(size)
    orders = _orders(ends, sizes)
    return orders is None or bool((who & (orders[-1] >= min(order, 4.0) - 0.6)).any())


def _displaced(subject: NeuronSubject, probe: Any) -> dict[str, Tensor] | None:
    """States away from rest, to which a weak input brings the model."""
    try:
        run = trajectory(probe, feed(subject, probe, [4.0 * level for level in LEVELS]), 12)
    except RheobaseError:
        return None
    if bool(run.spiked.any()):
        return None
    return {name: run.states[-1, place].clone() for place, name in enumerate(subject.schema.states)}


class _Counting(RungeKutta):
    """The default integrator, which counts how often it is asked."""

    calls = 0

    def advance(self, *args: Any, **kwargs: Any) -> Advance:
        self.calls += 1
        return super().advance(*args, **kwargs)


def _heeds_the_integrator(subject: NeuronSubject, case: NeuronCase) -> bool:
    counting = _Counting()
    neuron = plain(case, subject, 1, integrator=counting)
    neuron(silence(subject, neuron))
    return counting.calls > 0


FINEST = 64
"""How many times shorter than its own a model's steps are made to see what it makes of dt."""


@prop(
    "neuron",
    "own-steps-honour-dt",
    "numerics",
    cases=weak_runs,
    share=0.5,
    needs=(DECLARED, OWN_RULE, DETERMINISTIC, CONTINUOUS),
    why="a model whose parameters count steps is another model at every dt",
)
def a_rule_of_its_own_converges_as_dt_falls(subject: NeuronSubject, case: NeuronCase) -> None:
    """A model with a forward or update of its own goes as far in a short time by few steps as by many."""
    options: list[dict[str, Any]] = [{}]
    if not subject.own_forward and subject.schema.options:
        # One of the options may bring in the update.
        options = [
            {name: choice} for name, option in subject.schema.options.items() for choice in option.choices
        ]
    seen = [_honours_dt(subject, case.of_one_unit(), option) for option in options]
    if not any(seen):
        vacuous("each run spikes, ends in a named error, or moves no state")


def _honours_dt(subject: NeuronSubject, case: NeuronCase, more: dict[str, Any]) -> bool:
    """Judge the steps with some options; gives whether anything could be seen."""
    strengths = (0.9, 0.3, -0.3)
    dt = plain(case, subject, 1, **more).dt / FINEST
    gone, free = [], torch.ones(len(strengths), dtype=torch.bool)
    for count in (1, 2, 4, 8):
        neuron = plain(case, subject, len(strengths), dt=dt / count, **more)
        try:
            run = trajectory(neuron, feed(subject, neuron, strengths), count)
        except RheobaseError:
            return False
        free &= ~run.spiked.any(dim=0)
        gone.append(run.states[-1] - run.states[0])
    way = torch.stack(gone).abs().amax(dim=0)
    size = run.states.abs().amax(dim=0)
    seen = free & (way > 1e-9 * size)
    gaps = [(a - b).abs() for a, b in pairwise(gone)]
    for coarse, fine in pairwise(gaps):
        stays = seen & (coarse > 1e-3 * way) & (fine > 0.65 * coarse)
        vanishes = seen & (gaps[-1] > 0.5 * gone[-1].abs()) & (gaps[-1] > 1e-3 * way)
        wrong = stays | vanishes
        if bool(wrong.any()):
            place, unit = (int(value) for value in wrong.nonzero()[0])
            name = list(subject.schema.states)[place]
            told = ", ".join(f"{float(each[place, unit]):.4g}" for each in gone)
            violated(
                f"{f'with {more}, ' if more else ''}at {strengths[unit]:g} of what moves the model, {name} "
                "moves by "
                f"{told} in {dt:g} ms, taken in 1, 2, 4 and 8 steps; that must converge"
            )
    return bool(seen.any())
