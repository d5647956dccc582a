"""What ``rheobase new`` writes builds, installs, is listed, and passes its own tests and the kit at once."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("neuron", "integrator", "aggregator", "synapse", "rule", "surrogate", "plasticity")


@pytest.fixture(scope="module")
def made(fresh_environment: Callable[..., Any]) -> Any:
    """A fresh environment into which a package of each kind was built and installed, and nothing else."""
    pytest.importorskip("hatchling", reason="hatchling is not installed (extra 'dev')")
    environment = fresh_environment()
    for kind in KINDS:
        done = environment.rheobase("new", f"fresh-{kind}", "--kind", kind, "--author", "Ada Lovelace")
        assert done.returncode == 0, done.stderr
    sources = [environment.work / f"fresh-{kind}" for kind in KINDS]
    built = environment.work / "dist"
    environment.pip("wheel", "--no-index", "--no-deps", "--no-build-isolation", "-w", built, *sources)
    wheels = sorted(built.glob("*.whl"))
    assert [wheel.name for wheel in wheels] == [
        f"fresh_{kind}-0.1.0-py3-none-any.whl" for kind in sorted(KINDS)
    ]
    environment.pip("install", "--no-index", *wheels)
    return environment


def test_all_are_listed(made: Any) -> None:
    done = made.rheobase("list", "--json", "--strict")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["broken"], said["warnings"]) == ([], [])
    listed = {part["name"]: part for part in said["components"]}
    for kind in KINDS:
        part = listed[f"fresh-{kind}"]
        listed_as = "synapse" if kind == "plasticity" else kind
        assert (part["kind"], part["distribution"], part["version"]) == (listed_as, f"fresh-{kind}", "0.1.0")


def test_the_command_finds_nothing(made: Any) -> None:
    names = [f"fresh-{kind}" for kind in KINDS]
    done = made.run_warm("-m", "rheobase", "validate", *names, "--profile", "smoke", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["ok"] is True


# The two of which the kit judges most. All of it the command has tried, above, in the smoke profile.
PART = {
    "neuron": "closed_form or documented or run or threshold",
    "plasticity": "exponential or connected or memory or name or write or know or linear or traces "
    "or weights",
}


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        *((kind, PART.get(kind, "")) for kind in KINDS),
        *(pytest.param(kind, "", marks=pytest.mark.by_hand) for kind in PART),
    ],
)
def test_its_own_tests_pass(kind: str, part: str, made: Any) -> None:
    done = made.run_warm("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", part, f"fresh-{kind}")
    assert done.returncode == 0, done.stdout + done.stderr
    passed = int(re.findall(r"(\d+) passed", done.stdout)[-1])
    # Of surrogates the kit has seven properties.
    assert passed >= 8, "the kit, and a value worked out by hand"


def test_a_synapse_and_a_rule_are_shown(made: Any) -> None:
    said = {kind: made.run_warm("-m", "rheobase", "show", f"fresh-{kind}") for kind in ("synapse", "rule")}
    assert "tau 5 ms > 0 decay time constant" in " ".join(said["synapse"].stdout.split())
    assert "weights are in pA; its output is in pA" in said["synapse"].stdout
    assert "claims: additive True, linear True, per target" in said["synapse"].stdout
    claims = "claims: indegree True, outdegree True, total True, symmetric True"
    assert f"{claims}\narguments: reach=1\n" in said["rule"].stdout


def test_the_examples_of_the_readmes_run(made: Any) -> None:
    for kind in KINDS:
        page = (made.work / f"fresh-{kind}" / "README.md").read_text(encoding="utf-8")
        (code,) = re.findall(r"^```python\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
        (made.work / f"{kind}_example.py").write_text(code, encoding="utf-8")
    together = "; ".join(f"import {kind}_example" for kind in KINDS)
    done = made.run_warm("-W", "error", "-c", together)
    assert done.returncode == 0, done.stderr
    # Under 40 mV a spike every 2 + 20 ln 2 ms, 15.9 on the grid: six in 100 ms, in each of ten units. Then
    # Heun's 1 - 0.1 + 0.005, 6 / (1 + 2), the unit of weights, the neighbours of 0 in a ring of four, and
    # a slope of 1 over a width of 1/2, and the traces of both sides.
    said = ["60 spikes", "tensor([0.9050])", "tensor([2.])", "pA", "[1, 3]", "tensor([2.])", "x y"]
    assert done.stdout.splitlines() == said


def test_the_test_that_fails_once_the_model_is_another_says_so(made: Any) -> None:
    for kind in KINDS:
        text = (made.work / f"fresh-{kind}/tests/test_fresh_{kind}.py").read_text(encoding="utf-8")
        assert re.search(r"^# Replace me: .+\ndef test_", text, flags=re.MULTILINE)


@pytest.mark.parametrize("width", [88, 110])
def test_the_code_passes_ruff(width: int, made: Any) -> None:
    pytest.importorskip("ruff", reason="ruff is not installed (extra 'dev')")
    for verb in (["check"], ["format", "--check"]):
        for kind in KINDS:
            command = [sys.executable, "-m", "ruff", *verb, "--no-cache", "--line-length", str(width)]
            done = subprocess.run(
                [*command, "--config", str(ROOT / "pyproject.toml"), "."],
                cwd=made.work / f"fresh-{kind}",
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stdout + done.stderr


def test_the_code_passes_mypy_strict(made: Any, mypy_strict: Callable[..., Any]) -> None:
    done = mypy_strict(*(made.work / f"fresh-{kind}" for kind in KINDS))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no issues found in 28 source files" in done.stdout


def test_a_package_that_is_installed_may_be_made_anew_elsewhere(made: Any) -> None:
    done = made.rheobase("new", "Fresh_Neuron", "--path", "elsewhere", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["warnings"] == ["fresh-neuron 0.1.0 is installed already; installing the new one replaces it"]


def test_the_name_of_an_installed_component_is_refused(made: Any) -> None:
    done = made.rheobase("new", "other", "--component", "fresh-aggregator")
    assert done.returncode == 2
    assert "the aggregator 'fresh-aggregator' of fresh-aggregator is installed already" in done.stderr
    assert not (made.work / "other").exists()


def test_the_wheel_of_the_core_holds_the_templates(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="hatchling is not installed (extra 'dev')")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT / "core", check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        held = {Path(name).name for name in wheel.namelist() if "/scaffold/templates/" in name}
    there = {path.name for path in (ROOT / "core/src/rheobase/scaffold/templates").iterdir()}
    assert len(there) >= 27
    assert held == there
