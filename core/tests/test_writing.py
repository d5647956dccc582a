"""A file that exists is never harmed by a write that fails: the old one whole, or the new one whole."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time

import pytest
import rheobase as rb
import torch
from rheobase.errors import OutputError
from rheobase.files import check_writable, replacing, write
from rheobase.pipeline import plots
from rheobase.plugins.locking import lockfile

resource = pytest.importorskip("resource", reason="limits of the system, which Windows has not")


def recording(rows: int = 4) -> rb.Recording:
    none = torch.empty(0, dtype=torch.float64), *torch.empty(2, 0, dtype=torch.int64)
    spikes = rb.pipeline.recording.Spikes(*none)
    return rb.Recording(spikes=spikes, traces={"voltage": torch.zeros(rows, 1)}, dt=0.1, steps=rows)


@contextlib.contextmanager
def full_disk(size: int = 1024):
    """No file may grow beyond so many bytes: what a full disk or a quota does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def curve() -> plots.FICurve:
    return plots.FICurve(currents=torch.zeros(2), rates=torch.zeros(2), model="toy", unit="pA")


WRITERS = {
    "recording": ("run.npz", lambda path: recording(10_000).save(path)),
    "picture": ("run.png", lambda path: plots.plot_recording(recording(100), path)),
    "curve": ("run.svg", lambda path: plots.plot_fi_curve(curve(), path)),
    "lock": (
        "rheobase.lock",
        lambda path: lockfile.write(str(path), {"toy": lockfile.Locked("1", "0" * 5000, {})}),
    ),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_leaves_the_old_file_and_no_litter(tmp_path, name, recwarn):
    if name in ("picture", "curve"):
        pytest.importorskip("matplotlib", reason="the plot extra is not installed")
    file, save = WRITERS[name]
    path = tmp_path / file
    path.write_bytes(b"old")
    with full_disk(), pytest.raises(OutputError, match=f"{file}.*File too large"):
        save(path)
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == [file]
    save(path)
    assert len(path.read_bytes()) > 1024
    assert [each.name for each in tmp_path.iterdir()] == [file]


@pytest.mark.parametrize("when", ["write", "fsync", "replace"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.EIO, "Input/output error")])
def test_an_end_at_any_moment_of_a_save_leaves_the_old_file_whole(tmp_path, monkeypatch, when, error):
    path = tmp_path / "run.npz"
    recording(4).save(path)
    old = path.read_bytes()

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(*{"write": ("numpy.savez", lambda *_, **__: fail())}.get(when, (f"os.{when}", fail)))
    with pytest.raises(OutputError if isinstance(error, OSError) else KeyboardInterrupt):
        recording(8).save(path)
    assert path.read_bytes() == old
    assert [each.name for each in tmp_path.iterdir()] == ["run.npz"]


def test_a_process_that_is_killed_in_a_save_leaves_the_old_file_or_the_new(tmp_path):
    path = tmp_path / "a.bin"
    old, new = b"o" * 1000, b"n" * 30_000_000
    code = "from rheobase.files import write\nprint(flush=True)\nwhile True: "
    code += f"write({str(path)!r}, b'n' * {len(new)})"
    seen = set()
    for wait in (0.0, 0.004, 0.02, 0.05):
        path.write_bytes(old)
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(wait)
            process.kill()
        seen.add(path.read_bytes())
    assert seen <= {old, new}


def test_a_link_is_followed_and_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "a.bin"
    (tmp_path / "between").symlink_to(target)
    link = tmp_path / "link"
    link.symlink_to("between")
    write(link, b"first")  # a dangling one leads to where the file is to be
    assert target.read_bytes() == b"first"
    write(link, b"second")
    assert link.is_symlink()
    assert (tmp_path / "between").is_symlink()
    assert target.read_bytes() == b"second"
    link.unlink()
    link.symlink_to(link)
    for ask in (check_writable, lambda path: write(path, b"")):
        with pytest.raises(OutputError, match="symbolic links"):
            ask(link)
    assert link.is_symlink()


def test_permissions_are_kept_and_new_files_have_the_usual_ones(tmp_path):
    path = tmp_path / "a.bin"
    umask = os.umask(0o022)
    try:
        write(path, b"1")
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
        path.chmod(0o640)
        write(path, b"2")
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
    finally:
        os.umask(umask)


