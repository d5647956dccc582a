"""``rheobase new``: names, files, and that nothing is lost."""

from __future__ import annotations

import ast
import datetime
import importlib
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

KINDS = ("neuron", "integrator", "aggregator", "synapse", "rule", "surrogate", "plasticity")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and a git without settings."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return folder


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def project(folder: Path) -> dict[str, Any]:
    toml: Any = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    table: dict[str, Any] = toml.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


@pytest.mark.parametrize("kind", KINDS)
def test_the_files_that_are_named_are_those_that_are_there(
    kind: str, here: Path, printed: Callable[..., Any]
) -> None:
    said = printed("new", "my-part", "--kind", kind)
    assert said["folder"] == str(here / "my-part")
    assert (said["package"], said["module"], said["component"]) == ("my-part", "my_part", "my-part")
    assert set(said["files"]) == files(here / "my-part")
    assert files(here / "my-part") == {
        *("pyproject.toml", "README.md", "LICENSE", ".gitignore", ".github/workflows/test.yml"),
        *("src/my_part/__init__.py", "src/my_part/plugin.py", "src/my_part/py.typed"),
        *(f"src/my_part/{kind}.py", "tests/test_my_part.py"),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_no_place_of_a_template_is_left_open(kind: str, here: Path, printed: Callable[..., Any]) -> None:
    for file in printed("new", "my-part", "--kind", kind)["files"]:
        text = (here / "my-part" / file).read_text(encoding="utf-8")
        # Only GitHub's own variables have a dollar.
        assert "$" not in text.replace("${{ matrix.python-version }}", "")
        assert text.endswith("\n") or file.endswith("py.typed")


def test_the_commands_to_type_next_are_printed(command: Callable[..., Any]) -> None:
    result = command("new", "my-model", "--path", "other place")
    assert result.exit_code == 0
    assert "src/my_model/neuron.py" in result.stdout
    next_commands = [
        "cd 'other place/my-model'",
        "pip install -e '.[testing]'",
        "pytest",
        "rheobase validate my-model",
    ]
    assert [line.strip() for line in result.stdout.splitlines()[-4:]] == next_commands


@pytest.mark.parametrize("kind", KINDS)
def test_the_kit_is_named_since_it_judges_each_kind(
    kind: str, here: Path, printed: Callable[..., Any]
) -> None:
    made = printed("new", "my-part", "--kind", kind)
    command = "rheobase validate my-part"
    assert made["next"][-1] == command
    for file in ("README.md", ".github/workflows/test.yml"):
        assert command in (here / "my-part" / file).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("given", "package", "module"),
    [
        ("My_Model", "my-model", "my_model"),
        ("two--part.Cell", "two-part-cell", "two_part_cell"),
        ("hh52", "hh52", "hh52"),
    ],
)
def test_names_are_normalised_as_package_indexes_do(
    given: str, package: str, module: str, here: Path, printed: Callable[..., Any]
) -> None:
    said = printed("new", given)
    assert (said["package"], said["module"]) == (package, module)
    about = project(here / package)
    assert about["name"] == package
    assert about["entry-points"] == {"rheobase": {module: f"{module}.plugin"}}
    assert about["optional-dependencies"] == {"testing": ["rheobase[testing]"]}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "no name of a package"),
        ("my model", "no name of a package"),
        ("my-model-", "no name of a package"),
        ("neurône", "no name of a package"),
        ("models/my-model", "given by --path"),
        ("4d-cell", "my-4d-cell"),
        ("lambda", "lambda-neuron"),
        ("json", "json-neuron"),
        ("tests", "tests-neuron"),
        ("torch", "my-torch"),
        ("rheobase", "my-rheobase"),
        ("rk4", "the integrator 'rk4' of rheobase is Rheobase's own"),
        ("analog", "my-analog"),
        ("Toy", "the neuron 'toy' of this process is installed already"),
        ("largest", "my-largest"),
    ],
)
@pytest.mark.usefixtures("toys")
def test_a_name_that_cannot_be_had_is_refused_with_one_that_can(
    name: str, said: str, here: Path, command: Callable[..., Any]
) -> None:
    result = command("new", "--", name)
    assert result.exit_code == 2
    assert said in result.stderr
    assert list(here.iterdir()) == []


