"""``rheobase lock`` and ``rheobase plugins --check``, in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Install = Callable[..., Path]
Rheobase = Callable[..., "subprocess.CompletedProcess[str]"]


def words(text: str) -> str:
    """A text on one line."""
    return " ".join(text.split())


def test_locking_prints_what_was_locked_and_what_changed_since_the_last_lock(
    install: Install, rheobase: Rheobase, tmp_path: Path
) -> None:
    site = install("toy-models")
    install("toy-gone")
    first = rheobase("lock")
    assert first.returncode == 0
    assert first.stdout.startswith(f"{tmp_path}/rheobase.lock\n")
    assert "toy-models 1.0 6 new" in words(first.stdout)
    assert "toy-models 1.0 6 as before" in words(rheobase("lock").stdout)
    (site / "toy_models" / "model.py").write_text("largest = min\n")
    for file in (site / "toy_gone-1.0.dist-info").iterdir():
        file.unlink()
    (site / "toy_gone-1.0.dist-info").rmdir()
    again = words(rheobase("lock").stdout)
    assert "toy-models 1.0 6 toy_models/model.py has changed since rheobase.lock was written" in again
    assert "toy-gone 1.0 6 no longer in rheobase.lock" in again


def test_the_lock_as_json_has_what_the_file_has(install: Install, rheobase: Rheobase, tmp_path: Path) -> None:
    install("toy-models")
    (tmp_path / "rheobase.lock").write_text(
        '{"format": 1, "plugins": {"gone": {"version": "1", "record": "", "files": {}}}}'
    )
    printed = json.loads(rheobase("lock", "--json").stdout)
    kept = json.loads((tmp_path / "rheobase.lock").read_text())["plugins"]["toy-models"]
    [plugin] = printed.pop("plugins")
    assert printed == {
        "lock": f"{tmp_path}/rheobase.lock",
        "removed": ["gone"],
        "warnings": printed["warnings"],
    }
    assert plugin == {
        "distribution": "toy-models",
        "version": kept["version"],
        "record": kept["record"],
        "files": len(kept["files"]),
        "change": "new",
    }


@pytest.mark.parametrize(
    ("existing", "written"),
    [
        ({}, "a/b"),
        ({"a": "rheobase.toml"}, "a"),
        ({"a": "rheobase.lock"}, "a"),
        ({"": "rheobase.lock", "a": "rheobase.toml"}, ""),  # the lock that counts is the one to be renewed
    ],
)
def test_the_lock_is_written_where_the_project_is(
    existing: dict[str, str], written: str, install: Install, rheobase: Rheobase, tmp_path: Path
) -> None:
    install("toy-models")
    for folder, name in existing.items():
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / name).write_text("" if name.endswith("toml") else '{"format": 1, "plugins": {}}')
    assert rheobase("lock", folder="a/b").returncode == 0
    [file] = [file for file in tmp_path.rglob("rheobase.lock") if "toy-models" in file.read_text()]
    assert file == tmp_path / written / "rheobase.lock"
    assert "warning" not in rheobase("list", folder="a/b").stderr


def test_a_disabled_plugin_is_not_locked(install: Install, rheobase: Rheobase) -> None:
    install("toy-models")
    install("toy-others")
    out = rheobase("lock", RHEOBASE_DISABLE="toy-others").stdout
    assert "toy-models" in out
    assert "toy-others" not in out


def test_a_lock_that_cannot_be_read_is_written_anew(
    install: Install, rheobase: Rheobase, tmp_path: Path
) -> None:
    install("toy-models")
    (tmp_path / "rheobase.lock").write_text("<<<<<<< HEAD")
    done = rheobase("list")
    assert done.returncode == 2
    assert f"error: {tmp_path}/rheobase.lock is no lock file that can be used" in done.stderr
    done = rheobase("lock", "--strict", RHEOBASE_DISABLE="")
    assert done.returncode == 0
    assert "could not be read, and is written anew" in done.stderr
    assert rheobase("list").returncode == 0


def test_a_file_that_is_not_as_it_was_installed_is_told_and_under_strict_nothing_is_locked(
    install: Install, rheobase: Rheobase, tmp_path: Path
) -> None:
    (install("toy-models") / "toy_models" / "model.py").write_text("largest = min\n")
    said = "toy_models/model.py of toy-models 1.0 is not as it was installed; it is locked as it is"
    done = rheobase("lock", "--strict", RHEOBASE_DISABLE="")
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "rheobase.lock").exists()
    done = rheobase("lock")
    assert done.returncode == 0
    assert f"warning: {said}" in done.stderr
    assert rheobase("plugins", "--check").returncode == 0


def test_a_plugin_that_cannot_be_read_is_told_and_the_others_are_locked(
    install: Install, rheobase: Rheobase
) -> None:
    install("toy-models")
    (install("toy-garbled") / "toy_garbled-1.0.dist-info" / "RECORD").write_bytes(b"\xff\xfe")
    done = rheobase("lock")
    assert done.returncode == 0
    assert "warning: toy-garbled is not locked, and so refused: its metadata cannot be read" in done.stderr
    assert "toy-models" in done.stdout
    assert "toy-garbled" not in done.stdout


def test_checking_says_of_each_plugin_how_it_is(install: Install, rheobase: Rheobase, tmp_path: Path) -> None:
    path = f"{tmp_path}/rheobase.lock"
    for name in ("toy-models", "toy-changed", "toy-gone"):
        install(name)
    rheobase("lock")
    done = rheobase("plugins", "--check")
    assert done.returncode == 0
    assert "all is as locked" in done.stdout
    site = install("toy-unknown")
    (site / "toy_changed" / "table.csv").write_text("3,4\n")
    for file in (site / "toy_gone-1.0.dist-info").iterdir():
        file.unlink()
    (site / "toy_gone-1.0.dist-info").rmdir()
    done = rheobase("plugins", "--check")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    mend = "If you trust it: rheobase lock"
    assert f"toy: changed: toy_changed/table.csv has changed since {path} was written. {mend}" in lines
    assert f"toy: unknown: it is not in {path}. {mend}" in lines
    [missing] = [line for line in lines if line.startswith("toy-gone: missing: ")]
    assert f"{path} has it, and it is not installed" in missing
    assert "pip install toy-gone" in missing
    assert lines[-1] == "not all is as locked"
    done = rheobase("plugins", "--check", "--json")
    assert done.returncode == 1
    printed: dict[str, Any] = json.loads(done.stdout)
    assert (printed["lock"], printed["ok"]) == (path, False)
    standings = {each["distribution"]: each["status"] for each in printed["plugins"]}
    assert {name: said for name, said in standings.items() if name.startswith("toy")} == {
        "toy-models": "as locked",
        "toy-changed": "changed",
        "toy-unknown": "unknown",
        "toy-gone": "missing",
    }


def test_checking_passes_over_a_plugin_that_is_disabled(install: Install, rheobase: Rheobase) -> None:
    site = install("toy-models")
    rheobase("lock")
    (site / "toy_models" / "model.py").write_text("largest = min\n")
    done = rheobase("plugins", "--check", "--json", RHEOBASE_DISABLE="toy-models")
    assert done.returncode == 0
    assert {each["status"] for each in json.loads(done.stdout)["plugins"]} == {"disabled"}


def test_checking_without_a_lock_is_an_error_that_says_what_to_do(rheobase: Rheobase, tmp_path: Path) -> None:
    done = rheobase("plugins", "--check")
    assert done.returncode == 2
    assert f"there is no rheobase.lock in {tmp_path} or a folder above it" in done.stderr
    assert "rheobase lock" in done.stderr


def test_a_refused_plugin_is_an_error_under_strict(install: Install, rheobase: Rheobase) -> None:
    site = install("toy-models")
    rheobase("lock")
    (site / "toy_models" / "model.py").write_text("largest = min\n")
    done = rheobase("list", RHEOBASE_STRICT="1")
    assert done.returncode == 2
    assert "toy_models/model.py has changed" in done.stderr


HANGS = """
import sys, time
class Finder:
    def find_spec(self, name, path=None, target=None): return None
    def find_distributions(self, context=None): time.sleep(600)
sys.meta_path.append(Finder())
"""


@pytest.mark.skipif(os.name != "posix", reason="elsewhere metadata are read in one process")
def test_a_finder_that_hangs_is_named_whether_locked_checked_or_listed(
    install: Install, rheobase: Rheobase
) -> None:
    site = install("toy-models")
    (site / "sitecustomize.py").write_text(HANGS)
    for command in (["lock"], ["plugins", "--check"], ["list"]):
        done = rheobase(*command, RHEOBASE_TIMEOUT="1")
        assert done.returncode == 0
        assert "toy-models" in done.stdout
        assert "finder sitecustomize.Finder: reading it did not end within 1 s" in done.stderr
