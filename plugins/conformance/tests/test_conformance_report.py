"""Verdicts and reports of the conformance kit, on properties that are made for the purpose."""

from __future__ import annotations

import json
import random
import re
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rheobase import conformance
from rheobase.conformance import Property, Report, Result, Verdict, catalogue
from rheobase.conformance.finding import find_one
from rheobase.conformance.profiles import Profile
from rheobase.conformance.property import Need
from rheobase.conformance.running import judge
from rheobase.conformance.vacuous import vacuous
from rheobase.conformance.violation import violated
from rheobase.errors import ArgumentError

LABEL = r"https://img\.shields\.io/badge/rheobase%20\d+\.\d+\.\d+(%20%28[0-9a-f]{7}%29)?"
TRIAL = Profile("smoke", examples=20, shrinking=2.0)
NUMBERS = st.integers(0, 10**6)


def made(name: str, check: Callable[..., None], numbers: Any = None, **more: Any) -> Property:
    """A property of aggregators; ``numbers`` is the strategy of its cases."""
    cases = None if numbers is None else lambda subject, profile: numbers
    return Property(name, "aggregator", "components", f"It is {name}.", "so it is", check, cases, **more)


def holds(*_: Any) -> None:
    """A property that holds."""


def fails(*_: Any) -> None:
    """A property that does not."""
    violated("it is 3, and must be 2")


def decides_nothing(*_: Any) -> None:
    """A property that can say nothing."""
    vacuous("there is nothing to see")


NEVER = Need(lambda subject: False, "it does not claim to be one")
EACH = [
    made("idle", decides_nothing),
    made("sound", holds),
    made("faulty", fails),
    made("known", fails),
    made("mended", holds),
    made("other", fails, needs=(NEVER,)),
    made("dear", fails, level="full"),
]
KNOWN = {"known": "it never was", "mended": "it was not"}


