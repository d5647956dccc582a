"""What each registered integrator claims, held against what it does."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import rheobase as rb
import torch
from rheobase.errors import StructureError
from torch import Tensor

SPECS = {part.spec.name: part.spec for part in rb.list_components("integrator")}
every_integrator = pytest.mark.parametrize("name", sorted(SPECS))


class Problem(NamedTuple):
    """A field, where it starts and ends (ms), and its solution there."""

    field: Callable[[Any, Tensor], Tensor]
    start: list[float]
    end: float
    solution: list[float]


def rotation(t: Any, y: Tensor) -> Tensor:
    u, v = y
    return torch.stack([-v, u])


def kaps(t: Any, y: Tensor) -> Tensor:
    """Kaps' problem, coupled and nonlinear."""
    u, v = y
    return torch.stack([-3.0 * u + v * v, u - v - v * v])


def mutual(t: Any, y: Tensor) -> Tensor:
    """Coupled, and nonlinear, but each derivative is linear in its own variable."""
    u, v = y
    return torch.stack([-3.0 * u + v * v, -2.0 * v + torch.sqrt(u)])


def driven(t: Any, y: Tensor) -> Tensor:
    return torch.sin(torch.as_tensor(t, dtype=y.dtype)) - y


DECAYS = [math.exp(-4.0), math.exp(-2.0)]
PROBLEMS = {
    "linear": Problem(lambda t, y: -y, [1.0], 2.0, [math.exp(-2.0)]),
    "rotation": Problem(rotation, [1.0, 0.0], 2.0, [math.cos(2.0), math.sin(2.0)]),
    "nonlinear": Problem(lambda t, y: y * (1.0 - y), [0.1], 2.0, [1.0 / (1.0 + 9.0 * math.exp(-2.0))]),
    "coupled": Problem(kaps, [1.0, 1.0], 2.0, DECAYS),
    "coupled, each linear in itself": Problem(mutual, [1.0, 1.0], 2.0, DECAYS),
    "time-dependent": Problem(driven, [0.0], 3.0, [(math.sin(3.0) - math.cos(3.0) + math.exp(-3.0)) / 2.0]),
}
TAKEN = {
    "general": ["linear", "rotation", "nonlinear", "coupled", "time-dependent"],
    "conditionally_linear": ["linear", "rotation", "coupled, each linear in itself", "time-dependent"],
    "linear": ["linear", "rotation"],
}
"""On which problems an integrator is judged, by the fields that it claims to take."""

REFUSED: dict[str, list[str]] = {
    "general": [],
    "conditionally_linear": ["nonlinear", "coupled"],
    "linear": ["nonlinear", "coupled", "coupled, each linear in itself", "time-dependent"],
}
"""The problems that it refuses."""


def cases(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(name, problem) for name, spec in sorted(SPECS.items()) for problem in table[spec.field]]


def error_of(name: str, problem: Problem, steps: int) -> float:
    """The error at the end, by so many equal steps."""
    y = torch.tensor(problem.start, dtype=torch.float64).unsqueeze(1)
    h = problem.end / steps
    if SPECS[name].adaptive:
        y = rb.integrator(name, fixed_step=h).advance(problem.field, y, 0.0, problem.end).y
    else:
        method, carry = rb.integrator(name), None
        for step in range(steps):
            y, carry, *_ = method.advance(problem.field, y, step * h, (step + 1) * h, carry=carry)
    return float((y.squeeze(1) - torch.tensor(problem.solution, dtype=torch.float64)).abs().max())


def order_of(claim: Any, errors: list[float]) -> float | None:
    """How fast errors fall as the step is halved, in the limit of short steps; None for no error at all.

    The slopes between neighbours go to the order linearly in the step, so twice the last but the one
    before is that limit to second order. Errors near rounding tell nothing.
    """
    told = np.array([error for error in errors if error > 5e-13])
    if len(told) < 3:
        assert claim.field != "general", errors
        return None
    slopes = np.log2(told[:-1] / told[1:])
    return float(2.0 * slopes[-1] - slopes[-2])


@pytest.mark.parametrize(("name", "problem"), cases(TAKEN))
def test_the_measured_order_is_the_one_that_is_claimed(name: str, problem: str) -> None:
    claim = SPECS[name]
    measured = order_of(claim, [error_of(name, PROBLEMS[problem], 10 * 2**k) for k in range(6)])
    assert measured is None or measured == pytest.approx(claim.order, abs=0.15)


@pytest.mark.parametrize(("name", "problem"), cases(REFUSED))
def test_a_field_that_is_not_claimed_is_refused_with_the_reason(name: str, problem: str) -> None:
    with pytest.raises(StructureError, match=r"linear|time"):
        error_of(name, PROBLEMS[problem], 1)


@every_integrator
def test_the_order_is_kept_through_located_spikes(name: str) -> None:
    claim = SPECS[name]
    # 5 ms ln(24 / 4) four times, and three periods of 1 ms
    exact = 4 * 5.0 * math.log(24.0 / 4.0) + 3 * 1.0
    errors = []
    for dt in (1.0, 0.5, 0.25, 0.125) if claim.order >= 3 else (0.4, 0.2, 0.1):
        method = rb.integrator(name, fixed_step=dt) if claim.adaptive else name
        lif = rb.create("lif", event="located", integrator=method, dt=dt, dtype=torch.float64)
        times = rb.simulate(lif, 120.0, 40.0).spikes.times
        errors.append(abs(times[3].item() - exact))
    measured = order_of(claim, errors)
    assert measured is None or measured == pytest.approx(claim.event_order or claim.order, abs=0.15)


@every_integrator
def test_the_object_is_what_the_spec_says(name: str) -> None:
    claim, made = SPECS[name], rb.integrator(name)
    assert (made.order, made.adaptive, made.field) == (claim.order, claim.adaptive, claim.field)
    assert isinstance(made, rb.EventIntegrator) == (claim.events == "located")


@every_integrator
def test_the_claimed_number_of_evaluations_is_that_of_a_step(name: str) -> None:
    claim = SPECS[name]
    if claim.stages == 0:
        return  # no claim
    calls = 0

    def field(t: Any, y: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return -y

    def taken(steps: int) -> int:
        nonlocal calls
        calls = 0
        y = torch.ones(1, 1, dtype=torch.float64)
        if claim.adaptive:
            rb.integrator(name, fixed_step=0.1).advance(field, y, 0.0, 0.1 * steps)
        else:
            for step in range(steps):
                y = rb.integrator(name).advance(field, y, 0.1 * step, 0.1 * (step + 1)).y
        return calls

    # The last slope of a step is the first of the next, where that is claimed.
    assert taken(10) - taken(5) == 5 * (claim.stages - (1 if claim.fsal else 0))
