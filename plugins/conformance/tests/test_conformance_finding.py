"""From what a user gives to what the kit judges, and the failures that a project expects."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rheobase as rb
from rheobase.conformance import Property, Suite, catalogue, check
from rheobase.conformance.expectations import expectations
from rheobase.conformance.finding import find, find_one, installed
from rheobase.conformance.violation import violated
from rheobase.errors import ArgumentError, ComponentError, ConfigurationError, PluginError

MODELS = '''
import rheobase as rb
from rheobase import AnalogNeuron

class Cell(rb.AnalogNeuron):
    """A cell."""

class Other(Cell):
    """Another."""

class _Hidden(Cell):
    pass

class Euler(rb.Integrator):
    order = 1
    def advance(self, field, y, t0, t1, *, carry=None):
        return rb.Advance(y + (t1 - t0) * field(t0, y))

def largest(inputs, identifiers):
    return max(inputs)

NUMBER = 3
'''

HOOKS = """
from rheobase import AggregatorSpec, NeuronSpec, hookimpl

@hookimpl
def rheobase_neurons():
    return [NeuronSpec("my-cell", "found_project:Cell", "a cell")]

@hookimpl
def rheobase_aggregators():
    return [AggregatorSpec("my-largest", "found_project:largest", "the largest", commutative=True)]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def project(folder: Path) -> Path:
    """A project with a plugin, in the folder ``project``."""
    source = folder / "project" / "src"
    source.mkdir(parents=True)
    (source / "found_project.py").write_text(MODELS)
    (source / "found_project_hooks.py").write_text(HOOKS)
    (folder / "project" / "pyproject.toml").write_text(
        '[project.entry-points.rheobase]\ncell = "found_project_hooks"\n'
    )
    return folder / "project"


def named(given: Any, **more: Any) -> list[tuple[str, str, str]]:
    """Kind, name and target of what is found."""
    return [(each.kind, each.name, each.target) for each in find(given, **more)]


def test_an_installed_component_is_found_by_its_name() -> None:
    found = find_one("rk4")
    assert (found.kind, found.name, found.target) == ("integrator", "rk4", "rk4")
    assert found.provenance is not None
    assert found.provenance.distribution == "rheobase"
    assert find_one("rheobase:rk4").obj is found.obj
    assert {("analog", "neuron"), ("rk4", "integrator"), ("sum", "aggregator")} <= set(installed())
    assert {kind for _, kind in installed("aggregator")} == {"aggregator"}


def test_a_module_of_the_working_folder_is_found_and_hides_nothing(folder: Path) -> None:
    (folder / "found_cells.py").write_text(MODELS)
    (folder / "json.py").write_text("raise RuntimeError('it was imported')\n")
    assert named("found_cells:Cell") == [("neuron", "Cell", "found_cells:Cell")]
    assert named("found_cells:Euler") == [("integrator", "Euler", "found_cells:Euler")]
    assert named("found_cells:largest") == [("aggregator", "largest", "found_cells:largest")]
    assert sys.path.index(str(folder)) == len(sys.path) - 1


def test_a_file_is_all_that_it_defines_or_one_object(folder: Path) -> None:
    (folder / "found_models.py").write_text(MODELS)
    assert [name for _, name, _ in named("found_models.py")] == ["Cell", "Other", "Euler"]
    assert named("found_models.py", kind="integrator") == [("integrator", "Euler", "found_models.py:Euler")]
    path = folder / "found_models.py"
    assert named(path)[0] == ("neuron", "Cell", f"{path}:Cell")
    assert named(f"{path}:largest") == [("aggregator", "largest", f"{path}:largest")]
    with pytest.raises(ArgumentError, match=r"stands for 3 components \(.*Other.*name one of them"):
        find_one("found_models.py")


