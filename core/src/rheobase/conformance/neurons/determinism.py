"""Determinism: the same run is the same, and leaves the rest of the process alone."""

from __future__ import annotations

from typing import Any

from ..property import prop
from ..violation import require
from .case import NeuronCase
from .cases import runs
from .running import require_same_runs, run
from .subject import NeuronSubject


@prop(
    "neuron",
    "same-run-same-result",
    "independence",
    cases=runs,
    why="a result that cannot be had again cannot be checked",
)
def two_equal_runs_are_equal_at_every_step(subject: NeuronSubject, case: NeuronCase) -> None:
    """Two neurons made alike and driven alike give the same, to the bit, at every step."""
    one, other = case.neuron(subject.model), case.neuron(subject.model)
    data = case.data(one)
    require_same_runs(run(one, data), run(other, data), "two neurons made and driven alike")


@prop(
    "neuron",
    "run-splits",
    "independence",
    cases=runs,
    why="a run that is stopped and gone on with must be the run that was not stopped",
)
def a_run_of_2t_is_two_runs_of_t(subject: NeuronSubject, case: NeuronCase) -> None:
    """Two runs of T, one after the other, are one run of 2 T."""
    from ...pipeline.simulate import simulate

    whole, parts = case.neuron(subject.model), case.neuron(subject.model)
    data = case.data(whole)
    expected = run(whole, data)
    middle = len(data) // 2
    first = _first(case.stimulus(parts), middle)
    simulate(parts, first, record=parts.loggable_props, backend="eager", progress=False)
    require(
        parts.simulation_step == middle,
        f"after {middle} steps by simulate the clock says {parts.simulation_step}",
    )
    require_same_runs(expected[middle:], run(parts, data[middle:]), "a run in one, and one in two parts")


def _first(stimulus: Any, steps: int) -> Any:
    if isinstance(stimulus, dict):
        return {name: values[:steps] for name, values in stimulus.items()}
    return stimulus[:steps]
