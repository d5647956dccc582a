"""Whatever lies where metadata should be, the listing says where it is and is done in time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rheobase.plugins.ownership import strangers
from rheobase.specs import VERSION

Publish = Callable[..., Path]
Listed = Callable[..., dict[str, Any]]

posix = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such files here")

LIMIT = {"RHEOBASE_TIMEOUT": "2"}


def within(seconds: float, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a call gives, if it does so in time."""
    since = time.monotonic()
    said = call()
    assert time.monotonic() - since < seconds
    return said


def replace(path: Path, what: str) -> None:
    """Put something else in the place of a file."""
    path.unlink()
    if what == "a pipe":
        os.mkfifo(path)
    elif what == "an endless device":
        path.symlink_to("/dev/zero")
    elif what == "a folder":
        path.mkdir()
    else:
        with path.open("wb") as file:
            file.truncate(1 << 40)


@posix
@pytest.mark.parametrize("name", ["METADATA", "entry_points.txt"])
def test_what_is_no_file_of_metadata_is_named_and_the_others_work(
    name: str, publish: Publish, listed: Listed
) -> None:
    whats = ["a pipe", "an endless device", "a huge file", "a folder"]
    for number, what in enumerate(whats):
        site = publish(f"odd-{number}", names=["odd"])
        replace(site / f"odd_{number}-1.0.dist-info" / name, what)
    publish("z-good", names=["last"])
    said = within(30, lambda: listed(site, env=LIMIT))
    assert ["neuron", "last", "z-good", "1.0"] in said["found"]
    for number, what in enumerate(whats):
        named = [text for text in said["warnings"] if f"odd-{number} 1.0 is left out" in text]
        assert len(named) == 1, what
        assert f"odd_{number}-1.0.dist-info" in named[0]


