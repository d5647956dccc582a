"""The index among processes: what a second one need not import, and what several write at once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Publish = Callable[..., Path]
Listed = Callable[..., dict[str, Any]]

# The command, and what it did that only a first call may do.
COMMAND = """
import json, sys
seen = []
def hook(event, args):
    if event in ("os.fork", "os.posix_spawn", "subprocess.Popen"):
        seen.append(event)
    if event == "open" and "toy_models" in str(args[0]) and "dist-info" not in str(args[0]):
        seen.append(str(args[0]))
sys.addaudithook(hook)
from rheobase.cli import main
main(["list"], standalone_mode=False)
print(json.dumps({"modules": sorted(sys.modules), "seen": seen}))
"""

HEAVY = {"importlib_metadata", "pluggy", "packaging", "subprocess", "rich", "torch", "numpy", "toy_models"}


def test_a_second_listing_starts_no_process_and_imports_nothing_that_is_dear(
    publish: Publish, listed: Listed
) -> None:
    site = publish("toy-models", requires=["rheobase>=0.0.1"], spec="v1")
    (site / "toy_models.py").write_text("import toy_models_aid\n" + (site / "toy_models.py").read_text())
    (site / "toy_models_aid.py").write_text("import subprocess, packaging\n")
    first, second = (listed(site, script=COMMAND) for _ in range(2))
    assert first["seen"]  # the first one has to look
    assert second["seen"] == []
    assert not HEAVY & set(second["modules"])


def test_a_broken_plugin_is_not_loaded_again_at_each_listing(publish: Publish, listed: Listed) -> None:
    site = publish("toy-models", "import no_such_module\n")
    first = listed(site)
    time.sleep(0.05)  # what was written a moment ago is looked at twice
    listed(site)
    third = listed(site, script=COMMAND)
    assert third["seen"] == []
    assert [text for text in first["warnings"] if "no_such_module" in text]
    assert listed(site)["warnings"] == first["warnings"]


def test_what_a_process_lists_is_what_is_installed_then(
    publish: Publish, listed: Listed, listing: str
) -> None:
    def toys() -> list[list[str]]:
        kept, fresh = listed(site), listed(site, cache=f"cache {time.time_ns()}")
        assert (kept["found"], kept["warnings"]) == (fresh["found"], fresh["warnings"])
        return [row[1:] for row in kept["found"] if row[2] not in ("rheobase", *own)]

    def install(*names: str, version: str, folder: str) -> Path:
        for path in site.glob("toy_models*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.rmtree(site / "__pycache__", ignore_errors=True)
        return publish("toy-models", names=names, version=version, folder=folder)

    site = publish("a-models", names=["steady"], folder="site")
    own = {row[2] for row in listed(site)["found"]} - {"a-models"}
    assert toys() == [["steady", "a-models", "1.0"]]
    install("alpha", version="1.0", folder="site")
    assert toys() == [["alpha", "toy-models", "1.0"], ["steady", "a-models", "1.0"]]
    install("beta", version="2.0", folder="site")
    assert toys() == [["beta", "toy-models", "2.0"], ["steady", "a-models", "1.0"]]
    install("zeta", version="2.0", folder="site")  # the same version and the same size
    assert toys() == [["steady", "a-models", "1.0"], ["zeta", "toy-models", "2.0"]]
    source = install("sigma", version="2.1", folder="source")
    shutil.move(source / "toy_models-2.1.dist-info", site)
    (site / "toy_models.pth").write_text(f"{source}\n")
    site_first = (
        f"import site; site.addsitedir({str(site)!r})\n"  # as at the start of an environment's python
    )

    def edited() -> list[str]:
        from_source = listed(site, script=site_first + listing)
        return [row[1] for row in from_source["found"] if row[2] == "toy-models"]

    assert edited() == ["sigma"]
    hooks = source / "toy_models.py"
    shutil.rmtree(source / "__pycache__", ignore_errors=True)
    hooks.write_text(hooks.read_text().replace("sigma", "gamma"))
    assert edited() == ["gamma"]
    shutil.rmtree(site / "toy_models-2.1.dist-info")
    assert edited() == []


def test_two_plugins_of_one_package_are_not_loaded_again_at_each_listing(
    publish: Publish, listed: Listed
) -> None:
    site = publish("toy-models", entry="first = toys.first\nsecond = toys.second")
    (site / "toys").mkdir()
    (site / "toys" / "__init__.py").write_text("")
    (site / "toy_models.py").rename(site / "toys" / "first.py")
    (site / "toys" / "second.py").write_text((site / "toys" / "first.py").read_text().replace("toy'", "too'"))
    time.sleep(0.05)
    listed(site)
    second = listed(site, script=COMMAND)
    assert second["seen"] == []


def test_a_table_that_a_hook_module_reads_counts_as_its_source(publish: Publish, listed: Listed) -> None:
    site = publish("toy-models")
    hooks = (site / "toy_models.py").read_text().replace("['toy']", "TABLE.read_text().split()")
    (site / "toy_models.py").write_text(
        f"from pathlib import Path\nTABLE = Path(__file__).with_name('names.txt')\n{hooks}"
    )
    for names in ("alpha beta", "alpha zeta", "gamma"):
        (site / "names.txt").write_text(names)
        for _ in range(2):
            assert [row[1] for row in listed(site)["found"] if row[2] == "toy-models"] == names.split()
    listed(site)
    assert listed(site, script=COMMAND)["seen"] == []


def test_a_path_with_odd_things_on_it_is_searched_all_the_same(
    publish: Publish, listed: Listed, listing: str
) -> None:
    site = publish("toy-models")
    odd = "import pathlib, sys; sys.path += [None, b'bytes', 3, pathlib.Path('path'), 'no/such/folder']\n"
    for _ in range(2):
        found = listed(site, script=odd + listing)
        assert ["neuron", "toy", "toy-models", "1.0"] in found["found"]
        assert found["warnings"] == []


def test_processes_that_look_at_once_all_find_the_same_and_leave_one_index(
    publish: Publish, listed: Listed, listing: str, ours: str, tmp_path: Path
) -> None:
    site = publish("toy-models", names=[f"toy-{number}" for number in range(50)])
    alone = listed(site, cache="another")["found"]
    own = {"RHEOBASE_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(site), "RHEOBASE_DISABLE": ours}
    environ = {**os.environ, **own}
    command = [sys.executable, "-c", listing]
    processes = [
        subprocess.Popen(command, env=environ, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for process in processes:
        answer = json.loads(process.communicate()[0])
        assert answer["found"] == alone
        assert answer["warnings"] == []
    assert [path.suffix for path in (tmp_path / "cache" / "plugins").iterdir()] == [".json"]
    time.sleep(0.05)
    listed(site)
    assert listed(site, script=COMMAND)["seen"] == []


WRITING = """
import os, sys
from rheobase import cache
path, number = sys.argv[1], int(sys.argv[2])
content = bytes([65 + number]) * (100_000 + number)
for _ in range(60):
    problem = cache.write(path, content)
    assert not problem, problem
    found = cache.read(path)
    assert found is not None and len(found) == 100_000 + found[0] - 65 and len(set(found)) == 1
"""


def test_a_file_of_the_cache_is_always_whole_while_several_write_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "in" / "file"
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITING, str(path), str(number)]) for number in range(3)
    ]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert [each.name for each in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("where", ["a file", os.path.join(os.devnull, "cache")])
def test_a_listing_says_nothing_of_a_cache_that_cannot_be_written(
    publish: Publish, listed: Listed, tmp_path: Path, where: str
) -> None:
    (tmp_path / "a file").write_text("")
    site = publish("toy-models")
    result = listed(site, cache=where)
    assert ["neuron", "toy", "toy-models", "1.0"] in result["found"]
    assert result["warnings"] == []
