"""Numbers: finite over all of the domain, and the same in both precisions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from rheobase.errors import RheobaseError

from ..property import prop
from ..violation import Violation, require, violated
from .bench import Bench, State
from .case import SynapseCase
from .cases import can_be_made, plain, values_of
from .comparing import size_of
from .needs import KINETICS, PARAMETERS, STATES
from .subject import SynapseSubject


def _far(subject: SynapseSubject) -> Iterator[dict[str, float]]:
    """Values far from the usual ones, on edges, and of two that are equal where they have one unit."""
    usual, declared = values_of(subject), subject.schema.parameters
    for name, value in usual.items():
        domain = declared[name].domain
        tried = [value * factor for factor in (0.1, 10.0)]
        tried += [float(edge) for edge in (domain.at_least, domain.at_most) if edge is not None]
        for each in tried:
            yield {name: each}
    for name, value in usual.items():
        for other in usual:
            if other != name and declared[other].unit == declared[name].unit:
                yield {other: value}


@prop(
    "synapse",
    "finite-over-the-domain",
    "numerics",
    cases=plain,
    needs=[KINETICS, STATES],
    why="time constants that are equal, or a potential that is zero, are values that users give",
)
def finite_over_the_domain(subject: SynapseSubject, case: SynapseCase) -> None:
    """With every value that it takes its functions are finite, also at the reversal and under many spikes."""
    case = replace(case, params={}, spikes=3)
    for params in ({}, *_far(subject)):
        tried = replace(case, params=params)
        if not can_be_made(subject, tried):
            continue
        for strength in (1.0, 1e3):
            _require_finite_or_refused(subject, replace(tried, strength=strength))


def _require_finite_or_refused(subject: SynapseSubject, case: SynapseCase) -> None:
    try:
        _require_finite(Bench(subject, case), case.params)
    except Violation:
        raise
    except RheobaseError:
        return  # in words


def _require_finite(bench: Bench, params: dict[str, float]) -> None:
    state: State = tuple(bench.begin)
    for _ in range(3):
        state = bench.arrive(state, bench.weights())
    post = bench.post
    targets = [
        post,
        *(type(post)(*(torch.full_like(each, at) for each in post)) for at in (0.0, -90.0, 40.0)),
    ]
    results = [*zip(bench.schema.states, bench.slopes(state), strict=True)]
    results += [*zip(bench.schema.states, state, strict=True)]
    results += [("output", bench.output(state, each)) for each in targets]
    for elapsed in (torch.inf, 0.0, 1e-3, 1e6):
        results += bench.transmitted(bench.sent(), torch.full_like(bench.elapsed(), elapsed)).items()
    for name, value in results:
        require(
            bool(value.isfinite().all()),
            f"with {params or 'the values that it declares'} and weights of {bench.case.strength:g} "
            f"{name} is "
            f"{value.tolist()}; refuse such values (above=, at_least=, ...), or give what they mean",
        )


@prop(
    "synapse",
    "float32-agrees",
    "numerics",
    cases=plain,
    needs=[KINETICS, STATES],
    why="large networks run in single precision",
)
def float32_agrees(subject: SynapseSubject, case: SynapseCase) -> None:
    """Each function gives in float32 what it gives in float64, to a few thousand units of the last place."""
    double, single = Bench(subject, case), Bench(subject, replace(case, dtype="float32"))
    state, weight = double.reached(), double.weights()
    narrow = tuple(row.float() for row in state)
    # Both begin at numbers that float32 has.
    state, weight = tuple(row.double() for row in narrow), weight.float().double()
    post = type(single.post)(*(each.float() for each in double.post))
    pairs = [
        *zip(double.schema.states, double.slopes(state), single.slopes(narrow), strict=True),
        *zip(
            double.schema.states,
            double.arrive(state, weight),
            single.arrive(narrow, weight.float()),
            strict=True,
        ),
        *_transmitted(double, single),
        (
            "output",
            double.output(state, type(post)(*(each.double() for each in post))),
            single.output(narrow, post),
        ),
    ]
    for name, one, other in pairs:
        room = 1e4 * torch.finfo(torch.float32).eps * max(size_of(one), 1e-3 * size_of(*state, weight))
        if not bool(((one - other.double()).abs() <= room).all()):
            violated(f"{name} is {one.tolist()} in float64 and {other.tolist()} in float32")


def _transmitted(double: Bench, single: Bench) -> list[tuple[str, torch.Tensor, torch.Tensor]]:
    sent, elapsed = tuple(row.float() for row in double.sent()), double.elapsed().float()
    wide = double.transmitted(tuple(row.double() for row in sent), elapsed.double())
    narrow = single.transmitted(sent, elapsed)
    return [(name, value, narrow[name]) for name, value in wide.items()]


@prop(
    "synapse",
    "parameters-count",
    "numerics",
    cases=plain,
    needs=[KINETICS, STATES, PARAMETERS],
    share=0.25,
    why="a parameter that changes nothing is one that somebody will tune",
)
def parameters_count(subject: SynapseSubject, case: SynapseCase) -> None:
    """Each parameter that is declared changes what the functions give, somewhere."""
    case = replace(case, params={}, spikes=3, units=3)
    before = _all_of_it(subject, case)
    idle = []
    for name, value in values_of(subject).items():
        tried = [
            replace(case, params={name: each})
            for each in (1.1 * value, 0.9 * value, value + 0.1, value - 0.1)
        ]
        taken = [each for each in tried if can_be_made(subject, each)]
        if taken and all(_equal(_all_of_it(subject, each), before) for each in taken):
            idle.append(name)
    require(not idle, f"{', '.join(idle)}: moved by a tenth it changes nothing; drop it, or use it")


def _all_of_it(subject: SynapseSubject, case: SynapseCase) -> list[torch.Tensor]:
    bench = Bench(subject, case)
    state, weight = bench.reached(), bench.weights()
    sent = bench.transmitted(bench.sent(), bench.elapsed())
    return [*state, *bench.results(state, weight).values(), *sent.values()]


def _equal(one: list[Any], other: list[Any]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
