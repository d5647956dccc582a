"""The doors to the conformance kit: each gives the same verdicts, in processes of their own.

The properties are made for the purpose, and stand in the place of the kit's own.
"""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CELL = '''
import rheobase as rb

BUSY = False


class Cell(rb.AnalogNeuron):
    """tau dV/dt = I - V."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="time constant")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="potential")

    @staticmethod
    def derivatives(state, params, data):
        print("said by the model")
        return {"voltage": (data - state.voltage) / params.tau}


class Leaving(Cell):
    def forward(self, data, identifiers=None):
        raise SystemExit("leaving")


class Unmeasured(Leaving):
    pass
'''

KIT = '''
"""A kit of few properties."""

from hypothesis import strategies as st
from rheobase.conformance import NeuronCase, Property, catalogue
from rheobase.conformance.property import Need
from rheobase.conformance.violation import violated


def runs(subject, profile):
    if subject.name == "Unmeasured":
        subject.model()(0.0)
    levels = st.lists(st.integers(1, 9), min_size=2, max_size=9)
    return st.builds(
        NeuronCase,
        drive=levels.map(lambda each: {"input": tuple(100.0 * level for level in each)}),
        params=st.sampled_from([{}, {"tau": 12.0}]),
        steps=st.integers(4, 30),
        dt=st.just(0.1),
        seed=st.integers(0, 99),
    )


def low(subject, case):
    neuron = case.neuron(subject.model)
    for step, data in enumerate(case.data(neuron)):
        voltage = neuron(data)["voltage"].max().item()
        if voltage > 1.0:
            violated(f"the voltage is {voltage!r} mV in step {step}, and must be below 1 mV")


def runs_at_all(subject, case):
    neuron = case.neuron(subject.model)
    for data in case.data(neuron):
        neuron(data)


def once(subject):
    violated("it is so")


def holds(subject):
    pass


NEVER = Need(lambda subject: False, "it declares no such thing")
EACH = [
    ("steps", "state", runs_at_all, {"cases": runs}),
    ("stays-low", "numerics", low, {"cases": runs}),
    ("fails-once", "contract", once, {}),
    ("known", "numerics", low, {"cases": runs}),
    ("mended", "contract", holds, {}),
    ("not-claimed", "contract", once, {"needs": (NEVER,)}),
    ("dear", "contract", once, {"level": "full"}),
]
catalogue.MODULES = ()
catalogue.PROPERTIES = {
    ("neuron", name): Property(name, "neuron", family, f"It {name}.", f"why {name}", check, **more)
    for name, family, check, more in EACH
}
'''

SUITE = """
from cell import Cell
from rheobase.conformance import Suite


class TestCell(Suite):
    component = Cell
    profile = "smoke"
    seed = 3


class AbstractSuite(Suite):
    profile = "full"


def test_of_another_kind():
    assert True
"""

EXPECTED = """
[tool.rheobase.expected.Cell]
known = "nobody said low"
mended = "it did not hold"
"""

REPORT = """
import json, tiny_kit
from rheobase import conformance
print(json.dumps(conformance.check("cell.py:Cell", "smoke", seed=3).to_plain()))
"""

COMMAND = "import sys, tiny_kit; from rheobase.cli import main; main(sys.argv[1:], prog_name='rheobase')"
EXPECTATIONS = {
    "steps": ("passed", ""),
    "stays-low": ("failed", "the voltage is"),
    "fails-once": ("failed", "it is so"),
    "known": ("failed as expected", "nobody said low"),
    "mended": ("passed unexpectedly", "it was expected to fail (it did not hold), and passes"),
    "not-claimed": ("not applicable", "it declares no such thing"),
    "dear": ("left out", "the profile full tries it"),
}


