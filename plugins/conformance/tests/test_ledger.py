"""``rheobase validate --ledger``: claims, sources and results, as a table, Markdown and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rheobase_conformance.ledger import COLUMNS, row
from rheobase_conformance.neurons.claimed import Outcome

ZOO = Path(__file__).parent / "zoo"
RIGHT, WRONG = f"{ZOO / 'sound_results.py'}:Harmonic", f"{ZOO / 'faults_published.py'}:AnotherRate"


def test_what_holds_is_told_with_claim_source_and_result(command: Callable[..., Any]) -> None:
    done = command("validate", "--ledger", RIGHT)
    assert done.exit_code == 0, done.output
    assert "2 pi, by hand" in done.output
    assert "2 claims: 2 hold, 0 do not" in done.output
    period = next(line.split() for line in done.output.splitlines() if line.split()[:1] == ["period"])
    assert period == ["period", "6.28318531", "ms", "0.00628", "ms", "6.2832", "ms", "holds"]


def test_what_does_not_hold_is_told_and_the_exit_code_is_one(command: Callable[..., Any]) -> None:
    done = command("validate", "--ledger", WRONG, "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert told["ok"] is False
    (claim,) = told["ledger"]
    assert (claim["claim"], claim["unit"], claim["verdict"]) == ("rate", "Hz", "does not hold")
    assert claim["result"] == pytest.approx([144.2695], abs=1e-3)


def test_markdown_has_a_row_for_each_claim(command: Callable[..., Any]) -> None:
    lines = command("validate", "--ledger", RIGHT, WRONG, "--markdown").output.splitlines()
    assert lines[0].split(" | ")[1:-1] == list(COLUMNS[1:-1])
    assert len(lines) == 2 + 3


def test_what_does_not_go_with_it_is_refused(command: Callable[..., Any]) -> None:
    for given in (["--ledger", "--mutate", RIGHT], ["--ledger", "--all"], ["--markdown", RIGHT]):
        done = command("validate", *given)
        assert done.exit_code != 0
        assert "ledger" in done.output


def test_a_claim_that_could_not_be_run_says_so() -> None:
    outcome = Outcome("m", "p", "spikes", "a paper", (3.0,), problem="no rk45", decided=False)
    assert row(outcome) == ("m", "p", "spikes", "a paper", "3", "exact", "-", "not run")
