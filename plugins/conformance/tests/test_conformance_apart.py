"""A component that hangs, ends its process or eats memory fails a property, and the others judge it too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from rheobase import conformance
from rheobase.conformance import Property, Report, Verdict, apart, catalogue, worker
from rheobase.conformance.checking import judge_subject
from rheobase.conformance.finding import find_one
from rheobase.conformance.violation import violated
from rheobase.errors import ArgumentError

FORKED = pytest.mark.skipif(not apart.FORK, reason="processes are not forked here")
HELD: list[Any] = []


def made(name: str, check: Callable[..., None], numbers: Any = None) -> Property:
    """A property of aggregators; ``numbers`` is the strategy of its cases."""
    cases = None if numbers is None else lambda subject, profile: numbers
    return Property(name, "aggregator", "components", f"It is {name}.", "so it is", check, cases)


def holds(*_: Any) -> None:
    """A property that holds."""


def loops(subject: Any, case: int) -> None:
    """One that never ends from 7 on."""
    while case >= 7:
        time.sleep(0.01)


def exits(subject: Any, case: int) -> None:
    """One that ends its process from 7 on."""
    if case >= 7:
        os._exit(5)


def eats(subject: Any, case: int) -> None:
    """One that keeps ever more memory."""
    while True:
        HELD.append(bytearray(8 << 20))


def closes(subject: Any) -> None:
    """One that closes all files, and goes on."""
    os.closerange(3, 256)
    time.sleep(60)


def undrawn(number: int) -> int:
    """A case that ends its process while it is drawn."""
    os._exit(4)


def fails(subject: Any, case: int) -> None:
    """An ordinary failure."""
    if case >= 7:
        violated("it is 7 or more")


def interrupted(*_: Any) -> None:
    """The user's Ctrl-C."""
    raise KeyboardInterrupt


NUMBERS = st.sampled_from([1, 9, 3])


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Report]:
    """Judge ``sum`` apart by properties of one's own."""

    def judge(*props: Property, timeout: float | None = 20.0, **more: Any) -> Report:
        monkeypatch.setattr(catalogue, "PROPERTIES", {(prop.kind, prop.name): prop for prop in props})
        monkeypatch.setattr(catalogue, "MODULES", ())
        return conformance.check("sum", "standard", timeout=timeout, **more)

    return judge


@FORKED
def test_what_dies_is_named_with_its_case_and_the_rest_is_judged(judged: Callable[..., Report]) -> None:
    report = judged(
        made("first", holds),
        made("exits", exits, NUMBERS),
        made("fails", fails, NUMBERS),
        made("undrawn", holds, NUMBERS.map(undrawn)),
        made("closes", closes),
        made("last", holds),
    )
    first, dead, failed, drawn, closed, last = report.results
    assert (first.verdict, last.verdict) == (Verdict.PASSED, Verdict.PASSED)
    assert (dead.verdict, dead.seen, dead.case) == (
        Verdict.FAILED,
        "it ended its process: exit status 5",
        9,
    )
    assert "case = 9" in dead.script
    assert dead.examples in (2, 3)
    assert (failed.seen, failed.case) == ("it is 7 or more", 9)
    assert drawn.seen == "while its cases were drawn, it ended its process: exit status 4"
    assert drawn.case is None
    assert closed.seen.startswith("it ended its process: ")
    assert [result.prop.name for result in report.results] == [
        *("first", "exits", "fails", "undrawn", "closes", "last")
    ]


@FORKED
def test_what_hangs_is_named_with_its_case_and_line_within_the_limit(judged: Callable[..., Report]) -> None:
    began = time.monotonic()
    report = judged(made("loops", loops, NUMBERS), made("last", holds), timeout=1.0)
    assert time.monotonic() - began < 15.0  # generous: the machine may be busy
    hangs, last = report.results
    line = loops.__code__.co_firstlineno + 3
    assert hangs.seen == f"it did not end within 1 s (in loops, test_conformance_apart.py, line {line})"
    assert hangs.case == 9
    assert last.verdict is Verdict.PASSED


