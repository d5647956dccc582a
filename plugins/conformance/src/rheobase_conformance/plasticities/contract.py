"""The contract of a plasticity: pure functions of each synapse by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..property import prop
from ..synapses.case import DTYPES, SynapseCase
from ..synapses.cases import plain
from ..synapses.needs import PLASTIC, SPEC
from ..synapses.plastic import plastic
from ..synapses.subject import SynapseSubject
from ..violation import require, violated
from .bench import Bench


@prop(
    "synapse",
    "plasticity-can-be-connected",
    "contract",
    needs=[PLASTIC],
    why="it stands in a network, with any synapse, between any two populations",
)
def it_can_be_connected(subject: SynapseSubject) -> None:
    """With what it declares it can be connected, and spikes of both sides leave finite weights and states."""
    net = plastic(subject, SynapseCase(), period=(3.0, 4.5))
    for _ in range(30):
        outputs = net()["a->b"]
    for name, value in outputs.items():
        require(
            bool(value.isfinite().all()), f"after 15 ms with spikes of both sides {name} is {value.tolist()}"
        )


@prop(
    "synapse",
    "changes-give-what-they-name",
    "contract",
    cases=plain,
    needs=[PLASTIC],
    why="what is lacking, or of another shape or type, is an error in the middle of a run",
)
def changes_give_what_they_name(subject: SynapseSubject, case: SynapseCase) -> None:
    """Each function gives tensors of the shape and type of the states, under the names of these."""
    for dtype in DTYPES:
        bench = Bench(subject, replace(case, dtype=dtype))
        state = bench.reached()
        given: dict[str, Any] = {}
        for function in bench.sides():
            changed = bench.ask(function, state)
            require(
                isinstance(changed, Mapping) and changed.keys() <= {*bench.names},
                f"{function} gave {changed!r}; it must give new values for some of {', '.join(bench.names)}",
            )
            given |= {f"{name} of {function}": each for name, each in changed.items()}
        bench.slopes(state)
        if bench.changes.derivatives is not None:
            slopes = bench.ask("derivatives", state)
            given |= {f"the derivative of {name}": each for name, each in slopes.items()}
        for name, each in given.items():
            require(isinstance(each, Tensor), f"{name} is {each!r}; it must be a tensor")
            shape = state[0].shape
            require(
                torch.broadcast_shapes(each.shape, shape) == shape,
                f"{name} has shape {list(each.shape)}; it must be {list(shape)}, one for each synapse",
            )
            require(each.dtype == bench.dtype, f"{name} is {each.dtype} where states are {bench.dtype}")


@prop(
    "synapse",
    "changes-write-to-nothing",
    "contract",
    cases=plain,
    needs=[PLASTIC],
    why="states belong to the network, which takes back what a step that fails has done",
)
def changes_write_to_nothing(subject: SynapseSubject, case: SynapseCase) -> None:
    """No function writes to the weight, the states or the parameters that it is given."""
    bench = Bench(subject, case)
    state = tuple(row.clone() for row in bench.reached())
    parts = {**dict(zip(bench.names, state, strict=True)), **bench.params._asdict()}
    before = {name: each.clone() for name, each in parts.items() if isinstance(each, Tensor)}
    bench.results(state)
    for name, each in before.items():
        if not torch.equal(parts[name], each):
            violated(f"{name} was {each.tolist()} before it was asked, and is {parts[name].tolist()} after")


@prop(
    "synapse",
    "changes-have-no-memory",
    "independence",
    cases=plain,
    needs=[PLASTIC],
    why="what is kept elsewhere than in states is neither saved nor reset, and all synapses share it",
)
def changes_have_no_memory(subject: SynapseSubject, case: SynapseCase) -> None:
    """The same arguments give the same, bit for bit, whatever was asked before; and nothing is drawn."""
    bench, other = Bench(subject, case), Bench(subject, replace(case, seed=case.seed + 1))
    state, drawn = bench.reached(), torch.get_rng_state()
    first = {name: each.clone() for name, each in bench.results(state).items()}
    other.results(other.reached())
    for name, again in bench.results(state).items():
        require(
            torch.equal(first[name], again),
            f"{name} was {first[name].tolist()}, and is {again.tolist()} of the same",
        )
    require(
        torch.equal(drawn, torch.get_rng_state()),
        "it drew from torch's global random numbers; chance has no place in it",
    )


@prop(
    "synapse",
    "synapses-know-nothing-of-each-other",
    "independence",
    cases=plain,
    needs=[PLASTIC],
    why="which synapses are asked together hangs on who spikes in one step",
)
def synapses_know_nothing_of_each_other(subject: SynapseSubject, case: SynapseCase) -> None:
    """What becomes of a synapse does not hang on which others are asked with it."""
    bench = Bench(subject, replace(case, units=5))
    state = bench.reached()
    together = bench.results(state)
    for some in ([2], [4, 1]):
        alone = bench.results(tuple(row[some] for row in state))
        for name, each in together.items():
            require(
                torch.equal(alone[name], each[some]),
                f"{name} of the synapses {some} is {alone[name].tolist()} by themselves, and "
                f"{each[some].tolist()} among all",
            )


@prop(
    "synapse",
    "plastic-as-claimed",
    "components",
    needs=[SPEC],
    why="who looks for a plasticity asks the spec, and imports nothing for it",
)
def plastic_as_claimed(subject: SynapseSubject) -> None:
    """It claims plastic=True where it is a plasticity, and there alone."""
    claimed = subject.claims.plastic
    require(
        claimed == subject.plastic,
        f"it claims plastic={claimed}, and is {'a' if subject.plastic else 'no'} subclass of "
        "rheobase.Plasticity",
    )
