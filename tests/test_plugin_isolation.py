"""What the user does not want is not run: not even a line of it, in no process.

An audit hook in a fresh environment writes down what every process imports, opens and executes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

# Started with every interpreter of the environment, before anything else of it.
AUDIT = """
import os, sys

if "AUDIT_LOG" in os.environ:
    log = os.open(os.environ["AUDIT_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def note(event, arguments):
        if event in ("import", "open", "exec"):
            about = getattr(arguments[0], "co_filename", arguments[0])
            os.write(log, f"{os.getpid()} {event} {about!r}\\n".encode("utf-8", "replace"))

    sys.addaudithook(note)
    os.write(log, f"{os.getpid()} starts\\n".encode())
"""
TOYS = 10


class Event(NamedTuple):
    """Something that a process did with a plugin's code."""

    process: int
    kind: str
    what: str


class Watched:
    """An environment with ten plugins, and what happens in it."""

    def __init__(self, environment: Any, folder: Path) -> None:
        self._environment = environment
        self._log = folder / "audit.log"
        self._cache = str(folder / "cache")
        self.settings = environment.work / "rheobase.toml"

    def run(self, *arguments: object, **variables: str) -> Any:
        """Run the interpreter; with an empty index at first."""
        return self._environment.run(
            *arguments, AUDIT_LOG=str(self._log), RHEOBASE_CACHE_DIR=self._cache, **variables
        )

    def rheobase(self, *arguments: object, **variables: str) -> Any:
        """Run the command."""
        done = self.run("-m", "rheobase", *arguments, **variables)
        assert done.returncode == 0, done.stderr
        return done

    def names(self, **variables: str) -> set[str]:
        """The names that are listed."""
        said = json.loads(self.rheobase("list", "--json", **variables).stdout)
        return {part["name"] for part in said["components"]}

    def events(self, plugin: str) -> list[Event]:
        """What was done with a plugin's code so far; its metadata are no code."""
        text = self._log.read_text()
        assert " starts\n" in text
        found = re.findall(rf"^(\d+) (\w+) (.*{plugin}(?!\d|-1\.0\.dist-info).*)$", text, re.MULTILINE)
        return [Event(int(process), kind, what) for process, kind, what in found]


@pytest.fixture(scope="module")
def environment(
    fresh_environment: Callable[..., Any], wheel: Callable[..., Path], hook_module: Callable[[str, str], str]
) -> Any:
    """A fresh environment with ten plugins, and an audit hook in all its processes."""
    wheels = [
        wheel(
            f"toy-{number}",
            {
                f"toy_{number}/__init__.py": "",
                f"toy_{number}/plugin.py": hook_module(
                    "aggregators", f'AggregatorSpec("most-{number}", "toy_{number}.pick:most")'
                ),
                f"toy_{number}/pick.py": "def most(inputs, identifiers):\n    return max(inputs)\n",
            },
            entry_points=f"[rheobase]\npick-{number} = toy_{number}.plugin\n",
            requires=_requires(number),
        )
        for number in range(TOYS)
    ]
    made = fresh_environment(wheels)
    (made.site / "aa_audit.py").write_text(AUDIT)
    (made.site / "aa_audit.pth").write_text("import aa_audit\n")
    return made


def _requires(number: int) -> Iterable[str]:
    return ["rheobase>=99"] if number == 9 else ["rheobase>=0.1"]


@pytest.fixture
def watched(environment: Any, tmp_path: Path) -> Any:
    """The environment without an index and without settings."""
    made = Watched(environment, tmp_path)
    yield made
    made.settings.unlink(missing_ok=True)


def test_a_plugin_is_run_once_and_never_in_the_users_process(watched: Watched) -> None:
    done = watched.run("-c", "import os; print(os.getpid())\nfrom rheobase.cli import main; main(['list'])")
    assert "most-1" in done.stdout
    user = int(done.stdout.splitlines()[0])
    seen = watched.events("toy_1")
    # The hook sees what it is there for.
    assert {event.kind for event in seen} >= {"open", "exec"}
    [process] = {event.process for event in seen if event.kind in ("import", "exec")}
    assert process != user
    # Its component was looked at, to see whether it is there, and not run.
    assert not [event for event in seen if event.kind != "open" and "pick" in event.what]
    watched.rheobase("list")
    assert watched.events("toy_1") == seen


OTHERS = "toy-0,toy-2,toy-3"
WAYS: dict[str, tuple[dict[str, str], str]] = {
    "by distribution": ({"RHEOBASE_DISABLE": "toy-1"}, ""),
    "by distribution, spelt otherwise": ({"RHEOBASE_DISABLE": "toy-5, Toy_1"}, ""),
    "by entry point": ({"RHEOBASE_DISABLE": "pick-1"}, ""),
    "by both": ({"RHEOBASE_DISABLE": "toy-1:pick-1"}, ""),
    "by those that are allowed": ({"RHEOBASE_ONLY": OTHERS}, ""),
    "by allowing none": ({"RHEOBASE_ONLY": ""}, ""),
    "without plugins": ({"RHEOBASE_NO_PLUGINS": "1"}, ""),
    "in the project": ({}, 'disable = ["toy-1"]'),
    "in the project, against a variable": ({"RHEOBASE_DISABLE": "toy-2"}, 'disable = ["pick-1"]'),
    "in the project, by those that are allowed": ({}, 'only = ["toy-0", "toy-2"]'),
    "in the project, without plugins": ({}, "none = true"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_disabled_plugin_is_not_run_in_any_process(way: str, watched: Watched) -> None:
    variables, table = WAYS[way]
    if table:
        watched.settings.write_text(f"[plugins]\n{table}\n")
    # Twice: without an index, and with one.
    for _ in range(2):
        names = watched.names(**variables)
        assert "most-1" not in names
        assert "rk4" in names
    watched.rheobase("plugins", **variables)
    assert watched.events("toy_1") == []


def test_doctor_leaves_a_disabled_plugin_alone_and_says_so(watched: Watched) -> None:
    done = watched.rheobase("doctor", RHEOBASE_ONLY="toy-0")
    assert re.search(r" pick-1 +toy-1 1\.0 +disabled", done.stdout)
    assert "pick-1: not in RHEOBASE_ONLY" in done.stdout
    assert watched.events("toy_1") == []
    assert {event.kind for event in watched.events("toy_0")} >= {"open", "exec"}


def test_a_plugin_for_another_core_is_not_run_either(watched: Watched) -> None:
    assert "most-9" not in watched.names()
    assert watched.events("toy_9") == []
    assert watched.events("toy_8") != []


def test_an_index_that_knows_a_plugin_does_not_bring_it_back(watched: Watched) -> None:
    assert "most-1" in watched.names()
    seen = watched.events("toy_1")
    assert "most-1" not in watched.names(RHEOBASE_DISABLE="toy-1")
    assert watched.names(RHEOBASE_ONLY=OTHERS) >= {"most-0", "most-2", "most-3"}
    assert "most-1" in watched.names()
    assert watched.events("toy_1") == seen


def test_without_plugins_the_core_is_all_there_is(watched: Watched) -> None:
    said = json.loads(watched.rheobase("list", "--json", RHEOBASE_NO_PLUGINS="1").stdout)
    assert {part["distribution"] for part in said["components"]} == {"rheobase"}
    assert (said["broken"], said["warnings"]) == ([], [])


def test_of_ten_plugins_only_the_one_that_is_used_is_imported(watched: Watched) -> None:
    script = (
        "import json, sys, warnings; warnings.simplefilter('ignore')\n"
        "from rheobase.plugins.registry import resolve\n"
        "most = resolve('aggregator', 'most-3').load()\n"
        "print(json.dumps([most([3, 5], []), sorted(m for m in sys.modules if m.startswith('toy_'))]))"
    )
    for _ in range(2):  # without an index, and with one
        assert json.loads(watched.run("-c", script).stdout) == [5, ["toy_3", "toy_3.pick"]]


def test_whoever_asks_for_a_disabled_component_is_told_who_disabled_it(watched: Watched) -> None:
    watched.settings.write_text('[plugins]\ndisable = ["toy-1"]\n')
    for variables, where in ({}, f"{watched.settings}, disable"), ({"RHEOBASE_DISABLE": "toy-1"}, "RHEOBASE"):
        done = watched.run("-m", "rheobase", "show", "--kind", "aggregator", "most-1", **variables)
        assert done.returncode == 2
        assert f"plugin 'pick-1' of toy-1 1.0 (disabled: {where}" in done.stderr


def test_a_name_that_no_plugin_has_is_warned_of(watched: Watched) -> None:
    watched.settings.write_text('[plugins]\ndisable = ["tou-2"]\n')
    done = watched.rheobase("list", RHEOBASE_DISABLE="toy-1,quark", RHEOBASE_ONLY="tuy-3,toy-9")
    lines = [line for line in done.stderr.splitlines() if line.startswith("warning: plugins: ")]
    assert [line.removeprefix("warning: plugins: ") for line in lines] == [
        "RHEOBASE_DISABLE names 'quark', and no plugin of that name is installed",
        f"{watched.settings}, disable names 'tou-2', and no plugin of that name is installed; "
        "did you mean 'toy-2'?",
        "RHEOBASE_ONLY names 'tuy-3', and no plugin of that name is installed; did you mean 'toy-3'?",
    ]


BAD: dict[str, tuple[str, str]] = {
    "no TOML": ("[plugins\n", "cannot be read"),
    "another table": ("[plugin]\ndisable = []\n", "plugin"),
    "no table": ("plugins = 3\n", "plugins"),
    "a misspelt key": ("[plugins]\ndisabel = []\n", "'disabel' in [plugins]; did you mean 'disable'?"),
    "text for a list": ('[plugins]\ndisable = "toy-1"\n', "disable is 'toy-1'; it must be a list of names"),
    "numbers for names": ("[plugins]\nonly = [1]\n", "only is [1]; it must be a list of names"),
    "text for a switch": ('[plugins]\nnone = "yes"\n', "none is 'yes'; it must be true or false"),
    "a number for a switch": ("[plugins]\nstrict = 1\n", "strict is 1; it must be true or false"),
    "no time": ("[plugins]\ntimeout = 0\n", "timeout is 0; it must be a number of seconds above 0"),
    "a switch for a time": ("[plugins]\ntimeout = true\n", "timeout is True"),
    "a list of overrides": ("[plugins]\noverride = ['rk4']\n", "override is ['rk4']"),
    "an override without a kind": (
        '[plugins.override]\nrk4 = "toy-1"\n',
        "override has 'rk4'; it must name a kind",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_settings_of_the_project_are_an_error_that_names_file_and_key(
    case: str, watched: Watched
) -> None:
    text, said = BAD[case]
    watched.settings.write_text(text)
    # All commands read the settings alike.
    others = [("plugins",), ("show", "rk4")] if case in ("no TOML", "a misspelt key") else []
    for command in [("list",), *others]:
        done = watched.run("-m", "rheobase", *command)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("error: ")
        assert str(watched.settings) in done.stderr
        assert said in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("RHEOBASE_NO_PLUGINS", "perhaps"),
        ("RHEOBASE_STRICT", "very"),
        ("RHEOBASE_TIMEOUT", "soon"),
        ("RHEOBASE_TIMEOUT", "nan"),
        ("RHEOBASE_OVERRIDE", "rk4"),
        ("RHEOBASE_OVERRIDE", "rk4=toy-1"),
    ],
)
def test_a_variable_that_cannot_be_used_is_an_error_that_names_it(
    variable: str, value: str, watched: Watched
) -> None:
    done = watched.run("-m", "rheobase", "list", **{variable: value})
    assert (done.returncode, done.stdout) == (2, "")
    assert variable in done.stderr
    assert value.partition("=")[0] in done.stderr
