"""A model that hangs on Python's hash seed is told by a run in another process, in the full profile."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest
from rheobase import conformance
from rheobase.conformance.finding import find_one
from rheobase.conformance.neurons.hashing import _turning

ZOO = Path(__file__).parent / "zoo" / "faults_hashing.py"
ONLY = ["hash-seed-ignored"]


@pytest.mark.by_hand
@pytest.mark.parametrize("name", ["FirstOfASet", "SharesOfASet"])
def test_what_hangs_on_the_hash_seed_is_told(name: str) -> None:
    report = conformance.check(f"{ZOO}:{name}", "full", only=ONLY)
    assert [result.verdict for result in report.results] == [conformance.Verdict.FAILED]
    assert "PYTHONHASHSEED=" in report.results[0].seen


@pytest.mark.by_hand
@pytest.mark.parametrize("name", ["SumOfASet", "SortedNames"])
def test_what_only_rounds_otherwise_is_not_accused(name: str) -> None:
    report = conformance.check(f"{ZOO}:{name}", "full", only=ONLY)
    assert [result.verdict for result in report.results] == [conformance.Verdict.PASSED]


def test_a_fault_is_told_in_the_usual_run_too() -> None:
    report = conformance.check(f"{ZOO}:StartsByName", "full", only=ONLY)
    assert "voltage at the start of unit 0 is -" in report.results[0].seen


def test_one_of_the_seeds_turns_most_sets_of_two_names_round() -> None:
    subject = find_one(f"{ZOO}:SortedNames")
    kinds = subject.schema.states, subject.schema.parameters  # type: ignore[attr-defined]
    pairs = [pair for kind in kinds for pair in combinations(sorted(kind), 2)]
    code = f"print(*(next(iter(set(pair))) for pair in {pairs}))"
    turned: set[tuple[str, ...]] = set()
    for seed in _turning(subject):  # type: ignore[arg-type]
        environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
        there = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
        first = zip(pairs, there.stdout.split(), strict=True)
        turned |= {pair for pair, name in first if name != next(iter(set(pair)))}
    assert len(pairs) == 7
    assert len(turned) > 3


def test_what_another_process_cannot_find_is_passed_over() -> None:
    from rheobase import AnalogNeuron

    local = type("Local", (AnalogNeuron,), {})
    report = conformance.check(local, "full", only=ONLY)
    assert report.results[0].verdict is conformance.Verdict.NOT_APPLICABLE