@FORKED
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is limited under Linux only")
def test_what_eats_memory_is_named_with_its_case_and_the_next_begins_afresh(
    judged: Callable[..., Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "MEMORY", 256 << 20)
    report = judged(made("eats", eats, NUMBERS), made("first", holds), made("again", eats, NUMBERS))
    eaten, kept, again = report.results
    for each in (eaten, again):
        assert each.verdict is Verdict.FAILED
        assert "of memory: it raised MemoryError" in each.seen
        assert "(in eats, test_conformance_apart.py, line " in each.seen
        assert each.case == 1
    assert kept.verdict is Verdict.PASSED
    assert not HELD


CALLS: list[Any] = []


def third(subject: Any, case: int) -> None:
    """One that fails by what it remembers of its cases."""
    CALLS.append(case)
    if len(CALLS) >= 3:
        violated("it remembers")


def after(subject: Any) -> None:
    """One that fails by the trace of another."""
    if CALLS:
        violated("it remembers another")


@FORKED
def test_a_finding_says_whether_its_script_shows_it_by_itself(judged: Callable[..., Report]) -> None:
    report = judged(
        made("fails", fails, NUMBERS),
        made("plain", lambda subject: violated("always")),
        made("third", third, st.integers(0, 1000)),
        made("after", after),
    )
    fails_, plain, third_, after_ = report.results
    assert (fails_.shown.value, plain.shown.value) == ("case", "case")
    assert third_.shown.value == "property"
    assert "case alone does not show it" in third_.script
    assert "profile='standard', seed=0" in third_.script
    assert "case = " not in third_.script
    assert after_.shown.value == "neither"
    text = str(report)
    assert text.count("a script that shows it, also in a process of its own:") == 2
    assert "a script that shows it by all cases; its case alone does not" in text
    assert "does not show it by itself: the failure depends on what was tried before" in text
    assert not CALLS
    assert {row["property"]: row["shown"] for row in report.to_plain()["results"]}["third"] == "property"


@FORKED
def test_where_nothing_is_apart_scripts_are_not_tried(judged: Callable[..., Report]) -> None:
    report = judged(made("fails", fails, NUMBERS), timeout=None)
    assert report.results[0].shown.value == ""
    assert "a script that shows it:" in str(report)


HANGING = """
import os, time
from pathlib import Path

def hangs(inputs, identifiers=None):
    Path("pid").write_text(f"{os.getpid()} ")
    while True:
        time.sleep(0.01)
"""


@FORKED
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left_behind_when_the_command_is_ended(how: int, tmp_path: Path) -> None:
    (tmp_path / "hanging.py").write_text(HANGING)
    words = ["validate", "hanging.py:hangs", "--kind", "aggregator", "--only", "can-be-called"]
    command = subprocess.Popen(
        [sys.executable, "-m", "rheobase", *words], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    try:
        waited_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().endswith(" "))
        pid = int((tmp_path / "pid").read_text())
        assert pid != command.pid
        command.send_signal(how)
        _, said = command.communicate(timeout=60)
    finally:
        command.kill()
        command.wait()
    if how == signal.SIGTERM:
        assert (command.returncode, said) == (143, "ended by SIGTERM\n")
    waited_for(lambda: not is_running(pid))


def waited_for(there: Callable[[], bool]) -> None:
    """Wait until something is so; the limit is generous, as the machine may be busy."""
    until = time.monotonic() + 60.0
    while not there():
        assert time.monotonic() < until
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


@FORKED
def test_an_expected_death_is_as_expected(judged: Callable[..., Report]) -> None:
    report = judged(made("exits", exits, NUMBERS), expected={"exits": "it is known to"})
    assert report.ok
    assert report.results[0].verdict is Verdict.EXPECTED


@FORKED
def test_what_is_found_apart_is_what_is_found_here(capsys: pytest.CaptureFixture[str]) -> None:
    def plain(report: Report) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = report.to_plain()["results"]
        return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]

    here, there = (conformance.check("shunting", "smoke", timeout=limit) for limit in (None, 60.0))
    assert plain(here) == plain(there)


@FORKED
def test_ctrl_c_and_what_is_printed_come_through(
    judged: Callable[..., Report], capsys: pytest.CaptureFixture[str]
) -> None:
    def prints(subject: Any) -> None:
        print("said by a model")

    judged(made("prints", prints))
    assert capsys.readouterr().out == "said by a model\n"
    with pytest.raises(KeyboardInterrupt):
        judged(made("interrupted", interrupted))


def test_another_interpreter_finds_the_component_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "FORK", False)
    file = Path(__file__).parent / "zoo" / "sound_aggregators.py"
    subject = find_one(f"{file}:largest", kind="aggregator")
    report = judge_subject(subject, "smoke", only=["can-be-called", "shape-and-type"], timeout=60.0)
    assert len(report.of(Verdict.PASSED)) == 2


def test_where_no_process_can_be_had_all_is_judged_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any) -> None:
        os._exit(1)

    monkeypatch.setattr(apart, "work", none)
    report = conformance.check("sum", "smoke", only=["can-be-called", "shape-and-type"], timeout=60.0)
    assert len(report.of(Verdict.PASSED)) == 2


def test_what_no_other_process_finds_is_judged_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "FORK", False)

    def local(inputs: Any, identifiers: Any = None) -> Any:
        return sum(inputs)

    assert not apart.can_be_apart(find_one(local))
    assert conformance.check(local, "smoke", only=["shape-and-type"], timeout=60.0).ok


@pytest.mark.parametrize("limit", [1e7, float("inf")])
def test_a_limit_may_be_longer_than_the_system_waits(limit: float) -> None:
    assert conformance.check("sum", "smoke", only=["shape-and-type"], timeout=limit).ok


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan")])
def test_a_limit_is_a_time(limit: float) -> None:
    with pytest.raises(ArgumentError, match=r"timeout=.*; it must be a time above 0 s"):
        conformance.check("sum", timeout=limit)