@posix
def test_a_pipe_on_the_path_is_named_and_passed_over(
    publish: Publish, listed: Listed, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    site = publish("z-good", names=["last"])
    said = within(30, lambda: listed(tmp_path / "pipe", site, env=LIMIT))
    assert ["neuron", "last", "z-good", "1.0"] in said["found"]
    [warning] = said["warnings"]
    assert warning.startswith(f"{str(tmp_path / 'pipe')!r} on the path: it is neither a folder nor a file")


FINDERS = {
    "raises": ("raise OSError('no such server')", "it fails: OSError: no such server"),
    "leaves": ("raise SystemExit(3)", "reading it ended the interpreter: exit status"),
    "ends": ("import os; os._exit(3)", "reading it ended the interpreter: exit status 3"),
    "hangs": ("import time; time.sleep(600)", "reading it did not end within 2 s"),
    "nothing": ("return [None]", "it fails: AttributeError"),
    "no list": ("return 3", "it fails: TypeError"),
}

FINDER = """
import sys
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None): return None
    @staticmethod
    def find_distributions(context=None):
        {}
sys.meta_path.append(Finder)
"""


@posix
@pytest.mark.parametrize("kind", FINDERS)
def test_a_finder_that_fails_is_named_and_what_the_others_find_is_there(
    kind: str, publish: Publish, listed: Listed, listing: str
) -> None:
    text, cause = FINDERS[kind]
    site = publish("z-good", names=["last"])
    said = within(30, lambda: listed(site, env=LIMIT, script=FINDER.format(text) + listing))
    assert ["neuron", "last", "z-good", "1.0"] in said["found"]
    [warning] = said["warnings"]
    assert warning.startswith("finder __main__.Finder: ")
    assert cause in warning


def test_a_component_that_lies_in_another_distribution_is_warned_of_naming_both(
    install: Callable[..., Path], listed: Listed
) -> None:
    install("right-models")
    hooks = (
        "from rheobase import AggregatorSpec, hookimpl\n@hookimpl\ndef rheobase_aggregators():\n"
        "    return [AggregatorSpec({!r}, 'right_models.model:largest')]\n"
    )
    install("wrong-models", {"wrong_models/__init__.py": "", "wrong_models/hooks.py": hooks.format("wrong")})
    site = install(
        "near-models", {"near_models/__init__.py": "", "near_models/hooks.py": hooks.format("near")}
    )
    metadata = site / "near_models-1.0.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text() + "Requires-Dist: Right.Models>=1\n")
    for _ in range(2):
        said = listed(site, env={"TRACES": os.devnull})
        assert {"right-models", "wrong", "near"} <= {row[1] for row in said["found"]}
        [warning] = said["warnings"]
        assert warning.startswith(
            "plugin 'toy' of wrong-models 1.0: aggregator 'wrong' is 'right_models.model:largest', "
            "which lies in right-models 1.0"
        )


def test_editable_installs_bring_what_their_folder_holds(
    install: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    for package in ("by_folder", "by_finder"):
        (source / package).mkdir(parents=True)
        (source / package / "__init__.py").write_text("")
    finder = f"MAPPING: dict[str, str] = {{'by_finder': {str(source / 'by_finder')!r}}}\nNAMESPACES = {{}}\n"
    install("folder-models", {"_folder_models.pth": f"{source}\n"})
    site = install(
        "finder-models",
        {
            "__editable__.finder_models-1.0.pth": "import __editable___finder_models_1_0_finder\n",
            "__editable___finder_models_1_0_finder.py": finder,
        },
    )
    (source / "by_finder").rename(tmp_path / "by_finder")
    monkeypatch.syspath_prepend(str(site))
    both = [["aggregator", "one", "by_folder.a:b"], ["aggregator", "two", "by_finder:b"]]
    assert strangers([["folder-models", both], ["finder_models", both], ["nobody", both]]) == [
        ["aggregator 'two' is 'by_finder:b', which lies in finder-models 1.0"],
        ["aggregator 'one' is 'by_folder.a:b', which lies in folder-models 1.0"],
        [
            "aggregator 'one' is 'by_folder.a:b', which lies in folder-models 1.0",
            "aggregator 'two' is 'by_finder:b', which lies in finder-models 1.0",
        ],
    ]


@pytest.mark.parametrize("name", ["rheobase", "RheoBase"])
def test_metadata_of_another_core_change_nothing_of_this_one(
    name: str, publish: Publish, listed: Listed
) -> None:
    publish("z-good", names=["last"], requires=["rheobase>=0.1"])
    hook = (
        "import rheobase as rb\n@rb.hookimpl\ndef rheobase_integrators():\n"
        "    return [rb.IntegratorSpec('rk4', 'left_over:rk4')]\n"
    )
    site = publish(name, "", version="0.0.1", entry="core = left_over")
    (site / f"{name}.py").unlink()
    (site / "left_over.py").write_text(hook)
    said = listed(site)
    assert ["neuron", "last", "z-good", "1.0"] in said["found"]
    assert [row[2:] for row in said["found"] if row[1] == "rk4"] == [["rheobase", VERSION]]
    [warning] = said["warnings"]
    assert (
        f"plugin 'core' of {name} 0.0.1 is left out, the others work: it has the name of the core" in warning
    )
    assert f"Remove {site / f'{name}-0.0.1.dist-info'}" in warning
    told = subprocess.run(
        [sys.executable, "-m", "rheobase", "--version"],
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == f"rheobase {VERSION}\n"


ENCODED = {
    "a byte-order mark": "[rheobase]\ntoy = odd\n".encode("utf-8-sig"),
    "UTF-16": "[rheobase]\ntoy = odd\n".encode("utf-16"),
    "UTF-16 without a mark": "[rheobase]\ntoy = odd\n".encode("utf-16-le"),
}


def test_entry_points_in_another_encoding_are_not_passed_over_in_silence(
    publish: Publish, listed: Listed
) -> None:
    for number, content in enumerate(ENCODED.values()):
        site = publish(f"odd-{number}")
        (site / f"odd_{number}-1.0.dist-info" / "entry_points.txt").write_bytes(content)
    for number, content in enumerate(ENCODED.values()):  # which are no plugins
        publish(f"foreign-{number}")
        foreign = content.replace(b"r", b"s")
        (site / f"foreign_{number}-1.0.dist-info" / "entry_points.txt").write_bytes(foreign)
    said = listed(site)
    for number, case in enumerate(ENCODED):
        [warning] = [text for text in said["warnings"] if f"odd-{number} 1.0 is left out" in text]
        assert "entry_points.txt" in warning, case
    assert len(said["warnings"]) == len(ENCODED)


def test_no_message_is_longer_than_a_few_lines_whatever_metadata_say(
    publish: Publish, listed: Listed
) -> None:
    publish("a-value", entry=f"toy = {'very.' * 20_000}long")
    publish("a-name", entry=f"{'very-' * 20_000}long = a_name")
    site = publish("a-need", requires=[f"rheobase>=99; python_version > '{'0' * 100_000}'"])
    publish("b-need", requires=[f"rheobase>={'9' * 100_000}"])
    said = listed(site)
    for name in ("a-value", "a-need", "b-need"):
        assert [text for text in said["warnings"] if f"of {name} 1.0" in text], name
    assert max(map(len, said["warnings"])) < 3000