@pytest.fixture
def kit(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts properties in place of the kit's own."""

    def put(props: Sequence[Property]) -> None:
        monkeypatch.setattr(catalogue, "PROPERTIES", {(prop.kind, prop.name): prop for prop in props})
        monkeypatch.setattr(catalogue, "MODULES", ())

    return put


@pytest.fixture
def report(kit: Callable[..., None]) -> Report:
    """A run with every verdict."""
    kit(EACH)
    return conformance.check("sum", "smoke", expected=KNOWN)


def tried(check: Callable[..., None], numbers: Any = None, seed: int = 0, **more: Any) -> Result:
    """The verdict on one property."""
    return judge(made("tried", check, numbers, **more), find_one("sum"), TRIAL, seed)


def drawn(seed: int) -> list[Any]:
    """The cases of a seed."""
    found: list[Any] = []
    tried(lambda subject, case: found.append(case), st.tuples(NUMBERS, st.floats(0, 1e6)), seed)
    return found


def test_each_property_has_its_verdict_and_reason(report: Report) -> None:
    assert {result.prop.name: (result.verdict.value, result.reason) for result in report.results} == {
        "idle": ("vacuous", "there is nothing to see"),
        "sound": ("passed", ""),
        "faulty": ("failed", "it is 3, and must be 2"),
        "known": ("failed as expected", "it never was"),
        "mended": (
            "passed unexpectedly",
            "it was expected to fail (it was not), and passes; expect it no longer",
        ),
        "other": ("not applicable", "it does not claim to be one"),
        "dear": ("left out", "the profile full tries it"),
    }
    # What was seen is told of an expected failure too: it may fail for another reason than was expected.
    assert {result.prop.name: result.seen for result in report.results if result.seen} == {
        "faulty": "it is 3, and must be 2",
        "known": "it is 3, and must be 2",
    }


def test_the_counts_add_up(report: Report) -> None:
    counts = report.counts
    assert counts == {
        "properties": 7,
        "ran": 5,
        **{verdict.value: 1 for verdict in Verdict},
        "not asked for": 0,
    }
    assert [result.prop.name for result in report.failures] == ["faulty", "mended"]
    assert not report.ok


@pytest.mark.parametrize(
    ("only", "expected", "ok"),
    [
        (["sound"], {}, True),
        (["faulty"], {}, False),
        (["known"], KNOWN, True),
        (["mended"], KNOWN, False),
        (["other", "dear"], {}, True),
        ("sound", {}, True),
    ],
)
def test_a_report_is_ok_when_nothing_failed_and_nothing_passed_unexpectedly(
    only: Any, expected: dict[str, str], ok: bool, kit: Callable[..., None]
) -> None:
    kit(EACH)
    found = conformance.check("sum", "smoke", only=only, expected=expected)
    assert found.ok is ok
    asked = [only] if isinstance(only, str) else only
    assert [result.prop.name for result in found.results] == asked
    assert (found.counts["properties"], found.counts["not asked for"]) == (7, 7 - len(asked))


def test_a_report_is_json(report: Report) -> None:
    plain = json.loads(json.dumps(report.to_plain(), allow_nan=False))
    assert (plain["kind"], plain["name"], plain["profile"], plain["seed"]) == (
        "aggregator",
        "sum",
        "smoke",
        0,
    )
    assert (plain["distribution"], plain["ok"]) == ("rheobase", False)
    assert plain["counts"] == report.counts
    faulty = next(each for each in plain["results"] if each["property"] == "faulty")
    assert faulty["verdict"] == "failed"
    assert faulty["statement"] == "It is faulty."
    assert "reproduce('sum', 'faulty'" in faulty["script"]


def test_a_report_tells_every_verdict_that_is_not_a_pass(report: Report) -> None:
    said = str(report)
    for part in (
        "aggregator sum of rheobase",
        "FAILED: faulty (integrators, aggregators, synapses and rules)\n  must hold: It is faulty.\n"
        "  seen: it is 3, and must be 2\n  why it matters: so it is",
        "PASSED UNEXPECTEDLY: mended",
        "failed as expected: known: it never was",
        "not applicable, as it does not claim to be one: other",
        "left out, as the profile full tries it: dear",
        "5 of 7 properties ran, 1 passed, 1 failed, 1 failed as expected, 1 passed unexpectedly, "
        "1 vacuous, 1 not applicable, 1 left out",
    ):
        assert part in said, said


@pytest.mark.parametrize(
    ("props", "expected", "text"),
    [
        ([made("a", holds), made("b", holds, needs=(NEVER,))], {}, "smoke%201%20of%201-brightgreen"),
        ([made("a", holds), made("known", fails)], {"known": "so"}, "smoke%201%20of%202-yellow"),
        ([made("a", holds), made("b", fails)], {}, "smoke%201%20of%202-red"),
    ],
)
def test_the_badge_says_how_many_of_those_that_ran_passed(
    props: list[Property], expected: dict[str, str], text: str, kit: Callable[..., None]
) -> None:
    kit(props)
    badge = conformance.check("sum", "smoke", expected=expected).badge
    assert re.fullmatch(rf"!\[rheobase conformance\]\({LABEL}-{text}\)", badge)


def test_there_is_no_badge_for_a_part_of_the_kit(kit: Callable[..., None]) -> None:
    kit(EACH)
    assert conformance.check("sum", "smoke", only=["sound"]).badge == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"only": ["sond"]}, "only: there is no property 'sond' of aggregators; did you mean 'sound'?"),
        ({"only": []}, "only: it names no property"),
        ({"expected": {"fauty": "so"}}, "expected: there is no property 'fauty'.*'faulty'"),
        ({"expected": {"faulty": "  "}}, "expected: 'faulty' has no reason"),
        ({"expected": {"faulty": None}}, "expected: 'faulty' has no reason"),
        ({"profile": "quick"}, "profile='quick'; it must be one of smoke, standard, full"),
    ],
)
def test_names_that_are_unknown_are_errors(
    arguments: dict[str, Any], message: str, kit: Callable[..., None]
) -> None:
    kit(EACH)
    with pytest.raises(ArgumentError, match=message):
        conformance.check("sum", **arguments)


