"""A synapse in a small network: the order of the integrator, and what is saved."""

from __future__ import annotations

import copy
import io
import itertools
import math
from dataclasses import replace
from typing import Any

import torch

from ..property import prop
from ..vacuous import vacuous
from ..violation import require, violated
from .bench import connected
from .case import SynapseCase
from .cases import plain
from .needs import STATES
from .subject import SynapseSubject

_PERIODS = (2.0, 3.0, 5.0)
"""Multiples of all steps, so that the same spikes come at the same times."""


def _three(case: SynapseCase) -> SynapseCase:
    params = {name: value for name, value in case.params.items() if not isinstance(value, list)}
    return replace(case, params=params, units=3, batch=())


def _end(subject: SynapseSubject, case: SynapseCase, dt: float, duration: float) -> torch.Tensor:
    net = connected(
        subject, subject.host, case, dt=dt, delay=1.0, period=torch.tensor(_PERIODS, dtype=torch.float64)
    )
    for _ in range(round(duration / dt)):
        net()
    return torch.stack([getattr(net["b"], name) for name in net["b"].schema.states])


@prop(
    "synapse",
    "order-is-kept-through-arrivals",
    "numerics",
    cases=plain,
    needs=[STATES],
    share=0.25,
    why="a method of order 4 that becomes one of order 1 needs a thousand times the steps",
)
def order_is_kept(subject: SynapseSubject, case: SynapseCase) -> None:
    """The target's error falls with the fourth power of the step, with spikes that arrive in between."""
    case = _three(case)
    ends = [_end(subject, case, dt, 11.0) for dt in (0.25, 0.125, 0.0625, 0.03125)]
    apart = [float((one - other).abs().max()) for one, other in itertools.pairwise(ends)]
    scale = float(ends[-1].abs().max())
    if not math.isfinite(apart[-1]):
        violated(f"the target is at {ends[-1].tolist()}")
    if apart[0] <= 1e-12 * scale:
        vacuous("the target is integrated exactly")
    # Where rounding is reached it falls no further.
    orders = [
        math.log2(one / other) if other > 0 else math.inf
        for one, other in itertools.pairwise(apart)
        if other > 1e-13 * scale
    ]
    require(
        not orders or max(orders) > 3.3,
        f"with the classical Runge-Kutta method the target differs by {apart[0]:.3g}, {apart[1]:.3g} and "
        f"{apart[2]:.3g} where dt is halved from 0.25 ms: the order is {max(orders, default=4):.2f}, and "
        "must be 4",
    )


@prop(
    "synapse",
    "saved-in-the-middle",
    "state",
    cases=plain,
    share=0.25,
    why="a run that is saved and loaded, with spikes under way, must go on as if nothing had been",
)
def saved_in_the_middle(subject: SynapseSubject, case: SynapseCase) -> None:
    """A copy, and another network that loads the state, go on with the same bits."""
    case = _three(case)

    def made() -> Any:
        return connected(
            subject, subject.host, case, delay=1.5, period=torch.tensor(_PERIODS, dtype=torch.float64)
        )

    net = made()
    for _ in range(45):
        net()
    buffer = io.BytesIO()
    torch.save(net.state_dict(), buffer)
    copied, loaded = copy.deepcopy(net), made()
    buffer.seek(0)
    loaded.load_state_dict(torch.load(buffer, weights_only=False))
    found = {}
    for name, each in (("the network", net), ("its copy", copied), ("what was loaded", loaded)):
        for _ in range(40):
            outputs = each()
        found[name] = {(part, value): tensor for part in outputs for value, tensor in outputs[part].items()}
    for name, other in found.items():
        for key, value in found["the network"].items():
            if not torch.equal(value, other[key]):
                violated(
                    f"{'.'.join(key)} of {name} is {other[key].tolist()} 4 ms later, and {value.tolist()} "
                    "in the "
                    "network that went on"
                )
