"""The conformance kit on what pip installed, by name, at each of its doors."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

PICK = "def largest(inputs, identifiers):\n    return {result}\n"
ONLY = ("--profile", "smoke", "--only", "inputs-are-not-changed")
LARGEST = "functools.reduce(torch.maximum, inputs)"


@pytest.fixture(scope="module")
def installed(
    fresh_environment: Callable[..., Any],
    wheel: Callable[..., Path],
    hook_module: Callable[[str, str], str],
) -> Any:
    """An environment with two distributions that both offer ``largest``; one offers ``second`` too."""

    def offering(distribution: str, names: Sequence[str], result: str) -> Path:
        module = distribution.replace("-", "_")
        specs = ", ".join(f'AggregatorSpec("{name}", "{module}_rule:largest", "a rule")' for name in names)
        return wheel(
            distribution,
            {
                f"{module}.py": hook_module("aggregators", specs),
                f"{module}_rule.py": f"import functools, torch\n\n\n{PICK.format(result=result)}",
            },
            version="3.1",
            entry_points=f"[rheobase]\npick = {module}\n",
        )

    # The one adds to its first input, which belongs to somebody else.
    return fresh_environment(
        [
            offering("good-pick", ["largest", "second"], LARGEST),
            offering("greedy-pick", ["largest"], "inputs[0].add_(1.0)"),
        ]
    )


def test_a_component_is_judged_by_its_name_with_its_provenance(installed: Any) -> None:
    done = installed.run_warm("-m", "rheobase", "validate", "second", *ONLY, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    [report] = json.loads(done.stdout)["reports"]
    assert (report["distribution"], report["version"]) == ("good-pick", "3.1")
    assert report["counts"]["passed"] == report["counts"]["ran"] == 1


def test_a_name_of_two_distributions_is_judged_by_the_name_of_one(installed: Any) -> None:
    done = installed.run_warm("-m", "rheobase", "validate", "largest")
    assert done.returncode == 2
    assert "good-pick" in done.stderr
    assert "greedy-pick" in done.stderr
    assert installed.run_warm("-m", "rheobase", "validate", "good-pick:largest", *ONLY).returncode == 0
    done = installed.run_warm("-m", "rheobase", "validate", "greedy-pick:largest", *ONLY)
    assert done.returncode == 1
    script = done.stdout[done.stdout.index("from rheobase.conformance") :]
    end = script.index("\n", script.index("\nreproduce('greedy-pick:largest'") + 1)
    again = installed.run_warm("-c", script[:end])
    assert again.returncode == 1
    assert again.stderr.startswith("inputs-are-not-changed fails: ")
    assert again.stderr.partition("fails: ")[2].strip() in done.stdout


def test_pytest_gives_the_same_verdicts(installed: Any) -> None:
    asked = ("--rheobase", "good-pick:largest", "--rheobase", "greedy-pick:largest")
    done = installed.run_warm(
        *("-m", "pytest", "-p", "no:cacheprovider", "-v", *asked, "--rheobase-profile", "smoke"),
        *("-k", "inputs-are-not-changed"),
    )
    # Two have the name, so the ids have more than it.
    assert "rheobase::good-pick:largest::inputs-are-not-changed PASSED" in done.stdout
    assert "rheobase::greedy-pick:largest::inputs-are-not-changed FAILED" in done.stdout
    assert "1 failed, 1 passed" in done.stdout
