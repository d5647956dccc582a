"""The fixture for authors' tests, seen from pytest runs of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

AUTHORS = """
import threading
import types

import pytest
import rheobase as rb
from rheobase.plugins import discovery, examiner, registry

OWN = registry.current()
LEFT = []


def plugin(name="toy"):
    module = types.ModuleType("toy_plugin")
    specs = [rb.NeuronSpec(name, "rheobase.engine.neuron.analog:AnalogNeuron")]
    module.rheobase_neurons = rb.hookimpl(lambda: specs)
    return module


@pytest.fixture(autouse=True)
def no_scan(monkeypatch):
    def scan(*args, **kwargs):
        raise AssertionError("looked for installed plugins")

    monkeypatch.setattr(discovery, "scan", scan)
    monkeypatch.setattr(examiner, "Examiner", scan)


def names():
    return {part.spec.name for part in rb.list_components("neuron")}


def test_sees_core_only(rheobase_registry):
    assert {part.provenance.distribution for part in rb.list_components()} == {"rheobase"}
    assert names() == {"analog"}
    with pytest.raises(rb.errors.ComponentError, match="no neuron model 'lif' is installed"):
        rb.create("lif")


def test_sees_what_it_registers(rheobase_registry):
    undo = rheobase_registry.register(plugin())
    assert names() == {"analog", "toy"}
    assert registry.resolve("neuron", "toy") == undo.components[0]
    assert type(rb.create("toy", 3)).__name__ == "AnalogNeuron"
    LEFT.append(undo)


def test_sees_what_it_registers_by_the_public_name(rheobase_registry):
    rb.register(plugin("other"))
    assert rheobase_registry.resolve("neuron", "other").plugin == "toy_plugin"
    assert names() == {"analog", "other"}  # and nothing of the test before


def test_sees_it_in_threads(rheobase_registry):
    rb.register(plugin())
    seen = []
    thread = threading.Thread(target=lambda: seen.append(names()))
    thread.start()
    thread.join()
    assert seen == [{"analog", "toy"}]


def test_fails(rheobase_registry):
    rb.register(plugin())
    assert registry.current() is rheobase_registry
    raise ZeroDivisionError


def test_everything_is_as_before():
    assert registry.current() is OWN
    assert OWN._installed is None  # it was never asked
    LEFT.pop()()  # an undo that outlived its registry


def test_ignores_settings(rheobase_registry, monkeypatch):
    monkeypatch.setenv("RHEOBASE_TIMEOUT", "nonsense")
    assert names() == {"analog"}
"""

UNRELATED = """
import sys


def test_addition():
    assert 1 + 1 == 2
    print("imported:", sorted(name for name in sys.modules if name.partition(".")[0] == "rheobase"))
"""


Run = Callable[..., str]


@pytest.fixture(scope="module")
def run(warm: Any) -> Run:
    """What pytest says of a test file, with warnings as errors, in a process of its own."""

    def call(folder: Path, text: str, *arguments: str) -> str:
        (folder / "test_it.py").write_text(text, encoding="utf-8")
        command = ["-m", "pytest", "-p", "no:cacheprovider", "-W", "error", *arguments]
        return warm.run(*command, cwd=folder).stdout  # type: ignore[no-any-return]

    return call


@pytest.fixture(scope="module")
def authors_run(run: Run, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The run of an author's tests, of which one fails."""
    return run(tmp_path_factory.mktemp("author"), AUTHORS, "-v")


@pytest.mark.parametrize("test", re.findall(r"^def (test_\w+)", AUTHORS, flags=re.MULTILINE))
def test_the_fixture_gives_a_world_of_the_tests_own(test: str, authors_run: str) -> None:
    outcome = "FAILED" if test == "test_fails" else "PASSED"
    assert f"::{test} {outcome}" in authors_run, authors_run


def test_the_failing_test_fails_for_its_own_reason_only(authors_run: str) -> None:
    assert "test_it.py::test_fails - ZeroDivisionError" in authors_run, authors_run
    assert "1 failed, 6 passed" in authors_run, authors_run


DOOR = "['rheobase', 'rheobase.errors', 'rheobase.pytest_plugin']"


def test_an_unrelated_run_imports_the_door_only(run: Run, tmp_path: Path) -> None:
    said = run(tmp_path, UNRELATED, "-s")
    assert "1 passed" in said, said
    assert f"imported: {DOOR}" in said, said


def test_the_door_imports_nothing_but_pytest() -> None:
    code = (
        "import sys, pytest; before = set(sys.modules); import rheobase.pytest_plugin; "
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == DOOR


def test_the_fixture_can_be_left_out(run: Run, tmp_path: Path) -> None:
    said = run(tmp_path, "def test_it(rheobase_registry): pass", "-p", "no:rheobase")
    assert "fixture 'rheobase_registry' not found" in said, said


def test_pytest_may_start_where_rheobase_is_imported_already(tmp_path: Path, warm: Any) -> None:
    # pytest rewrites the asserts of its plugins' distributions. An editable install does not name its
    # modules, so this gives the metadata that a regular one has.
    info = tmp_path / "regular-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: regular\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[pytest11]\nrheobase = rheobase.pytest_plugin\n")
    (info / "RECORD").write_text("rheobase/__init__.py,,\nregular-1.0.dist-info/RECORD,,\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    (tmp_path / "test_it.py").write_text("def test_it(rheobase_registry): pass\n")
    code = "import pytest, rheobase; raise SystemExit(pytest.main(['-p', 'no:cacheprovider']))"
    done = warm.run("-c", code, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert done.returncode == 0, done.stdout + done.stderr
