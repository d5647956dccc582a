"""Ways past a lock, which are still open: each is expected to fail until it is closed."""

from __future__ import annotations

import os
import py_compile
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rheobase.plugins.entry import Entry

Install = Callable[..., Path]
Put = Callable[[object], None]
Locking = Callable[..., None]
Refused = Callable[..., str]

EVIL = "raise RuntimeError('it was run')\n"


@pytest.mark.xfail(
    strict=True, raises=AssertionError, reason="compiled modules in __pycache__ are run and not hashed"
)
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


@pytest.mark.xfail(
    strict=True,
    raises=AssertionError,
    reason="only the way to the hook module is followed, not that to its models",
)
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


LATER = """
import json, sys, warnings
warnings.simplefilter("ignore")
from rheobase.plugins.registry import resolve
part = resolve("aggregator", "toy-models")
with open(PATH, "w") as file:
    file.write("largest = 'evil'.join\\n")
try:
    print(json.dumps({"loaded": part.load()(["a", "b"])}))
except Exception as error:
    print(json.dumps({"refused": str(error)}))
"""


@pytest.mark.xfail(
    strict=True, raises=AssertionError, reason="a file is hashed first, and read again when it is imported"
)
def test_a_file_that_changes_between_check_and_import_is_not_run(
    install: Install,
    put_on_path: Put,
    locking: Locking,
    listed: Callable[..., dict[str, Any]],
    tmp_path: Path,
) -> None:
    site = install("toy-models")
    put_on_path(site)
    locking()
    path = site / "toy_models" / "model.py"
    said = listed(
        site,
        script=LATER.replace("PATH", repr(str(path))),
        env={"TRACES": os.devnull, "RHEOBASE_ONLY": "toy-models"},
    )
    assert "loaded" not in said
