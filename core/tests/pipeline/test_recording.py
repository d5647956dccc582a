"""Recordings: their numbers by hand, and their way to the disk and back."""

from __future__ import annotations

import copy
import json
import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from rheobase import Provenance, Recording
from rheobase.errors import ArgumentError, OutputError, TraceError
from rheobase.files import check_writable
from rheobase.pipeline.recording import Spikes


def spikes(times, units, batch=None):
    return Spikes(
        torch.tensor(times, dtype=torch.float64),
        torch.tensor(units, dtype=torch.int64),
        None if batch is None else torch.tensor(batch, dtype=torch.int64),
    )


def recording(of, **more):
    given_ = {"traces": {}, "dt": 0.5, "steps": 2000, "num_units": 3, **more}
    return Recording(spikes=of, **given_)


def test_rates_are_spikes_per_second_of_each_unit():
    rec = recording(spikes([1, 2, 2, 500], [0, 0, 2, 0]))
    assert rec.duration == 1000.0
    assert rec.rates().tolist() == [3.0, 0.0, 1.0]
    half = recording(spikes([1, 2, 2, 500], [0, 0, 2, 0]), dt=0.25)
    assert half.rates().tolist() == [6.0, 0.0, 2.0]


def test_rates_of_a_batch_keep_its_shape():
    rec = recording(spikes([1, 2, 3], [0, 2, 2], [0, 5, 5]), batch_shape=(2, 3))
    truth = torch.zeros(2, 3, 3, dtype=torch.float64)
    truth[0, 0, 0], truth[1, 2, 2] = 1, 2
    assert torch.equal(rec.rates(), truth)


def test_intervals_and_their_variation_are_those_of_the_definition():
    rec = recording(spikes([10, 20, 25, 40, 41, 70], [1, 1, 0, 1, 0, 1]))
    assert rec.isi(1).tolist() == [10, 20, 30]
    assert rec.isi(0).tolist() == [16]
    assert rec.isi(2).tolist() == []
    cv = rec.cv()
    # Intervals 10, 20, 30: mean 20, variance (100 + 0 + 100) / 3.
    assert cv[1] == pytest.approx(math.sqrt(200 / 3) / 20)
    assert cv[0].isnan()
    assert cv[2].isnan()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 400), st.integers(0, 2), st.integers(0, 3)), max_size=60))
def test_variation_agrees_with_numpy_unit_by_unit(events):
    events = sorted(set(events))
    rec = recording(
        spikes([e[0] for e in events], [e[1] for e in events], [e[2] for e in events]), batch_shape=(4,)
    )
    for batch in range(4):
        for unit in range(3):
            isi = np.diff([e[0] for e in events if e[1:] == (unit, batch)])
            truth = isi.std() / isi.mean() if len(isi) > 1 else math.nan
            assert rec.cv()[batch, unit].item() == pytest.approx(truth, nan_ok=True)
            assert rec.isi(unit, batch).tolist() == isi.tolist()


def test_a_unit_that_was_not_recorded_is_refused():
    with pytest.raises(ArgumentError, match="unit=3 is not recorded; give 0 to 2"):
        recording(spikes([], [])).isi(3)
    with pytest.raises(ArgumentError, match="batch=1 is not recorded; give 0 to 0"):
        recording(spikes([], [])).isi(0, batch=1)


def test_times_are_the_ends_of_the_steps():
    rec = recording(spikes([], []), steps=3, first_step=10, dt=0.1)
    assert rec.times.tolist() == [11 * 0.1, 12 * 0.1, 13 * 0.1]


def test_spikes_are_three_tensors_of_one_length_and_type():
    with pytest.raises(ArgumentError, match=r"units=.*int32"):
        Spikes(torch.ones(2).double(), torch.ones(2, dtype=torch.int32))
    with pytest.raises(ArgumentError, match=r"batch=.*\[1\]"):
        spikes([1.0, 2.0], [0, 1], [0])


NAMES = st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1, max_size=8)
TRACES = st.dictionaries(
    NAMES,
    hnp.arrays(
        st.sampled_from([np.float32, np.float64, np.int8, np.bool_]),
        st.just((4, 2, 3)),
        elements={"allow_nan": False},
    ),
    max_size=3,
)
SOURCES = st.dictionaries(
    NAMES,
    st.builds(
        Provenance, st.sampled_from(["neuron", "backend"]), st.text(), st.none() | st.text(), st.text()
    ),
    max_size=3,
)


@settings(max_examples=25, deadline=None)
@given(
    places=st.lists(st.tuples(st.floats(0.01, 1.0), st.integers(0, 2), st.integers(0, 1)), max_size=8),
    traces=TRACES,
    provenance=SOURCES,
    warnings=st.lists(st.text(), max_size=3),
    model=st.text(),
    dt=st.floats(1e-3, 10),
    first=st.integers(0, 2**40),
    complete=st.booleans(),
)
def test_what_is_saved_is_what_is_loaded(
    tmp_path_factory, places, traces, provenance, warnings, model, dt, first, complete
):
    path = tmp_path_factory.mktemp("rec") / "run.recording"
    events = sorted(((first + 4 * part) * dt, unit, batch) for part, unit, batch in places)
    rec = Recording(
        spikes=spikes(*([event[k] for event in events] for k in range(3))),
        traces={name: torch.from_numpy(array) for name, array in traces.items()},
        dt=dt,
        steps=4,
        first_step=first,
        num_units=3,
        batch_shape=(2,),
        model=model,
        provenance=provenance,
        warnings=warnings,
        complete=complete,
    )
    rec.save(path)
    back = Recording.load(path)
    for name in ("times", "units", "batch"):
        assert torch.equal(getattr(back.spikes, name), getattr(rec.spikes, name))
    assert back.traces.keys() == rec.traces.keys()
    for name, trace in rec.traces.items():
        assert torch.equal(back.traces[name], trace)
        assert back.traces[name].dtype == trace.dtype
    for name in ("dt", "steps", "first_step", "num_units", "batch_shape", "model", "warnings", "complete"):
        assert getattr(back, name) == getattr(rec, name)
    assert dict(back.provenance) == provenance


