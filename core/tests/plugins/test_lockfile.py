"""The lock file itself: what is written, read and compared."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rheobase.errors import ConfigurationError, OutputError
from rheobase.plugins import installed
from rheobase.plugins.discovery import Scan
from rheobase.plugins.entry import Entry
from rheobase.plugins.examiner import Here
from rheobase.plugins.locking import lockfile
from rheobase.plugins.locking.lockfile import Locked

Install = Callable[..., Path]
Put = Callable[[object], None]
Locking = Callable[..., None]
Refused = Callable[..., str]

TOY = Entry("toy-models", "1.0", "toy", "toy_models.hooks")


names = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
plugins = st.dictionaries(names, st.builds(Locked, names, names, st.dictionaries(names, names, max_size=3)))


@given(plugins)
def test_what_is_written_is_read_back_and_its_bytes_do_not_depend_on_the_order(
    tmp_path_factory: pytest.TempPathFactory, given: dict[str, Locked]
) -> None:
    path = tmp_path_factory.mktemp("lock") / "rheobase.lock"
    lockfile.write(str(path), given)
    first = path.read_bytes()
    assert lockfile.read(str(path)) == given
    backwards = {
        name: plugin._replace(files=dict(reversed(plugin.files.items())))
        for name, plugin in reversed(given.items())
    }
    lockfile.write(str(path), backwards)
    assert path.read_bytes() == first
    assert first.endswith(b"}\n")
    assert first.decode() == json.dumps(json.loads(first), indent=2, sort_keys=True) + "\n"


@given(plugins, plugins)
def test_two_locks_differ_where_and_only_where_something_of_them_does(
    before: dict[str, Locked], now: dict[str, Locked]
) -> None:
    changes = lockfile.compare(before, now, "the lock")
    assert changes.keys() == before.keys() | now.keys()
    assert {name for name, said in changes.items() if not said} == {
        name for name in before if before[name] == now.get(name)
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "Expecting value"),
        ("<<<<<<< HEAD\n{}", "Expecting value"),
        ("[]", "format"),
        ('{"format": 2, "plugins": {}}', "its format is 2, and this Rheobase knows 1"),
        ('{"format": 1}', "it has no plugins"),
        ('{"format": 1, "plugins": {"toy": {"version": "1"}}}', "what it has of 'toy'"),
        (
            '{"format": 1, "plugins": {"toy": {"version": 1, "record": "", "files": {}}}}',
            "what it has of 'toy'",
        ),
        ('{"format": 1, "plugins": {"toy": {"version": "1", "record": "", "files": {"a": 1}}}}', "of 'toy'"),
        ('{"format": true, "plugins": {}}', "its format is True"),
        ('{"format": 1, "plugins": {"toy": {}}, "plugins": {}}', "it has 'plugins' twice"),
        (
            '{"format": 1, "plugins": {"toy": {"version": "", "record": "", "files": {"a": "1", "a": ""}}}}',
            "it has 'a' twice",
        ),
        ("[" * 100_000, "rheobase lock"),
        (b"\xff\xfe", "codec"),
    ],
)
def test_a_lock_file_that_cannot_be_used_is_an_error_that_says_what_to_do(
    content: str | bytes, said: str, lock_path: str, refused: Refused
) -> None:
    Path(lock_path).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigurationError, match="rheobase lock") as caught:
        refused()
    assert str(caught.value).startswith(lock_path)
    assert said in str(caught.value)


def test_a_lock_file_that_cannot_be_written_leaves_the_old_one_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rheobase.lock"
    lockfile.write(str(path), {})
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", full)
        with pytest.raises(OutputError, match="No space left on device; mend that"):
            lockfile.write(str(path), {"toy": Locked("1", "", {})})
    assert [file.name for file in tmp_path.iterdir()] == ["rheobase.lock"]
    assert path.read_bytes() == before
    with pytest.raises(OutputError, match="cannot write"):
        lockfile.write(str(tmp_path / "no such folder" / "rheobase.lock"), {})


def test_a_lock_file_is_everybodys_to_read_and_a_link_to_one_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "rheobase.lock"
    link.symlink_to(tmp_path / "real" / "rheobase.lock")
    before = os.umask(0o022)
    try:
        lockfile.write(str(link), {})
    finally:
        os.umask(before)
    assert link.is_symlink()
    assert stat.S_IMODE(link.stat().st_mode) == 0o644


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such files here")
@pytest.mark.parametrize(
    ("what", "name"),
    [
        *(
            (what, "rheobase.lock")
            for what in ("a link to nothing", "a folder", "a pipe", "a link to itself")
        ),
        *((what, "rheobase.toml") for what in ("a link to nothing", "a pipe", "a loop")),
    ],
)
def test_where_something_else_has_the_name_of_a_lock_or_of_settings_nothing_is_let_through(
    what: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    if what == "a folder":
        path.mkdir()
    elif what == "a pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(tmp_path / "gone" if "nothing" in what else path)
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    with pytest.raises(ConfigurationError, match="is no file, so it cannot be read; mend it, or remove it"):
        installed.load(Here(lambda: Scan((TOY,))))
