"""What a run recorded outlives the run: killed, ended, or out of room."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rheobase as rb
import torch
from rheobase.errors import ArgumentError, OutputError, RheobaseWarning
from rheobase.pipeline import journal as journals
from rheobase.pipeline import journalfile
from rheobase.pipeline.journal import journal_of, journaling, recover, save_journaled


class Noisy(rb.SpikingNeuron):
    """dV/dt = I, spike at 10 mV, back to 0: each unit at its own rate."""

    voltage = rb.State(0.0, unit="mV", at_rest=True)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
        return {"voltage": data}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 10.0

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"voltage": 0.0}


DRIVE = torch.tensor([3.0, 7.0, 11.0])


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal that takes every block it can, of few steps."""
    monkeypatch.setattr(journals, "SECONDS", 0.0)
    monkeypatch.setattr("rheobase.pipeline.eager._ELEMENTS", 3 * 32)


class Killed(Exception):
    """What stands for a kill: nothing is tidied up."""


class Dies(rb.stimulus.Stimulus):
    """A current that ends the run at a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def rows(self, first, count, dt, num_units, *, dtype=torch.float32, device=None):
        if first >= self.step:
            raise Killed
        return DRIVE.expand(count, 3)


def left_by(out: Path, neuron: rb.Neuron, record: tuple[str, ...], every: int = 1, step: int = 200) -> None:
    """A journal as a killed run leaves it."""

    def run() -> None:
        with journaling(out, neuron, record, every):
            rb.simulate(neuron, Dies(step), 1000.0, record=record, every=every, backend="eager")

    with pytest.warns(RheobaseWarning, match="run --recover"), pytest.raises(Killed):
        run()


@pytest.mark.parametrize("event", ["crossing", "located"])
@pytest.mark.parametrize(
    ("record", "every"), [(("spikes", "voltage"), 7), (("spikes",), 1), (("voltage",), 1)]
)
def test_what_a_killed_run_had_recorded_is_the_beginning_of_the_whole(
    differences, tmp_path, event, record, every
):
    out = tmp_path / "run.npz"
    neuron = rb.create(Noisy, 3, event=event)
    rb.simulate(neuron, DRIVE, 12.3, record=record, backend="eager")  # its clock stands somewhere
    again = rb.create(Noisy, 3, event=event)
    again.load_state_dict(neuron.state_dict())
    left_by(out, neuron, record, every)
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz.journal"]
    found, path = recover(out)
    assert path == out
    assert not found.complete
    assert 32 <= found.steps <= 224
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]
    loaded = rb.Recording.load(out)
    truth = rb.simulate(again, DRIVE, found.duration, record=record, every=every, backend="eager")
    if "spikes" in record:
        assert not differences(loaded, truth, but=("complete", "provenance"))
    else:
        assert torch.equal(loaded.traces["voltage"], truth.traces["voltage"])
        assert not loaded.spikes.recorded
    assert loaded.provenance["model"] == truth.provenance["model"]


def test_a_torn_end_is_left_out_wherever_it_was_torn(tmp_path):
    out = tmp_path / "run.npz"
    left_by(out, rb.create(Noisy, 3), ("spikes", "voltage"))
    path = journal_of(out)
    content = path.read_bytes()
    whole, _ = recover(out)
    sizes = []
    place = len(journalfile.MAGIC)
    while place < len(content):
        [length] = struct.unpack_from("<Q", content, place)
        sizes.append(place := place + 12 + length)
    rng = np.random.default_rng(0)
    for cut in [*sizes, *rng.integers(len(journalfile.MAGIC), len(content), 30)]:
        out.unlink(missing_ok=True)
        path.write_bytes(content[:cut])
        records = sum(size <= cut for size in sizes)
        if not records:
            with pytest.raises(ArgumentError, match="nothing in it"):
                recover(out)
            continue
        found, _ = recover(out)
        assert found.steps <= whole.steps
        assert torch.equal(found.traces["voltage"], whole.traces["voltage"][: found.steps])
        ends = whole.spikes.times <= (found.steps + 0.5) * found.dt
        assert torch.equal(found.spikes.times, whole.spikes.times[ends])
    for place in rng.integers(len(journalfile.MAGIC), len(content), 30):
        damaged = bytearray(content)
        damaged[place] ^= 0x10
        out.unlink(missing_ok=True)
        path.write_bytes(damaged)
        if place < sizes[0]:
            with pytest.raises(ArgumentError, match="nothing in it"):
                recover(out)
        else:
            found, _ = recover(out)
            assert torch.equal(found.traces["voltage"], whole.traces["voltage"][: found.steps])


def test_a_run_that_ends_in_peace_leaves_its_output_alone(differences, tmp_path):
    out = tmp_path / "run.npz"
    neuron = rb.create(Noisy, 3)
    with journaling(out, neuron, ("spikes",)) as journal:
        rec = rb.simulate(neuron, DRIVE, 50.0, backend="eager")
        assert journal_of(out).exists()  # it was at work
        save_journaled(rec, journal, out)
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]
    assert not differences(rb.Recording.load(out), rec)


def test_the_next_run_makes_a_file_of_what_is_left_and_says_so(tmp_path):
    out = tmp_path / "run.npz"
    settings = {"model": Noisy, "units": 3, "stimulus": 3.0, "duration": 1.0, "out": out, "backend": "eager"}
    rb.SimpleSimulator(settings).run()
    old = out.read_bytes()
    left_by(out, rb.create(Noisy, 3), ("spikes",))
    assert out.read_bytes() == old
    with pytest.warns(
        RheobaseWarning, match=r"was killed; the .* ms that it recorded are in .*run\.recovered\.npz"
    ):
        rb.SimpleSimulator(settings).run()
    assert rb.Recording.load(tmp_path / "run.recovered.npz").steps >= 32
    assert {path.name for path in tmp_path.iterdir()} == {"run.npz", "run.recovered.npz"}
    left_by(out, rb.create(Noisy, 3), ("spikes",))
    assert recover(out)[1].name == "run.recovered-2.npz"


def test_a_journal_of_nothing_is_in_nobodys_way_and_what_is_none_is_left_alone(tmp_path):
    out = tmp_path / "run.npz"
    settings = {"model": Noisy, "units": 3, "stimulus": 3.0, "duration": 1.0, "out": out, "backend": "eager"}
    journal_of(out).write_bytes(journalfile.MAGIC + b"\0" * 5)
    rb.SimpleSimulator(settings).run()
    assert not journal_of(out).exists()
    journal_of(out).write_bytes(b"my diary")
    with pytest.raises(OutputError, match=r"run\.npz\.journal.*no journal.*or move it"):
        rb.SimpleSimulator(settings).run()
    assert journal_of(out).read_bytes() == b"my diary"


def test_two_runs_to_one_output_are_refused(tmp_path):
    out = tmp_path / "run.npz"
    neuron = rb.create(Noisy, 3)
    with journaling(out, neuron, ("spikes",)) as journal:
        rec = rb.simulate(neuron, DRIVE, 50.0, backend="eager")
        journal._wait()
        for ask in (lambda: recover(out), lambda: journaling(out, neuron, ("spikes",)).__enter__()):
            with pytest.raises(OutputError, match=r"a run is writing to .*run\.npz; let it end"):
                ask()
        save_journaled(rec, journal, out)
    assert rb.Recording.load(out).steps == 500


def test_where_there_is_no_room_for_the_output_the_journal_has_all_of_it(differences, tmp_path):
    out = tmp_path / "run.npz"
    neuron = rb.create(Noisy, 3)
    record = ("spikes", "voltage")

    def no_room() -> None:
        raise OutputError("cannot write it")

    def run() -> None:
        with journaling(out, neuron, record, 3) as journal:
            rec = rb.simulate(neuron, DRIVE, 50.0, record=record, every=3, backend="eager")
            journal.fold(rec, no_room)

    told = pytest.warns(RheobaseWarning, match="run --recover")
    with told, pytest.raises(OutputError, match="--recover") as caught:
        run()
    rec = caught.value.recording
    assert rec.steps == 500
    found, _ = recover(out)
    assert found.complete
    assert not differences(found, rec)
    assert found.provenance == rec.provenance


def test_a_journal_that_has_no_room_says_so_and_the_output_is_there(tmp_path, monkeypatch):
    out = tmp_path / "run.npz"
    neuron = rb.create(Noisy, 3)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journals, "append", full)
    told = pytest.warns(RheobaseWarning, match=r"no journal of this run could be kept \(.*No space left")
    with told, journaling(out, neuron, ("spikes",)) as journal:
        save_journaled(rb.simulate(neuron, DRIVE, 50.0, backend="eager"), journal, out)
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]


def test_what_is_no_regular_file_has_no_journal(tmp_path):
    with journaling("/dev/null", rb.create(Noisy), ("spikes",)) as journal:
        assert journal is None
    with journaling(None, rb.create(Noisy), ("spikes",)) as journal:
        assert journal is None


# --- processes ---------------------------------------------------------------------------------------------

PLUGIN = """
import rheobase as rb, sys
from rheobase.cli import main
sys.path.insert(0, {folder!r})
import slow
class Plugin:
    @rb.hookimpl
    def rheobase_neurons(self):
        return [rb.NeuronSpec("slow", "slow:Slow")]