def write(folder: Path) -> Path:
    """A project with a model, a test of it, and the few properties."""
    for name, text in {
        "cell.py": CELL,
        "tiny_kit.py": KIT,
        "conftest.py": "import tiny_kit\n",
        "test_cell.py": SUITE,
        "pyproject.toml": EXPECTED,
        "pytest.ini": "[pytest]\npythonpath = .\n",
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("project"))


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def run(warm: Any) -> Run:
    """Runs Python in a folder, with none of our plugins."""

    def call(folder: Path, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "RHEOBASE_NO_PLUGINS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        return warm.run(*arguments, cwd=folder, env=env, **more)  # type: ignore[no-any-return]

    return call


@pytest.fixture(scope="module")
def pytest_in(run: Run) -> Run:
    """Runs pytest in a folder, with warnings as errors."""

    def call(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run(folder, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", *arguments)

    return call


def verdicts(report: dict[str, Any]) -> dict[str, tuple[str, str, str]]:
    """Verdict, reason and what was seen, by property."""
    return {each["property"]: (each["verdict"], each["reason"], each["seen"]) for each in report["results"]}


@pytest.fixture(scope="module")
def by_function(run: Run, project: Path) -> dict[str, Any]:
    done = run(project, "-W", "error", "-c", REPORT)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


@pytest.fixture(scope="module")
def by_command(run: Run, project: Path) -> dict[str, Any]:
    arguments = ["validate", "cell.py:Cell", "--profile", "smoke", "--seed", "3", "--json"]
    done = run(project, "-c", COMMAND, *arguments)
    assert done.returncode == 1, done.stderr
    assert "said by the model" in done.stderr
    said = json.loads(done.stdout)  # nothing else is printed there
    assert not said["ok"]
    [report] = said["reports"]
    return report  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def by_pytest(pytest_in: Run, project: Path) -> dict[str, tuple[str, str]]:
    """Test id -> how it went and what was said, of a suite and of ``--rheobase`` in one run."""
    asked = ["--rheobase", "cell.py:Cell", "--rheobase-profile", "smoke", "--rheobase-seed", "3"]
    done = pytest_in(project, "--import-mode=importlib", *asked, "--junitxml=said.xml", "-v", "test_cell.py")
    assert done.returncode == 1, done.stdout + done.stderr
    # The class of the kit is not a test of its own, nor is a class whose name is no test's.
    assert "test_cell.py::Suite" not in done.stdout
    assert "AbstractSuite" not in done.stdout
    assert "rheobase::Cell::steps PASSED" in done.stdout
    assert "test_cell.py::TestCell::test_property[steps] PASSED" in done.stdout
    assert "collected 15 items" in done.stdout
    found = {}
    for case in xml.etree.ElementTree.parse(project / "said.xml").iter("testcase"):
        outcome = next((each for each in case if each.tag in ("failure", "skipped")), None)
        kind = "passed" if outcome is None else outcome.get("type", outcome.tag)
        text = "" if outcome is None else outcome.text or ""
        if kind.startswith("pytest."):
            text = (outcome.get("message") or "") if outcome is not None else ""
        found[f"{case.get('classname')}::{case.get('name')}"] = (kind, text)
    return found


def test_the_function_gives_every_verdict(by_function: dict[str, Any]) -> None:
    found = verdicts(by_function)
    assert list(found) == list(EXPECTATIONS)
    for name, (verdict, reason) in EXPECTATIONS.items():
        assert found[name][0] == verdict
        assert found[name][1].startswith(reason)
    # Hypothesis came to the simplest case.
    assert "case = NeuronCase(drive={'input': (100.0, 100.0)}, steps=4, dt=0.1, seed=0)" in str(by_function)


def test_the_command_gives_the_verdicts_of_the_function(
    by_command: dict[str, Any], by_function: dict[str, Any]
) -> None:
    assert verdicts(by_command) == verdicts(by_function)
    assert by_command["counts"] == by_function["counts"]


DOORS = ("test_cell.TestCell::test_property[{}]", "rheobase.Cell::{}")


@pytest.mark.parametrize("door", DOORS)
def test_pytest_gives_the_verdicts_of_the_function(
    door: str, by_pytest: dict[str, tuple[str, str]], by_function: dict[str, Any]
) -> None:
    for name, (verdict, reason, seen) in verdicts(by_function).items():
        kind, text = by_pytest[door.format(name)]
        if verdict == "passed":
            assert kind == "passed"
        elif verdict in ("failed", "passed unexpectedly"):
            assert kind == "failure"
            assert seen in text
            assert reason in text
            assert f"must hold: It {name}." in text
            assert f"why it matters: why {name}" in text
        elif verdict == "failed as expected":
            assert kind == "pytest.xfail"
            assert reason in text
        else:
            assert kind == "pytest.skip"
            assert f"{verdict}: {reason}" in text


def test_files_are_tested_beside_what_was_asked_for(by_pytest: dict[str, tuple[str, str]]) -> None:
    assert by_pytest["test_cell::test_of_another_kind"][0] == "passed"


# --- pytest --rheobase -------------------------------------------------------------------------------


ASKED = ("--rheobase", "cell.py:Cell", "--rheobase-profile", "smoke")


def test_without_files_only_the_properties_are_run(pytest_in: Run, project: Path) -> None:
    done = pytest_in(project, *ASKED, "--collect-only", "-q")
    assert done.returncode == 0, done.stdout
    ids = [line for line in done.stdout.splitlines() if "::" in line]
    assert ids == [f"rheobase::Cell::{name}" for name in EXPECTATIONS]


def test_several_components_can_be_asked_for_and_chosen_from(pytest_in: Run, project: Path) -> None:
    more = ("--rheobase", "cell:Leaving", "-k", "steps or Cell and known", "-v")
    done = pytest_in(project, *ASKED, *more, "--runxfail")  # which expects nothing
    assert "rheobase::Cell::steps PASSED" in done.stdout
    assert "rheobase::Cell::known FAILED" in done.stdout
    assert "rheobase::Leaving::steps FAILED" in done.stdout
    assert "it raised SystemExit: leaving (in forward, cell.py, line " in done.stdout
    assert "2 failed, 1 passed, 11 deselected" in done.stdout


def test_the_tests_can_be_shared_among_processes(pytest_in: Run, project: Path) -> None:
    pytest.importorskip("xdist", reason="pytest-xdist is not installed (extra 'dev')")
    done = pytest_in(project, *ASKED, "-n", "2", "-v")
    assert "2 workers [7 items]" in done.stdout, done.stdout
    assert "FAILED rheobase::Cell::stays-low" in done.stdout
    assert "3 failed, 1 passed, 2 skipped, 1 xfailed" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--rheobase", "cell.py:Sell"), "'cell.py:Sell': cell has no 'Sell'; did you mean 'Cell'?"),
        (("--rheobase", "cell.py:Sell", "-n", "1"), "'cell.py:Sell': cell has no 'Sell'"),
        ((*ASKED, "--rheobase-profile", "smok"), "profile='smok'"),
        ((*ASKED, "--rheobase-kind", "neutron"), "kind='neutron'; it must be one of"),
    ],
    ids=["object", "shared", "profile", "kind"],
)
def test_what_cannot_be_used_is_said_in_one_line(
    pytest_in: Run, arguments: tuple[str, ...], message: str, project: Path
) -> None:
    if "-n" in arguments:
        pytest.importorskip("xdist", reason="pytest-xdist is not installed (extra 'dev')")
    done = pytest_in(project, *arguments)
    assert done.returncode == 4, done.stdout
    assert done.stderr.startswith(f"ERROR: --rheobase: {message}"), done.stderr
    assert "Traceback" not in done.stderr


def test_a_suite_that_cannot_be_used_is_said_in_one_line(pytest_in: Run, project: Path) -> None:
    (project / "test_unusable.py").write_text(
        "from rheobase.conformance import Suite\n"
        "class TestNone(Suite): pass\n"
        "class TestLost(Suite): component = 'lost'\n"
        "class TestExpecting(Suite):\n    component = 'cell:Cell'\n    expected = {'stays-lo': 'so'}\n"
    )
    done = pytest_in(project, "test_unusable.py")
    (project / "test_unusable.py").unlink()
    assert done.returncode == 2
    assert "TestNone: it has no component; write a line such as component" in done.stdout
    assert "TestLost: there is no component 'lost' to judge" in done.stdout
    assert "TestExpecting: expected: there is no property 'stays-lo' of neurons; did you mean" in done.stdout
    assert "suite.py" not in done.stdout  # no traceback


def test_the_suite_is_no_test_though_every_class_is_one(pytest_in: Run, project: Path) -> None:
    done = pytest_in(project, "-o", "python_classes=*", "--collect-only", "-q", "test_cell.py")
    assert "test_cell.py::Suite" not in done.stdout
    assert "test_cell.py::TestCell::test_property[steps]" in done.stdout


def test_without_the_plugin_there_is_no_such_option(pytest_in: Run, project: Path) -> None:
    done = pytest_in(project, *ASKED, "-p", "no:rheobase")
    assert done.returncode == 4
    assert "unrecognized arguments: --rheobase" in done.stderr


# --- scripts -----------------------------------------------------------------------------------------


def of_text(text: str, name: str) -> str:
    """The script within what was printed, as one would copy it."""
    text += "\n"
    begin = text.index(f"# {name}: ")
    return text[begin : text.index(")\n", text.index("\nreproduce(", begin)) + 2]


# Each script in a process of its own, as if it were pasted; what it ends with is printed.
PASTED = """
import sys, tiny_kit
try:
    exec(compile({script!r}, "<stdin>", "exec"), {{"__name__": "__main__"}})
except SystemExit as error:
    print(f"exit: {{error}}")
"""


def test_a_script_has_all_that_the_run_was_made_of(by_command: dict[str, Any]) -> None:
    script = next(each["script"] for each in by_command["results"] if each["property"] == "stays-low")
    [made] = [node for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Assign)]
    assert isinstance(made.value, ast.Call)
    given = {keyword.arg: ast.literal_eval(keyword.value) for keyword in made.value.keywords}
    assert {"drive", "steps", "dt", "seed"} <= given.keys()
    assert given["dt"] == 0.1
    assert "# seen: the voltage is" in script


