"""A synapse in a small network: the order of the integrator, and what is saved."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import torch

from ..property import prop
from ..vacuous import vacuous
from ..violation import require, violated
from .bench import Bench, connected
from .case import SynapseCase
from .cases import plain
from .continuing import saved_in_between
from .needs import KINETICS, STATES
from .subject import SynapseSubject

_FELT, _MOST = 4.0, 1e3
"""By how many mV a target is to be moved, and the largest weight that is tried for it."""
_STEPS = (0.25, 0.125, 0.0625)
_PERIODS = (1.0, 1.5, 2.5)
"""Multiples of all steps, so that the same spikes come at the same times."""

_OFF_THE_GRID = 0.43
"""A delay, ms, of which no step is a part."""


def _three(case: SynapseCase) -> SynapseCase:
    params = {name: value for name, value in case.params.items() if not isinstance(value, list)}
    return replace(case, params=params, units=3, batch=())


def _end(subject: SynapseSubject, case: SynapseCase, dt: float, scale: float, **more: Any) -> torch.Tensor:
    """The target after 5 ms, times a scale, and spikes at whole multiples of all steps."""
    period = scale * torch.tensor(_PERIODS, dtype=torch.float64)
    net = connected(subject, subject.host, case, dt=dt, period=period, **{"delay": 0.5 * scale, **more})
    for _ in range(round(5.0 * scale / dt)):
        net()
    return torch.stack([getattr(net["b"], name) for name in net["b"].schema.states])


def _felt(subject: SynapseSubject, case: SynapseCase, scale: float) -> SynapseCase:
    """The case with weights by which the target moves by some mV."""
    usual = replace(case, strength=1.0)
    rest = _end(subject, replace(usual, strength=0.0), scale * _STEPS[0], scale)
    moved = float((_end(subject, usual, scale * _STEPS[0], scale) - rest).abs().max())
    if not 0.0 < moved < math.inf:
        return usual
    return replace(usual, strength=min(_MOST, max(1.0 / _MOST, _FELT / moved)))


@prop(
    "synapse",
    "order-is-kept-through-arrivals",
    "numerics",
    cases=plain,
    needs=[KINETICS, STATES],
    share=0.25,
    why="a method of order 4 that becomes one of order 1 needs a thousand times the steps",
)
def order_is_kept(subject: SynapseSubject, case: SynapseCase) -> None:
    """The target's error falls with the fourth power of the step, with spikes that arrive in between."""
    _require_order(subject, case)


@prop(
    "synapse",
    "order-is-kept-off-the-grid",
    "numerics",
    cases=plain,
    needs=[KINETICS, STATES],
    share=0.25,
    level="standard",
    why="a delay is what it is, and not what the step makes of it",
)
def order_is_kept_off_the_grid(subject: SynapseSubject, case: SynapseCase) -> None:
    """So it does with event="located", where spikes arrive within steps, at times that are no multiple "
    "of dt."""
    _require_order(subject, case, event="located", delay=_OFF_THE_GRID)


def _require_order(subject: SynapseSubject, case: SynapseCase, *, delay: float = 0.5, **more: Any) -> None:
    case = _three(case)
    # As fast as the synapse is: a quarter of its shortest time is the longest step.
    scale = 2.0 ** min(0, math.floor(math.log2(Bench(subject, case).quickest)))
    case = _felt(subject, case, scale)
    more = {**more, "delay": delay * scale}
    ends = [_end(subject, case, scale * dt, scale, **more) for dt in _STEPS]
    size = float(ends[-1].abs().max())
    if not math.isfinite(size):
        violated(f"the target is at {ends[-1].tolist()}")
    first, second = (float((one - other).abs().max()) for one, other in pairwise(ends))
    if second <= 1e-13 * size:
        vacuous("the target is integrated exactly")
    order = math.log2(first / second)
    require(
        order > 3.3,
        f"with the classical Runge-Kutta method the target differs by {first:.3g} and {second:.3g} where "
        "dt is "
        f"halved from {scale * _STEPS[0]:g} ms: the order is {order:.2f}, and must be 4",
    )


@prop(
    "synapse",
    "saved-in-the-middle",
    "state",
    cases=plain,
    share=0.25,
    needs=[KINETICS],
    why="a run that is saved and loaded, with spikes under way, must go on as if nothing had been",
)
def saved_in_the_middle(subject: SynapseSubject, case: SynapseCase) -> None:
    """A copy, and another network that loads the state, go on with the same bits."""
    case = _three(case)

    def made() -> Any:
        return connected(
            subject, subject.host, case, delay=0.7, period=torch.tensor(_PERIODS, dtype=torch.float64)
        )

    saved_in_between(made, 14, 13)
