"""Units of a target have nothing to do with each other; nor have the rows of a batch."""

from __future__ import annotations

import torch
from torch import Tensor

from ..property import prop
from ..violation import require
from .bench import Bench
from .case import SynapseCase
from .cases import spikes
from .needs import KINETICS, SOURCES, STATES
from .subject import SynapseSubject


def _require_same_where(kept: Tensor, bench: Bench, what: str) -> None:
    """The results where nothing was moved must not move, bit for bit."""
    state, weight = bench.reached(), bench.weights()
    moved = tuple(torch.where(kept, row, other) for row, other in zip(state, bench.reached(), strict=True))
    post = type(bench.post)(*(torch.where(kept, each, 0.9 * each) for each in bench.post))
    one = bench.results(state, weight)
    other = bench.results(moved, torch.where(kept, weight, 2.5 * weight), post)
    for name, value in one.items():
        require(
            torch.equal(value[kept], other[name][kept]),
            f"{name} of {what} was {value[kept].tolist()}, and is {other[name][kept].tolist()} where others "
            "have other states and weights",
        )


@prop(
    "synapse",
    "units-know-nothing-of-each-other",
    "independence",
    cases=lambda subject, profile: spikes(subject, profile, units=(5, 3, 2)),
    needs=[KINETICS, STATES],
    why="targets are split among processes, each of which sees its own alone",
)
def units_know_nothing_of_each_other(subject: SynapseSubject, case: SynapseCase) -> None:
    """What is computed of a unit does not hang on the states and weights of others."""
    bench = Bench(subject, case)
    kept = torch.arange(case.units).expand(bench.shape) == case.seed % case.units
    _require_same_where(kept, bench, f"unit {case.seed % case.units}")


@prop(
    "synapse",
    "batch-rows-know-nothing-of-each-other",
    "independence",
    cases=lambda subject, profile: spikes(subject, profile, batches=((2,), (3, 2))),
    needs=[KINETICS, STATES],
    why="a batch is many runs at once, and must give what each of them gives",
)
def batch_rows_know_nothing_of_each_other(subject: SynapseSubject, case: SynapseCase) -> None:
    """What is computed in one row of a batch does not hang on the others."""
    bench = Bench(subject, case)
    kept = torch.zeros(bench.shape, dtype=torch.bool)
    kept[(0,) * len(case.batch)] = True
    _require_same_where(kept, bench, "the first row of the batch")


@prop(
    "synapse",
    "sources-know-nothing-of-each-other",
    "independence",
    cases=lambda subject, profile: spikes(subject, profile, units=(5, 3, 2), batches=((),)),
    needs=[KINETICS, SOURCES],
    why="those that spike in one step are asked together, and alone in another",
)
def sources_know_nothing_of_each_other(subject: SynapseSubject, case: SynapseCase) -> None:
    """What a spike transmits, and leaves in its source, does not hang on who else spikes."""
    bench = Bench(subject, case)
    unit = case.seed % case.units
    kept = torch.arange(case.units) == unit
    sources, elapsed = bench.sent(), bench.elapsed()
    moved = tuple(torch.where(kept, row, other) for row, other in zip(sources, bench.sent(), strict=True))
    one = bench.transmitted(sources, elapsed)
    other = bench.transmitted(moved, torch.where(kept, elapsed, 1.7 * elapsed))
    for name, value in one.items():
        require(
            torch.equal(value[kept], other[name][kept]),
            f"{name} of unit {unit} was {value[kept].tolist()}, and is {other[name][kept].tolist()} where "
            "others "
            "have other states and times",
        )
