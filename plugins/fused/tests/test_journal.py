"""The journal of a run in a kernel: what it holds is the beginning of the whole."""

from __future__ import annotations

import time

import pytest
import rheobase as rb
import torch
from rheobase.errors import IntegrationError, RheobaseWarning
from rheobase.pipeline import journal as journals


@pytest.mark.parametrize("event", ["crossing", "located"])
@pytest.mark.parametrize("record", [("spikes", "voltage"), {"spikes": [1, 2], "voltage": [2, 0]}], ids=str)
def test_a_kernel_that_is_killed_leaves_what_it_did(tmp_path, monkeypatch, event, record):
    monkeypatch.setattr(journals, "SECONDS", 0.0)
    out, blocks = tmp_path / "run.npz", []

    def killed() -> None:
        taken = journals.Journal.__call__

        def dies(journal, done, new):
            taken(journal, done, new)
            blocks.append(done)
            if len(blocks) == 3:
                raise MemoryError  # what stands for a kill: nothing is tidied up

        monkeypatch.setattr(journals.Journal, "__call__", dies)
        neuron = rb.create("lif", 3, event=event, dt=0.1)
        with journals.journaling(out, neuron, record, 5):
            rb.simulate(neuron, drive, 1e6, record=record, every=5, backend="fused")

    drive = torch.tensor([120.0, 200.0, 300.0])
    with pytest.warns(RheobaseWarning, match="run --recover"), pytest.raises(MemoryError):
        killed()
    found, _ = journals.recover(out)
    assert found.steps == blocks[-1]
    assert not found.complete
    whole = rb.simulate(
        rb.create("lif", 3, event=event, dt=0.1),
        drive,
        found.duration,
        record=record,
        every=5,
        backend="fused",
    )
    assert torch.equal(found.traces["voltage"], whole.traces["voltage"])
    assert torch.equal(found.spikes.times, whole.spikes.times)
    assert torch.equal(found.spikes.units, whole.spikes.units)
    assert len(found.spikes) > 0


@pytest.mark.parametrize("slow", [0.0, 0.5])
@pytest.mark.parametrize("event", ["crossing", "located"])
def test_a_run_that_fails_leaves_what_it_did(tmp_path, monkeypatch, a_few_steps, event, slow):
    def create(path, whole=journals._create):
        # A disk on which the file is not yet there when the run has failed already.
        time.sleep(slow)
        return whole(path)

    monkeypatch.setattr(journals, "_create", create)
    monkeypatch.setattr(journals, "SECONDS", 0.0)
    a_few_steps(30)  # ten steps of three units
    out, record = tmp_path / "run.npz", ("spikes", "voltage")
    drive = torch.tensor([300.0, 0.0, 200.0]).repeat(60, 1)
    drive[57, 1] = -3e38  # over 0.001 nS that is beyond float32
    settings = {"event": event, "dt": 0.1, "leak_gl": 1e-3}

    def fails() -> None:
        neuron = rb.create("lif", 3, **settings)
        with journals.journaling(out, neuron, record):
            rb.simulate(neuron, drive, record=record, backend="fused")

    with pytest.warns(RheobaseWarning, match="run --recover"), pytest.raises(IntegrationError):
        fails()
    found, _ = journals.recover(out)
    assert found.steps == 50
    whole = rb.simulate(
        rb.create("lif", 3, **settings), drive[:50], record=record, backend="fused", progress=False
    )
    assert torch.equal(found.traces["voltage"], whole.traces["voltage"])
    assert torch.equal(found.spikes.times, whole.spikes.times)
    assert len(found.spikes) > 0