def test_what_is_no_regular_file_is_written_to_and_stays(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    read = []
    thread = threading.Thread(target=lambda: read.append(fifo.read_bytes()))
    thread.start()
    check_writable(fifo)  # the reader does not see an end
    write(fifo, b"through")
    thread.join()
    assert read == [b"through"]
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    write("/dev/null", b"gone")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(OutputError, match=r"/dev/full.*No space left"):
        recording().save("/dev/full")


def test_standard_output_that_goes_to_a_file_goes_there(tmp_path):
    code = "from rheobase.files import write; write('/dev/stdout', b'said'); print(' and more')"
    out = tmp_path / "out"
    with out.open("ab") as stream:
        number = out.stat().st_ino
        subprocess.run([sys.executable, "-c", code], stdout=stream, check=True)
    assert out.read_text() == "said and more\n"
    assert out.stat().st_ino == number


def test_a_name_of_the_greatest_length_can_be_written(tmp_path):
    path = tmp_path / ("ä" * 127)
    write(path, b"1")
    assert path.read_bytes() == b"1"


def test_a_part_of_a_process_that_is_gone_is_in_nobodys_way(tmp_path):
    path = tmp_path / "a.bin"
    left = tmp_path / f"a.bin.{os.getpid()}.part"
    left.write_bytes(b"another's")
    write(path, b"1")
    assert path.read_bytes() == b"1"
    assert left.read_bytes() == b"another's"


def test_threads_that_write_one_file_leave_one_of_theirs(tmp_path):
    path = tmp_path / "a.bin"
    threads = [threading.Thread(target=write, args=(path, bytes([k]) * 100_000)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in {bytes([k]) * 100_000 for k in range(8)}
    assert len(list(tmp_path.iterdir())) == 1


def test_an_error_that_is_not_about_the_file_is_not_told_as_one(tmp_path):
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "a.bin"):
        1 / 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", ["npz", "png"])
def test_a_folder_that_goes_in_mid_run_loses_no_recording(tmp_path, monkeypatch, ending):
    pytest.importorskip("matplotlib", reason="the plot extra is not installed")
    folder = tmp_path / "out"
    folder.mkdir()
    key = {"npz": "out", "png": "plot"}[ending]
    simulator = rb.SimpleSimulator(
        {
            "model": "analog",
            "duration": 1.0,
            "stimulus": 1.0,
            "record": ["voltage"],
            key: folder / f"a.{ending}",
        }
    )

    class Goes(rb.stimulus.Stimulus):
        def rows(self, first, count, dt, num_units, *, dtype=torch.float32, device=None):
            shutil.rmtree(folder)
            return torch.ones(count, 1)

    simulator.configure({"stimulus": Goes()})
    with pytest.raises(
        OutputError, match=r"SimpleSimulator: cannot write .*the folder .* does not exist"
    ) as caught:
        simulator.run()
    assert caught.value.recording.traces["voltage"].shape == (10, 1)


def test_the_interrupted_run_of_a_full_disk_is_interrupted_and_carries_its_recording(tmp_path):
    class Stops(rb.stimulus.Stimulus):
        def rows(self, first, count, dt, num_units, *, dtype=torch.float32, device=None):
            if first:
                signal.raise_signal(signal.SIGINT)
            return torch.ones(count, 1)

    path = tmp_path / "a.npz"
    path.write_bytes(b"old")
    settings = {"model": "analog", "duration": 200.0, "record": "voltage", "out": path, "backend": "eager"}
    simulator = rb.SimpleSimulator({**settings, "stimulus": Stops()})
    warned = pytest.warns(rb.errors.RheobaseWarning, match="File too large")
    with full_disk(), warned, pytest.raises(rb.SimulationInterrupted) as caught:
        simulator.run()
    assert caught.value.recording.steps == 1024
    assert path.read_bytes() == b"old"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_told_before_the_run(tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(b"old")
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match=r"a\.npz.*Permission denied"):
        check_writable(path)
    tmp_path.chmod(0o700)


def test_a_file_system_that_only_reads_is_told_before_the_run(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    path.write_bytes(b"old")
    true_open = os.open

    def read_only(name, flags, *more, **others):
        if flags & os.O_CREAT:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), name)
        return true_open(name, flags, *more, **others)

    monkeypatch.setattr(os, "open", read_only)
    for ask in (check_writable, lambda path: recording().save(path)):
        with pytest.raises(OutputError, match=r"a\.npz.*Read-only file system"):
            ask(path)
    assert path.read_bytes() == b"old"