def test_a_project_is_all_that_its_plugins_offer_or_one_component(project: Path) -> None:
    offered = [
        ("neuron", "my-cell", "./project:my-cell"),
        ("aggregator", "my-largest", "./project:my-largest"),
    ]
    assert named("./project") == offered
    assert named("project") == offered
    assert named("project:my-cell") == offered[:1]
    assert named("project", kind="aggregator") == offered[1:]
    found = find_one("./project:my-largest")
    assert found.spec is not None
    assert found.spec.commutative  # type: ignore[attr-defined]
    assert (found.hook_module, found.folder) == ("found_project_hooks", str(project / "src"))


def test_what_is_installed_goes_before_a_folder_of_its_name(folder: Path) -> None:
    (folder / "sum").mkdir()
    (folder / "sum" / "pyproject.toml").write_text("")
    assert find_one("sum").provenance is not None
    with pytest.raises(ComponentError, match="no entry point in the group 'rheobase'"):
        find_one("./sum")


def test_objects_are_found_as_they_are() -> None:
    class Mine(rb.AnalogNeuron):
        pass

    spec = rb.NeuronSpec("mine", "some.where:Mine", "mine")
    assert find_one(Mine).obj is Mine
    assert (find_one(Mine, spec=spec).name, find_one(Mine, spec=spec).spec) == ("mine", spec)
    integrator = rb.integrator("rk4")
    assert (find_one(integrator).kind, find_one(integrator).obj) == ("integrator", integrator)
    assert find_one(lambda inputs, identifiers: inputs[0]).kind == "aggregator"
    assert find_one(lambda: integrator, kind="integrator").kind == "integrator"
    assert find_one(rb.AggregatorSpec("largest", "builtins:max")).obj is max


@pytest.mark.parametrize(
    ("given", "more", "error", "message"),
    [
        ("summ", {}, ComponentError, "no component 'summ' to judge; did you mean 'sum'"),
        ("sum", {"kind": "neuron"}, ComponentError, "no neuron 'sum' to judge"),
        ("sum", {"kind": "neutron"}, ArgumentError, "kind='neutron'; it must be .*did you mean 'neuron'"),
        ("no_such_module:Cell", {}, ComponentError, "no installed component, and there is no module"),
        ("found_models:Sell", {}, ComponentError, "found_models has no 'Sell'; did you mean 'Cell'"),
        ("found_models.py:Sell", {}, ComponentError, "found_models has no 'Sell'; did you mean 'Cell'"),
        ("found_models.py:NUMBER", {}, ArgumentError, "3 cannot be judged"),
        ("found_models.py:Cell", {"kind": "integrator"}, ArgumentError, "is a neuron, and cannot be judged"),
        ("found_models.py", {"kind": "aggregator"}, ComponentError, "defines no aggregator; name an object"),
        ("nowhere.py", {}, ComponentError, "there is no file"),
        ("./nowhere", {}, ComponentError, r"pyproject.toml' cannot be read"),
        ("project:my-sell", {}, ComponentError, "did you mean 'my-cell'.*the project offers my-cell, my-l"),
        ("found_leaving:Cell", {}, PluginError, "found_leaving cannot be imported: SystemExit: 3"),
        ("found_leaving.py", {}, PluginError, "cannot be imported: SystemExit: 3"),
        ("found_needing:Cell", {}, PluginError, "found_needing cannot be imported: .*'no_such_module'"),
        (3, {}, ArgumentError, "3 cannot be judged"),
        (None, {}, ArgumentError, "None cannot be judged"),
    ],
)  # fmt: skip
def test_what_cannot_be_found_is_said(
    given: Any, more: dict[str, Any], error: type[Exception], message: str, project: Path
) -> None:
    (project.parent / "found_models.py").write_text(MODELS)
    (project.parent / "found_leaving.py").write_text("import sys\nsys.exit(3)\n")
    (project.parent / "found_needing.py").write_text("import no_such_module\n")
    with pytest.raises(error, match=message):
        find(given, **more)


def test_a_neuron_made_already_cannot_be_judged() -> None:
    with pytest.raises(ArgumentError, match="cannot be judged; give a name, a class of neurons"):
        find(rb.create("analog"))


