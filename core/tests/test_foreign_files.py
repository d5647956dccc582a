"""Files of strangers: each is read as it is meant, or refused by an error of ours that names it."""

from __future__ import annotations

import io
import json
import os
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rheobase as rb
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rheobase.errors import ArgumentError, ConfigurationError, RheobaseError, StimulusError, shown
from rheobase.files import npy
from rheobase.pipeline.yamlfile import read_yaml
from rheobase.signal.csvfile import read_csv
from rheobase.stimulus import File

FAST = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def npy_of(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def header(text: str, content: bytes = b"\0" * 40, version: bytes = b"\1\0") -> bytes:
    """An NPY file with a header of one's own."""
    line = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY" + version + len(line).to_bytes(2, "little") + line + content


def shaped(shape: str) -> bytes:
    """An NPY file that says it has a shape."""
    return header(f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}")


def members(*named: tuple[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in named:
            archive.writestr(name, content)
    return file.getvalue()


def patched(content: bytes, old: bytes, new: bytes) -> bytes:
    assert old in content
    return content.replace(old, new)


CURRENT = npz(I=np.ones(5), dt_ms=0.5)
TORN = bytearray(members(("I.npy", npy_of(np.ones(500))), ("dt_ms.npy", npy_of(0.5)), compression=8))
TORN[80:90] = b"\xff" * 10
BAD_STIMULI = {
    # name, content, dt, what the message says
    "npy that is longer than its header": (
        "a.npy",
        npy_of(np.ones(5)) + b"\0" * 8,
        1.0,
        "says 40 .*there are 48",
    ),
    "npy that is shorter": ("a.npy", npy_of(np.ones(5))[:-1], 1.0, "says 40 .*there are 39"),
    "npy of a shape of 2**70": ("a.npy", shaped("(2**70,)"), 1.0, "no NPY"),
    "npy of an endless shape": (
        "a.npy",
        shaped("(1180591620717411303424,)"),
        1.0,
        "header says",
    ),
    "npy of the shape True": ("a.npy", shaped("(True,)"), 1.0, "shape"),
    "npy of a negative shape": ("a.npy", shaped("(-5,)"), 1.0, "shape"),
    "npy with code in its header": ("a.npy", header("__import__('os').getcwd()"), 1.0, "no NPY file"),
    "npy with half a header": ("a.npy", header("{'descr': ('''<f8"), 1.0, "no NPY file"),
    "npy of another format": ("a.npy", header("{}", version=b"\7\0"), 1.0, "no NPY file"),
    "npy of pickles": ("a.npy", npy_of(np.array([{}], dtype=object)), 1.0, "neither numbers nor text"),
    "times in seconds": (
        "a.npz",
        npz(I=np.ones(3), t_ms=np.arange(3).astype("datetime64[s]")),
        None,
        r"times of the type datetime64\[s\]",
    ),
    "durations": (
        "a.npz",
        npz(I=np.ones(3), t_ms=np.arange(3).astype("timedelta64[s]")),
        None,
        "times of the type",
    ),
    "complex times": (
        "a.npz",
        npz(I=np.ones(3), t_ms=np.arange(3) * 1j),
        None,
        "times of the type complex128",
    ),
    "times in words": (
        "a.npz",
        npz(I=np.ones(2), time_ms=np.array(["0", "1"])),
        None,
        "times of the type <U1",
    ),
    "times that are true": (
        "a.npz",
        npz(I=np.ones(2), t_ms=np.array([False, True])),
        None,
        "times of the type bool",
    ),
    "times beyond all": ("a.npz", npz(I=np.ones(3), t_ms=[0, 1e308, -1e308]), None, "not evenly spaced"),
    "torn deflate": ("a.npz", bytes(TORN), None, "no NPZ file"),
    "compression 99": (
        "a.npz",
        patched(
            patched(CURRENT, b"PK\3\4\x2d\0\0\0\0\0", b"PK\3\4\x2d\0\0\0\x63\0"),
            b"\x2d\0\0\0\0\0",
            b"\x2d\0\0\0\x63\0",
        ),
        None,
        "no NPZ file.*compression",
    ),
    "encrypted": (
        "a.npz",
        patched(CURRENT, b"\x2d\0\0\0\0\0", b"\x2d\0\1\0\0\0"),
        None,
        "no NPZ file.*encrypted",
    ),
    "a member that is no array": ("a.npz", members(("I.npy", b"hello")), None, "no NPZ file"),
    "a folder as a member": ("a.npz", members(("I/", b"")), None, "no NPZ file"),
    "one name twice": ("a.npz", members(("I.npy", npy_of(np.ones(3))), ("I", b"x")), None, "one name"),
    "dt twice": (
        "a.csv",
        b"# dt_ms = 1\n# dt_ms = 2\n1\n2\n",
        None,
        "line 2 gives the time step dt_ms = 2, and a line",
    ),
    "dt twice the same": ("a.csv", b"# dt_ms = 1\ndt_ms; 1\n1\n2\n", None, "give it once"),
    "dt after the data": (
        "a.csv",
        b"1\n2\n# dt_ms = 5\n",
        0.5,
        "line 3 .*after the first numbers; put it above",
    ),
    "dt after a time step": ("a.csv", b"# dt_ms = 5\n1\n# dt_ms: 5\n2\n", None, "give it once"),
    "dt in words": ("a.csv", b"# dt_ms = fast\n1\n2\n", 0.5, "as 'fast'; give a number"),
    "dt with a comma": ("a.csv", b"# dt_ms = 0,5\n1\n2\n", 0.5, "as '0,5'; give a number"),
    "a long cell": ("a.csv", b"1\n" + b"x" * 100_000 + b"\n", 0.5, r"^.{,400}$"),
    "csv with a NUL": ("a.csv", b"1\n\0\n", 0.5, "has the text"),
    "csv in UTF-16": ("a.csv", "1\n2\n".encode("utf-16"), 0.5, "no text file"),
}


@pytest.mark.parametrize("fault", BAD_STIMULI)
def test_a_stimulus_file_of_another_meaning_is_refused_by_its_name(tmp_path, fault):
    name, content, dt, says = BAD_STIMULI[fault]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StimulusError, match=says) as caught:
        File(tmp_path / name, dt=dt)
    assert str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize("dt", [1e-300, 1e300, 5e-324, 1.7e308])
def test_an_interval_beyond_all_steps_is_refused(tmp_path, dt):
    np.savez(tmp_path / "a.npz", I=np.ones(3), dt_ms=dt)
    with pytest.raises(StimulusError, match=r"ms apart, and the time step is 0\.1 ms"):
        rb.simulate(rb.create("analog"), File(tmp_path / "a.npz"), record="voltage")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["<f4", ">f8", "<f2"])
def test_arrays_are_read_as_numpy_reads_them(tmp_path, order, kind):
    truth = np.asarray(np.arange(24).reshape(2, 3, 4), dtype=kind, order=order)
    for name, save in (("a.npy", np.save), ("b.npz", np.savez), ("c.npz", np.savez_compressed)):
        save(tmp_path / name, truth)
        with (tmp_path / name).open("rb") as file:
            array = npy.read_npy(file) if name == "a.npy" else npy.Archive(file).read("arr_0")
        assert array.dtype == truth.dtype
        np.testing.assert_array_equal(array, truth)
        assert array.flags.writeable


def test_a_value_beyond_float32_is_named_and_serves_a_float64_neuron(tmp_path):
    values = np.ones((4, 2))
    values[2, 1] = -1e39
    np.savez(tmp_path / "a.npz", I=values, dt_ms=0.1)
    file = File(tmp_path / "a.npz")
    neuron = rb.create("analog", 2)
    with pytest.raises(StimulusError, match=r"sample 2 of column 1 .* -1e\+39, beyond what float32 holds"):
        rb.simulate(neuron, file, 0.2, record="voltage", backend="eager")
    assert neuron.simulation_step == 0
    found = rb.simulate(rb.create("analog", 2, dtype=torch.float64), file, record="voltage", backend="eager")
    assert found.traces["voltage"][2, 1] == -1e39
    with pytest.raises(StimulusError, match=r"sample 0 of column 0 .* 1e\+39"):
        rb.stimulus.Samples(np.array([1e36], dtype=np.float64), 0.1, 1000.0).rows(0, 1, 0.1, 1)
    most = torch.finfo(torch.float32).max
    nearly = rb.stimulus.Samples(torch.tensor([most * (1 + 1e-9)], dtype=torch.float64), 0.1)
    assert nearly.rows(0, 1, 0.1, 1).item() == most  # it rounds to what there is


# --- what has no end ---------------------------------------------------------------------------------------


@pytest.fixture
def endless(tmp_path: Path) -> Callable[[str], list[Path]]:
    """A FIFO that nobody writes to, a device without an end, and a folder, by a name of any ending."""

    def make(ending: str) -> list[Path]:
        paths = [tmp_path / f"{kind}{ending}" for kind in ("fifo", "zero", "folder")]
        os.mkfifo(paths[0])
        paths[1].symlink_to("/dev/zero")
        paths[2].mkdir()
        return paths

    return make


@pytest.mark.parametrize("ending", [".csv", ".npy", ".npz", ".yaml", ".recording"])
def test_what_is_no_regular_file_is_not_waited_for(endless, ending):
    read = {".yaml": rb.SimpleSimulator.from_file, ".recording": rb.Recording.load}.get(ending, File)
    for path in endless(ending):
        with pytest.raises(ArgumentError, match=r"no regular file|is a folder") as caught:
            read(path)
        assert str(path) in str(caught.value)


def test_an_archive_that_unpacks_to_gigabytes_is_refused_before_it_does(tmp_path):
    # Four megabytes that are four gigabytes; its zeros are never made.
    line = header(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({2**29},)}}", b"")
    content = members(("I.npy", line + bytes(1000)), ("dt_ms.npy", npy_of(0.5)), compression=8)
    said = (len(line) + 1000).to_bytes(4, "little")
    path = tmp_path / "a.npz"
    path.write_bytes(patched(content, said, (len(line) + 2**32 - 2**10).to_bytes(4, "little")))
    start = time.perf_counter()
    with pytest.raises(StimulusError, match=r"a\.npz .*unpack to over 1073741824 bytes"):
        File(path)
    assert time.perf_counter() - start < 5
    # What nobody asked for is not unpacked: it stands beside a recording that is whole.
    rec = rb.simulate(rb.create("analog"), 1.0, 1.0, record="voltage", backend="eager")
    rec.save(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.npy", bytes(10_000))
    content = path.read_bytes()
    path.write_bytes(content.replace((10_000).to_bytes(4, "little"), (2**32 - 2).to_bytes(4, "little")))
    assert torch.equal(rb.Recording.load(path).traces["voltage"], rec.traces["voltage"])


def test_members_that_lie_over_each_other_are_refused(tmp_path, monkeypatch):
    (tmp_path / "a.npz").write_bytes(CURRENT)
    true = zipfile.ZipFile.infolist

    def larger(self):
        for info in (found := true(self)):
            info.compress_size += 300
        return found

    monkeypatch.setattr(zipfile.ZipFile, "infolist", larger)
    with pytest.raises(StimulusError, match="members are larger than the file"):
        File(tmp_path / "a.npz")


# --- YAML --------------------------------------------------------------------------------------------------

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
BAD_YAML = {
    "aliases": ("a: &a 1\nb: *a\n", "line 2: aliases"),
    "nine levels of aliases": (BOMB + "model: *i\n", "line 2: aliases"),
    "an alias of itself": ("a: &a [*a]\n", "line 1: aliases"),
    "an alias as a key": ("a: &a 1\n*a : 2\n", "line 2: aliases"),
    "octal": ("duration: 0300\n", r"line 1: '0300' is no decimal number"),
    "octal, negative": ("a:\n- -017\n", r"line 2: '-017' is no decimal"),
    "sexagesimal": ("duration: 1:30\n", r"'1:30' is no decimal number .*quotes"),
    "sexagesimal with a fraction": ("duration: 1:30.5\n", "no decimal number"),
    "sexagesimal by a tag": ("duration: !!int '1:30'\n", "no decimal number"),
    "octal by a tag": ("duration: !!float '010'\n", "no decimal number"),
    "deep lists": ("a: " + "[" * 10_000, "more than 32 levels"),
    "deep mappings": ("".join(f"{' ' * k}a:\n" for k in range(200)), "more than 32 levels"),
    "a key twice": ("a: 1\nb: 2\na: 3\n", "line 3: the key 'a' comes twice"),
    "true twice": ("yes: 1\ntrue: 3\n", "line 2: the key True comes twice"),
    "a list as a key": ("? [a]\n: 1\n", "line 1: the key .* cannot be used"),
    "a date that is none": ("a: 2024-13-45\n", "cannot be read as YAML"),
    "hexadecimal without digits": ("a: 0x_\n", "cannot be read as YAML"),
    "binary without digits": ("a: 0b_\n", "cannot be read as YAML"),
    "an integer of no digits": ("a: !!int ''\n", "cannot be read as YAML"),
    "an integer of letters": ("a: !!int abc\n", "cannot be read as YAML"),
    "a truth of letters": ("a: !!bool abc\n", "cannot be read as YAML"),
    "a time of letters": ("a: !!timestamp abc\n", "cannot be read as YAML"),
    "5000 digits": ("a: " + "9" * 5000, r"^.{,600}too large; give one below 2\*\*64"),
    "400 digits": ("a: " + "9" * 400, "too large"),
    "an object": ("a: !!python/object/apply:os.getcwd []\n", "cannot be read as YAML"),
    "two documents": ("a: 1\n---\nb: 2\n", "cannot be read as YAML"),
    "a NUL": ("a: \0\n", "cannot be read as YAML"),
    "nothing": ("", "holds nothing"),
    "megabytes": ("a: " + "x" * (5 * 2**20), "bytes, and 4194304 are read at most"),
}


@pytest.mark.parametrize("fault", BAD_YAML)
def test_settings_that_mean_another_thing_are_refused_by_name(tmp_path, fault):
    text, says = BAD_YAML[fault]
    path = tmp_path / "run.yaml"
    path.write_text(text)
    start = time.perf_counter()
    with pytest.raises(ConfigurationError, match=says) as caught:
        read_yaml(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 1000 + len(str(path))
    assert time.perf_counter() - start < 10  # a hang, no more


def test_settings_as_people_write_them_are_read(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text(
        "\ufeffa: 1e3\nb: 0.5\nc: -3\nd: '0300'\ne: 0\nf: 12:30:00 h\ng: 0.05\nh: 0x1F\ni: &name [1]\n"
    )
    read = {"a": 1e3, "b": 0.5, "c": -3, "d": "0300", "e": 0, "f": "12:30:00 h", "g": 0.05, "h": 31, "i": [1]}
    assert read_yaml(path) == read


def test_twenty_thousand_keys_take_no_square_of_time(tmp_path):
    path = tmp_path / "run.yaml"

    def seconds(keys: int) -> float:
        path.write_text("".join(f"key_{k}: 1\n" for k in range(keys)))
        start = time.process_time()
        assert len(read_yaml(path)) == keys
        return time.process_time() - start

    seconds(100)
    few, many = seconds(500), seconds(4000)
    assert many < 25 * few  # eight times as much; 64 for the square


@pytest.mark.parametrize(
    "key", ["model", "stimulus", "record", "params", "integrator", "dtype", "out", "seed"]
)
@pytest.mark.parametrize(
    "value",
    [
        "x" * 100_000,
        [["y"] * 1000] * 100,
        10**4000,
        -(10**400),
        [10**400],
        {"type": "z" * 100_000},
        {"k" * 100_000: "x"},
    ],
    ids=["text", "lists", "digits", "negative", "in a list", "type", "key"],
)
def test_a_value_of_any_size_is_refused_in_few_words(key, value):
    good = {"model": "analog", "stimulus": 1.0, "duration": 0.1, "backend": "eager"}
    with pytest.raises(RheobaseError) as caught:
        rb.SimpleSimulator({**good, key: value}).run()
    said = str(caught.value)
    assert len(said) <= 4000
    assert said.count("k") < 1000


def test_numbers_that_no_float_holds_are_refused_by_stimuli_and_durations():
    for value in (10**400, -(10**400)):
        with pytest.raises(StimulusError, match="an integer of 13"):
            rb.stimulus.Constant(value)
        with pytest.raises(ArgumentError, match="an integer of 13"):
            rb.simulate(rb.create("analog"), 1.0, value, record="voltage")
    assert shown(["a" * 1000] * 1000).count("a") < 1000


# --- recordings --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[rb.Recording, dict[str, np.ndarray]]:
    """A recording of a batch, with spikes and traces of some types, and the members of its file."""
    events = [(0.5, 0, 1), (0.5, 2, 0), (1.0, 1, 0), (2.0, 2, 1)]
    rec = rb.Recording(
        spikes=rb.pipeline.recording.Spikes(
            torch.tensor([e[0] for e in events], dtype=torch.float64) + 5.0,
            *(torch.tensor([e[k] for e in events]) for k in (1, 2)),
        ),
        traces={"voltage": torch.arange(12.0).reshape(2, 2, 3), "gate": torch.ones(2, 2, 3).bfloat16()},
        dt=0.5,
        steps=5,
        first_step=10,
        num_units=3,
        batch_shape=(2,),
        model="toy",
        provenance={"model": rb.Provenance("neuron", "toy", "toys", "1.0")},
        warnings=["careful"],
        trace_units={"voltage": "mV"},
        every=2,
    )
    path = tmp_path_factory.mktemp("whole") / "run.npz"
    rec.save(path)
    with np.load(path) as file:
        return rec, dict(file)


def loaded(path: Path, arrays: dict[str, np.ndarray]) -> rb.Recording | None:
    """What a file of these members gives, in full use; None: it is refused, by name."""
    np.savez(path, **arrays)
    try:
        rec = rb.Recording.load(path)
    except RheobaseError as error:
        assert str(path) in str(error)  # noqa: PT017
        return None
    counts = rec.counts()
    assert counts.sum() == len(rec.spikes)
    assert rec.times.shape == (rec.steps // rec.every,)
    assert rec.rates().shape == counts.shape
    rec.cv()
    repr(rec)
    return rec


def about_with(arrays: dict[str, np.ndarray], **changes: Any) -> dict[str, np.ndarray]:
    """The members with another ``about``, and without the digests that were not given."""
    about = json.loads(str(arrays["about"])) | changes
    if "digests" not in changes:
        about.pop("digests", None)
    bare = {name: array for name, array in arrays.items() if name != "digest"}
    return {**bare, "about": np.array(json.dumps(about))}


NO_SENSE = {
    "dt of NaN": {"dt_ms": float("nan")},
    "dt below 0": {"dt_ms": -0.1},
    "dt of inf": {"dt_ms": float("inf")},
    "dt of 0": {"dt_ms": 0},
    "dt in words": {"dt_ms": "0.5"},
    "dt that is true": {"dt_ms": True},
    "dt of 400 digits": {"dt_ms": 10**400},
    "dt that makes an endless run": {"dt_ms": 1e308, "first_step": 2**52},
    "steps of another run": {"steps": 3},
    "more steps than rows": {"steps": 100},
    "steps below 0": {"steps": -5},
    "steps in parts": {"steps": 5.0},
    "another stride": {"every": 7},
    "no stride": {"every": 0},
    "another batch": {"batch_shape": [5]},
    "a batch below 0": {"batch_shape": [-2]},
    "a batch in words": {"batch_shape": "2"},
    "an endless batch": {"batch_shape": [2**40, 2**40]},
    "fewer units": {"units": 2},
    "a later start": {"first_step": 15},
    "an earlier start": {"first_step": 0},
    "a list of models": {"model": ["toy"]},
    "types that numpy has not": {"trace_types": {"voltage": "int8", "gate": "bfloat16"}},
    "types that torch has not": {"trace_types": {"voltage": "Tensor", "gate": "bfloat16"}},
    "a type that is missing": {"trace_types": {"gate": "bfloat16"}},
    "a trace that is missing": {"trace_types": {"voltage": "float32", "gate": "bfloat16", "w": "float32"}},
    "units of no trace": {"trace_units": {"current": "pA"}},
    "units in numbers": {"trace_units": {"voltage": 3}},
    "warnings in numbers": {"warnings": [1]},
    "a warning alone": {"warnings": "careful"},
    "half a completion": {"complete": 0.5},
    "an origin in words": {"provenance": {"model": "toy"}},
    "an origin of more parts": {"provenance": {"model": {"kind": "neuron", "name": "toy", "colour": "red"}}},
    "an origin of a number": {"provenance": {"model": {"kind": "neuron", "name": 3}}},
    "digests in numbers": {"digests": [1]},
}


@pytest.mark.parametrize("fault", NO_SENSE)
def test_a_recording_that_makes_no_sense_is_refused(tmp_path, whole, fault):
    _, arrays = whole
    changed = about_with(arrays, **NO_SENSE[fault])
    with pytest.raises(ArgumentError, match=r"must be|has no|are not"):
        rb.Recording.load(_saved(tmp_path / "a.npz", changed))


def _saved(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    np.savez(path, **arrays)
    return path


def test_parts_of_another_file_are_found_out(differences, tmp_path, whole):
    rec, arrays = whole
    bare = about_with(arrays)
    assert not differences(loaded(tmp_path / "a.npz", bare), rec)  # by its sense alone
    times = arrays["spike_times_ms"]
    for part in (
        times[::-1].copy(),
        times * np.nan,
        times + 100,
        times[:-1],
        times.astype("f4"),
        times[None],
    ):
        assert loaded(tmp_path / "a.npz", {**bare, "spike_times_ms": part}) is None
    for part in (arrays["spike_units"] + 3, arrays["spike_units"] - 3, arrays["spike_units"].astype("i4")):
        assert loaded(tmp_path / "a.npz", {**bare, "spike_units": part}) is None
    for part in (arrays["trace_voltage"][:1], arrays["trace_voltage"].astype("i1"), np.array("x")):
        assert loaded(tmp_path / "a.npz", {**bare, "trace_voltage": part}) is None
    for name in ("spike_times_ms", "spike_units", "spike_batch", "trace_gate", "about"):
        assert loaded(tmp_path / "a.npz", {key: part for key, part in bare.items() if key != name}) is None
    assert loaded(tmp_path / "a.npz", {**bare, "trace_more": np.ones(3)}) is None
    about = json.loads(str(bare["about"])) | {"stimulus": {"kind": "step"}, "seed": 3}
    newer = {**bare, "about": np.array(json.dumps(about)), "stimulus": np.ones(3)}
    assert not differences(loaded(tmp_path / "a.npz", newer), rec)  # what a later version adds is left alone


SMALL = st.integers(-3, 12) | st.floats(-2, 12) | st.just(float("nan")) | st.integers(2**62, 2**70)
ANY = st.recursive(
    SMALL | st.none() | st.booleans() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@FAST
@given(data=st.data(), sealed=st.booleans())
def test_one_altered_entry_of_about_is_refused_or_gives_a_recording_that_can_be_used(
    differences, tmp_path, whole, data, sealed
):
    rec, arrays = whole
    about = json.loads(str(arrays["about"]))
    key = data.draw(st.sampled_from(sorted(about)))
    value = data.draw(ANY)
    if sealed:
        changed = {**arrays, "about": np.array(json.dumps(about | {key: value}))}
    else:
        changed = about_with(arrays, **{key: value})
    found = loaded(tmp_path / "a.npz", changed)
    if sealed:
        assert found is None or not differences(found, rec)


KINDS = st.sampled_from(["f8", "f4", "i8", "i4", "u1", "U3", "c16", "M8[s]", "?"])


@FAST
@given(data=st.data(), sealed=st.booleans())
def test_one_altered_array_is_refused_or_gives_a_recording_that_can_be_used(
    differences, tmp_path, whole, data, sealed
):
    rec, arrays = whole
    name = data.draw(st.sampled_from(sorted(set(arrays) - {"about"})))
    old = arrays[name]
    how = data.draw(st.sampled_from(["value", "type", "cut", "shape", "gone"]))
    changed = dict(arrays) if sealed else about_with(arrays)
    new = old.copy()
    if how == "value" and old.dtype.kind in "fi":
        value = data.draw(SMALL)
        if old.dtype.kind == "f" or (value == value and abs(value) < 2**63):
            new.reshape(-1)[data.draw(st.integers(0, new.size - 1))] = value
    elif how == "type" and old.dtype.kind in "fi":
        new = old.astype(data.draw(KINDS))
    elif how == "cut" and old.ndim:
        new = old[: data.draw(st.integers(0, len(old)))]
    elif how == "shape":
        new = old.reshape(-1)[None]
    changed[name] = new
    if how == "gone":
        del changed[name]
    found = loaded(tmp_path / "a.npz", changed)
    if sealed:
        assert found is None or not differences(found, rec)
    elif found is not None and name == "spike_times_ms":
        assert bool(torch.isfinite(found.spikes.times).all())


# --- bytes -------------------------------------------------------------------------------------------------

CSV = b"# dt_ms = 0.5\na,b\n1.0,2.0\n3.5,-4\n"
YAML = b"model: analog\nunits: 2\nstimulus: {type: step, amplitude: 2.0, start: 1.0}\n"
YAML += b"duration: 2.0\nrecord: [voltage]\n"
SEEDS = {
    "a.csv": CSV,
    "a.npy": npy_of(np.arange(6, dtype=np.float32).reshape(3, 2)),
    "a.npz": npz(I=np.arange(6, dtype=np.float64), dt_ms=0.5),
    "b.npz": members(("I.npy", npy_of(np.arange(6.0))), ("t_ms.npy", npy_of(np.arange(6.0))), compression=8),
    "a.yaml": YAML,
}
PIECES = st.binary(min_size=1, max_size=3) | st.sampled_from(
    [
        b"\0",
        b"\xff" * 4,
        b"PK\1\2",
        b"nan",
        b"1e999",
        b"*a",
        b"&a",
        b"[",
        b"{",
        b": ",
        b"0777",
        b"1:30",
        b"9" * 400,
    ]
)


@pytest.mark.parametrize("name", [*SEEDS, "recording"])
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_with_altered_bytes_is_read_as_it_stands_or_refused(differences, tmp_path, whole, name, data):
    rec, arrays = whole
    if name == "recording":
        path = _saved(tmp_path / "run.npz", arrays)
        content = bytearray(path.read_bytes())
    else:
        path, content = tmp_path / name, bytearray(SEEDS[name])
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content) - 1))
        end = data.draw(st.integers(start, min(start + 4, len(content))))
        content[start:end] = data.draw(PIECES)
    path.write_bytes(content)
    try:
        if name == "recording":
            assert not differences(rb.Recording.load(path), rec)
        elif name == "a.yaml":
            rb.SimpleSimulator.from_file(path).create()
        else:
            values = File(path, dt=0.5 if name == "a.npy" else None).samples.values
            assert bool(torch.isfinite(values).all())
            if zipfile.is_zipfile(path):  # its checksums keep it
                with path.open("rb") as file:
                    archive = npy.Archive(file)
                    [current] = set(archive.names) - {"dt_ms", "t_ms"}
                    np.testing.assert_array_equal(values, np.arange(6.0))
                    assert archive.read(current).shape == (6,)
    except RheobaseError as error:
        assert path.name in str(error) or name == "a.yaml"  # noqa: PT017
        assert len(str(error)) <= 4000  # noqa: PT017


def test_what_a_library_raises_is_told_as_ours(tmp_path, monkeypatch):
    (tmp_path / "a.npz").write_bytes(CURRENT)
    for error in (
        zlib.error("x"),
        MemoryError(),
        RecursionError(),
        OverflowError(),
        AssertionError(),
        KeyError("k"),
    ):

        def fail(*_: Any, error: Exception = error, **__: Any) -> None:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(zipfile, "ZipFile", fail)
            with pytest.raises(StimulusError, match=r"a\.npz"):
                File(tmp_path / "a.npz")
            with pytest.raises(ArgumentError, match=r"a\.npz: cannot be read as a recording"):
                rb.Recording.load(tmp_path / "a.npz")
    with monkeypatch.context() as patch:
        patch.setattr(zipfile, "ZipFile", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            File(tmp_path / "a.npz")
    monkeypatch.setattr("rheobase.signal.csvfile.MOST", 3)
    with pytest.raises(StimulusError, match="has over"):
        read_csv(Path("a.csv"), io.BytesIO(CSV))
