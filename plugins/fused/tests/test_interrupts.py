"""Ctrl-C in a run that is fused: heard soon, and what was done is kept.

What must hold: after an interrupt the recording, the clock and the states are those of a run of just so many
steps, and the run can go on.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase_fused.runs import Run

SOON = 0.3
"""Seconds within which Ctrl-C is heard on a machine that does nothing else."""
BUSY = 5.0
"""And on one that does."""


def _lif(units: int, **options: Any) -> Any:
    return rb.create("lif", units, **options)


def _current(units: int) -> torch.Tensor:
    # Up to a hundredth above the rheobase: spikes, but not so many that they fill the memory.
    return torch.linspace(50.0, 101.0, units)


def _interrupted(neuron: Any, after: float, **options: Any) -> tuple[rb.Recording, float]:
    """Interrupt a run after some seconds; the recording, and how long it took to be given back."""
    sent = list[float]()

    def send() -> None:
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(after, send)
    timer.start()
    try:
        with pytest.raises(rb.SimulationInterrupted) as caught:
            rb.simulate(neuron, _current(neuron.num_units), 1e9, backend="fused", progress=False, **options)
        heard = time.perf_counter()
    finally:
        timer.cancel()
        timer.join()
    return caught.value.recording, heard - sent[0]


def _require_same(neuron: Any, recording: rb.Recording, **options: Any) -> None:
    """The neuron and the recording are those of a run of so many steps."""
    other = _lif(neuron.num_units)
    assert not recording.complete
    assert neuron.simulation_step == recording.steps > 0
    whole = rb.simulate(
        other, _current(neuron.num_units), recording.steps * neuron.dt, backend="fused", **options
    )
    assert torch.equal(recording.spikes.times, whole.spikes.times)
    assert torch.equal(recording.spikes.units, whole.spikes.units)
    for name, value in other.state_dict().items():
        assert torch.equal(neuron.state_dict()[name], value), name


@pytest.mark.parametrize("units", [1, 1_000, 1_000_000])
def test_ctrl_c_is_heard_soon_and_what_was_done_is_kept(units: int) -> None:
    neuron = _lif(units)
    rb.simulate(neuron, _current(units), 0.1, backend="fused")
    neuron.reset_state()
    recording, latency = _interrupted(neuron, 0.3)
    assert latency < BUSY
    _require_same(neuron, recording)


@pytest.mark.by_hand
@pytest.mark.parametrize("units", [1_000, 1_000_000, 10_000_000])
def test_ctrl_c_at_any_moment(units: int, capsys: pytest.CaptureFixture[str]) -> None:
    latencies = []
    moments = random.Random(units)
    rb.simulate(_lif(10), 0.0, 0.1, backend="fused")
    for _ in range(20):
        neuron = _lif(units)
        recording, latency = _interrupted(neuron, moments.uniform(2.0, 5.0))
        latencies.append(latency)
        _require_same(neuron, recording)
    latencies.sort()
    with capsys.disabled():
        print(f"\n{units:,} units: heard after {latencies[10]:.3f} s (median), {latencies[-1]:.3f} s (most)")
    assert latencies[-1] < SOON


def _from_the_shell(units: int, after: float, out: Path) -> tuple[float, int, str]:
    """Seconds from Ctrl-C to what a command says, once it has worked for so many; its status and output."""
    command = [sys.executable, "-m", "rheobase", "run", "lif", "--current", "100.01", "--units", str(units)]
    options = ["--duration", "100000000", "--backend", "fused", "--out", str(out)]
    with subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        while _worked(process.pid) < after:
            time.sleep(0.01)
        sent = time.perf_counter()
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        said = process.stdout.readline()
        heard = time.perf_counter() - sent
        said += process.stdout.read()
        return heard, process.wait(), said


def _worked(process: int) -> float:
    """Seconds of a processor that a process has had."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.by_hand
