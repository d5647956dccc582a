"""``rheobase validate``: what it prints, and its exit codes. The properties are made for the purpose."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from typing import Any

import pytest
from rheobase.conformance import Property, catalogue
from rheobase.conformance.property import Need
from rheobase.conformance.violation import violated


def holds(subject: Any) -> None:
    """A property that holds."""
    print("said by a model")


def fails(subject: Any) -> None:
    """A property that does not, of the toy."""
    if subject.name in ("toy", "largest"):
        violated("it is 3, and must be 2")


def interrupted(subject: Any) -> None:
    """The user's Ctrl-C."""
    signal.raise_signal(signal.SIGINT)


NEVER = Need(lambda subject: False, "it does not claim to be one")


@pytest.fixture(autouse=True)
def kit(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], Property]:
    """A kit of few properties."""
    each = [
        ("neuron", "sound", "contract", holds, {}),
        ("neuron", "faulty", "contract", fails, {}),
        ("neuron", "late", "numerics", holds, {}),
        ("neuron", "other", "numerics", fails, {"needs": (NEVER,)}),
        ("neuron", "dear", "numerics", fails, {"level": "full"}),
        ("aggregator", "commutes", "components", holds, {}),
        ("integrator", "sound", "components", holds, {}),
    ]
    props = {
        (kind, name): Property(name, kind, family, f"It is {name}.", f"why {name}", check, **more)
        for kind, name, family, check, more in each
    }
    monkeypatch.setattr(catalogue, "PROPERTIES", props)
    monkeypatch.setattr(catalogue, "MODULES", ())
    return props


@pytest.mark.usefixtures("toys")
def test_families_failures_and_counts_are_printed(command: Callable[..., Any]) -> None:
    done = command("validate", "toy")
    assert done.exit_code == 1
    said = done.stdout
    for part in (
        "  contract and metadata: 2 ran, 1 passed, 1 failed\n",
        "\nFAILED: faulty (contract and metadata)\n  must hold: It is faulty.\n"
        "  seen: it is 3, and must be 2\n  why it matters: why faulty\n",
        "  numerics and physics: 1 ran, 1 passed\n",
        "not applicable, as it does not claim to be one: other\n",
        "left out, as the profile full tries it: dear\n",
        "3 of 5 properties ran, 2 passed, 1 failed, 1 not applicable, 1 left out; ",
        "neuron toy, profile standard, seed 0\n",
    ):
        assert part in said, said
    # As it goes on: a family's failures come before the next family.
    assert said.index("FAILED: faulty") < said.index("numerics and physics:")
    # The script is one that can be copied: not indented.
    assert "\nreproduce('toy_models:LIFNeuron', 'faulty', " in said


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("toy",), 1),
        (("analog",), 0),
        (("toy", "analog"), 1),
        (("analog", "sum"), 0),
        (("toy", "--only", "sound"), 0),
        (("toy", "--only", "faulty"), 1),
        (("toy", "--expect", "faulty: nobody is perfect"), 0),
        (("analog", "--expect", "faulty: nobody is perfect"), 1),
        (("toy", "--only", "other"), 0),
        (("toy", "--profile", "full", "--only", "dear"), 1),
        (("largest", "--kind", "aggregator"), 0),
        (("--list",), 0),
        (("--all", "--only", "commutes"), 0),
    ],
)
@pytest.mark.parametrize("json_too", [False, True], ids=["text", "json"])
@pytest.mark.usefixtures("toys")
def test_the_exit_code_says_whether_all_is_ok(
    arguments: tuple[str, ...], code: int, json_too: bool, command: Callable[..., Any]
) -> None:
    done = command("validate", *arguments, *(["--json"] if json_too else []))
    assert done.exit_code == code, done.output
    if json_too and "--list" not in arguments:
        assert json.loads(done.stdout)["ok"] is (code == 0)


@pytest.mark.usefixtures("toys")
def test_the_json_is_one_object_with_a_report_for_each(command: Callable[..., Any]) -> None:
    done = command("validate", "toy", "sum", "--seed", "4", "--profile", "smoke", "--json")
    said = json.loads(done.stdout)
    assert "said by a model" in done.stderr
    assert said.keys() == {"schema", "ok", "reports", "errors", "warnings"}
    assert [(each["name"], each["ok"]) for each in said["reports"]] == [("toy", False), ("sum", True)]
    first = said["reports"][0]
    assert (first["kind"], first["profile"], first["seed"]) == ("neuron", "smoke", 4)
    assert first["counts"]["failed"] == 1
    assert first["results"][1]["reason"] == "it is 3, and must be 2"


@pytest.mark.usefixtures("toys")
def test_the_seconds_of_the_slowest_are_printed_when_asked_for(command: Callable[..., Any]) -> None:
    row = r"^ +\d+\.\d\d s +1 cases +(\S+)$"
    assert not re.findall(row, command("validate", "toy").stdout, re.MULTILINE)
    assert len(re.findall(row, command("validate", "toy", "--durations", "2").stdout, re.MULTILINE)) == 2
    everything = re.findall(row, command("validate", "toy", "--durations", "0").stdout, re.MULTILINE)
    assert sorted(everything) == ["faulty", "late", "sound"]


