"""What is kept so that no file is hashed twice, and that no change passes because of it."""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from rheobase import cache
from rheobase.plugins import evidence
from rheobase.plugins.entry import Entry
from rheobase.plugins.locking import check, contents, lockfile, verified

Install = Callable[..., Path]
Put = Callable[[object], None]
Locking = Callable[..., None]
Refused = Callable[..., str]

TOY = Entry("toy-models", "1.0", "toy", "toy_models.hooks")


@pytest.fixture
def kept(
    install: Install, put_on_path: Put, locking: Locking, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The toy plugin, locked, found to be as locked, and that kept; gives the folder that it is in."""
    site = install("toy-models")
    put_on_path(site)
    locking()
    monkeypatch.setattr(verified, "SETTLED", 0)
    time.sleep(0.05)  # past the tick of the file system's clock in which the files were written
    assert refused() == ""
    return site


def cached(tmp_path: Path) -> Path:
    """The file in which it is kept."""
    [file] = (tmp_path / "cache" / "locks").iterdir()
    return file


def test_what_has_not_changed_is_not_hashed_again(
    kept: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> None:
        raise AssertionError(f"{name} was hashed again")

    monkeypatch.setattr(contents, "take", fail)
    assert refused() == ""
    with pytest.raises(AssertionError, match="hashed again"):
        refused(TOY._replace(value="toy_models.other"))


@pytest.mark.parametrize("recent", ["the lock file", "a file of the plugin"])
def test_what_changed_a_moment_ago_is_hashed_again(
    recent: str,
    install: Install,
    put_on_path: Put,
    locking: Locking,
    refused: Refused,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(verified, "SETTLED", 400_000_000)
    site = install("toy-models")
    put_on_path(site)
    locking()
    time.sleep(0.5)
    if recent == "the lock file":
        locking()
    else:
        (site / "toy_models" / "table.csv").write_text("1,2\n")
    assert refused() == ""
    assert not (tmp_path / "cache" / "locks").exists()
    time.sleep(0.5)
    assert refused() == ""
    assert cached(tmp_path).exists()


def touched_back(file: Path, text: str) -> None:
    """Give a file another text of the same size, and its times back."""
    before = file.stat()
    assert before.st_size == len(text)
    with file.open("r+") as opened:  # in place, so that it stays the same inode
        opened.write(text)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = file.stat()
    assert (after.st_mtime_ns, after.st_size, after.st_ino) == (
        before.st_mtime_ns,
        before.st_size,
        before.st_ino,
    )


def test_a_change_of_the_same_size_with_its_time_set_back_does_not_pass(kept: Path, refused: Refused) -> None:
    file = kept / "toy_models" / "model.py"
    touched_back(file, file.read_text().replace("max", "min"))
    for _ in range(2):  # that it was looked at once does not make it pass either
        assert refused().startswith("toy_models/model.py has changed since ")


def test_an_addition_does_not_pass_for_want_of_a_look(kept: Path, refused: Refused) -> None:
    (kept / "toy_models" / "model.so").write_text("")
    assert refused().startswith("toy_models/model.so was added since ")


def test_a_shadow_does_not_pass_for_want_of_a_look(
    kept: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "toy_models").mkdir(parents=True)
    # On the path from before, so that the path itself does not change.
    monkeypatch.syspath_prepend(str(elsewhere))
    assert refused() == ""
    assert len(list((tmp_path / "cache" / "locks").iterdir())) == 2
    (elsewhere / "toy_models" / "__init__.py").write_text("")
    assert "elsewhere/toy_models/__init__.py was added since " in refused()


def test_another_lock_file_is_compared_afresh(kept: Path, refused: Refused, lock_path: str) -> None:
    known = lockfile.read(lock_path)["toy-models"]
    lockfile.write(
        lock_path, {"toy-models": known._replace(files={**known.files, "toy_models/model.py": "0" * 64})}
    )
    assert refused().startswith("toy_models/model.py has changed since ")


@pytest.mark.parametrize("damage", ["emptied", "cut short", "one bit", "another format", "a folder"])
def test_a_damaged_file_of_what_is_kept_lets_no_change_pass_and_does_no_harm(
    damage: str, kept: Path, refused: Refused, tmp_path: Path
) -> None:
    file = cached(tmp_path)
    content = file.read_bytes()
    if damage == "a folder":
        file.unlink()
        file.mkdir()
    else:
        body = b'{"about": 3}'
        file.write_bytes(
            {
                "emptied": b"",
                "cut short": content[:-40],
                "one bit": content[:-40] + bytes([content[-40] ^ 1]) + content[-39:],
                "another format": b"%08x\n" % zlib.crc32(body) + body,
            }[damage]
        )
    assert refused() == ""
    (kept / "toy_models" / "model.py").write_text("largest = min\n")
    assert refused().startswith("toy_models/model.py has changed since ")


def forge(site: Path, tmp_path: Path) -> None:
    """Change a file, and have it kept that it was found to be as locked."""
    file = site / "toy_models" / "model.py"
    file.write_text(file.read_text().replace("max", "min"))
    forged = json.loads(cached(tmp_path).read_bytes().partition(b"\n")[2])
    for seen in forged["plugins"]["toy-models"]["seen"]:
        seen[1] = list(evidence.stamp(seen[0]))
    body = json.dumps(forged).encode()
    cache.write(str(cached(tmp_path)), b"%08x\n" % zlib.crc32(body) + body)


@pytest.mark.parametrize("mode", [0o600, 0o620, 0o602])
def test_what_another_user_could_have_written_is_not_believed(
    mode: int, kept: Path, refused: Refused, tmp_path: Path
) -> None:
    forge(kept, tmp_path)
    cached(tmp_path).chmod(mode)
    # The user may deceive themselves: with their own file the forgery works, so the test does tell.
    assert (refused() == "") == (mode == 0o600)


def test_what_is_kept_counts_only_with_its_checksum(kept: Path, refused: Refused, tmp_path: Path) -> None:
    forge(kept, tmp_path)
    content = cached(tmp_path).read_bytes()
    cached(tmp_path).write_bytes(bytes([content[0] ^ 1]) + content[1:])
    assert refused().startswith("toy_models/model.py has changed since ")


def test_looking_anew_believes_nothing_that_was_kept(kept: Path, lock_path: str, tmp_path: Path) -> None:
    forge(kept, tmp_path)
    assert check.judge(lock_path, [TOY])[0] == {}
    assert check.judge(lock_path, [TOY], anew=True)[0][TOY].startswith(
        "toy_models/model.py has changed since "
    )
