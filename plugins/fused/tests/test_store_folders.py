"""Which folders kernels are loaded from, and what is removed from them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
from rheobase.errors import RheobaseWarning
from rheobase_fused import folders, store, trusted

SOURCE = 'extern "C" int seven() { return 7; }\n'
DAY = 86_400


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache; the folder of kernels in it."""
    monkeypatch.setenv("RHEOBASE_CACHE_DIR", str(tmp_path / "above" / "cache"))
    monkeypatch.setattr(folders, "_told", set())
    kernels = tmp_path / "above" / "cache" / "kernels"
    kernels.mkdir(parents=True, mode=0o700)
    return kernels


def _age(path: Path, days: float) -> None:
    then = time.time() - days * DAY
    os.utime(path, (then, then))


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757])
def test_where_others_can_exchange_a_folder_above_no_kernel_is_loaded(mode: int, cache: Path) -> None:
    store.library(SOURCE, ["seven"])
    (kept,) = cache.glob("*.so")
    cache.parent.parent.chmod(mode)
    with pytest.warns(RheobaseWarning, match=r"above can be written by others.*chmod go-w"):
        elsewhere = Path(store.library(SOURCE, ["seven"])._name)
    assert elsewhere.parent == folders.process_folder() != kept.parent
    with warnings.catch_warnings():
        # Once in a process.
        warnings.simplefilter("error")
        store.library(SOURCE, ["seven"])
    cache.parent.parent.chmod(0o755)
    assert store.library(SOURCE, ["seven"])._name == str(kept)


def test_a_sticky_folder_above_keeps_everyone_to_their_own_names(cache: Path) -> None:
    cache.parent.parent.chmod(0o1777)
    assert folders.kernel_folder() == cache


def test_a_folder_above_that_is_another_user_s_is_not_used(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = os.stat(cache).st_uid
    # Neither this user nor root owns what lies above: seen as from somebody else.
    monkeypatch.setattr(trusted.os, "getuid", lambda: about + 1)
    if about == 0:
        assert trusted.open_to_others(cache) is None
        os.chown(cache.parent, 1234, -1)
    assert trusted.open_to_others(cache) == cache.parent


def test_above_the_home_folder_nobody_looks(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.parent.parent.chmod(0o777)
    monkeypatch.setenv("HOME", str(cache.parent))
    assert trusted.open_to_others(cache) is None
    monkeypatch.setenv("HOME", str(cache.parent.parent))
    # The home folder itself is looked at.
    assert trusted.open_to_others(cache) == cache.parent.parent


def test_a_link_above_is_followed_once(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = tmp_path / "link"
    link.symlink_to(cache.parent)
    monkeypatch.setenv("RHEOBASE_CACHE_DIR", str(link))
    assert folders.kernel_folder() == cache
    cache.parent.parent.chmod(0o777)
    with pytest.warns(RheobaseWarning, match="above can be written by others"):
        assert folders.kernel_folder() == folders.process_folder()


def test_a_folder_of_one_process_goes_with_it(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("no folder")
    script = (
        "import os, rheobase_fused.store as s, rheobase_fused.folders as f\n"
        f"print(s.library({SOURCE!r}, ['seven']).seven(), f.process_folder(), flush=True)\n"
        # A child that ends as a process does leaves its parent's folder alone.
        "if os.fork() == 0: raise SystemExit\n"
        "os.wait()\n"
        "print(f.process_folder().is_dir())\n"
    )
    environment = {
        **os.environ,
        "RHEOBASE_CACHE_DIR": str(tmp_path / "cache"),
        "TMPDIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60
    )
    seven, folder, there = done.stdout.split()
    assert (seven, there) == ("7", "True"), done.stderr
    assert Path(folder).parent == tmp_path
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


def test_what_killed_processes_left_is_removed_after_a_day(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, days in (("tmpold", 1.1), ("tmpnew", 0.9)):
        (cache / name).mkdir()
        (cache / name / "kernel.cpp").write_text("half")
        _age(cache / name, days)
    store.library(SOURCE, ["seven"])
    assert [path.name for path in cache.glob("tmp*")] == ["tmpnew"]

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(folders, "_own", {})
    for name, days in (("rheobase-kernels-old", 1.1), ("rheobase-kernels-new", 0.9), ("others", 9.0)):
        (tmp_path / name).mkdir()
        _age(tmp_path / name, days)
    own = folders.process_folder()
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        ["above", "others", "rheobase-kernels-new", own.name]
    )


def test_a_link_that_looks_like_a_leftover_is_not_followed(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    (cache / "tmplink").symlink_to(tmp_path / "precious")
    os.utime(cache / "tmplink", (0, 0), follow_symlinks=False)
    folders.sweep(cache)
    assert list(cache.iterdir()) == []
    assert (tmp_path / "precious" / "file").exists()


def test_kernels_that_nobody_used_for_long_go(cache: Path) -> None:
    for name, days in (("new.so", 1), ("old.so", 89), ("older.so", 91), ("older.py", 91), ("notes.txt", 999)):
        (cache / name).touch()
        _age(cache / name, days)
    folders.drop_unused(cache)
    assert sorted(path.name for path in cache.iterdir()) == ["new.so", "notes.txt", "old.so"]


def test_of_very_many_kernels_the_longest_unused_go(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MOST", 3)
    for days in range(5):
        (cache / f"{days}.so").touch()
        _age(cache / f"{days}.so", days)
    folders.drop_unused(cache)
    assert sorted(path.name for path in cache.iterdir()) == ["0.so", "1.so", "2.so"]


def test_a_kernel_that_is_used_is_as_new(cache: Path) -> None:
    store.library(SOURCE, ["seven"])
    (path,) = cache.glob("*.so")
    _age(path, 80)
    store.library(SOURCE, ["seven"])
    assert time.time() - path.stat().st_mtime < DAY