rb.register(Plugin())
main(prog_name="rheobase")
"""
MODEL = """
import time
import rheobase as rb
class Slow(rb.SpikingNeuron):
    voltage = rb.State(0.0, unit="mV", at_rest=True)
    @staticmethod
    def derivatives(state, params, data):
        time.sleep(1e-4)
        return {"voltage": data + 0.0 * state.voltage}
    @staticmethod
    def threshold(state, params):
        return state.voltage - 10.0
    @staticmethod
    def reset(state, params):
        return {"voltage": 0.0}
"""


ENDED = """
import os, signal, sys, time
journal, name = sys.argv[1] + ".journal", sys.argv[2]
del sys.argv[1:3]
child = os.fork()
if child:
    try:
        until = time.monotonic() + 60
        while not os.path.exists(journal) or os.path.getsize(journal) < 100:
            assert os.waitpid(child, os.WNOHANG) == (0, 0)
            assert time.monotonic() < until
            time.sleep(0.02)
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    os.kill(child, signal.Signals[name])
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def ended(warm: Any, folder: Path, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, driving a slow model in a process of its own that is sent a signal after some steps."""
    (folder / "slow.py").write_text(MODEL)
    out = str(folder / "run.npz")
    run = ["run", "slow", "--current", "11", "--backend", "eager", "--duration", "1e6", "--out", out]
    done: subprocess.CompletedProcess[str] = warm.run(
        "-c", ENDED + PLUGIN.format(folder=str(folder)), out, name, *run, *arguments
    )
    return done


def test_a_process_that_is_asked_to_end_keeps_what_was_done(tmp_path, warm):
    done = ended(warm, tmp_path, "SIGTERM", "--record", "voltage")
    assert done.returncode == 128 + signal.SIGTERM, done.stderr
    rec = rb.Recording.load(tmp_path / "run.npz")
    assert not rec.complete
    assert rec.steps > 100
    assert len(rec.traces["voltage"]) == rec.steps
    assert "ended by SIGTERM at" in done.stderr
    assert not (tmp_path / "run.npz.journal").exists()


def test_a_kill_loses_a_second_at_most_and_the_command_recovers_the_rest(tmp_path, warm):
    assert ended(warm, tmp_path, "SIGKILL").returncode == 256 - signal.SIGKILL
    assert not (tmp_path / "run.npz").exists()
    command = ["-m", "rheobase", "run", "--recover", str(tmp_path / "run.npz")]
    done = warm.run(*command)
    assert done.returncode == 0, done.stderr
    assert f"The recording is in {tmp_path / 'run.npz'}." in done.stderr
    rec = rb.Recording.load(tmp_path / "run.npz")
    assert not rec.complete
    assert rec.steps > 100
    done = warm.run(*command)
    assert done.returncode == 2
    assert "No such file" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("units", [1, 1_000_000])
def test_a_run_in_eager_hears_long_before_its_end_whatever_its_units(units):
    heard = []

    class Signals(rb.stimulus.Stimulus):
        def rows(self, first, count, dt, num_units, *, dtype=torch.float32, device=None):
            if not first:
                signal.setitimer(signal.ITIMER_REAL, 0.15)
            return torch.ones(count, 1)

    def ring(number: int, frame: object) -> None:
        heard.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGALRM, ring)
    neuron = rb.create(Noisy, units)
    try:
        with pytest.raises(rb.SimulationInterrupted) as caught:
            rb.simulate(neuron, Signals(), 1e4, backend="eager")
        took = time.monotonic() - heard[0]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    print(f"{units} units: heard after {took:.3f} s, {caught.value.recording.steps} steps")
    assert took < 3.0  # 0.3 s on a machine of its own; a hang is what this is for
    assert caught.value.recording.steps == neuron.simulation_step
