"""Damaged kernels, compilers that fail in every way, and places where nothing can be kept.

What must hold: a library is loaded only if it is as it was made; what cannot be made is a refusal, within a
limit of time, and leaves nothing in the cache.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rheobase as rb
from rheobase.errors import BackendError, RheobaseWarning
from rheobase_fused import compiler, folders, store
from rheobase_fused.refusal import Refusal

SOURCE = 'extern "C" int seven() { return 7; }\n'


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache; the folder of kernels in it."""
    monkeypatch.setenv("RHEOBASE_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "kernels"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The libraries that are compiled, as they come."""
    made, whole = list[Path](), compiler.compile_to

    def counted(text: str, path: Path, tool: str) -> None:
        made.append(path)
        whole(text, path, tool)

    monkeypatch.setattr(store, "compile_to", counted)
    return made


@pytest.fixture
def lying(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Puts a script in place of the compiler, with a second to compile in."""

    def put(script: str, version: str = "echo 1.0") -> None:
        tool = tmp_path / "lying-c++"
        tool.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then {version}; exit; fi\n{script}\n')
        tool.chmod(0o700)
        monkeypatch.setenv("CXX", str(tool))
        monkeypatch.setattr(compiler, "LIMIT", 1.0)
        monkeypatch.setattr(compiler, "_HANGING", {})
        compiler.version.cache_clear()

    return put


def _seven() -> int:
    number: int = store.library(SOURCE, ["seven"]).seven()
    return number


def _other() -> bytes:
    return Path(store.library('extern "C" int eight() { return 8; }\n', ["eight"])._name).read_bytes()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda whole: b"",
    "an eighth": lambda whole: whole[: len(whole) // 8],
    "half": lambda whole: whole[: len(whole) // 2],
    "one byte less": lambda whole: whole[:-1],
    "one bit flipped": lambda whole: whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:],
    "garbage": lambda whole: os.urandom(len(whole)),
    "another library": lambda whole: _other(),
    "zeros of the same size": lambda whole: bytes(len(whole)),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_kernel_is_compiled_once_more(damage: str, cache: Path, compiled: list[Path]) -> None:
    assert _seven() == 7
    (path,) = cache.glob("*.so")
    whole = path.read_bytes()
    # Another file of the same name: the one that this process has loaded stays as it is.
    path.unlink()
    path.write_bytes(DAMAGES[damage](whole))
    path.chmod(0o700)
    compiled.clear()
    assert (_seven(), len(compiled)) == (7, 1)
    assert path.read_bytes() == whole
    assert (_seven(), len(compiled)) == (7, 1)


@pytest.mark.parametrize("kind", ["fifo", "folder"])
def test_what_is_no_file_is_no_kernel(kind: str, cache: Path, compiled: list[Path]) -> None:
    _seven()
    (path,) = cache.glob("*.so")
    path.unlink()
    odd = path.with_name(path.name.replace(path.stem[-4:], "0000"))
    os.mkfifo(odd, 0o700) if kind == "fifo" else odd.mkdir(0o700)
    assert _seven() == 7
    assert len(compiled) == 2


@pytest.mark.slow
def test_a_run_with_a_torn_kernel_is_the_run_without(tmp_path: Path, warm: Any) -> None:
    script = (
        "import rheobase as rb\n"
        "print(len(rb.simulate(rb.create('lif', 50), 300.0, 20.0, backend='fused').spikes))\n"
    )
    environment = {**os.environ, "RHEOBASE_CACHE_DIR": str(tmp_path)}

    def run() -> tuple[int, str]:
        done = warm.run("-c", script, env=environment, timeout=120)
        return done.returncode, done.stdout + done.stderr

    first = run()
    for path in (tmp_path / "kernels").glob("*.so"):
        os.truncate(path, 4096)
    assert first[0] == 0
    assert run() == first


LIES = {
    "makes nothing": ("exit 0", "made no file"),
    "makes garbage": ('while [ "$1" != -o ]; do shift; done; echo garbage > "$2"', "cannot be loaded"),
    "makes an empty file": ('while [ "$1" != -o ]; do shift; done; : > "$2"', "cannot be loaded"),
    "makes a folder": ('while [ "$1" != -o ]; do shift; done; mkdir "$2"', "made no file"),
    "fails in Latin-1": (r"printf '\351chec\n'; exit 3", "exit status 3"),
    "is killed": ("kill -9 $$", "exit status -9"),
    "hangs": ("sleep 100", "was not done after 1 s"),
    "hangs in a child": ("sleep 100 & sleep 100", "was not done after 1 s"),
    "writes for ever": ("yes", "was not done after 1 s"),
    "waits for input": ("cat; exit 3", "exit status 3"),
    "makes another library": (
        'while [ "$1" != -o ]; do shift; done; echo "int eight;" | g++ -x c++ -shared -o "$2" -',
        "cannot be loaded.*undefined symbol",
    ),
    "makes half a library": (
        'g++ "$@"; while [ "$1" != -o ]; do shift; done; truncate -s 9000 "$2"',
        "cannot be loaded",
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_compiler_that_lies_or_hangs_is_a_refusal_and_leaves_nothing(
    lie: str, lying: Callable[..., None], cache: Path
) -> None:
    script, reason = LIES[lie]
    lying(script)
    start = time.monotonic()
    with pytest.raises(Refusal, match=f"(?s){reason}"):
        _seven()
    assert time.monotonic() - start < 30
    assert list(cache.iterdir()) == []
    assert list(folders.process_folder().glob("tmp*")) == []


@pytest.mark.parametrize(
    ("version", "reason"),
    [("sleep 100", "was not done"), ("exit 1", "exit status 1"), ("kill -9 $$", "exit status -9")],
)
def test_a_compiler_that_does_not_tell_its_version_is_a_refusal(
    version: str, reason: str, lying: Callable[..., None], cache: Path
) -> None:
    lying("exit 0", version)
    with pytest.raises(Refusal, match=reason):
        _seven()


def test_nobody_waits_twice_for_a_compiler_that_hangs(lying: Callable[..., None], cache: Path) -> None:
    lying("echo again >> $0.log; sleep 100")
    for _ in range(2):
        with pytest.raises(Refusal, match="was not done"):
            _seven()
    assert Path(f"{os.environ['CXX']}.log").read_text() == "again\n"


def test_a_version_in_no_encoding_is_a_version(lying: Callable[..., None], cache: Path) -> None:
    lying('exec g++ "$@"', r"printf '\351\377'")
    assert _seven() == 7


def test_without_a_kernel_auto_goes_on_in_eager_and_a_name_is_an_error(
    lying: Callable[..., None], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rheobase_fused.kernels._LOADED", {})
    monkeypatch.setattr("rheobase_fused.suitable._LONG", 0.0)
    monkeypatch.setattr("rheobase.pipeline.backends.WARNED", set())
    lying("exit 0")
    with pytest.warns(RheobaseWarning, match="made no file.*went on in 'eager'"):
        recording = rb.simulate(rb.create("lif", 3), 300.0, 5.0)
    assert recording.provenance["backend"].name == "eager"
    with pytest.raises(BackendError, match="made no file"):
        rb.simulate(rb.create("lif", 3), 300.0, 5.0, backend="fused")


def _no_space(*arguments: Any, **options: Any) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_cache_on_a_full_disk_leaves_kernels_to_this_process(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = os.replace

    def replace(source: Path, target: Path) -> None:
        _no_space() if cache in Path(target).parents else whole(source, target)

    monkeypatch.setattr(os, "replace", replace)
    assert _seven() == 7
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("what", ["tempfile.mkdtemp", "subprocess.Popen", "threading.Thread.start"])
def test_no_space_no_process_and_no_thread_are_refusals(
    what: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*arguments: Any, **options: Any) -> Any:
        if what.startswith("threading"):
            raise RuntimeError("can't start new thread")
        _no_space()

    monkeypatch.setattr(folders, "_own", {})
    compiler.version.cache_clear()
    monkeypatch.setattr(what, fails)
    with pytest.raises(Refusal, match=r"No space left|can't start new thread"):
        _seven()


@pytest.mark.parametrize("first", [1, 2, 3])
def test_no_more_threads_is_a_refusal_whenever_it_comes(
    first: int, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The compiler is asked for its version, then compiles, then what it made is tried.
    begun, start = list[int](), threading.Thread.start

    def starts(thread: threading.Thread) -> None:
        begun.append(len(begun) + 1)
        if begun[-1] >= first:
            raise RuntimeError("can't start new thread")
        start(thread)

    compiler.version.cache_clear()
    monkeypatch.setattr(threading.Thread, "start", starts)
    with pytest.raises(Refusal, match="can't start new thread"):
        _seven()
    assert len(begun) >= first
    assert list(cache.iterdir()) == []


def test_a_limit_on_the_size_of_files_is_a_refusal(tmp_path: Path, warm: Any) -> None:
    script = (
        "import resource, rheobase as rb\n"
        "neuron = rb.create('lif', 3)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n    rb.simulate(neuron, 300.0, 5.0, backend='fused')\n"
        "except rb.errors.BackendError as error:\n    print('refused')\n"
    )
    environment = {**os.environ, "RHEOBASE_CACHE_DIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = warm.run("-c", script, env=environment, timeout=120)
    assert (done.returncode, done.stdout) == (0, "refused\n"), done.stderr
    assert list((tmp_path / "kernels").iterdir()) == []


def test_where_nobody_knows_whose_home_it_is_kernels_are_this_process_s(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("RHEOBASE_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    # What expanduser gives where there is neither HOME nor an entry for the user.
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.chdir(tmp_path)
    assert _seven() == 7
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["-o", "@odd", "with blanks and 'quotes'", "näme", "-"])
def test_any_path_serves_as_a_cache(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RHEOBASE_CACHE_DIR", name)
    assert _seven() == 7
    assert len(list((tmp_path / name / "kernels").glob("*.so"))) == 1


@pytest.mark.parametrize("which", ["cache", "kernels"])
def test_a_cache_that_is_a_file_leaves_kernels_to_this_process(which: str, cache: Path) -> None:
    place = cache if which == "kernels" else cache.parent
    place.parent.mkdir(exist_ok=True)
    place.write_text("kept")
    assert _seven() == 7
    assert place.read_text() == "kept"


def test_a_folder_for_temporary_files_that_is_gone_is_not_needed(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "gone"))
    monkeypatch.setattr(folders, "_own", {})
    assert _seven() == 7


def test_a_folder_of_kernels_that_is_a_dangling_link_is_not_followed(cache: Path, tmp_path: Path) -> None:
    cache.parent.mkdir()
    cache.symlink_to(tmp_path / "elsewhere")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _seven() == 7
    assert not (tmp_path / "elsewhere").exists()


def test_a_compiler_killed_in_the_middle_leaves_a_cache_that_serves(tmp_path: Path) -> None:
    script = f"import rheobase_fused.store as s; print(s.library({SOURCE!r}, ['seven']).seven())"
    tool = tmp_path / "slow-c++"
    tool.write_text(
        '#!/bin/sh\nif [ "$1" = --version ]; then exec g++ "$@"; fi\n'
        f'touch {tmp_path}/began; sleep 0.3; exec g++ "$@"\n'
    )
    tool.chmod(0o700)
    environment = {**os.environ, "RHEOBASE_CACHE_DIR": str(tmp_path / "cache"), "CXX": str(tool)}
    running = subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE)
    until = time.monotonic() + 60
    while not (tmp_path / "began").exists() and time.monotonic() < until:
        time.sleep(0.01)
    running.kill()
    running.communicate()
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "7\n", done.stderr
