"""Ways past a lock, each closed."""

from __future__ import annotations

import importlib
import os
import py_compile
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rheobase.plugins.entry import Entry
from rheobase.plugins.locking import loading, verified

Install = Callable[..., Path]
Put = Callable[[object], None]
Locking = Callable[..., None]
Refused = Callable[..., str]

EVIL = "raise RuntimeError('it was run')\n"


@pytest.mark.parametrize("how", ["unchecked", "with the time and size of its source"])
def test_a_compiled_module_that_is_not_its_source_is_refused(
    how: str, install: Install, put_on_path: Put, locking: Locking, refused: Refused, tmp_path: Path
) -> None:
    site = install("toy-models")
    put_on_path(site)
    locking()
    source, evil = site / "toy_models" / "model.py", tmp_path / "evil.py"
    text = EVIL if how == "unchecked" else EVIL.ljust(source.stat().st_size, "#")[: source.stat().st_size]
    evil.write_text(text)
    os.utime(evil, ns=(source.stat().st_atime_ns, source.stat().st_mtime_ns))
    mode = py_compile.PycInvalidationMode
    py_compile.compile(
        str(evil),
        str(site / "toy_models" / "__pycache__" / f"model.{sys.implementation.cache_tag}.pyc"),
        invalidation_mode=mode.UNCHECKED_HASH if how == "unchecked" else mode.TIMESTAMP,
    )
    assert refused() != ""


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("mode", py_compile.PycInvalidationMode)
def test_a_compiled_module_that_is_its_source_is_not_refused(
    level: int, mode: Any, install: Install, put_on_path: Put, locking: Locking, refused: Refused
) -> None:
    site = install("toy-models")
    put_on_path(site)
    locking()
    for source in (site / "toy_models").glob("*.py"):
        py_compile.compile(str(source), invalidation_mode=mode, optimize=level, doraise=True)
    assert refused() == ""


@pytest.mark.parametrize("what", ["toy_cell.py", "toy_cell/__init__.py"])
def test_what_stands_before_the_module_of_a_model_on_the_path_is_refused(
    what: str, install: Install, put_on_path: Put, locking: Locking, refused: Refused, tmp_path: Path
) -> None:
    hooks = (
        "from rheobase import AggregatorSpec, hookimpl\n@hookimpl\ndef rheobase_aggregators():\n"
        "    return [AggregatorSpec('toy', 'toy_cell:largest')]\n"
    )
    files = {"toy_hook.py": hooks, "toy_cell.py": "largest = max\n"}
    put_on_path(install("toy-models", files, point="toy_hook"))
    entry = Entry("toy-models", "1.0", "toy", "toy_hook")
    locking(entry)
    assert refused(entry) == ""
    (tmp_path / "before" / what).parent.mkdir(parents=True)
    (tmp_path / "before" / what).write_text(EVIL)
    put_on_path(tmp_path / "before")
    assert refused(entry) != ""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such files here")
@pytest.mark.parametrize("what", ["RECORD", "METADATA", "entry_points.txt", "compiled", "data", "source"])
def test_a_pipe_in_a_locked_distribution_is_not_waited_for(
    what: str,
    install: Install,
    put_on_path: Put,
    locking: Locking,
    refused: Refused,
) -> None:
    site = install("toy-models")
    put_on_path(site)
    locking()
    package = site / "toy_models"
    place = {
        "compiled": package / "__pycache__" / f"model.{sys.implementation.cache_tag}.pyc",
        "data": package / "table.csv",
        "source": package / "model.py",
    }.get(what, site / "toy_models-1.0.dist-info" / what)
    place.parent.mkdir(exist_ok=True)
    place.unlink(missing_ok=True)
    os.mkfifo(place)

    def give_up(*_: object) -> None:
        pytest.fail(f"{place} was waited for")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(10)
    try:
        # A compiled form that cannot be read is not run: what is locked is compiled from its source.
        assert (refused() == "") == (what == "compiled")
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


LATER = """
import json, os, py_compile, sys, warnings
warnings.simplefilter("ignore")
from rheobase.plugins.registry import resolve
part = resolve("aggregator", "toy-models")
source, compiled, before = PATHS
evil = "largest = 'evil'.join\\n"
DO
try:
    print(json.dumps({"loaded": part.load()(["a", "b"])}))
except Exception as error:
    print(json.dumps({"refused": str(error)}))
"""

# What somebody may do between check and import, and what is run then; empty: nothing.
CHANGES = {
    "nothing": ("pass", "b"),
    "source": ("open(source, 'w').write(evil)", ""),
    "compiled": (
        "open(before, 'w').write(evil)\n"
        "mode = py_compile.PycInvalidationMode.UNCHECKED_HASH\n"
        "py_compile.compile(before, compiled, invalidation_mode=mode)",
        "b",
    ),
    "shadow": (
        "folder = os.path.join(os.path.dirname(before), 'toy_models')\nos.makedirs(folder)\n"
        "open(os.path.join(folder, '__init__.py'), 'w').close()\n"
        "open(os.path.join(folder, 'model.py'), 'w').write(evil)\n"
        "sys.path.insert(0, os.path.dirname(folder))",
        "",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_between_check_and_import_is_not_run(
    change: str,
    install: Install,
    put_on_path: Put,
    locking: Locking,
    listed: Callable[..., dict[str, Any]],
    tmp_path: Path,
) -> None:
    site = install("toy-models")
    put_on_path(site)
    locking()
    source = site / "toy_models" / "model.py"
    compiled = source.parent / "__pycache__" / f"model.{sys.implementation.cache_tag}.pyc"
    does, loaded = CHANGES[change]
    paths = str(source), str(compiled), str(tmp_path / "evil.py")
    said = listed(
        site,
        script=LATER.replace("PATHS", repr(paths)).replace("DO", does),
        env={"TRACES": os.devnull, "RHEOBASE_ONLY": "toy-models"},
    )
    assert said.get("loaded", "") == loaded
    if not loaded:
        assert "locked" in said["refused"] or "compared with the lock" in said["refused"]


@pytest.mark.parametrize("name", ["toy_cell.py", "toy_cell.pyc", "toy_cell.so"])
def test_each_form_of_a_module_is_compared_as_it_is_imported(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    file = tmp_path / name
    file.write_bytes(b"")
    place = os.path.join(os.path.realpath(tmp_path), name)
    loading.activate({"toy-models": loading.Trusted({place: "0" * 64}, ["toy_cell"])})
    try:
        with pytest.raises(loading.Changed, match=r"toy_cell\.\w+ has changed since it was compared"):
            importlib.import_module("toy_cell")
    finally:
        loading.activate({})


def test_what_is_compared_later_says_what_is_compared_first(
    install: Install, put_on_path: Put, locking: Locking, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verified, "SETTLED", 0)
    site = install("toy-models")
    put_on_path(site)
    locking()
    time.sleep(0.05)
    assert refused() == ""
    [record] = site.glob("*.dist-info/RECORD")
    record.write_text(record.read_text() + "toy_models/more.txt,,\n")
    assert refused() != ""
