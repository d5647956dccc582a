"""``rheobase validate --ledger``: claims, sources and results, as a table, Markdown and JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rheobase as rb
from rheobase.conformance import check
from rheobase.pointing import module_of_file
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


@pytest.mark.parametrize(("first", "holds"), [(30.2899, True), (30.6, False)])
def test_a_stranger_s_model_is_judged_by_what_it_declares(first: float, holds: bool) -> None:
    class Stranger(module_of_file(ZOO / "sound_published.py").Adex):  # type: ignore[misc]
        """The guide's AdEx, with a panel of Naud et al. 2008."""

        transient = rb.Preset(
            params={
                "c": 100.0,
                "g_l": 10.0,
                "e_l": -65.0,
                "v_t": -50.0,
                "a": 10.0,
                "tau_w": 90.0,
                "v_r": -47.0,
                "v_peak": 0.0,
            },
            stimulus=rb.stimulus.Constant(180.0),
            duration=60.0,
            expect=rb.Expect(first=first, source="Naud et al. 2008, figure 4g"),
        )

    report = check(Stranger, only=["published-results"])
    assert report.ok is holds
    # What the preset tried is counted, with its one spike.
    assert report.coverage.spikes >= 1
    assert report.coverage.moved["presets"] == {"transient"}
    assert report.coverage.moved["parameters"] == {*Stranger.transient.params}
    if not holds:
        seen = report.results[0].seen
        assert re.search(
            r"'transient': first is 30\.28\d+ ms; Naud et al\. 2008, figure 4g says 30\.6 ms", seen
        )