def test_an_expectation_is_known_though_only_others_are_asked_for(kit: Callable[..., None]) -> None:
    kit(EACH)
    assert conformance.check("sum", "smoke", only=["sound"], expected=KNOWN).ok


# --- failures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", [1, 2, 7, 20])
def test_what_fails_only_once_has_failed_and_hypothesis_does_not_complain(which: int) -> None:
    calls = []

    def flaky(subject: Any, case: int) -> None:
        calls.append(case)
        if len(calls) == which:
            violated(f"call {which} of {case}")

    found = tried(flaky, NUMBERS)
    assert found.verdict is Verdict.FAILED
    assert found.seen == f"call {which} of {calls[which - 1]}"
    assert found.case == calls[which - 1]
    assert calls.count(found.case) == 1  # no second chance


def test_what_fails_now_and_then_has_failed() -> None:
    coin = random.Random(3)

    def flaky(subject: Any, case: int) -> None:
        if coin.random() < 0.3:
            raise ArithmeticError("tails")

    for seed in range(10):
        found = tried(flaky, NUMBERS, seed)
        assert found.verdict is Verdict.FAILED
        assert found.seen.startswith("it raised ArithmeticError: tails")


def test_the_case_of_a_failure_is_made_small() -> None:
    def too_large(subject: Any, case: int) -> None:
        if case >= 3700:
            violated(f"{case} is too large")

    found = tried(too_large, NUMBERS)
    assert (found.case, found.seen) == (3700, "3700 is too large")


def test_making_a_case_small_ends_in_time() -> None:
    def slow(subject: Any, case: list[int]) -> None:
        time.sleep(0.02)
        if len(set(case)) == len(case):
            violated("all differ")

    limited = Profile("smoke", examples=10, shrinking=0.1)
    prop = made("slow", slow, st.lists(NUMBERS, min_size=20, max_size=20))
    found = judge(prop, find_one("sum"), limited, 0)
    assert found.verdict is Verdict.FAILED
    # Ten to find it, five within the limit, and the one under way; to its end it takes hundreds.
    assert found.examples <= 16


def test_where_there_is_no_time_for_it_no_case_is_drawn_to_make_one_small() -> None:
    drawn: list[int] = []

    def counted(case: int) -> int:
        drawn.append(case)
        return case

    def too_large(subject: Any, case: int) -> None:
        if case >= 3700:
            violated(f"{case} is too large")

    limited = Profile("smoke", examples=50, shrinking=0.0)
    found = judge(made("counted", too_large, NUMBERS.map(counted)), find_one("sum"), limited, 0)
    assert found.verdict is Verdict.FAILED
    # What fails is drawn again, to be sure; to make it small takes tens.
    assert len(drawn) <= found.examples + 3


@pytest.mark.parametrize("where", ["check", "cases", "drawing", "need"])
@pytest.mark.parametrize(
    "error",
    [SystemExit(0), GeneratorExit(), pytest.skip.Exception("no"), pytest.fail.Exception("no"), KeyError("k")],
    ids=lambda error: type(error).__name__,
)
def test_whatever_is_raised_is_a_failure_and_skips_nothing(where: str, error: BaseException) -> None:
    def raising(*_: Any) -> Any:
        raise error

    prop = made(
        "raising",
        raising if where == "check" else holds,
        NUMBERS.map(raising) if where == "drawing" else NUMBERS,
        needs=(Need(raising, "no"),) if where == "need" else (),
    )
    if where == "cases":
        object.__setattr__(prop, "cases", raising)
    found = judge(prop, find_one("sum"), TRIAL, 0)
    assert found.verdict is Verdict.FAILED
    assert found.seen.startswith(f"it raised {type(error).__name__}: ")
    assert "test_conformance_report.py, line " in found.seen
    assert (found.case is None) is (where != "check")


