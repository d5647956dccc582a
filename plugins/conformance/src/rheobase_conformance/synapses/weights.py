"""What weights do: the claims additive and linear."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from ..property import prop
from ..violation import require, violated
from .bench import Bench, State
from .case import SynapseCase
from .cases import plain
from .comparing import require_near, size_of
from .needs import ADDITIVE, KINETICS, LINEAR, SPEC, STATES
from .subject import SynapseSubject


@prop(
    "synapse",
    "weights-count",
    "components",
    cases=plain,
    needs=[KINETICS, STATES],
    why="a weight that is not looked at cannot be learned, and all synapses are alike",
)
def weights_count(subject: SynapseSubject, case: SynapseCase) -> None:
    """A spike of another weight does something else to each unit."""
    bench = Bench(subject, replace(case, spikes=0))
    weight = bench.weights()
    usual = _response(bench, [weight])
    # Where one saturates, smaller weights count.
    others = [_response(bench, [factor * weight]) for factor in (3.0, 0.03)]
    for unit in range(case.units):
        if all(a[unit].equal(b[unit]) for other in others for a, b in zip(usual, other, strict=True)):
            violated(
                f"for unit {unit} a weight of {float(weight[unit]):g}, three times as much and a "
                "thirtieth all "
                f"give the outputs {[float(each[unit]) for each in usual]}"
            )


@prop(
    "synapse",
    "additive-as-claimed",
    "components",
    cases=plain,
    needs=[KINETICS, STATES, ADDITIVE],
    why="spikes that arrive together are summed before the synapse sees them",
)
def additive_as_claimed(subject: SynapseSubject, case: SynapseCase) -> None:
    """Two spikes that arrive together do what one of their summed weight does."""
    bench = Bench(subject, case)
    state, first, second = bench.reached(), bench.weights(), bench.weights()
    for sign in (1.0, -0.25) if subject.signed else (1.0,):
        apart = bench.arrive(bench.arrive(state, first), sign * second)
        together = bench.arrive(state, first + sign * second)
        for name, one, other in zip(bench.schema.states, apart, together, strict=True):
            require_near(
                other,
                one,
                f"{name} after one spike of the weights {(first + sign * second).tolist()}, against "
                "spikes of "
                f"{first.tolist()} and {(sign * second).tolist()}",
                of=size_of(first, second, *state),
            )


@prop(
    "synapse",
    "linear-as-claimed",
    "components",
    cases=plain,
    needs=[KINETICS, STATES, LINEAR],
    why="who claims it is integrated exactly, and weights are scaled with the size of the network",
)
def linear_as_claimed(subject: SynapseSubject, case: SynapseCase) -> None:
    """From rest, so many times the weight of every spike is so many times the output, at any time after."""
    bench = Bench(subject, replace(case, spikes=0))
    weights = [bench.weights() for _ in range(3)]
    usual = _response(bench, weights)
    for factor in (2.0, 8.0, -1.0) if subject.signed else (2.0, 8.0):
        scaled = _response(bench, [factor * weight for weight in weights])
        for place, (one, other) in enumerate(zip(scaled, usual, strict=True)):
            require_near(
                one, factor * other, f"output {place}, with {factor:g} times the weights", parts=1024
            )


def _response(bench: Bench, weights: list[Tensor]) -> list[Tensor]:
    """The outputs at some times during and after spikes of these weights."""
    found, state = [], tuple(bench.begin)
    later: list[Tensor | None] = [*weights, None, None]
    for weight in later:
        state = state if weight is None else bench.arrive(state, weight)
        state = _later(bench, state)
        found.append(bench.output(state))
    return found


def _later(bench: Bench, state: State) -> State:
    return bench.later(state, 0.5 * bench.quickest, 5)


@prop(
    "synapse",
    "per-as-claimed",
    "components",
    needs=[SPEC],
    why="who splits a network among processes asks the spec which states go with which units",
)
def per_as_claimed(subject: SynapseSubject) -> None:
    """It claims per="source" where it keeps states of each source, and "synapse" where it is a plasticity."""
    kept = "synapse" if subject.plastic else "source" if subject.of_source else "target"
    claimed = subject.claims.per
    require(claimed == kept, f"it claims per={claimed!r}, and its states are those of each {kept}")
