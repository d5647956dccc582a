"""Resets, functions, moderate drive: the kit names the cause first, and praises nothing that was not seen."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rheobase import conformance
from rheobase.conformance.checking import judge_subject
from rheobase.conformance.finding import find_one
from rheobase.conformance.neurons.case import NeuronCase
from rheobase.conformance.neurons.crossings import sides
from rheobase.conformance.neurons.probing import gap, plain
from rheobase.conformance.profiles import PROFILES
from rheobase.conformance.running import judge

ZOO = Path(__file__).parent / "zoo"


def planted() -> list[Any]:
    """File, class and the property that is made for it, of each fault of these families."""
    found = []
    for name in ("faults_reset", "faults_gradients", "faults_continuity", "faults_precision"):
        file = ZOO / f"{name}.py"
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "FAULTS":
                table = ast.literal_eval(node.value)
                found += [pytest.param(file, fault, cause, id=fault) for fault, cause in table.items()]
    return found


@pytest.mark.by_hand
@pytest.mark.parametrize(("file", "fault", "cause"), planted())
def test_the_first_property_that_fails_names_the_cause(file: Path, fault: str, cause: str) -> None:
    subject, profile = find_one(f"{file}:{fault}"), replace(PROFILES["standard"], shrinking=0.0)
    for prop in conformance.properties("neuron"):
        result = judge(prop, subject, profile, seed=0)
        if result.verdict is conformance.Verdict.FAILED:
            assert prop.name == cause, result.seen
            return
    pytest.fail(f"{fault} is caught by no property")


def test_the_sides_of_a_crossing_are_neighbouring_numbers() -> None:
    subject: Any = find_one(f"{ZOO / 'sound_neurons.py'}:HighReset")
    found = sides(subject, NeuronCase(dt=subject.dt))
    assert found is not None
    neuron = plain(NeuronCase(dt=subject.dt), subject, found.last.shape[1])
    last, first = gap(subject, neuron, found.last), gap(subject, neuron, found.first)
    assert bool(((last < 0) & (first >= 0)).all())
    assert bool(((found.first - found.last).abs() <= 2.3e-16 * found.first.abs()).all())


def test_a_model_that_reaches_no_threshold_is_not_praised_for_its_crossings() -> None:
    names = ["reset-holds-at-the-crossing", "threshold-is-continuous", "bears-moderate-drive"]
    report = judge_subject(find_one(f"{ZOO / 'sound_neurons.py'}:NeverSpikes"), "smoke", only=names)
    assert {result.verdict.value for result in report.results} == {"vacuous"}
