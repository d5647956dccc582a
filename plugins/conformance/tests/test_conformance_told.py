"""What reports say of what was tried, in text and as JSON: coverage, cases as data, versions and commits."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import conformance
from rheobase.conformance import NeuronCase, Report, commits
from rheobase.conformance.coverage import moved, spiked, tallied
from rheobase.conformance.finding import find_one
from rheobase.conformance.neurons.gradients import _called
from rheobase.conformance.neurons.probing import amount
from rheobase.conformance.neurons.subject import NeuronSubject
from rheobase.conformance.plain import plain
from rheobase.conformance.telling import of_durations
from rheobase.conformance.told import told

DOCUMENT = Path(__file__).parents[3] / "docs" / "conformance.md"
HARD_FLOOR = f"{Path(__file__).parent / 'zoo' / 'sound_neurons.py'}:HardFloor"


class Faulty(rb.SpikingNeuron):
    """tau dV/dt = -V + I; its reset keeps all states."""

    tau = rb.Parameter(20.0, unit="ms", above=0, doc="membrane time constant")
    unused = rb.Parameter(0.0, unit="mV", doc="nothing")
    scheme = rb.Option("plain", "fancy", doc="nothing")
    voltage = rb.State(0.0, unit="mV", doc="potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 15.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": state.voltage if len(state.voltage) > 2 else 0.0 * state.voltage}


@pytest.fixture(scope="module")
def report() -> Report:
    """One of a model with a fault."""
    names = ["functions-treat-units-alone", "same-run-same-result", "spikes-are-crossings"]
    return conformance.check(Faulty, "smoke", only=names)


def test_the_report_says_how_often_it_spiked_and_what_was_moved(report: Report) -> None:
    coverage = report.to_plain()["coverage"]
    assert coverage["spikes"] > 0
    assert coverage["spikes"] == sum(row["spikes"] for row in report.to_plain()["results"])
    assert coverage["inputs"] == {"moved": ["input"], "unmoved": []}
    assert "unused" in coverage["parameters"]["unmoved"]
    assert coverage["presets"] == {"moved": [], "unmoved": []}
    line = next(line for line in str(report).splitlines() if line.startswith("  tried: "))
    assert f"tried: {coverage['spikes']:,} spikes seen, " in line
    assert re.search(r"\d of 2 parameters moved \(not .*unused\)", line)
    assert "preset" not in line


def test_a_silent_run_has_no_spikes_and_moves_nothing() -> None:
    with tallied() as tally:
        neuron = NeuronCase(dt=0.1).neuron(Faulty)
        spiked(neuron(NeuronCase(dt=0.1).data(neuron)[0]))
    assert tally.spikes == 0
    assert not any(tally.moved.values())


def test_what_a_case_moves_is_counted_where_it_differs_from_the_default() -> None:
    with tallied() as tally:
        case = NeuronCase(params={"tau": (20.0, 21.0), "unused": 0.0, "scheme": "fancy"}, units=2, dt=0.1)
        neuron = replace(case, drive={"input": (1.0,)}).neuron(Faulty)
        replace(case, drive={"input": (1.0,)}).data(neuron)
    assert tally.moved == {
        "parameters": {"tau"},
        "options": {"scheme"},
        "inputs": {"input"},
        "presets": set(),
    }
    moved("presets", ["outside of a tally nothing is counted"])


def test_the_case_of_a_failure_is_data(report: Report) -> None:
    (failed,) = [row for row in report.to_plain()["results"] if row["verdict"] == "failed"]
    case = json.loads(json.dumps(failed["case"], allow_nan=False))
    assert case.pop("type") == "NeuronCase"
    again = NeuronCase(
        **{name: tuple(value) if isinstance(value, list) else value for name, value in case.items()}
    )
    assert again.units == report.failures[0].case.units
    assert case["drive"] == {key: list(value) for key, value in report.failures[0].case.drive.items()}


def test_numbers_that_json_does_not_know_and_strange_values_are_words() -> None:
    assert plain((float("nan"), -float("inf"), 1.5, None, True)) == ["nan", "-inf", 1.5, None, True]
    assert plain({"a": 3 + 4j}) == {"a": "(3+4j)"}


def test_the_document_names_every_key(report: Report) -> None:
    tables = re.findall(r"(?:^\|.*\n)+", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    firsts = [[line.split("|")[1] for line in table.splitlines()] for table in tables]
    named = [{key for cell in cells for key in re.findall(r"`([a-z_]+)`", cell)} for cells in firsts]
    plain_report = report.to_plain()
    assert plain_report.keys() == named[1]
    assert plain_report["results"][0].keys() == named[2]
    assert {verdict.value for verdict in conformance.Verdict} <= set(
        re.findall(r"`([a-z ]+)`", DOCUMENT.read_text(encoding="utf-8"))
    )


def test_the_slowest_are_told_first(report: Report) -> None:
    lines = of_durations(report.results, 2)
    assert len(lines) == 2
    seconds = [float(line.split()[0]) for line in of_durations(report.results, 0)]
    assert seconds == sorted(seconds, reverse=True)
    assert len(seconds) == 3


# --- messages -----------------------------------------------------------------------------------


class Untraceable(Exception):
    """What torch's compiler raises: it is told by its module."""

    __module__ = "torch._dynamo.exc"


