"""Nothing is controlled by ``assert``: without assertions all checks of failures still hold."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted([*ROOT.glob("core/src/**/*.py"), *ROOT.glob("plugins/*/src/**/*.py")])


def test_no_source_has_an_assert_statement() -> None:
    assert len(SOURCES) > 100
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assert)
    ]
    assert found == []


TESTS = [
    "plugins/rk45/tests/test_failures.py",
    "plugins/exponential/tests/test_refusals.py",
    "plugins/exact/tests/test_plugin.py",
    "core/tests/test_located.py::test_spikes_without_end_are_an_error_that_names_the_unit",
    "core/tests/test_located.py::test_a_failure_names_unit_time_step_and_cause",
    "core/tests/test_located.py::test_marked_units_are_nan_and_the_others_as_if_alone",
    "core/tests/test_located.py::test_a_step_of_the_model_s_own_has_no_located_spikes",
]


def test_failures_are_found_without_assertions() -> None:
    # pytest rewrites the assertions of tests, so that they hold; it warns of those that it does not see.
    command = [sys.executable, "-O", "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
    quiet = ["-W", "ignore:assertions not in test modules"]
    done = subprocess.run([*command, *quiet, *TESTS], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