SCRIPTED = """
import json, sys, tiny_kit
from rheobase import conformance, NeuronSpec
from rheobase.conformance import Property, catalogue
import cell

class Local(cell.Cell):
    pass

def within():
    class Inner(cell.Cell):
        pass
    return Inner

given = {
    "installed": ("analog", {}),
    "module": ("cell:Cell", {}),
    "class": (cell.Cell, {}),
    "file": ("cell.py:Cell", {}),
    "spec": (cell.Cell, {"spec": NeuronSpec("my-cell", "cell:Cell", "a cell")}),
    "only a spec": (NeuronSpec("my-cell", "cell:Cell", "a cell"), {}),
    "project": ("offering:my-cell", {}),
    "unmeasured": ("cell.py:Unmeasured", {}),
    "main": (Local, {}),
    "local": (within(), {}),
}
for name, (obj, more) in given.items():
    [result] = conformance.check(obj, "smoke", only=["stays-low"], **more).results
    print(json.dumps([name, result.script, result.seen]))
"""

HOOKS = """
from rheobase import NeuronSpec, hookimpl

@hookimpl
def rheobase_neurons():
    return [NeuronSpec("my-cell", "cell_of_a_project:Cell", "a cell")]
"""


@pytest.fixture(scope="module")
def scripts(run: Run, project: Path) -> dict[str, tuple[str, str]]:
    """Scripts of one failure, of a component given in many ways, and what was seen."""
    source = project / "offering" / "src"
    source.mkdir(parents=True)
    (source / "cell_of_a_project.py").write_text(CELL)
    (source / "cell_of_a_project_hooks.py").write_text(HOOKS)
    entry = '[project.entry-points.rheobase]\ncell = "cell_of_a_project_hooks"\n'
    (project / "offering" / "pyproject.toml").write_text(entry)
    done = run(project, "-c", SCRIPTED)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    return {name: (script, seen) for name, script, seen in lines}


