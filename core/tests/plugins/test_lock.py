"""The lock file, in processes of their own: what is not as it was locked is refused, and none of it run."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Install = Callable[..., Path]
Rheobase = Callable[..., "subprocess.CompletedProcess[str]"]


def row(path: Path, name: str) -> str:
    """The line of RECORD for a file as it is."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{path.stat().st_size}"


def rewrite_record(site: Path) -> None:
    """Make RECORD say what lies on disk."""
    record = site / "toy_models-1.0.dist-info" / "RECORD"
    names = [line.partition(",")[0] for line in record.read_text().splitlines()]
    record.write_text(
        "\n".join(f"{name},," if name.endswith("RECORD") else row(site / name, name) for name in names)
    )


def before_others(site: Path) -> str:
    """The variable PYTHONPATH with one more folder."""
    return os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)


def traces(tmp_path: Path) -> list[str]:
    """The modules of plugins that were run since the last call."""
    file = tmp_path / "traces"
    found = file.read_text().split() if file.exists() else []
    file.unlink(missing_ok=True)
    return found


def test_a_locked_plugin_works(install: Install, rheobase: Rheobase) -> None:
    install("toy-models")
    assert rheobase("lock").returncode == 0
    done = rheobase("list")
    assert "toy-models 1.0" in done.stdout
    assert "warning" not in done.stderr


@pytest.mark.parametrize("record", ["as it was", "rewritten too"])
def test_a_changed_file_is_named_and_no_byte_of_the_plugin_is_run_until_it_is_locked_again(
    record: str, install: Install, rheobase: Rheobase, tmp_path: Path
) -> None:
    site = install("toy-models")
    install("toy-others")
    rheobase("lock")
    rheobase("list")
    assert "toy_models.hooks" in traces(tmp_path)  # so that the traces do tell
    with (site / "toy_models" / "model.py").open("a") as file:
        file.write("largest = min\n")
    if record == "rewritten too":
        rewrite_record(site)
    for command in ("list", "plugins", "doctor"):
        traces(tmp_path)
        done = rheobase(command)
        said = " ".join((done.stdout + done.stderr).split())
        assert f"toy_models/model.py has changed since {tmp_path}/rheobase.lock was written" in said
        assert "If you trust it: rheobase lock" in said
        assert not [name for name in traces(tmp_path) if name.startswith("toy_models")]
        assert "toy-others" in done.stdout
    rheobase("lock")
    done = rheobase("list")
    assert "warning" not in done.stderr
    assert "toy_models.hooks" in traces(tmp_path)


def test_a_refused_plugins_component_is_not_found_and_the_message_names_the_plugin(
    install: Install, rheobase: Rheobase, tmp_path: Path, warm: Any
) -> None:
    site = install("toy-models")
    rheobase("lock")
    (site / "toy_models" / "model.py").write_text("import torch\n")
    code = (
        "import warnings, rheobase as rb\nwarnings.simplefilter('ignore')\n"
        "try: rb.aggregator('toy-models')\nexcept LookupError as error: print(error)\n"
    )
    environ = {"PYTHONPATH": before_others(site), "RHEOBASE_CACHE_DIR": str(tmp_path / "cache")}
    done = warm.run(
        "-c", code, env={**os.environ, **environ, "TRACES": str(tmp_path / "traces")}, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "Left out" in done.stdout
    assert "toy-models 1.0" in done.stdout
    assert traces(tmp_path) == []


def test_an_unknown_plugin_is_refused_unrun_and_the_locked_one_works(
    install: Install, rheobase: Rheobase, tmp_path: Path
) -> None:
    install("toy-models")
    rheobase("lock")
    install("toy-others")
    done = rheobase("list", folder="below/it")  # the lock of a folder above counts
    assert (
        f"plugin 'toy' of toy-others 1.0 is left out, the others work: it is not in {tmp_path}" in done.stderr
    )
    assert {name.partition(".")[0] for name in traces(tmp_path)} == {"toy_models"}
    assert "toy-models 1.0" in done.stdout


def test_neither_locking_nor_checking_runs_a_plugin(
    install: Install, rheobase: Rheobase, tmp_path: Path
) -> None:
    install("toy-models")
    assert rheobase("lock").returncode == 0
    assert rheobase("plugins", "--check").returncode == 0
    assert traces(tmp_path) == []


def test_a_plugin_made_for_another_host_is_locked_too(install: Install, rheobase: Rheobase) -> None:
    install("toy-models", point="toy_models.hooks\n[rheobase.spec]\ntoy = v9")
    assert "incompatible" in rheobase("plugins").stdout
    assert "toy-models" in rheobase("lock").stdout
    assert rheobase("plugins", "--check").returncode == 0


PROBE = """
import json, sys
import rheobase.plugins.locking.verified as verified
verified.SETTLED = {settled}
import rheobase
ROOM = "rheobase.plugins.locking."
print(json.dumps([
    [part.spec.name for part in rheobase.list_components("aggregator")],
    sorted({{"importlib_metadata", "hashlib", "csv", ROOM + "contents"}} & sys.modules.keys()),
    ROOM + "check" in sys.modules,
]))
"""


def test_what_is_not_needed_is_not_imported_where_nothing_has_changed(
    install: Install, rheobase: Rheobase, tmp_path: Path
) -> None:
    site = install("toy-models")

    def probe(code: str) -> Any:
        environ = {"PYTHONPATH": before_others(site), "PYTHONDONTWRITEBYTECODE": "1"}
        environ |= {"RHEOBASE_ONLY": "toy-models"}
        environ |= {"RHEOBASE_CACHE_DIR": str(tmp_path / "cache"), "TRACES": str(tmp_path / "traces")}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **environ},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)

    code = PROBE.format(settled="0")
    unlocked = code.replace(
        "import rheobase.plugins.locking.verified as verified\nverified.SETTLED = 0\n", ""
    )
    probe(unlocked)  # makes the index
    assert probe(unlocked)[1:] == [[], False]
    rheobase("lock")
    probe(code)
    names, modules, locked = probe(code)
    assert "toy-models" in names
    assert modules == []
    assert locked
