"""The conformance kit is a distribution of its own: one object under two names, or asked for if it lacks."""

from __future__ import annotations

import importlib
import json
import pickle
import pkgutil
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rheobase as rb
import rheobase_conformance
from rheobase.kinds import KINDS
from rheobase.plugins.metadata import COMMANDS, MODULES, extensions
from rheobase_conformance.kinds import SUBJECTS

ROOT = Path(__file__).resolve().parents[1]
ASK = "install the extra: pip install 'rheobase[testing]'"


def test_it_declares_what_it_adds() -> None:
    assert extensions(MODULES)["conformance"] == "rheobase_conformance"
    assert extensions(COMMANDS)["validate"] == "rheobase_conformance.cli.validate:validate"


def test_the_core_knows_which_kinds_it_judges() -> None:
    assert {kind.name for kind in KINDS.values() if kind.judged} == set(SUBJECTS)


def test_its_names_are_there() -> None:
    assert sorted(rb.conformance.__all__) == dir(rheobase_conformance)
    for name in rb.conformance.__all__:
        assert getattr(rheobase_conformance, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'chek'"):
        _ = rb.conformance.chek


def test_type_checkers_see_them_too(mypy_strict: Callable[..., Any], tmp_path: Path) -> None:
    given = tmp_path / "of_an_author.py"
    lines = ["import rheobase as rb", "from rheobase.conformance import Report, Suite, check"]
    lines += ["class TestCell(Suite):", '    component = "cell"']
    lines += ['found: Report = rb.conformance.check("sum")', 'check(seed="one")']
    given.write_text("\n".join(lines) + "\n")
    said = mypy_strict(given).stdout
    assert re.findall(r":(\d+): error: (.*?)  \[", said) == [
        ("6", 'Missing positional argument "obj" in call to "check"'),
        ("6", 'Argument "seed" to "check" has incompatible type "str"; expected "int"'),
    ], said


def test_each_module_is_one_object_under_two_names() -> None:
    assert rb.conformance is importlib.import_module("rheobase.conformance") is rheobase_conformance
    new = "rheobase_conformance"
    modules = [each.name for each in pkgutil.walk_packages(rheobase_conformance.__path__, f"{new}.")]
    assert len(modules) > 80
    for name in modules:
        assert importlib.import_module(name.replace(new, "rheobase.conformance")) is sys.modules[name]


@pytest.mark.parametrize("first", ["rheobase.conformance", "rheobase_conformance"])
def test_a_submodule_may_be_the_first_that_is_imported(first: str, warm: Any) -> None:
    code = (
        f"from {first}.neurons.case import NeuronCase as one\n"
        "from rheobase.conformance import NeuronCase as two\n"
        "from rheobase_conformance.neurons.case import NeuronCase as three\n"
        "raise SystemExit(not one is two is three)"
    )
    done = warm.run("-c", code)
    assert done.returncode == 0, done.stderr


def test_what_was_pickled_under_the_old_name_is_read() -> None:
    found = pickle.loads(b"crheobase.conformance.violation\nViolation\n(Vso it\ntR.")
    assert type(found) is rb.conformance.Violation
    assert pickle.loads(pickle.dumps(found)).args == found.args == ("so it",)


def test_the_kit_imports_nothing_where_nobody_asks_for_it() -> None:
    code = (
        "import sys, pytest; before = set(sys.modules); import rheobase_conformance.pytest_plugin; "
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['rheobase_conformance', 'rheobase_conformance.pytest_plugin']"


# --- without it --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def alone(fresh_environment: Callable[..., Any]) -> Any:
    """An environment with the core and nothing else of this repository."""
    made = fresh_environment(rheobase=False)
    (made.site / "core.pth").write_text(f"{ROOT / 'core' / 'src'}\n")
    return made


def test_without_it_the_command_says_how_to_get_it(alone: Any) -> None:
    for arguments in (["lif"], ["--list"], ["--help"], []):
        done = alone.rheobase("validate", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"error: `rheobase validate` is not installed; {ASK}\n"
    assert "\n  validate" not in alone.rheobase("--help").stdout


def test_without_it_the_module_is_an_error_of_ours(alone: Any) -> None:
    code = """
import rheobase as rb

def from_it():
    from rheobase import conformance

for ask in (
    lambda: rb.conformance,
    from_it,
    lambda: __import__("rheobase.conformance"),
    lambda: __import__("rheobase.conformance.neurons.case"),
):
    try:
        ask()
    except (AttributeError, ImportError) as error:
        print(type(error).__name__, isinstance(error, rb.RheobaseError), error, sep="|")
"""
    done = alone.run("-c", code)
    said = f"True|rheobase.conformance is the conformance kit, which is not installed; {ASK}"
    wanted = [f"AbsentError|{said}", *[f"MissingError|{said}"] * 3]
    assert (done.stdout.splitlines(), done.stderr) == (wanted, "")


def test_without_it_its_name_is_not_offered(alone: Any) -> None:
    code = """
from rheobase import *
import inspect, rheobase as rb

found = {name for name in globals() if not name.startswith("_")} - {"inspect", "rb"}
print(found == {*rb.__all__} == {*dir(rb)}, "conformance" in found, "stimulus" in found)
print(hasattr(rb, "conformance"), getattr(rb, "conformance", 7), len(inspect.getmembers(rb)) > 50)
"""
    done = alone.run_warm("-c", code)
    assert (done.stdout.splitlines(), done.stderr) == (["True False True", "False 7 True"], "")
    assert "conformance" in dir(rb)


@pytest.mark.parametrize("asked", [["--rheobase", "lif"], ["--rheobase=lif", "tests"], ["--rheobase-seed=3"]])
def test_without_it_pytest_says_what_brings_its_options(alone: Any, asked: list[str]) -> None:
    plugin = ("-p", "rheobase.pytest_plugin", "-p", "no:cacheprovider")
    done = alone.run_warm("-m", "pytest", *plugin, *asked)
    said = f"--rheobase comes with the conformance kit, which is not installed; {ASK}"
    assert (done.returncode, done.stderr.strip()) == (4, f"ERROR: {said}")
    bare = alone.run_warm("-m", "pytest", "-p", "no:cacheprovider", *asked)
    assert "unrecognized arguments" in bare.stderr  # with neither, it is pytest's own to say


def test_without_it_all_else_is_there(alone: Any) -> None:
    assert {"rk4", "sum"} <= {
        each["name"] for each in json.loads(alone.rheobase("list", "--json").stdout)["components"]
    }
    done = alone.rheobase("new", "toy-cell", "--author", "Ada Lovelace")
    assert done.returncode == 0, done.stderr
    test = alone.work / "test_registry.py"
    test.write_text("def test_it(rheobase_registry): assert rheobase_registry.components('neuron')\n")
    plugin = ("-p", "rheobase.pytest_plugin", "-p", "no:cacheprovider")
    done = alone.run_warm("-m", "pytest", "-q", *plugin, test)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


# --- what others add ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def with_commands(fresh_environment: Callable[..., Any], wheel: Callable[..., Path]) -> Any:
    """An environment with commands of others: a sound one, two that are broken, and one of a name of ours."""
    points = "".join(
        f"{name} = {target}\n"
        for name, target in {
            "greet": "toy_commands:greet",
            "gone": "toy_nothing:greet",
            "number": "toy_commands:number",
            "list": "toy_commands:greet",
        }.items()
    )
    text = (
        "import click\nnumber = 3\n@click.command()\n@click.argument('name')\ndef greet(name):\n"
        "    'Say hello.'\n    click.echo(f'hello {name}')\n"
    )
    files = {"toy_commands.py": text}
    return fresh_environment([wheel("toy-commands", files, entry_points=f"[rheobase.commands]\n{points}")])


def test_a_distribution_adds_a_command(with_commands: Any) -> None:
    assert with_commands.rheobase("greet", "Ada").stdout == "hello Ada\n"
    said = with_commands.rheobase("--help").stdout
    assert "\n  greet     Say hello.\n" in said
    assert "\n  validate  Judge" in said


def test_a_command_that_cannot_be_loaded_says_so_and_harms_no_other(with_commands: Any) -> None:
    broken = {"gone": "No module named 'toy_nothing'", "number": "it is 3, and no command of click"}
    for name, why in broken.items():
        done = with_commands.rheobase(name, "--any", "thing")
        assert done.returncode == 2
        assert done.stderr.startswith(f"error: the command {name!r} cannot be loaded from 'toy_")
        assert why in done.stderr


def test_no_distribution_takes_the_place_of_a_command_of_ours(with_commands: Any) -> None:
    assert "rk4" in with_commands.rheobase("list").stdout
