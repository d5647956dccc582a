"""A report tells one cause once, and counts what follows from it; verdicts, exit code and JSON keep all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner
from rheobase import conformance
from rheobase.cli.app import main
from rheobase.conformance import Property, Result, Verdict
from rheobase.conformance.causes import causes
from rheobase.conformance.telling import of_those_that_follow


def judged(name: str, seen: str, verdict: Verdict = Verdict.FAILED, kind: str = "neuron") -> Result:
    prop = Property(name, kind, "contract", f"It is {name}.", "so it is", lambda subject: None)
    return Result(prop, verdict, seen, seen=seen)


def told(*results: Result) -> dict[str, tuple[list[str], list[str]]]:
    def names(some: list[Result]) -> list[str]:
        return [each.prop.name for each in some]

    return {each.result.prop.name: (names(each.same), names(each.later)) for each in causes(results)}


RAISED = "it raised ValueError: unit 3 is nan at step 12 (in derivatives, cell.py, line 7)"


def test_the_same_error_at_the_same_line_is_told_once_whatever_its_numbers() -> None:
    again = RAISED.replace("unit 3", "unit 0").replace("step 12", "step -1.5e3")
    elsewhere = RAISED.replace("line 7", "line 9")
    other = RAISED.replace("ValueError", "TypeError")
    seen = told(
        *(judged(name, text) for name, text in zip("abcd", (RAISED, again, elsewhere, other), strict=True))
    )
    assert seen == {"a": (["b"], []), "c": ([], []), "d": ([], [])}


def test_an_error_within_a_sentence_of_a_property_is_the_same_error() -> None:
    within = "in a batch it fails: ValueError: unit 1 is nan at step 2"
    assert told(judged("a", RAISED), judged("b", within)) == {"a": (["b"], [])}


def test_values_that_differ_alike_are_failures_of_their_own() -> None:
    seen = "the voltage is 3 mV, and must be 2 mV"
    assert told(judged("a", seen), judged("b", seen)) == {"a": ([], []), "b": ([], [])}


def test_what_comes_after_functions_that_are_not_pure_may_follow_from_them() -> None:
    results = [
        judged("documented", "no docstring"),
        judged("functions-are-pure", "derivatives gives 1, and later 2"),
        judged("same-run", "3 mV, and then 4 mV"),
        judged("sound", "", Verdict.PASSED),
        judged("mended", "it passes", Verdict.UNEXPECTED),
        judged("known", "as ever", Verdict.EXPECTED),
        judged("finite", RAISED),
    ]
    assert told(*results) == {
        "documented": ([], []),
        "functions-are-pure": ([], ["same-run", "finite"]),
        "mended": ([], []),
    }
    (line,) = of_those_that_follow(results)
    assert "functions-are-pure is told once: 2 more fail, perhaps by it" in line
    assert line.endswith(": same-run, finite")


def test_where_impurity_is_expected_or_of_another_kind_nothing_is_folded() -> None:
    first = judged("functions-are-pure", "1, and later 2", Verdict.EXPECTED)
    assert told(first, judged("b", "x")) == {"b": ([], [])}
    other = judged("functions-are-pure", "1, and later 2", kind="aggregator")
    assert len(told(other, judged("b", "x", kind="aggregator"))) == 2


def test_each_failure_is_in_one_cause_and_more_results_change_no_earlier_one() -> None:
    texts = [RAISED, "3, not 2", RAISED.replace("12", "13"), "4, not 2", RAISED]
    results = [judged(f"p{place}", text) for place, text in enumerate(texts)]
    for count in range(len(results) + 1):
        found = causes(results[:count])
        inside = [each for cause in found for each in (cause.result, *cause.same, *cause.later)]
        assert sorted(each.prop.name for each in inside) == [f"p{place}" for place in range(count)]


CELL = '''
import rheobase as rb

class Cell(rb.SpikingNeuron):
    """dV/dt = I up to half a millivolt."""
    voltage = rb.State(0.0, unit="mV", doc="potential")

    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": -data if state.voltage > 0.5 else data}

    @staticmethod
    def threshold(state, params):
        return state.voltage - 1.0

    @staticmethod
    def reset(state, params):
        return {"voltage": 0.0 * state.voltage}
'''

ASKED = [
    *("functions-give-their-states", "functions-are-pure", "a-step-gives-what-it-announces"),
    *("batches-are-kept", "clock-counts-steps", "same-run-same-result", "documented"),
]


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("branching") / "branching_cell.py"
    file.write_text(CELL)
    return f"{file}:Cell"


def test_a_branch_on_a_tensor_is_one_finding_with_line_and_remedy(cell: str) -> None:
    words = [word for name in ASKED for word in ("--only", name)]
    done = CliRunner().invoke(main, ["validate", cell, "--profile", "smoke", *words])
    assert done.exit_code == 1
    assert done.output.count("FAILED: ") == 1
    assert "FAILED: functions-give-their-states" in done.output
    assert "Cell.derivatives (" in done.output
    assert "branching_cell.py:10: return" in done.output
    assert "torch.where" in done.output
    assert "told once: 5 more fail by the same error" in done.output
    assert f"{len(ASKED)} of" in done.output
    assert "1 passed, 6 failed" in done.output


def test_json_and_the_report_keep_all_failures(cell: str) -> None:
    words = [word for name in ASKED for word in ("--only", name)]
    done = CliRunner().invoke(main, ["validate", cell, "--profile", "smoke", "--json", *words])
    assert done.exit_code == 1
    content: dict[str, Any] = json.loads(done.output)
    (report,) = content["reports"]
    assert report["counts"]["failed"] == 6
    assert sum(bool(result["script"]) for result in report["results"]) == 6
    same = conformance.check(cell, "smoke", only=ASKED)
    assert len(same.failures) == 6
    assert str(same).count("FAILED: ") == 1
    assert "5 more fail by the same error" in str(same)