def test_of_a_message_of_the_compiler_the_cause_and_the_authors_line_are_told() -> None:
    message = f"""Failed to trace builtin operator
  Explanation: Dynamo does not know how to trace `open`.
  Hint: {"Consider something else. " * 40}

  Developer debug context: {"x" * 4000}

from user code:
   File "{conformance.__file__}", line 12, in forward
    outputs = self.advance(data)
  File "/home/ada/cell.py", line 34, in derivatives
    open("table.txt")
  File "{torch.__file__}", line 5, in add
    x + y

Set TORCHDYNAMO_VERBOSE=1 for the internal stack trace
"""
    assert told(Untraceable(message)) == (
        "it raised Untraceable: Failed to trace builtin operator Explanation: Dynamo does not know how to "
        "trace `open`. (in derivatives, cell.py, line 34)"
    )
    assert len(told(Untraceable("word " * 2000))) < 500
    # Another's message is the author's to word.
    assert len(told(ValueError("word " * 2000))) > 9000


def test_a_message_names_an_input_once_and_with_its_unit() -> None:
    subject = find_one(Faulty)
    assert isinstance(subject, NeuronSubject)
    assert amount(subject, "input", 3.0) == "3 in the model's own unit"
    synapse = find_one(f"{Path(__file__).parent / 'zoo' / 'sound_neurons.py'}:TwoConductances")
    assert isinstance(synapse, NeuronSubject)
    name = next(iter(synapse.schema.inputs))
    assert amount(synapse, name, 3.0) == f"3 {synapse.schema.inputs[name].unit}"
    assert _called("input input") == "its input"
    assert _called("input excitation") == "input excitation"


@pytest.mark.parametrize("target", ["no-such-model", "no_such_file.py", "no_such_file.py:Cell"])
def test_what_is_not_there_is_told_before_torch_is_imported(target: str) -> None:
    code = (
        "import sys; from rheobase.cli import main\n"
        f"try: main(['validate', {target!r}])\n"
        "finally: print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == "False\n"
    assert "error: there is no " in done.stderr


# --- commits ------------------------------------------------------------------------------------


def git(folder: Path, *words: str) -> str:
    """What git says."""
    names = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *names, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_commit_of_a_folder_is_what_git_says(tmp_path: Path) -> None:
    folder = tmp_path / "repository" / "src"
    folder.mkdir(parents=True)
    assert commits.of_folder(folder) in (None, commits.of_folder(tmp_path))
    git(folder.parent, "init", "-q")
    assert commits.of_folder(folder) is None
    git(folder.parent, "commit", "-q", "--allow-empty", "-m", "one")
    head = git(folder.parent, "rev-parse", "HEAD")
    assert commits.of_folder(folder) == head
    git(folder.parent, "pack-refs", "--all")
    assert commits.of_folder(folder) == head
    git(folder.parent, "worktree", "add", "-q", "-b", "other", str(tmp_path / "other"))
    assert commits.of_folder(tmp_path / "other") == head
    git(folder.parent, "checkout", "-q", "--detach")
    assert commits.of_folder(folder) == head


def test_a_spoilt_repository_has_no_commit(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /no/such/folder\n")
    assert commits.of_folder(tmp_path) is None


@pytest.mark.parametrize(
    ("told", "commit"),
    [
        ({"vcs_info": {"vcs": "git", "commit_id": "a" * 40}, "url": "https://example.org"}, "a" * 40),
        ({"archive_info": {}, "url": "file:///x.whl"}, None),
        ({"dir_info": {"editable": True}, "url": "file:///no/such/folder"}, None),
        ([], None),
    ],
)
def test_the_commit_of_a_distribution_is_what_pip_wrote_down(
    told: Any, commit: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "some_model-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: some-model\nVersion: 1.0\n")
    (folder / "direct_url.json").write_text(json.dumps(told))
    monkeypatch.syspath_prepend(str(tmp_path))
    assert commits.of_distribution("some-model") == commit


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with a name")
def test_what_pip_wrote_down_is_read_only_where_it_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "some_model-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: some-model\nVersion: 1.0\n")
    os.mkfifo(folder / "direct_url.json")
    monkeypatch.syspath_prepend(str(tmp_path))
    reading = threading.Thread(target=commits.of_distribution, args=("some-model",), daemon=True)
    reading.start()
    reading.join(5.0)
    assert not reading.is_alive()


def test_report_and_badge_have_version_and_commit_of_the_kit(report: Report) -> None:
    known = replace(
        report, unasked=0, about={**report.about, "rheobase": "1.2.0-rc_1", "rheobase_commit": "b" * 40}
    )
    assert "/badge/rheobase%201.2.0--rc__1%20%28bbbbbbb%29-smoke%20" in known.badge
    unknown = replace(known, about={**known.about, "rheobase_commit": None})
    assert "/badge/rheobase%201.2.0--rc__1-smoke%20" in unknown.badge
    assert known.to_plain()["rheobase_commit"] == "b" * 40
    assert conformance.check(HARD_FLOOR, "smoke", only=["documented"]).about["commit"] == commits.of_folder(
        Path(__file__).parent
    )
