"""The contract of a synapse: pure functions that give what they name, in the shape of the units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..property import prop
from ..violation import require, violated
from .bench import Bench, connected
from .case import DTYPES, SynapseCase
from .cases import spikes
from .needs import STATES
from .subject import SynapseSubject


@prop(
    "synapse",
    "can-be-connected",
    "contract",
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
    needs=[STATES],
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


def _require_names(given: Any, names: set[str], function: str) -> None:
    require(isinstance(given, Mapping), f"{function} gave {type(given).__name__}; it must give a mapping")
    unknown = sorted(set(given) - names)
    require(not unknown, f"{function} gave {unknown}, and the states are {sorted(names)}")


@prop(
    "synapse",
    "arguments-are-not-changed",
    "contract",
    cases=spikes,
    needs=[STATES],
    why="states belong to the network, which uses them again in the next stage of a step",
)
def arguments_are_not_changed(subject: SynapseSubject, case: SynapseCase) -> None:
    """No function writes to the states, the parameters, the weight or the target's states."""
    bench = Bench(subject, case)
    state, weight = tuple(row.clone() for row in bench.reached()), bench.weights()
    for name, given in (("derivatives", ()), ("arrive", (weight,)), ("output", (bench.post,))):
        parts = {
            "state": bench.packed(state),
            "params": bench.params,
            "post": bench.post,
            "weight": (weight,),
        }
        before = {what: [_copy(each) for each in part] for what, part in parts.items()}
        bench.ask(name, parts["state"], bench.params, *given)
        for what, part in parts.items():
            for now, then in zip(part, before[what], strict=True):
                if isinstance(now, Tensor) and not torch.equal(now, then):
                    violated(f"{name} changed {what}: {then.tolist()} became {now.tolist()}")


def _copy(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value


@prop(
    "synapse",
    "no-memory",
    "independence",
    cases=spikes,
    needs=[STATES],
    why="what is kept elsewhere than in states is neither saved nor reset, and the units share it",
)
def it_has_no_memory(subject: SynapseSubject, case: SynapseCase) -> None:
    """The same arguments give the same, bit for bit, whatever was asked before; and nothing is drawn."""
    bench, other = Bench(subject, case), Bench(subject, SynapseCase(seed=case.seed + 1, strength=3.0))
    state, weight, drawn = bench.reached(), bench.weights(), torch.get_rng_state()

    def all_of_it() -> list[Tensor]:
        return [*bench.slopes(state), *bench.arrive(state, weight), bench.output(state)]

    first = [each.clone() for each in all_of_it()]
    other.output(other.reached())
    again = all_of_it()
    names = [
        *(f"the derivative of {name}" for name in bench.schema.states),
        *bench.schema.states,
        "the output",
    ]
    for name, one, two in zip(names, first, again, strict=True):
        require(
            torch.equal(one, two), f"{name} was {one.tolist()}, and of the same arguments then {two.tolist()}"
        )
    require(
        torch.equal(drawn, torch.get_rng_state()),
        "it drew from torch's global random numbers; chance has no place in it",
    )
