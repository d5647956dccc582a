"""The spikes as others want them: one by one, as arrays, as CSV, as a table of pandas."""

from __future__ import annotations

import csv
import sys

import numpy as np
import pytest
import rheobase as rb
import torch
from rheobase.errors import ArgumentError, OutputError, RheobaseError
from rheobase.pipeline import tables


@pytest.fixture(scope="module", params=[(), (2,)], ids=str)
def recording(lif, request):
    current = torch.linspace(150.0, 300.0, 3).expand(500, *request.param, 3)
    return rb.simulate(rb.create(lif, 3, event="located"), current, record=("spikes", "voltage"))


def test_spikes_are_gone_through_in_order_as_named_tuples(recording):
    spikes = recording.spikes
    listed = list(spikes)
    assert len(listed) == len(spikes) > 5
    assert [each.time for each in listed] == spikes.times.tolist()
    assert [(unit, batch) for _, unit, batch in listed] == list(
        zip(spikes.units.tolist(), spikes.batch.tolist(), strict=True)
    )
    assert listed == sorted(listed, key=lambda each: (each.time, each.unit, each.batch))
    with pytest.raises(ArgumentError, match="not recorded"):
        iter(rb.simulate(rb.create("analog"), 1.0, 1.0, record="voltage").spikes)


def test_an_array_of_numpy_has_the_same(recording):
    array = recording.spikes.to_numpy()
    assert array.shape == (len(recording.spikes),)
    assert array.dtype.names == ("time", "unit", "batch")
    for name, column in zip(array.dtype.names, ("times", "units", "batch"), strict=True):
        assert array[name].tolist() == getattr(recording.spikes, column).tolist()


@pytest.mark.parametrize("block", [tables._BLOCK, 2])
@pytest.mark.parametrize("name", ["spikes.csv", "SPIKES.CSV"])
def test_a_csv_has_each_spike_to_the_last_bit(recording, tmp_path, monkeypatch, block, name):
    monkeypatch.setattr(tables, "_BLOCK", block)
    recording.save(tmp_path / name)
    with open(tmp_path / name, newline="") as file:
        rows = list(csv.DictReader(file))
    batch = bool(recording.batch_shape)
    assert list(rows[0]) == ["time_ms", "unit", *(["batch"] if batch else [])]
    assert [float(row["time_ms"]) for row in rows] == recording.spikes.times.tolist()
    assert [int(row["unit"]) for row in rows] == recording.spikes.units.tolist()
    if batch:
        assert [int(row["batch"]) for row in rows] == recording.spikes.batch.tolist()
    assert len(np.loadtxt(tmp_path / name, delimiter=",", skiprows=1)) == len(rows)


def test_a_csv_of_no_spikes_has_its_names_and_one_that_recorded_none_is_refused(lif, tmp_path):
    rb.simulate(rb.create(lif), 0.0, 1.0).save(tmp_path / "none.csv")
    assert (tmp_path / "none.csv").read_text() == "time_ms,unit\n"
    with pytest.raises(ArgumentError, match="not recorded"):
        rb.simulate(rb.create(lif), 0.0, 1.0, record="voltage").save(tmp_path / "other.csv")
    assert not (tmp_path / "other.csv").exists()


@pytest.mark.parametrize("name", ["run.txt", "run.tsv", "run.h5", "run.PNG"])
def test_the_ending_of_another_format_is_refused_and_no_ending_is_not(recording, tmp_path, name):
    with pytest.raises(OutputError, match=r"not written as \.\w+ .*ends in \.npz, or in \.csv"):
        recording.save(tmp_path / name)
    assert not list(tmp_path.iterdir())
    recording.save(tmp_path / "run")
    assert len(rb.Recording.load(tmp_path / "run").spikes) == len(recording.spikes)


def test_a_table_of_pandas_has_a_row_for_each_spike(recording):
    pytest.importorskip("pandas", reason="the pandas extra is not installed")
    table = recording.to_pandas()
    assert list(table.columns) == ["time_ms", "unit", "batch"]
    assert table["time_ms"].tolist() == recording.spikes.times.tolist()
    counted = table.groupby(["batch", "unit"]).size()
    assert counted.sum() == len(recording.spikes)
    assert counted[0, 2] == len(recording.spikes.of(2))


def test_without_pandas_the_extra_is_named(recording, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(RheobaseError, match=r"pip install 'rheobase\[pandas\]'"):
        recording.to_pandas()


@pytest.mark.parametrize("event", ["crossing", "located"])
def test_a_recording_with_a_graph_is_told_written_and_counted_as_the_one_without(lif, event, tmp_path):
    tau = torch.nn.Parameter(torch.tensor(5.0))

    def run(grad):
        current = torch.full((400, 1), 300.0, requires_grad=grad)
        return rb.simulate(
            rb.create(lif, 2, event=event, tau_mem=tau), current, record=("spikes", "voltage"), grad=grad
        )

    graph, plain = run(True), run(False)
    assert graph.traces["voltage"].requires_grad
    for name, recording in (("graph", graph), ("plain", plain)):
        recording.save(tmp_path / f"{name}.csv")
        recording.save(tmp_path / f"{name}.npz")
    assert (tmp_path / "graph.csv").read_bytes() == (tmp_path / "plain.csv").read_bytes()
    read = rb.Recording.load(tmp_path / "graph.npz")
    assert torch.equal(read.traces["voltage"], plain.traces["voltage"])
    assert np.array_equal(graph.spikes.to_numpy(), plain.spikes.to_numpy())
    assert list(graph.spikes) == list(plain.spikes)
    assert (repr(graph), graph._repr_html_()) == (repr(plain), plain._repr_html_())
    assert (graph.counts().tolist(), graph.cv().tolist()) == (plain.counts().tolist(), plain.cv().tolist())
    assert graph.isi(unit=1).tolist() == plain.isi(unit=1).tolist()