@pytest.fixture(scope="module")
def shown(
    run: Run,
    scripts: dict[str, tuple[str, str]],
    by_pytest: dict[str, tuple[str, str]],
    project: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    """What each script says at its end."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "tiny_kit.py").write_text(KIT)
    files = {"file", "project", "unmeasured"}  # given by relative paths, which hold in the same folder only
    given = {name: (project if name in files else elsewhere, script) for name, (script, _) in scripts.items()}
    for name, word in (("main", "Local"), ("local", "Inner")):
        given[name] = (project, f"from cell import Cell as {word}\n{scripts[name][0]}")
    for door in DOORS:
        for name in ("stays-low", "fails-once"):
            given[f"{door} {name}"] = (project, of_text(by_pytest[door.format(name)][1], name))
    given["well"] = (project, scripts["file"][0].replace("'stays-low', case", "'steps', case"))
    last = {}
    for name, (folder, script) in given.items():
        done = run(folder, "-c", PASTED.format(script=script))
        assert done.returncode == 0, done.stderr
        last[name] = done.stdout.strip().splitlines()[-1]
    return last


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", ["stays-low", "fails-once"])
def test_the_script_of_a_failed_test_shows_the_failure_again(
    door: str, name: str, shown: dict[str, str], by_function: dict[str, Any]
) -> None:
    assert shown[f"{door} {name}"] == f"exit: {name} fails: {verdicts(by_function)[name][2]}"


@pytest.mark.parametrize(
    "given", ["installed", "module", "class", "file", "spec", "only a spec", "project", "unmeasured"]
)
def test_the_script_of_a_component_given_in_any_way_shows_the_failure_again(
    given: str, scripts: dict[str, tuple[str, str]], shown: dict[str, str]
) -> None:
    script, seen = scripts[given]
    assert seen.startswith("the voltage is" if given != "unmeasured" else "it raised SystemExit: leaving")
    assert shown[given] == f"exit: stays-low fails: {seen}"
    assert ("NeuronSpec" in script) is (given in ("spec", "only a spec"))
    # Without a case, cases are drawn again.
    assert ("case = " in script) is (given != "unmeasured")
    assert ("profile='smoke', seed=0" in script) is (given == "unmeasured")


@pytest.mark.parametrize(("given", "word"), [("main", "Local"), ("local", "Inner")])
def test_a_script_says_when_the_component_cannot_be_imported(
    given: str, word: str, scripts: dict[str, tuple[str, str]], shown: dict[str, str]
) -> None:
    script, seen = scripts[given]
    assert "cannot be imported from elsewhere" in script
    assert f"# within a function, or given as an object. Run this where {word} is that component." in script
    assert shown[given] == f"exit: stays-low fails: {seen}"


def test_a_script_says_that_all_is_well_when_it_is(shown: dict[str, str]) -> None:
    assert shown["well"] == "steps holds: It steps."


# --- without the extra, and Ctrl-C ---------------------------------------------------------------------

WITHOUT = """
import functools, importlib.machinery, sys

find = importlib.machinery.PathFinder.find_spec

def find_spec(name, path=None, target=None):
    return None if name.partition(".")[0] == "hypothesis" else find(name, path, target)

importlib.machinery.PathFinder.find_spec = functools.partial(find_spec)
"""
ASK_FOR = (
    "the conformance kit needs hypothesis, which is not installed; "
    "install the extra: pip install 'rheobase[testing]'"
)


@pytest.mark.parametrize(
    ("door", "code", "says"),
    [
        ("from rheobase.cli import main; main(['validate', 'sum'])", 2, f"error: {ASK_FOR}"),
        ("import rheobase.conformance", 1, f"rheobase.errors.ConfigurationError: {ASK_FOR}"),
        (
            "import pytest; sys.exit(pytest.main(['-p', 'no:hypothesispytest', '--rheobase', 'sum']))",
            4,
            f"ERROR: {ASK_FOR}",
        ),
    ],
    ids=["command", "function", "pytest"],
)
def test_without_hypothesis_the_extra_is_asked_for(
    run: Run, door: str, code: int, says: str, tmp_path: Path
) -> None:
    done = run(tmp_path, "-c", f"{WITHOUT}\n{door}")
    assert done.returncode == code, done.stderr
    assert says in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="processes are signalled so on POSIX only")
def test_ctrl_c_ends_the_command(tmp_path: Path) -> None:
    write(tmp_path)
    text = CELL.replace(
        'print("said by the model")', 'import time; open("begun", "w").close(); time.sleep(60)'
    )
    (tmp_path / "cell.py").write_text(text)
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "validate", "cell.py:Cell"],
        cwd=tmp_path,
        env={**os.environ, "RHEOBASE_NO_PLUGINS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while not (tmp_path / "begun").exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30)[1]
    finally:
        process.kill()
    assert (process.returncode, said) == (130, "interrupted\n")


def test_the_doors_are_documented_in_the_help(pytest_in: Run, project: Path) -> None:
    said = pytest_in(project, "--help").stdout
    assert "--rheobase=NAME" in said
    assert "--rheobase-profile" in said