@pytest.mark.usefixtures("toys")
def test_everything_is_judged_though_one_cannot_be_loaded(
    command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.delattr(sys.modules["toy_models"], "largest")
    done = command("validate", "--all", "--kind", "aggregator", "--json")
    assert done.exit_code == 1
    said = json.loads(done.stdout)
    assert {"sum", "mean", "product"} <= {each["name"] for each in said["reports"] if each["ok"]}
    [error] = said["errors"]
    assert error["name"] == "largest"
    assert "has no attribute 'largest'" in error["error"]
    text = command("validate", "--all", "--kind", "aggregator").stdout
    assert "components are ok; not aggregator largest\n" in text


@pytest.mark.usefixtures("toys")
def test_the_badge_is_the_last_line(command: Callable[..., Any]) -> None:
    *_, last = command("validate", "analog", "--badge").stdout.splitlines()
    text = "standard%203%20of%203-brightgreen"
    assert last.startswith("![rheobase conformance](https://img.shields.io/badge/rheobase%20")
    assert last.endswith(f"-{text})")


def test_the_properties_are_listed_with_statement_and_why(command: Callable[..., Any]) -> None:
    done = command("validate", "--list", "--kind", "neuron")
    assert "  faulty\n    must hold: It is faulty.\n    why: why faulty\n" in done.stdout
    assert "  dear (from the profile full on)\n" in done.stdout
    assert done.stdout.endswith("5 properties\n")
    listed = json.loads(command("validate", "--list", "--only", "commutes", "--json").stdout)
    assert listed["properties"] == [
        {
            "kind": "aggregator",
            "name": "commutes",
            "family": "components",
            "level": "smoke",
            "statement": "It is commutes.",
            "why": "why commutes",
        }
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name what is to be judged"),
        (("toy", "--all"), "not both"),
        (("toi",), "there is no component 'toi' to judge; did you mean 'toy'?"),
        (("toy", "toi"), "there is no component 'toi' to judge"),
        (("toy", "--only", "faultless"), "--only: there is no property 'faultless' of neurons"),
        (("toy", "--only", "commutes"), "--only: there is no property 'commutes' of neurons"),
        (("toy", "--expect", "fauty: so"), "there is no property 'fauty' of neurons; did you mean 'faulty'?"),
        (("toy", "--expect", "faulty"), "write it as 'property: reason'"),
        (("toy", "--expect", "faulty: "), "write it as 'property: reason'"),
        (("toy", "analog", "--expect", "faulty: so"), "--expect is about one component, and 2 were named"),
        (("toy", "--only", "sound", "--badge"), "--badge speaks of all properties"),
        (("toy", "--timeout", "-1"), "--timeout -1: it must be a time in s, or 0 for no limit"),
        (("toy", "--profile", "quick"), "profile='quick'; it must be one of smoke, standard, full"),
        (("--list", "--only", "faultless"), "--only: there is no property 'faultless'"),
        (("toy", "--kind", "backend"), "Invalid value for '--kind'"),
    ],
)
@pytest.mark.usefixtures("toys")
def test_what_cannot_be_used_is_said_before_anything_is_tried(
    arguments: tuple[str, ...], message: str, command: Callable[..., Any]
) -> None:
    done = command("validate", *arguments)
    assert done.exit_code == 2, done.output
    assert message in done.stderr
    assert done.stdout == ""


@pytest.mark.usefixtures("toys")
def test_a_model_that_ends_its_process_fails_and_the_rest_is_judged(
    command: Callable[..., Any], kit: dict[tuple[str, str], Property], monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = Property("ends", "neuron", "contract", "It.", "so", lambda subject: os._exit(3))
    monkeypatch.setitem(kit, ("neuron", "faulty"), ends)
    done = command("validate", "toy", "--timeout", "20")
    assert done.exit_code == 1
    assert "  seen: it ended its process: exit status 3\n" in done.stdout
    assert "  numerics and physics: 1 ran, 1 passed\n" in done.stdout


@pytest.mark.parametrize("limit", [(), ("--timeout", "0")], ids=["apart", "here"])
@pytest.mark.usefixtures("toys")
def test_ctrl_c_ends_it(
    limit: tuple[str, ...],
    command: Callable[..., Any],
    kit: dict[tuple[str, str], Property],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late = Property("late", "neuron", "numerics", "It.", "so", interrupted)
    monkeypatch.setitem(kit, ("neuron", "late"), late)
    done = command("validate", "toy", *limit)
    assert done.exit_code == 130
    assert done.stderr == "interrupted\n"
    assert "contract and metadata: 2 ran" in done.stdout  # what was done by then
