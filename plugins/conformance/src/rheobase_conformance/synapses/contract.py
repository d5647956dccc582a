"""The contract of a synapse: pure functions that give what they name, in the shape of the units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from ..property import prop
from ..violation import require, violated
from .bench import Bench, connected
from .case import DTYPES, SynapseCase
from .cases import spikes
from .needs import KINETICS, STATES
from .subject import SynapseSubject


@prop(
    "synapse",
    "can-be-connected",
    "contract",
    needs=[KINETICS],
    why="a synapse stands in a network, between any two populations of fitting units",
)
def it_can_be_connected(subject: SynapseSubject) -> None:
    """With what it declares it can be connected, and a spike gives finite states."""
    net = connected(subject, subject.host, SynapseCase(), period=1.0)
    for _ in range(30):
        outputs = net()
    for name, value in [*outputs["a->b"].items(), *outputs["b"].items()]:
        if value.is_floating_point():
            require(
                bool(value.isfinite().all()), f"after 3 ms with a spike each ms {name} is {value.tolist()}"
            )


@prop(
    "synapse",
    "functions-give-what-they-name",
    "contract",
    cases=spikes,
    needs=[KINETICS, STATES],
    why="what is lacking, or of another shape or type, is an error in the middle of a run",
)
def functions_give_what_they_name(subject: SynapseSubject, case: SynapseCase) -> None:
    """Each function gives tensors of the shape and type of the states, under names of states."""
    bench = Bench(subject, case)
    state = bench.reached()
    packed, names = bench.packed(state), set(bench.schema.states)
    derivatives = bench.ask("derivatives", packed, bench.params)
    _require_names(derivatives, names, "derivatives")
    require(set(derivatives) == names, f"derivatives gives nothing for {sorted(names - set(derivatives))}")
    arrived = bench.ask("arrive", packed, bench.params, bench.weights())
    _require_names(arrived, names, "arrive")
    output = bench.ask("output", packed, bench.params, bench.post)
    for name, each in [*derivatives.items(), *arrived.items(), ("output", output)]:
        require(isinstance(each, Tensor), f"{name} is {each!r}; it must be a tensor")
        # One value for all units is spread; a shape that is larger, or another type, is not.
        fits = torch.broadcast_shapes(each.shape, bench.shape) == bench.shape
        require(
            fits, f"{name} has shape {list(each.shape)}; it must be {list(bench.shape)}, as the states are"
        )
        require(
            each.dtype == DTYPES[case.dtype], f"{name} is {each.dtype} where states are {DTYPES[case.dtype]}"
        )
    for name, each in bench.transmitted(bench.sent(), bench.elapsed()).items():
        require(
            each.dtype == DTYPES[case.dtype], f"{name} is {each.dtype} where states are {DTYPES[case.dtype]}"
        )


def _require_names(given: Any, names: set[str], function: str) -> None:
    require(isinstance(given, Mapping), f"{function} gave {type(given).__name__}; it must give a mapping")
    unknown = sorted(set(given) - names)
    require(not unknown, f"{function} gave {unknown}, and the states are {sorted(names)}")


@prop(
    "synapse",
    "arguments-are-not-changed",
    "contract",
    cases=spikes,
    needs=[KINETICS, STATES],
    why="states belong to the network, which uses them again in the next stage of a step",
)
def arguments_are_not_changed(subject: SynapseSubject, case: SynapseCase) -> None:
    """No function writes to the states, the parameters, the weight or the target's states."""
    bench = Bench(subject, case)
    state, weight = tuple(row.clone() for row in bench.reached()), bench.weights()
    sources, elapsed = tuple(row.clone() for row in bench.sent()), bench.elapsed()
    calls: dict[str, Callable[[], Any]] = {
        "derivatives": lambda: bench.slopes(state),
        "arrive": lambda: bench.arrive(state, weight),
        "output": lambda: bench.output(state),
        **({"transmit": lambda: bench.transmit(sources, elapsed)} if subject.of_source else {}),
    }
    parts = {
        "the state": state,
        "the parameters": tuple(bench.params),
        "the target": tuple(bench.post),
        "the weight": (weight,),
        "the state of the source": sources,
        "the time elapsed": (elapsed,),
    }
    for function, call in calls.items():
        before = {what: [_copy(each) for each in part] for what, part in parts.items()}
        call()
        for what, part in parts.items():
            for now, then in zip(part, before[what], strict=True):
                if isinstance(now, Tensor) and not torch.equal(now, then):
                    violated(f"{function} changed {what}: {then.tolist()} became {now.tolist()}")


def _copy(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value


@prop(
    "synapse",
    "no-memory",
    "independence",
    cases=spikes,
    needs=[KINETICS, STATES],
    why="what is kept elsewhere than in states is neither saved nor reset, and the units share it",
)
def it_has_no_memory(subject: SynapseSubject, case: SynapseCase) -> None:
    """The same arguments give the same, bit for bit, whatever was asked before; and nothing is drawn."""
    bench, other = Bench(subject, case), Bench(subject, SynapseCase(seed=case.seed + 1, strength=3.0))
    state, weight, sources, elapsed = bench.reached(), bench.weights(), bench.sent(), bench.elapsed()
    drawn = torch.get_rng_state()

    def results() -> dict[str, Tensor]:
        return {**bench.results(state, weight), **bench.transmitted(sources, elapsed)}

    first = {name: each.clone() for name, each in results().items()}
    other.output(other.reached())
    other.transmitted(other.sent(), other.elapsed())
    for name, again in results().items():
        one = first[name]
        require(
            torch.equal(one, again),
            f"{name} was {one.tolist()}, and is {again.tolist()} of the same",
        )
    require(
        torch.equal(drawn, torch.get_rng_state()),
        "it drew from torch's global random numbers; chance has no place in it",
    )