def test_traces_that_numpy_has_no_type_for_come_back_as_they_were(tmp_path):
    learned = torch.nn.Parameter(torch.randn(4, 3, generator=torch.Generator().manual_seed(1)))
    rec = recording(spikes([], []), traces={"voltage": learned.bfloat16(), "learned": learned}, steps=4)
    rec.save(tmp_path / "a.npz")
    back = Recording.load(tmp_path / "a.npz")
    assert back.traces["voltage"].dtype == torch.bfloat16
    assert torch.equal(back.traces["voltage"], learned.bfloat16())
    assert torch.equal(back.traces["learned"], learned.detach())


def test_a_saved_file_needs_no_pickle_and_tells_its_units_by_name(tmp_path):
    recording(spikes([1.5], [2])).save(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        assert file["spike_times_ms"].tolist() == [1.5]
        assert json.loads(str(file["about"]))["dt_ms"] == 0.5
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


@pytest.mark.parametrize(
    "content",
    [b"", b"no recording", b"PK\x03\x04"],
)
def test_a_file_that_is_no_recording_is_refused_by_name(tmp_path, content):
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(ArgumentError, match=r"a\.npz.*cannot be read as a recording.*Recording\.save"):
        Recording.load(path)
    np.savez(path, something=np.ones(2))
    with pytest.raises(ArgumentError, match="cannot be read as a recording"):
        Recording.load(path)
    with pytest.raises(ArgumentError, match="cannot be read"):
        Recording.load(tmp_path / "missing.npz")
    np.savez(path, about=np.array(json.dumps({"rheobase_recording": 99})))
    with pytest.raises(ArgumentError, match="recording of format 99"):
        Recording.load(path)


def test_a_path_that_cannot_be_written_is_refused_with_the_reason(tmp_path):
    (tmp_path / "file").write_text("kept")
    for path, says in [
        (tmp_path / "nowhere" / "a.npz", "does not exist; create it"),
        (tmp_path, "it is a folder"),
        (tmp_path / "file" / "a.npz", "Not a directory"),
        (tmp_path / ("x" * 300), "File name too long"),
        ("a\0b", "null"),
    ]:
        with pytest.raises(OutputError, match=says):
            check_writable(path)
        with pytest.raises(OutputError, match=says):
            recording(spikes([], [])).save(path)


def test_asking_whether_a_path_can_be_written_changes_nothing(tmp_path):
    (tmp_path / "file").write_text("kept")
    assert check_writable(tmp_path / "file").read_text() == "kept"
    check_writable(tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("traces", "asked", "told"),
    [
        (["voltage"], "volt", "'volt' was not recorded; did you mean 'voltage'?; recorded: voltage; "),
        (["voltage"], "w", 'record=("spikes", "voltage", "w")'),
        ([], "voltage", 'recorded: none; what a run records is its argument record=("spikes", "voltage")'),
        (["voltage"], 0, "the trace 0 was not recorded; recorded: voltage; "),
        (["voltage"], "spikes", "recording.spikes"),
    ],
)
def test_a_trace_that_was_not_recorded_is_told_with_the_nearest_and_how_to_record_it(traces, asked, told):
    rec = recording(spikes([], []), traces={name: torch.zeros(2000, 3) for name in traces})
    with pytest.raises(KeyError) as caught:
        rec.traces[asked]
    assert isinstance(caught.value, TraceError)
    assert told in str(caught.value)
    assert rec.traces.get(asked) is None
    assert asked not in rec.traces


def test_traces_are_a_dictionary_to_torch_and_to_files(tmp_path):
    rec = recording(spikes([], []), traces={"voltage": torch.arange(3.0).expand(2000, 3)})
    assert isinstance(rec.traces, dict)
    doubled = torch.utils._pytree.tree_map(lambda value: 2 * value, rec.traces)
    assert doubled["voltage"][0].tolist() == [0.0, 2.0, 4.0]
    torch.save(rec.traces, tmp_path / "traces.pt")
    read = torch.load(tmp_path / "traces.pt", weights_only=True)
    assert torch.equal(read["voltage"], rec.traces["voltage"])
    rec.save(tmp_path / "run.npz")
    others = (pickle.loads(pickle.dumps(rec)), copy.deepcopy(rec), Recording.load(tmp_path / "run.npz"))
    for other in (*others, replace(rec, model="other")):
        assert torch.equal(other.traces["voltage"], rec.traces["voltage"])
        with pytest.raises(TraceError, match="did you mean 'voltage'"):
            other.traces["volt"]
