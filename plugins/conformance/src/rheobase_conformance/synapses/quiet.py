"""Where no spike comes nothing happens."""

from __future__ import annotations

import torch

from ..property import prop
from ..violation import require, violated
from .bench import Bench, connected
from .case import SynapseCase
from .cases import plain, spikes
from .comparing import size_of
from .needs import AT_REST, KINETICS, STATES
from .subject import SynapseSubject


@prop(
    "synapse",
    "rest-stays",
    "numerics",
    cases=plain,
    needs=[KINETICS, STATES, AT_REST],
    why="a synapse that moves by itself acts where nobody has spiked",
)
def rest_stays(subject: SynapseSubject, case: SynapseCase) -> None:
    """From the start, where all states are declared at_rest, nothing moves."""
    bench = Bench(subject, case)
    if set(subject.at_rest) != set(bench.schema.states):
        return
    scale = size_of(*bench.begin, *bench.slopes(bench.arrive(bench.begin, bench.weights())))
    for name, slope in zip(bench.schema.states, bench.slopes(bench.begin), strict=True):
        require(
            size_of(slope) <= 64 * torch.finfo(slope.dtype).eps * scale,
            f"{name} is declared at_rest, and its derivative at the start is {slope.tolist()} per ms",
        )


@prop(
    "synapse",
    "weight-zero-changes-nothing",
    "numerics",
    cases=spikes,
    needs=[KINETICS, STATES],
    why="a pruned synapse has weight zero, and must be none",
)
def weight_zero_changes_nothing(subject: SynapseSubject, case: SynapseCase) -> None:
    """A spike of weight 0 leaves the states as they were, bit for bit."""
    bench = Bench(subject, case)
    state = bench.reached()
    after = bench.arrive(state, torch.zeros(bench.shape, dtype=bench.dtype))
    for name, one, other in zip(bench.schema.states, state, after, strict=True):
        require(
            bool((one == other).all()), f"{name} was {one.tolist()}, and is {other.tolist()} by a weight of 0"
        )


@prop(
    "synapse",
    "silence-changes-nothing",
    "components",
    cases=plain,
    share=0.25,
    needs=[KINETICS],
    why="a projection that never fires must be no projection",
)
def silence_changes_nothing(subject: SynapseSubject, case: SynapseCase) -> None:
    """A projection without spikes does not change a bit of its target."""
    case = SynapseCase(case.params, case.units, strength=case.strength, seed=case.seed)
    alone = connected(subject, subject.host, case, unconnected=True)
    with_it = connected(subject, subject.host, case)
    for step in range(20):
        one, other = alone()["b"], with_it()["b"]
        for name, value in one.items():
            if not torch.equal(value, other[name]):
                violated(
                    f"in step {step + 1} {name} of the target is {other[name].tolist()}, and "
                    f"{value.tolist()} without the projection, on which nothing was sent"
                )


@prop(
    "synapse",
    "returns-to-rest",
    "numerics",
    cases=plain,
    needs=[KINETICS, STATES, AT_REST],
    share=0.5,
    why="one spike would be felt for ever, or without bound",
)
def returns_to_rest(subject: SynapseSubject, case: SynapseCase) -> None:
    """After the last spike the states that are declared at_rest come back to where they began."""
    bench = Bench(subject, SynapseCase(case.params, case.units, strength=case.strength, seed=case.seed))
    state, largest = bench.reached(), 0.0
    rest = dict(zip(bench.schema.states, bench.begin, strict=True))
    # Steps that are stable for what is quickest, in stretches that grow until the slowest has gone.
    left = 0.0
    for stretch in range(200):
        left = max(
            size_of(row - rest[name])
            for name, row in zip(rest, state, strict=True)
            if name in subject.at_rest
        )
        largest = max(largest, left)
        if left <= 0.05 * largest and stretch:
            return
        state = bench.later(
            state, 0.25 * bench.slowest, min(2000, max(4, round(2 * bench.slowest / bench.quickest)))
        )
    violated(
        f"{50 * bench.slowest:g} ms after the last of {bench.case.spikes} spikes the states at_rest are "
        "still "
        f"{left:g} from where they began, and were never further than {largest:g}: {bench.told(state)}"
    )
