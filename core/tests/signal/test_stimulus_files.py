"""Currents from files: what is accepted means what it says, and the rest is refused by name."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from rheobase import stimulus
from rheobase.errors import StimulusError


def flat(of, count, dt):
    return of.rows(0, count, dt, of.width, dtype=torch.float64)


@pytest.mark.parametrize(
    "text",
    [
        "t_ms,I_pA\n0.0,1\n0.5,2\n1.0,-3.5\n",
        "I_pA,time_ms\n1,0\n2,0.5\n-3.5,1\n",
        "# dt_ms = 0.5\n1\n2\n-3.5\n",
        "dt_ms,0.5\n1\n2\n-3.5\n",
        "# a comment\n#dt_ms:0.5\n\nI_pA\n1\n2\n-3.5\n\n",
        "dt_ms,I\n0.5,1\n0.5,2\n0.5,-3.5\n",
        "\ufeffT_ms;I\r\n0.0;1\r\n0.5;2\r\n1.0;-3.5\r\n",
        "t_ms\tI\n0.0\t1\n0.5\t2\n1.0\t-3.5\n",
    ],
)
def test_a_csv_says_its_time_step_in_several_ways(tmp_path, text):
    path = tmp_path / "current.csv"
    path.write_text(text, encoding="utf-8")
    current = stimulus.File(path)
    assert current.samples.sample_dt == 0.5
    assert flat(current, 6, 0.25).flatten().tolist() == [1, 1, 2, 2, -3.5, -3.5]


def test_a_csv_without_a_time_step_takes_it_from_the_argument(tmp_path):
    path = tmp_path / "current.csv"
    path.write_text("1,10\n2,20\n")
    current = stimulus.File(path, dt=0.5, scale=2.0)
    assert current.width == 2
    assert flat(current, 2, 0.5).tolist() == [[2, 20], [4, 40]]


def test_times_that_were_printed_rounded_are_still_even(tmp_path):
    path = tmp_path / "current.csv"
    times = np.arange(2000) / 3.0
    path.write_text("t_ms,I\n" + "".join(f"{t:.5f},{k}\n" for k, t in enumerate(times)))
    # The interval is (t_last - t_first) / n: each end is wrong by at most 5e-6.
    assert stimulus.File(path).samples.sample_dt == pytest.approx(1 / 3, abs=1e-5 / 1999)


@settings(max_examples=40, deadline=None)
@given(
    array=hnp.arrays(
        st.sampled_from([np.float32, np.float64]),
        st.tuples(st.integers(1, 9)) | st.tuples(st.integers(1, 9), st.integers(1, 4)),
        elements=st.floats(-1e6, 1e6, width=32),
    ),
    dt=st.sampled_from([0.05, 0.1, 0.25, 1.0]),
    kind=st.sampled_from(["npy", "npz", "npz with times"]),
)
def test_numpy_files_give_back_their_array_in_its_own_precision(tmp_path_factory, array, dt, kind):
    path = tmp_path_factory.mktemp("current") / f"current.{kind[:3]}"
    if kind == "npy":
        np.save(path, array)
    elif kind == "npz":
        np.savez(path, anything=array, dt_ms=np.array(dt))
    else:
        np.savez(path, current=array, t_ms=np.arange(len(array)) * dt, dt_ms=dt)
    current = stimulus.File(path, dt if kind == "npy" else None)
    assert current.samples.sample_dt == pytest.approx(dt, rel=1e-8)
    assert np.array_equal(current.samples.values.numpy(), array)
    assert current.samples.values.numpy().dtype == array.dtype
    assert np.array_equal(flat(current, len(array), dt).numpy(), array.reshape(len(array), -1))


def test_a_recorded_current_is_scaled_in_float32_and_held_in_its_bins():
    here = Path(__file__).resolve()
    places = [folder / "shared" / "data" / "l5pc_noise_current.npz" for folder in here.parents[3:5]]
    found = [place for place in places if place.exists()]
    if not found:
        pytest.skip("the recorded current lies in ../shared, which is not here")
    raw = np.load(found[0])
    current = stimulus.File(found[0], scale=1000.0)
    assert current.duration == 5000.0
    assert current.steps(0.05) == 100_000
    truth = np.repeat(raw["I_nA"] * np.float32(1000), 5)
    assert truth.dtype == np.float32
    assert np.array_equal(current.rows(0, 100_000, 0.05, 1).flatten().numpy(), truth)


def test_other_byte_orders_are_read(tmp_path):
    np.save(tmp_path / "big.npy", np.array([1.5, -2.0], dtype=">f4"))
    assert flat(stimulus.File(tmp_path / "big.npy", dt=1.0), 2, 1.0).flatten().tolist() == [1.5, -2.0]


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


BAD = {
    "empty": ("a.csv", b"", r"is empty; accepted"),
    "blank": ("a.csv", b"\n\n# nothing\n", r"has no numbers; accepted"),
    "names only": ("a.csv", b"t_ms,I\n", r"has no numbers; accepted"),
    "ragged": ("a.csv", b"1,2\n3\n", r"ragged: line 2 has 1 columns, the first row has 2"),
    "ragged below names": ("a.csv", b"a,b\n1,2\n3,4,5\n", r"line 3 has 3 columns, the line of names has 2"),
    "text": ("a.csv", b"1\n2\nabc\n", r"line 3, column 1 has the text 'abc'; accepted are numbers"),
    "text after numbers": ("a.csv", b"I,J\n1,x\n", r"line 2, column 2 has the text 'x'"),
    "missing value": ("a.csv", b"I,J\n1,\n", r"line 2 has 1 columns"),
    "underscore": ("a.csv", b"1\n1_000\n", r"line 2, column 1 has the text '1_000'"),
    "no step": ("a.csv", b"1\n2\n", r"has no time step; accepted is dt_ms in the file, or give dt"),
    "one time": ("a.csv", b"t_ms,I\n0,1\n", r"has 1 time, which gives no time step"),
    "uneven": ("a.csv", b"t_ms,I\n0,1\n1,1\n3,1\n", r"not evenly spaced"),
    "falling": ("a.csv", b"t_ms,I\n2,1\n1,1\n0,1\n", r"not evenly spaced and rising"),
    "late": ("a.csv", b"t_ms,I\n5,1\n6,1\n", r"times start at 5 ms; accepted are times from 0 on"),
    "only times": ("a.csv", b"t_ms\n0\n1\n", r"has only t_ms; add a column of current"),
    "two steps": ("a.csv", b"dt_ms,I\n0.5,1\n0.25,1\n", r"more than one time step"),
    "nan": ("a.csv", b"# dt_ms=1\n1\nnan\n", r"sample 1 of column 0 .* is nan; accepted are finite"),
    "negative step": (
        "a.csv",
        b"# dt_ms=-1\n1\n2\n",
        r"time step dt_ms is -1\.0; accepted is a number above 0",
    ),
    "not text": ("a.csv", b"\xff\xfe\x00\x01", r"is no text file"),
    "ending": ("a.mat", b"1\n", r"has the ending '\.mat'; accepted"),
    "torn npz": ("a.npz", b"PK\x03\x04 torn", r"is no NPZ file of numbers"),
    "text as npy": ("a.npy", b"1,2,3\n", r"is no NPY file of numbers"),
    "pickle": ("a.npy", npy(np.array([1, None], dtype=object)), r"is no NPY file of numbers"),
    "npz as npy": ("a.npy", npz(I=np.ones(2)), r"is an NPZ file; give it the ending \.npz"),
    "npy as npz": ("a.npz", npy(np.ones(2)), r"is no NPZ file of numbers"),
    "npz without step": ("a.npz", npz(I=np.ones(2)), r"has no time step"),
    "npz with two": ("a.npz", npz(I=np.ones(2), J=np.ones(2), dt_ms=1.0), "has I, J; accepted"),
    "npz with none": ("a.npz", npz(dt_ms=1.0), r"has no array; accepted"),
    "npz of integers": ("a.npz", npz(I=np.arange(3), dt_ms=1.0), r"I has the type int64"),
    "npz complex": ("a.npz", npz(I=np.ones(3) * 1j, dt_ms=1.0), r"I has the type complex128"),
    "npz empty": ("a.npz", npz(I=np.ones(0), dt_ms=1.0), r"I has the shape \[0\]"),
    "npz of cubes": ("a.npz", npz(I=np.ones((2, 2, 2)), dt_ms=1.0), r"I has the shape \[2, 2, 2\]"),
    "npz inf": (
        "a.npz",
        npz(I=np.array([[1, 2], [3, np.inf]]), dt_ms=1.0),
        r"sample 1 of column 1 .* is inf",
    ),
    "npz step of nan": ("a.npz", npz(I=np.ones(3), dt_ms=np.nan), r"dt_ms is nan"),
    "npz steps": ("a.npz", npz(I=np.ones(3), dt_ms=np.ones(3)), r"dt_ms has shape \[3\]"),
    "npz times": ("a.npz", npz(I=np.ones(3), t_ms=np.arange(4.0)), r"4 times and 3 samples"),
    "npz contradiction": (
        "a.npz",
        npz(I=np.ones(3), t_ms=np.arange(3.0), dt_ms=0.5),
        r"dt_ms = 0\.5 and times 1",
    ),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_file_that_cannot_be_used_is_refused_with_its_name_what_was_found_and_what_is_accepted(
    tmp_path, fault
):
    name, content, says = BAD[fault]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(StimulusError, match=says) as error:
        stimulus.File(path)
    assert str(path) in str(error.value)


def test_a_missing_file_is_refused_with_its_neighbour(tmp_path):
    (tmp_path / "current.csv").write_text("1\n")
    with pytest.raises(StimulusError, match=r"curent\.csv does not exist; did you mean 'current\.csv'"):
        stimulus.File(tmp_path / "curent.csv", dt=1.0)
    with pytest.raises(StimulusError, match="does not exist"):
        stimulus.File(tmp_path / "nowhere" / "current.csv", dt=1.0)
    with pytest.raises(StimulusError, match="is a folder"):
        stimulus.File(tmp_path, dt=1.0)


def test_a_time_step_given_twice_must_be_the_same(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("# dt_ms = 0.25\n1\n2\n")
    assert stimulus.File(path, dt=0.25).duration == 0.5
    with pytest.raises(StimulusError, match=r"gives the time step 0\.25 ms, and dt is 0\.5 ms"):
        stimulus.File(path, dt=0.5)
    with pytest.raises(StimulusError, match=r"File\(dt=-1\)"):
        stimulus.File(path, dt=-1)


@pytest.mark.parametrize("name", ["time (s)", "t_us", "Seconds", "index"])
def test_a_column_of_times_in_another_unit_is_not_taken_for_a_current(tmp_path, name):
    path = tmp_path / "a.csv"
    path.write_text(f"{name},current\n0,100\n0.0001,200\n")
    with pytest.raises(StimulusError, match="name it t_ms or time_ms"):
        stimulus.File(path, dt=0.1)


def test_a_scale_that_overflows_the_file_s_type_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.array([1e30], dtype=np.float32))
    with pytest.raises(StimulusError, match=r"a\.npy.*sample 0 of column 0"):
        stimulus.File(tmp_path / "a.npy", dt=1.0, scale=1e30)
    assert math.isfinite(flat(stimulus.File(tmp_path / "a.npy", dt=1.0), 1, 1.0))


@pytest.mark.parametrize("name", ["t", "time", "Time"])
def test_a_column_of_times_without_a_unit_is_refused(name, tmp_path):
    path = tmp_path / "current.csv"
    path.write_text(f"{name},I\n0,1\n1,2\n", encoding="utf-8")
    with pytest.raises(StimulusError, match="t_ms or time_ms"):
        stimulus.File(path, dt=0.1)


DRIVE = np.array([5.0, -1.0, 20.0, 3.0])


def write(path, *columns, separator=",", head=""):
    rows = zip(*columns, strict=True)
    path.write_text(head + "".join(separator.join(map(repr, map(float, row))) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("times", [np.arange(4) * 0.1, np.arange(1, 5) * 0.1, np.arange(4) * 1e-4 + 7.0])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("columns", [1, 5])
def test_a_clock_without_a_name_is_no_current(tmp_path, times, separator, columns):
    path = write(tmp_path / "x.csv", times, *[DRIVE] * columns, separator=separator)
    for dt in (None, 0.1):
        with pytest.raises(
            StimulusError, match=r"no line of names.*rises evenly.*t_ms,I.*unit_0,unit_1"
        ) as told:
            stimulus.File(path, dt)
        assert ("unit_2" in str(told.value)) == (columns > 1)


def test_either_remedy_for_it_is_taken(tmp_path):
    ramp = np.arange(4) * 0.1
    clock = stimulus.File(write(tmp_path / "a.csv", ramp, DRIVE, head="t_ms,I\n"))
    assert flat(clock, 4, 0.1).flatten().tolist() == DRIVE.tolist()
    two = stimulus.File(write(tmp_path / "b.csv", ramp, DRIVE, head="unit_0,unit_1\n"), 0.1)
    assert np.array_equal(flat(two, 4, 0.1).numpy(), np.stack([ramp, DRIVE], axis=1))


@pytest.mark.parametrize("first", [[0.0, 0.1, 0.3, 0.4], [3.0, 2.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
def test_a_first_column_that_is_no_clock_is_a_current(tmp_path, first):
    assert stimulus.File(write(tmp_path / "x.csv", first, DRIVE), 0.1).width == 2


def test_a_single_column_may_rise_evenly(tmp_path):
    assert stimulus.File(write(tmp_path / "x.csv", np.arange(4.0)), 0.1).width == 1


def test_an_array_without_a_name_is_no_clock_of_its_own_interval(tmp_path):
    both = np.stack([np.arange(4) * 0.1, DRIVE], axis=1)
    np.save(tmp_path / "x.npy", both)
    np.savez(tmp_path / "x.npz", both, dt_ms=0.1)
    for path, dt in (("x.npy", 0.1), ("x.npz", None)):
        with pytest.raises(StimulusError, match=r"times of samples 0\.1 ms apart.*t_ms=.*dt_ms="):
            stimulus.File(tmp_path / path, dt)
    assert stimulus.File(tmp_path / "x.npy", 0.5).width == 2  # another interval: a ramp
    np.savez(tmp_path / "named.npz", current=both, dt_ms=0.1)
    assert stimulus.File(tmp_path / "named.npz").width == 2
    np.savez(tmp_path / "times.npz", current=DRIVE, t_ms=both[:, 0])
    assert stimulus.File(tmp_path / "times.npz").width == 1


def test_a_tsv_is_read_as_a_csv_is(tmp_path):
    path = write(tmp_path / "x.TSV", np.arange(4) * 0.5, DRIVE, separator="\t", head="t_ms\tI\n")
    current = stimulus.File(path)
    assert current.samples.sample_dt == 0.5
    assert flat(current, 4, 0.5).flatten().tolist() == DRIVE.tolist()
