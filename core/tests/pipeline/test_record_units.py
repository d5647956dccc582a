"""What is recorded of some units is what a recording of all of them has there."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest
import rheobase as rb
import torch
from rheobase.errors import ArgumentError
from rheobase.pipeline import journal
from rheobase.pipeline.recorder import check_record

CURRENT = torch.linspace(90.0, 300.0, 9)


def recorded(lif, record, *, backend="eager", batch=(), every=1, event="crossing", grad=None):
    neuron = rb.create(lif, 9, event=event)
    rows = (CURRENT * torch.ones(200, *batch, 1)) if batch else CURRENT
    return rb.simulate(neuron, rows, 20.0, record=record, backend=backend, every=every, grad=grad)


@pytest.mark.parametrize(
    ("batch", "every", "event"),
    [((), 1, "located"), ((2, 3), 7, "located"), ((), 7, "crossing"), ((2, 3), 1, "crossing")],
    ids=str,
)
def test_traces_and_spikes_of_some_units_are_those_of_all(lif, batch, every, event):
    whole = recorded(lif, ("spikes", "voltage", "input"), batch=batch, every=every, event=event)
    wanted = {"spikes": [7, 2], "voltage": [0, 7], "input": torch.tensor([5])}
    some = recorded(lif, wanted, batch=batch, every=every, event=event)
    assert some.traces["voltage"].shape == (200 // every, *batch, 2)
    assert torch.equal(some.traces["voltage"], whole.traces["voltage"][..., [0, 7]])
    assert torch.equal(some.traces["input"], whole.traces["input"][..., [5]])
    assert some.trace_indices["voltage"].tolist() == [0, 7]
    kept = torch.isin(whole.spikes.units, torch.tensor([2, 7]))
    assert 0 < kept.sum() < len(kept)
    for part in ("times", "units", "batch"):
        assert torch.equal(getattr(some.spikes, part), getattr(whole.spikes, part)[kept])
    assert torch.equal(some.counts(), whole.counts()[..., [7, 2]])
    assert torch.equal(some.rates(), whole.rates()[..., [7, 2]])
    assert torch.equal(some.cv().nan_to_num(), whole.cv()[..., [7, 2]].nan_to_num())
    assert torch.equal(some.isi(unit=7), whole.isi(unit=7))
    with pytest.raises(ArgumentError, match=r"unit 3 were not recorded.*\[7, 2\]"):
        some.isi(unit=3)


def test_spikes_are_recorded_only_where_they_are_named(lif):
    some = recorded(lif, {"voltage": [0, 7]})
    with pytest.raises(ArgumentError, match="not recorded"):
        len(some.spikes)
    every = recorded(lif, {"voltage": [0], "spikes": True})
    assert torch.equal(every.counts(), recorded(lif, "spikes").counts())
    assert "spikes" not in every.trace_indices


def test_a_graph_reaches_the_units_that_were_recorded(lif):
    neuron = rb.create(lif, 3, grad=True)
    current = torch.full((5, 3), 40.0, requires_grad=True)
    rec = rb.simulate(neuron, current, record={"voltage": [2]})
    rec.traces["voltage"][-1].sum().backward()
    assert current.grad[:, 2].ne(0).all()
    assert not current.grad[:, :2].any()


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"voltage": [0, 9]}, "9 is no unit of the neuron; give 0 to 8"),
        ({"voltage": [-1]}, "-1 is no unit"),
        ({"voltage": [0, 0]}, "each once"),
        ({"voltage": []}, "one unit or more"),
        ({"voltage": [0.5]}, "0.5 is no unit"),
        ({"voltage": [True]}, "True is no unit"),
        ({"voltage": 3}, r"record\['voltage'\]=3 cannot be used; give True, or a list"),
        ({"voltage": False}, "False cannot be used"),
        ({"spikes": "all"}, "'all' cannot be used"),
        ({"voltge": [0]}, "did you mean 'voltage'"),
    ],
    ids=str,
)
def test_units_that_cannot_be_recorded_are_named(lif, record, words):
    neuron = rb.create(lif, 9)
    with pytest.raises(ArgumentError, match=words):
        rb.simulate(neuron, 100.0, 1.0, record=record)
    assert neuron.simulation_step == 0


def test_units_may_be_a_range_or_an_array(lif):
    neuron = rb.create(lif, 9)
    found = check_record(neuron, {"voltage": range(0, 9, 4), "spikes": np.array([8, 1])})
    assert found == ("voltage", "spikes")
    assert {name: units.tolist() for name, units in found.units.items()} == {
        "voltage": [0, 4, 8],
        "spikes": [8, 1],
    }


def test_a_file_keeps_which_units_were_recorded(lif, tmp_path):
    path = tmp_path / "run.npz"
    some = recorded(lif, {"spikes": [7, 2], "voltage": [0, 7]}, batch=(2,))
    some.save(path)
    back = rb.Recording.load(path)
    assert {name: units.tolist() for name, units in back.trace_indices.items()} == {
        "spikes": [7, 2],
        "voltage": [0, 7],
    }
    assert torch.equal(back.traces["voltage"], some.traces["voltage"])
    assert torch.equal(back.counts(), some.counts())


@pytest.mark.parametrize(
    "indices",
    [
        {"voltage": [0]},
        {"voltage": [0, 9]},
        {"voltage": [7, 7]},
        {"v": [0, 7]},
        {"spikes": [0]},
        [0, 7],
        {"voltage": 3},
    ],
    ids=str,
)
def test_a_file_whose_units_make_no_sense_is_refused(lif, tmp_path, indices):
    path, other = tmp_path / "run.npz", tmp_path / "other.npz"
    recorded(lif, {"spikes": True, "voltage": [0, 7]}).save(path)
    with np.load(path) as held:
        arrays = {name: held[name] for name in held.files if name != "digest"}
    about = json.loads(str(arrays["about"])) | {"trace_indices": indices}
    np.savez(other, **arrays | {"about": np.array(json.dumps(about))})
    assert zipfile.is_zipfile(other)
    with pytest.raises(ArgumentError, match=r"other\.npz"):
        rb.Recording.load(other)


@pytest.mark.parametrize(("backend", "units"), [("eager", [0, 7]), ("plain", [7, 0])], ids=str)
def test_a_journal_keeps_the_same_units(lif, tmp_path, monkeypatch, unaware, backend, units):
    monkeypatch.setattr(journal, "SECONDS", 0.0)
    neuron, out, record = rb.create(lif, 9), tmp_path / "run.npz", {"spikes": [7], "voltage": units}

    def killed():
        with journal.journaling(out, neuron, record):
            runs.append(rb.simulate(neuron, CURRENT, 200.0, record=record, backend=backend))
            raise ZeroDivisionError

    runs: list[rb.Recording] = []
    with pytest.warns(rb.errors.RheobaseWarning, match="recover"), pytest.raises(ZeroDivisionError):
        killed()
    (whole,) = runs
    back, _ = journal.recover(out)
    rows = len(back.traces["voltage"])
    assert rows > 0
    assert torch.equal(back.traces["voltage"], whole.traces["voltage"][:rows])
    assert back.trace_indices["spikes"].tolist() == [7]
    assert back.trace_indices["voltage"].tolist() == units
    assert set(back.spikes.units.tolist()) == {7}


@pytest.fixture
def unaware(rheobase_registry):
    """A backend that knows of no units, installed."""

    class Simple:
        @rb.hookimpl
        def rheobase_backends(self):
            return [rb.BackendSpec("plain", f"{__name__}:plain", "all units")]

    rb.register(Simple())
    return "plain"


def test_a_backend_that_knows_of_no_units_is_narrowed(lif, unaware):
    neuron = rb.create(lif, 9)
    rec = rb.simulate(neuron, CURRENT, 20.0, record={"spikes": [7], "voltage": [0, 7]}, backend=unaware)
    whole = recorded(lif, ("spikes", "voltage"))
    assert torch.equal(rec.traces["voltage"], whole.traces["voltage"][:, [0, 7]])
    assert torch.equal(rec.spikes.times, whole.spikes.of(7))
    assert rec.counts().tolist() == [whole.counts()[7].item()]


def plain(neuron, drive, steps, *, record, grad, progress, every):
    from rheobase.pipeline import eager

    return eager.run(neuron, drive, steps, record=tuple(record), grad=grad, progress=progress, every=every)