# --- expected failures of a project --------------------------------------------------------------


def fails(*_: Any) -> None:
    """A property that does not hold."""
    violated("it does not hold")


@pytest.fixture
def kit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kit of two properties, neither of which ever holds."""
    props = [
        Property(name, kind, "components", "It.", "so", fails)
        for kind in ("aggregator", "neuron")
        for name in ("one", "two")
    ]
    monkeypatch.setattr(catalogue, "PROPERTIES", {(prop.kind, prop.name): prop for prop in props})
    monkeypatch.setattr(catalogue, "MODULES", ())


@pytest.mark.usefixtures("kit")
def test_the_nearest_project_file_counts_and_what_is_given_goes_before_it(folder: Path) -> None:
    (folder / "pyproject.toml").write_text(
        '[tool.rheobase.expected.sum]\none = "of the file"\ntwo = "of the file"\n'
    )
    below = folder / "deep" / "below"
    below.mkdir(parents=True)
    found = find_one("sum")
    assert expectations(found) == {"one": "of the file", "two": "of the file"}
    assert expectations(found, {"two": "given"}) == {"one": "of the file", "two": "given"}
    assert expectations(found, near=below) == {"one": "of the file", "two": "of the file"}
    (folder / "deep" / "pyproject.toml").write_text("")
    assert expectations(found, near=below) == {}
    assert check("sum", "smoke").ok
    assert not check("product", "smoke").ok


@pytest.mark.usefixtures("kit")
def test_a_file_or_a_project_brings_its_own_file(project: Path) -> None:
    (project.parent / "pyproject.toml").write_text('[tool.rheobase.expected.Cell]\none = "outer"\n')
    with open(project / "pyproject.toml", "a") as file:
        file.write('[tool.rheobase.expected.my-cell]\none = "by name"\n')
        file.write('[tool.rheobase.expected.Cell]\none = "by class"\ntwo = "by class"\n')
    # By the component's name and that of its class; the former goes first.
    assert expectations(find_one("./project:my-cell")) == {"one": "by name", "two": "by class"}
    path = project / "src" / "found_project.py"
    assert expectations(find_one(f"{path}:Cell")) == {"one": "by class", "two": "by class"}
    assert expectations(find_one("found_project:Cell")) == {"one": "outer"}


@pytest.mark.usefixtures("kit")
def test_a_suite_goes_by_the_project_of_its_test_file(folder: Path) -> None:
    (folder / "tests").mkdir()
    (folder / "tests" / "found_suite.py").write_text(
        "from rheobase.conformance import Suite\nclass TestSum(Suite):\n    component = 'sum'\n"
    )
    (folder / "pyproject.toml").write_text('[tool.rheobase.expected.sum]\none = "so"\n')
    sys.path.insert(0, str(folder / "tests"))
    suite: type[Suite] = __import__("found_suite").TestSum
    assert suite.reasons() == {"one": "so"}


@pytest.mark.usefixtures("kit")
@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ('[tool.rheobase.expected.sum]\non = "so"', ConfigurationError, r"toml: .*no property 'on'.*'one'"),
        (
            '[tool.rheobase.expected.sum]\none = ""',
            ConfigurationError,
            r"pyproject.toml: .*'one' has no reason",
        ),
        (
            "[tool.rheobase.expected.sum]\none = 3",
            ConfigurationError,
            r"pyproject.toml: .*'one' has no reason",
        ),
        ('[tool.rheobase.expected]\nsum = "one"', ConfigurationError, r"'sum' is 'one'; it must be a table"),
        ('[tool.rheobase]\nexpected = "one"', ConfigurationError, r"'expected' is 'one'; it must be a table"),
        ("[tool", ComponentError, r"pyproject.toml' cannot be read"),
    ],
)
def test_a_project_file_that_cannot_be_used_is_said(
    text: str, error: type[Exception], message: str, folder: Path
) -> None:
    (folder / "pyproject.toml").write_text(text)
    with pytest.raises(error, match=message):
        check("sum", "smoke")