@pytest.mark.parametrize("which", [1, 2, 5])
def test_a_case_that_cannot_be_drawn_once_is_a_failure_and_hypothesis_does_not_complain(which: int) -> None:
    draws = []

    def measured(number: int) -> int:
        draws.append(number)
        if len(draws) == which:
            raise KeyError("size")
        return number

    found = tried(holds, NUMBERS.map(measured))
    assert found.verdict is Verdict.FAILED
    assert found.seen.startswith("it raised KeyError: 'size'")
    assert found.case is None


@pytest.mark.parametrize("numbers", [None, NUMBERS], ids=["once", "cases"])
def test_an_interrupt_by_the_user_ends_the_run(numbers: Any) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tried(interrupted, numbers)


def test_an_error_is_told_with_the_authors_own_line() -> None:
    layer = torch.nn.Linear(2, 3)

    def model() -> Any:
        return layer(torch.zeros(5))  # raised within torch

    line = model.__code__.co_firstlineno + 1
    seen = tried(lambda subject: model()).seen
    assert seen.startswith("it raised RuntimeError: ")
    assert seen.endswith(f"(in model, test_conformance_report.py, line {line})")


# --- cases ---------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_cases_and_another_seed_others() -> None:
    assert len(drawn(5)) == TRIAL.examples
    assert drawn(5) == drawn(5)
    assert drawn(5) != drawn(6)


def test_the_cases_do_not_depend_on_what_is_imported_or_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = [drawn(seed) for seed in range(4)]
    # Hypothesis likes the numbers that it finds in the source of a project.
    (tmp_path / "numbers_of_a_project.py").write_text(f"NUMBERS = {list(range(1000, 3000, 7))}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    __import__("numbers_of_a_project")
    try:
        assert [drawn(seed) for seed in range(4)] == before
    finally:
        del sys.modules["numbers_of_a_project"]
    assert not (tmp_path / ".hypothesis").exists()


def test_the_cases_do_not_depend_on_the_settings_of_a_project() -> None:
    before = drawn(1)
    name = settings.get_current_profile_name()
    settings.register_profile("of-a-project", max_examples=3, derandomize=True, database=None)
    settings.load_profile("of-a-project")
    try:
        assert drawn(1) == before
    finally:
        settings.load_profile(name)


def test_the_kit_can_be_used_within_a_test_of_hypothesis() -> None:
    outside = drawn(2)

    @settings(max_examples=3, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.integers())
    def within(_: int) -> None:
        assert drawn(2) == outside
        assert tried(fails, NUMBERS).verdict is Verdict.FAILED

    within()


def test_warnings_are_no_failures_whatever_the_filters() -> None:
    def warning(*_: Any) -> None:
        warnings.warn("old", DeprecationWarning, stacklevel=1)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert tried(warning).verdict is Verdict.PASSED
        assert tried(warning, NUMBERS).verdict is Verdict.PASSED


def test_judging_leaves_the_state_of_the_process_as_it_was_and_does_not_depend_on_it() -> None:
    def numbers(*_: Any) -> None:
        shown = random.random(), np.random.random(), torch.rand(1).item()  # noqa: NPY002
        violated(f"{shown} {torch.get_default_dtype()} {torch.is_grad_enabled()}")

    seen = set()
    for seed in (1, 2):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        torch.manual_seed(seed)
        before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002
        with torch.inference_mode():
            seen |= {tried(numbers).seen, tried(numbers, NUMBERS).seen}
            assert not torch.is_grad_enabled()
        after = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002
        assert before == after
    assert len(seen) == 1
    assert next(iter(seen)).endswith("torch.float32 True")
