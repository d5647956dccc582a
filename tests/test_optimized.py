"""Nothing is controlled by ``assert``, or by whether there are assertions."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted([*ROOT.glob("core/src/**/*.py"), *ROOT.glob("plugins/*/src/**/*.py")])


def test_no_source_asserts_or_asks_whether_there_are_assertions() -> None:
    """These two are all that ``python -O`` changes."""
    assert len(SOURCES) > 100
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        if re.search(r"\b(assert|__debug__)\b", text := path.read_text(encoding="utf-8"))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Assert) or (isinstance(node, ast.Name) and node.id == "__debug__")
    ]
    assert found == []


TESTS = [
    "plugins/rk45/tests/test_failures.py",
    "plugins/exponential/tests/test_refusals.py",
    "plugins/exact/tests/test_plugin.py",
    "core/tests/engine/test_located.py::test_spikes_without_end_are_an_error_that_names_the_unit",
    "core/tests/engine/test_located.py::test_a_failure_names_unit_time_step_and_cause",
    "core/tests/engine/test_located.py::test_marked_units_are_nan_and_the_others_as_if_alone",
    "core/tests/engine/test_located.py::test_a_step_of_the_model_s_own_has_no_located_spikes",
]


# As `python -O` compiles, but for what is not ours: all of torch would take ten seconds. And before pytest
# comes, which would rewrite assertions in it.
OPTIMIZED = """
import importlib, importlib.machinery, pkgutil, sys

loader = importlib.machinery.SourceFileLoader
usual, ours = loader.get_code, []

def get_code(self, name):
    if name.partition(".")[0].partition("_")[0] != "rheobase":
        return usual(self, name)
    ours.append(name)
    return compile(self.get_data(self.path), self.path, "exec", dont_inherit=True, optimize=1)

loader.get_code = get_code
for package in ("", "_conformance", "_rk45", "_exponential", "_exact", "_zoo"):
    package = f"rheobase{package}"
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        if module.name.partition(".")[2] not in ("__main__", "pytest_plugin", "conformance"):
            importlib.import_module(module.name)
import pytest

code = pytest.main(sys.argv[1:])
print(len(ours), "modules without assertions")
sys.exit(code)
"""


@pytest.mark.by_hand
def test_failures_are_found_without_assertions(warm: Any) -> None:
    quiet = ["-q", "-W", "ignore:Module already imported"]  # pytest would rewrite hypothesis too
    done = warm.run("-c", OPTIMIZED, *quiet, "-n", "0", "-p", "no:cacheprovider", *TESTS, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert int(re.findall(r"^(\d+) modules without", done.stdout, re.MULTILINE)[-1]) > 200
