"""Each distribution builds on its own, holds what it must, and asks for what it needs and no more."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from rheobase.specs import VERSION

if sys.version_info >= (3, 11):
    import tomllib
else:  # the settings are read by pytest's own reader there
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {"rheobase": "core"} | {
    f"rheobase-{path.name}": f"plugins/{path.name}"
    for path in sorted((ROOT / "plugins").iterdir())
    if (path / "pyproject.toml").exists()
}


def project(name: str) -> dict[str, object]:
    text = (ROOT / FOLDERS[name] / "pyproject.toml").read_text(encoding="utf-8")
    table: dict[str, object] = tomllib.loads(text)["project"]
    return {"version": VERSION, **table}  # the core's lies in its source


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    pytest.importorskip("hatchling", reason="hatchling is not installed (extra 'dev')")
    target = tmp_path_factory.mktemp("wheels")
    for folder in FOLDERS.values():
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
        subprocess.run(command, cwd=ROOT / folder, check=True, capture_output=True)
    return {path.name.split("-")[0].replace("_", "-"): path for path in target.glob("*.whl")}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_wheel_holds_licence_types_and_entry_point(name: str, wheels: dict[str, Path]) -> None:
    with zipfile.ZipFile(wheels[name]) as wheel:
        files = wheel.namelist()
        metadata = next(file for file in files if file.endswith(".dist-info/METADATA"))
        about = Parser().parsestr(wheel.read(metadata).decode())
        entries = [file for file in files if file.endswith("entry_points.txt")]
        entry_text = wheel.read(entries[0]).decode() if entries else ""
    module = name.replace("-", "_")
    assert f"{module}/py.typed" in files
    assert any(file.endswith("licenses/LICENSE") for file in files)
    assert not [file for file in files if "/tests/" in file or file.endswith((".npz", ".png"))]
    assert about["Requires-Python"] == ">=3.10"
    assert len(about.get_payload()) > 200, "the README is missing from the metadata"
    if name == "rheobase":
        assert "rheobase = rheobase.cli:main" in entry_text
    elif name == "rheobase-conformance":
        assert "[rheobase.modules]\nconformance = " in entry_text
        assert "[rheobase.commands]\nvalidate = " in entry_text
        assert "[pytest11]" in entry_text
    else:
        assert "[rheobase]" in entry_text


@pytest.mark.parametrize("name", [name for name in FOLDERS if name != "rheobase"])
def test_a_plugin_admits_the_core_beside_it_and_not_the_next(name: str) -> None:
    requirement = next(
        Requirement(text) for text in project(name)["dependencies"] if text.startswith("rheobase")
    )
    core = Version(str(project("rheobase")["version"]))
    assert core in requirement.specifier
    assert Version("0.2.0") not in requirement.specifier


def test_torch_has_a_floor_only_and_no_index() -> None:
    requirement = next(
        Requirement(text) for text in project("rheobase")["dependencies"] if text.startswith("torch")
    )
    assert [part.operator for part in requirement.specifier] == [">="]
    for folder in FOLDERS.values():
        text = (ROOT / folder / "pyproject.toml").read_text(encoding="utf-8")
        assert "http" not in text
        assert "index" not in text


def test_each_distribution_has_the_same_shape() -> None:
    for name, folder in FOLDERS.items():
        for part in (
            "pyproject.toml",
            "README.md",
            "LICENSE",
            f"src/{name.replace('-', '_')}/py.typed",
            "tests",
        ):
            assert (ROOT / folder / part).exists(), f"{folder}/{part}"
        assert (ROOT / folder / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_the_root_holds_settings_of_tools_only() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(settings) == {"tool"}


def test_the_constraints_name_every_direct_dependency() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    named = {Requirement(line).name.lower() for line in lines if line and not line.startswith("#")}
    wanted = []
    for table in map(project, FOLDERS):
        wanted += [*table["dependencies"]]  # type: ignore[misc]
        wanted += [r for extra in table.get("optional-dependencies", {}).values() for r in extra]  # type: ignore[attr-defined]
    missing = {Requirement(text).name.lower() for text in wanted} - named - FOLDERS.keys()
    assert {"pytest", "hypothesis", "torch"} <= named
    assert not missing
    assert "torch==2.13.0" in lines


def test_the_changelog_has_a_section_for_every_distribution() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for name in FOLDERS:
        assert f"## {name} {project(name)['version']}" in text


# --- the lowest versions ------------------------------------------------------------------------------

LOWEST = ROOT / ".ci" / "lowest"
PROJECTS = [ROOT / "core" / "pyproject.toml", *sorted(ROOT.glob("plugins/*/pyproject.toml"))]


def lowest(*arguments: object) -> list[str]:
    """What the script prints, line by line."""
    command = [sys.executable, str(LOWEST), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_every_requirement_has_a_lowest_version() -> None:
    assert lowest("--missing", *PROJECTS) == []


def test_the_lowest_versions_are_those_of_the_pyproject_files(tmp_path: Path) -> None:
    one, other = tmp_path / "one.toml", tmp_path / "other.toml"
    one.write_text(
        '[build-system]\nrequires = ["Maker>=1.27"]\n[project]\nname = "own_one"\ndependencies = [\n'
        '"torch>=2.4", "Some_Thing [extra] >= 6.0, <9", "old>=2.0; python_version < \'3.0\'",\n'
        '"new~=1.4; python_version >= \'3.0\'", "own-other>=0.1,<0.2", "bare"]\n'
        '[project.optional-dependencies]\nmore = ["torch>=2.13", "exact==3.1.4"]\n'
    )
    other.write_text(
        '[build-system]\nrequires = ["maker>=1.9"]\n[project]\nname = "Own.Other"\n'
        'dependencies = ["own_one>=0.1"]\n'
    )
    pins = ["exact==3.1.4", "maker==1.27", "new==1.4", "some-thing==6.0", "torch==2.13"]
    assert lowest(one, other) == pins
    assert lowest("--missing", one, other) == ["bare"]


def test_no_lowest_version_is_above_the_one_that_is_tested() -> None:
    tested = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        name, _, version = line.partition(";")[0].strip().partition("==")
        if version:
            tested[name] = Version(version)
    floors = dict(pin.split("==") for pin in lowest(*PROJECTS))
    assert floors.keys() <= tested.keys()
    assert {name: floor for name, floor in floors.items() if Version(floor) > tested[name]} == {}


def test_known_holes_lie_below_the_lowest_versions() -> None:
    floors = {name: Version(floor) for name, floor in (pin.split("==") for pin in lowest(*PROJECTS))}
    # From 8.5 on it asks for zipp >= 3.20; below 3.19.1 a crafted archive on the path was an endless loop.
    assert floors["importlib-metadata"] >= Version("8.5")
    # Below 9.0.3 the folder of temporary files could be foretold.
    assert floors["pytest"] >= Version("9.0.3")
