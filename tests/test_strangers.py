"""What somebody published for Rheobase 0.1 goes on working: a model, an integrator, an aggregator, a backend.

``strangers/src`` is the distribution, which imports the public names that there were; ``strangers/use.py``
uses it; ``strangers/said.json`` is what that said with the core as it was. None changes with the core.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

STRANGERS = Path(__file__).resolve().parent / "strangers"
PARTS = ["stranger-blocks", "stranger-cell", "stranger-fsal", "stranger-gated"]


@pytest.fixture(scope="module")
def installed(fresh_environment: Callable[..., Any], wheel: Callable[..., Path]) -> Any:
    """An environment with the wheel, as its author built it."""
    source = STRANGERS / "src"
    files = {path.relative_to(source).as_posix(): path.read_text("utf-8") for path in source.rglob("*.py")}
    points = "[rheobase]\nstranger = stranger_parts.plugin\n\n[rheobase.spec]\nstranger = v1\n"
    built = wheel("stranger-parts", files, entry_points=points, requires=["rheobase>=0.1,<0.2"])
    return fresh_environment([built])


@pytest.fixture(scope="module")
def said(installed: Any) -> dict[str, Any]:
    """What its user sees, with warnings as errors."""
    code = (STRANGERS / "use.py").read_text("utf-8")
    done = installed.run_warm("-W", "error", "-c", code, RHEOBASE_ONLY="stranger")
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


THEN: dict[str, Any] = json.loads((STRANGERS / "said.json").read_text("utf-8"))


def alike(then: Any, now: Any) -> bool:
    """Equal; numbers but for the last bits: some processors round once where others round twice."""
    if isinstance(then, dict):
        return then.keys() == now.keys() and all(alike(then[key], now[key]) for key in then)
    if isinstance(then, list):
        return len(then) == len(now) and all(map(alike, then, now))
    return bool(now == (pytest.approx(then, rel=1e-12) if isinstance(then, float) else then))


@pytest.mark.parametrize("what", THEN)
def test_it_does_what_it_did(what: str, said: dict[str, Any]) -> None:
    assert alike(THEN[what], said[what]), (THEN[what], said[what])


def test_the_slope_that_an_integrator_keeps_comes_back_at_every_step(said: dict[str, Any]) -> None:
    for event in ("step", "crossing"):
        assert (said[event]["first"], said[event]["steps"]) == (1, 320)


def test_its_backend_does_what_eager_does(said: dict[str, Any]) -> None:
    one, other = said["backend"]["eager"], said["backend"]["stranger-blocks"]
    assert one["times"] == other["times"] != []
    assert (one["last"], one["step"]) == (other["last"], other["step"])
    assert said["auto"] == "stranger-blocks"
    assert [time for call in said["prepared"] for time in call] == [
        time for time in one["times"] if time <= 40.0
    ]


def test_its_parts_are_listed_without_a_warning(installed: Any) -> None:
    listed = json.loads(installed.rheobase("list", "--json", "--strict", RHEOBASE_ONLY="stranger").stdout)
    theirs = [each for each in listed["components"] if each["distribution"] == "stranger-parts"]
    assert sorted(each["name"] for each in theirs) == PARTS
    assert (listed["broken"], listed["warnings"]) == ([], [])