@pytest.mark.parametrize("units", [1_000, 1_000_000])
def test_ctrl_c_from_the_shell_at_any_moment(
    units: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    latencies = []
    moments = random.Random(units)
    out = tmp_path / "run.npz"
    for _ in range(20):
        out.unlink(missing_ok=True)
        # It takes about three seconds of work to begin.
        latency, status, said = _from_the_shell(units, moments.uniform(4.0, 6.0), out)
        assert status == 130, said
        recording = rb.Recording.load(out)
        assert not recording.complete
        other = _lif(units)
        whole = rb.simulate(other, 100.01, recording.duration, backend="fused")
        assert torch.equal(recording.spikes.times, whole.spikes.times)
        assert torch.equal(recording.spikes.units, whole.spikes.units)
        assert f"interrupted at {recording.duration:g} ms" in said
        latencies.append(latency)
    latencies.sort()
    with capsys.disabled():
        print(f"\n{units:,} units: heard after {latencies[10]:.3f} s (median), {latencies[-1]:.3f} s (most)")
    assert latencies[-1] < SOON


def test_an_interrupt_within_a_block_comes_after_it(
    monkeypatch: pytest.MonkeyPatch, a_few_steps: Any
) -> None:
    a_few_steps(4000)
    calls, whole = list[int](), Run._call

    def call(self: Any, states: Any, done: int, *rest: Any) -> Any:
        calls.append(done)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        return whole(self, states, done, *rest)

    monkeypatch.setattr(Run, "_call", call)
    neuron = _lif(40)
    with pytest.raises(rb.SimulationInterrupted) as caught:
        rb.simulate(neuron, _current(40), 100.0, backend="fused")
    monkeypatch.undo()
    assert caught.value.recording.steps == 300
    _require_same(neuron, caught.value.recording)


def test_an_interrupt_while_a_run_settles_does_not_lose_it(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Run._settle

    def settle(self: Any, piece: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        whole(self, piece)

    monkeypatch.setattr(Run, "_settle", settle)
    neuron = _lif(40)
    with pytest.raises(rb.SimulationInterrupted) as caught:
        rb.simulate(neuron, _current(40), 100.0, backend="fused")
    assert caught.value.recording.steps == neuron.simulation_step == 1000


@pytest.mark.parametrize(
    ("every", "event"),
    [
        *((1, "crossing"), (130, "crossing"), (7, "located"), (1000, "located")),
        pytest.param(7, "crossing", marks=pytest.mark.by_hand),
        pytest.param(1000, "crossing", marks=pytest.mark.by_hand),
        pytest.param(1, "located", marks=pytest.mark.by_hand),
        pytest.param(130, "located", marks=pytest.mark.by_hand),
    ],
)
def test_blocks_of_any_size_give_the_same_rows(every: int, event: str, a_few_steps: Any) -> None:
    rows = torch.rand(500, 40, generator=torch.Generator().manual_seed(1)) * 400.0
    record = ("spikes", "voltage", "input", *(["spiked"] if event == "crossing" else []))

    def run() -> tuple[Any, rb.Recording]:
        neuron = _lif(40, event=event)
        return neuron, rb.simulate(neuron, rows, backend="fused", record=record, every=every)

    (whole_neuron, whole), found = run(), []
    for steps in (1, 23, 129, 131):
        a_few_steps(steps * 40)
        found.append(run())
    assert len(whole.spikes) > 100
    for neuron, recording in found:
        assert torch.equal(recording.spikes.times, whole.spikes.times)
        assert torch.equal(recording.spikes.units, whole.spikes.units)
        for name, trace in whole.traces.items():
            assert len(trace) == 500 // every
            assert torch.equal(recording.traces[name], trace), name
        assert torch.equal(neuron.voltage, whole_neuron.voltage)


def test_a_stride_longer_than_a_block_does_not_make_blocks_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    counts, whole = list[int](), Run._call

    def call(self: Any, states: Any, done: int, count: int, spare: Any) -> Any:
        counts.append(count)
        return whole(self, states, done, count, spare)

    monkeypatch.setattr(Run, "_call", call)
    monkeypatch.setattr("rheobase.pipeline.watched.Watch.__call__", lambda self, done: None)
    monkeypatch.setattr("rheobase_fused.runs._SECONDS", 1e-4)
    neuron = _lif(1000)
    rb.simulate(neuron, 101.0, 2_000.0, backend="fused", record="voltage", every=20_000)
    assert sum(counts) == 20_000
    assert max(counts[1:]) < 10_000


def test_a_bar_is_shown_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    rb.simulate(_lif(3), 101.0, 10.0, backend="fused", progress=True)
    assert "simulating" in capsys.readouterr().err
    rb.simulate(_lif(3), 101.0, 10.0, backend="fused", progress=False)
    assert capsys.readouterr().err == ""


def test_pieces_one_after_the_other_are_the_recording(a_few_steps: Any) -> None:
    from rheobase.pipeline.watched import listening

    a_few_steps(1000)
    pieces = list[rb.Piece]()
    neuron = _lif(40, event="located")
    with listening(lambda done, new: pieces.append(new())):
        recording = rb.simulate(
            neuron,
            torch.linspace(100.0, 900.0, 40),
            31.7,
            backend="fused",
            record=("spikes", "voltage"),
            every=3,
        )
    assert pieces[0].first == 0
    assert pieces[-1].last == 317
    assert [piece.last for piece in pieces[:-1]] == [piece.first for piece in pieces[1:]]
    spikes = recording.spikes
    assert len(spikes) > 100
    for place, whole in enumerate((spikes.times, spikes.units, spikes.batch)):
        assert torch.equal(torch.cat([piece.spikes[place] for piece in pieces if piece.spikes]), whole)
    traces = torch.cat([piece.traces["voltage"] for piece in pieces])
    assert torch.equal(traces, recording.traces["voltage"])