def test_a_component_may_have_a_name_of_its_own(here: Path, printed: Callable[..., Any]) -> None:
    said = printed("new", "sum-of-cells", "--component", "cells.v2")
    assert said["component"] == "cells.v2"
    assert said["next"][-1] == "rheobase validate cells.v2"
    plugin = (here / "sum-of-cells" / "src" / "sum_of_cells" / "plugin.py").read_text()
    assert '"cells.v2"' in plugin
    assert '"sum_of_cells.neuron:CellsV2"' in plugin


@pytest.mark.parametrize("component", ["Cells", "-", "cells:2", "4d", "sum"])
def test_a_component_that_cannot_be_had_is_refused(
    component: str, here: Path, command: Callable[..., Any]
) -> None:
    result = command("new", "my-model", f"--component={component}")
    assert result.exit_code == 2
    assert "--component" in result.stderr
    assert list(here.iterdir()) == []


# Names that would hide what the templates import, or that Python has for itself.
@pytest.mark.parametrize(
    "component",
    ["state", "parameter", "tensor", "any", "integrator", "true", "suite", "synapse", "cell", "plasticity"],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_class_hides_nothing_that_its_module_imports(
    component: str, kind: str, here: Path, printed: Callable[..., Any]
) -> None:
    printed("new", "my-part", "--component", component, "--kind", kind)
    for path in (here / "my-part").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for alias in node.names
        }
        defined = {node.name for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
        assert not imported & defined


def test_a_folder_that_holds_something_is_left_as_it_is(here: Path, command: Callable[..., Any]) -> None:
    (here / "my-model").mkdir()
    (here / "my-model" / ".hidden").write_text("years of work")
    result = command("new", "my-model")
    assert result.exit_code == 2
    assert "nothing is overwritten" in result.stderr
    assert files(here) == {"my-model/.hidden"}
    assert (here / "my-model" / ".hidden").read_text() == "years of work"


def test_a_file_of_the_name_is_left_as_it_is(here: Path, command: Callable[..., Any]) -> None:
    (here / "my-model").write_text("years of work")
    assert command("new", "my-model").exit_code == 2
    assert (here / "my-model").read_text() == "years of work"


def test_an_empty_folder_is_used(here: Path, printed: Callable[..., Any]) -> None:
    (here / "my-model").mkdir()
    assert set(printed("new", "my-model")["files"]) == files(here / "my-model")


def test_a_module_in_the_working_folder_does_not_take_the_name(
    here: Path, monkeypatch: pytest.MonkeyPatch, printed: Callable[..., Any]
) -> None:
    (here / "my_model.py").write_text("")
    monkeypatch.syspath_prepend(str(here))
    assert printed("new", "my-model")["files"]


def test_a_place_that_cannot_be_written_is_an_error(here: Path, command: Callable[..., Any]) -> None:
    (here / "file").write_text("")
    result = command("new", "my-model", "--path", "file/below")
    assert result.exit_code == 2
    assert "give another --path" in result.stderr


def test_the_licence_has_the_author_and_the_year(here: Path, printed: Callable[..., Any]) -> None:
    printed("new", "my-model", "--author", 'Ada "Countess" \\ Lovelace')
    licence = (here / "my-model" / "LICENSE").read_text(encoding="utf-8")
    assert f'Copyright (c) {datetime.date.today().year} Ada "Countess" \\ Lovelace\n' in licence
    assert licence.startswith("MIT License")
    assert project(here / "my-model")["authors"] == [{"name": 'Ada "Countess" \\ Lovelace'}]


def test_an_author_of_two_lines_is_refused(here: Path, command: Callable[..., Any]) -> None:
    result = command("new", "my-model", "--author", "Ada\nLovelace")
    assert result.exit_code == 2
    assert "one line" in result.stderr
    assert list(here.iterdir()) == []


def test_the_author_is_whom_git_knows(
    here: Path, tmp_path: Path, printed: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    (tmp_path / "gitconfig").write_text("[user]\n\tname = Émilie du Châtelet\n", encoding="utf-8")
    printed("new", "my-model")
    assert "Émilie du Châtelet" in (here / "my-model" / "LICENSE").read_text(encoding="utf-8")
    monkeypatch.setenv("PATH", "")  # no git
    printed("new", "my-other")
    assert "The authors of my-other" in (here / "my-other" / "LICENSE").read_text(encoding="utf-8")
