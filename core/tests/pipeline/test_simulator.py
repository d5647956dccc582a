"""Simulations from YAML files against the same made in Python, and against wrong files."""

from __future__ import annotations

import math
import signal

import numpy as np
import pytest
import rheobase as rb
import torch
from rheobase import errors, stimulus
from rheobase.pipeline import simulator as simulator_module


class Leaky(rb.SpikingNeuron):
    """tau dV/dt = -V + R I, a spike at 15 mV, then back to 0 mV."""

    tau_mem = rb.Parameter(10.0, unit="ms", above=0)
    resistance = rb.Parameter(0.04, unit="GOhm")
    voltage = rb.State(0.0, unit="mV")

    strong = rb.Preset(
        "fires", params={"resistance": 0.1}, dt=0.5, stimulus=stimulus.Step(300.0, start=5.0), duration=40.0
    )
    quiet = rb.Preset("no stimulus", params={"resistance": 0.01})

    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": (params.resistance * data - state.voltage) / params.tau_mem}

    @staticmethod
    def threshold(state, params):
        return state.voltage - 15.0

    @staticmethod
    def reset(state, params):
        return {"voltage": 0.0}


@pytest.fixture(autouse=True)
def leaky():
    import sys
    import types

    module = types.ModuleType("toy_leaky")
    module.Leaky = Leaky

    class Toy:
        @rb.hookimpl
        def rheobase_neurons(self):
            return [rb.NeuronSpec("toy-leaky", "toy_leaky:Leaky")]

    sys.modules["toy_leaky"] = module
    with rb.register(Toy()):
        yield
    del sys.modules["toy_leaky"]


NAMED = ("model", "provenance")
"""What a recording says of a model that was given by its name, and not of one given as a class."""


@pytest.fixture
def write(tmp_path):
    def made(text):
        path = tmp_path / "run.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return made


def test_a_file_runs_what_its_keys_say(differences, write, tmp_path):
    path = write("""
model: toy-leaky
units: 3
params: {tau_mem: 2e1, resistance: [0.04, 0.05, 0.1]}
dt: 0.25
dtype: float64
integrator: rk2
event: step
stimulus: {type: ornstein_uhlenbeck, mean: 300, std: 100.0, tau: 5.0, seed: 3}
duration: 100
record: [spikes, voltage]
out: run.npz
""")
    recording = rb.SimpleSimulator.from_file(path).run()
    neuron = rb.create(
        Leaky,
        3,
        tau_mem=20.0,
        resistance=torch.tensor([0.04, 0.05, 0.1], dtype=torch.float64),
        dt=0.25,
        dtype=torch.float64,
        integrator="rk2",
        event="step",
    )
    noise = stimulus.OrnsteinUhlenbeck(300.0, 100.0, 5.0, seed=3)
    truth = rb.simulate(neuron, noise, 100.0, record=("spikes", "voltage"))
    assert not differences(recording, truth, but=NAMED)
    assert len(truth.spikes) > 3
    assert recording.provenance["integrator"].name == "rk2"
    assert not differences(rb.Recording.load(tmp_path / "run.npz"), truth, but=NAMED)


def test_running_twice_gives_the_same_twice(differences, write):
    simulator = rb.SimpleSimulator.from_file(
        write("model: toy-leaky\nstimulus: {type: step, amplitude: 800}\nduration: 30\nrecord: voltage\n")
    )
    assert not differences(simulator.run(), simulator.run())


def test_a_seed_serves_noise_and_sweeps_that_have_none(differences, write):
    text = (
        "model: toy-leaky\nunits: 4\nduration: 20\nrecord: [voltage]\nseed: {seed}\n"
        "params: {{tau_mem: {{random: [5, 20]}}}}\n"
        "stimulus: {{type: OrnsteinUhlenbeck, mean: 300, std: 50, tau: 5}}\n"
    )
    state = torch.get_rng_state()
    first = rb.SimpleSimulator.from_file(write(text.format(seed=1))).run()
    again = rb.SimpleSimulator.from_file(write(text.format(seed=1))).run()
    other = rb.SimpleSimulator.from_file(write(text.format(seed=2))).run()
    assert not differences(first, again)
    assert not torch.equal(first.traces["voltage"], other.traces["voltage"])
    assert torch.equal(torch.get_rng_state(), state)
    neuron = rb.create(Leaky, 4, tau_mem=rb.Sweep.random(5, 20, seed=1))
    noise = stimulus.OrnsteinUhlenbeck(300, 50, 5, seed=1)
    assert torch.equal(
        rb.simulate(neuron, noise, 20, record="voltage").traces["voltage"], first.traces["voltage"]
    )


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("200", stimulus.Constant(200.0)),
        ("{type: constant, amplitude: [100, 900]}", stimulus.Constant(torch.tensor([100.0, 900.0]))),
        ("{type: step, amplitude: 900, start: 3, stop: .inf}", stimulus.Step(900.0, start=3.0)),
        (
            "{type: pulses, amplitude: 900, windows: [[1, 3], [4, 9]], base: 1, closed: neither}",
            stimulus.Pulses(900.0, ((1, 3), (4, 9)), base=1.0, closed="neither"),
        ),
        ("{type: levels, levels: [[1, 3, 500], [2, 9, 1e3]]}", stimulus.Levels(((1, 3, 500), (2, 9, 1000)))),
        ("{type: ramp, slope: 50, stop: 5, hold: false}", stimulus.Ramp(50.0, stop=5.0, hold=False)),
        ("{type: sine, amplitude: 900, frequency: 100}", stimulus.Sine(900.0, 100.0)),
        (
            "{type: samples, values: [1.0, 900.0], sample_dt: 5}",
            stimulus.Samples(torch.tensor([1.0, 900.0]), 5.0),
        ),
        ("[300, {type: step, amplitude: 600}]", stimulus.Constant(300.0) + stimulus.Step(600.0)),
        ("current.csv", stimulus.Samples(torch.tensor([100.0, 900.0]), 5.0)),
        ("{type: file, path: current.csv, scale: 2}", stimulus.Samples(torch.tensor([200.0, 1800.0]), 5.0)),
    ],
)
def test_every_stimulus_can_be_written_in_a_file(differences, write, tmp_path, text, made):
    (tmp_path / "current.csv").write_text("t_ms,I\n0,100\n5,900\n")
    path = write(
        f"model: toy-leaky\nunits: 2\nduration: 10\nrecord: [spikes, input, voltage]\nstimulus: {text}\n"
    )
    truth = rb.simulate(rb.create(Leaky, 2), made, 10.0, record=("spikes", "input", "voltage"))
    assert not differences(rb.SimpleSimulator.from_file(path).run(), truth, but=NAMED)
    assert truth.traces["input"].abs().max() > 100.0


def test_a_preset_brings_its_stimulus_its_duration_and_its_dt(differences, write):
    recording = rb.SimpleSimulator.from_file(write("model: toy-leaky\npreset: strong\n")).run()
    truth = rb.simulate(rb.create(Leaky, preset="strong"), Leaky.schema.presets["strong"].stimulus, 40.0)
    assert not differences(recording, truth, but=NAMED)
    assert recording.dt == 0.5
    assert len(truth.spikes) > 1


def test_python_settings_work_without_a_file(differences, tmp_path):
    simulator = rb.SimpleSimulator({"model": Leaky, "duration": 5.0}, folder=tmp_path)
    simulator.configure({"stimulus": stimulus.Constant(900.0), "record": "voltage"})
    assert not differences(simulator.run(), rb.simulate(rb.create(Leaky), 900.0, 5.0, record="voltage"))


def test_every_is_the_stride_of_the_traces(write, tmp_path):
    text = "model: toy-leaky\nstimulus: 900\nduration: 5\nrecord: [spikes, voltage]\nout: run.npz\n"
    whole = rb.SimpleSimulator.from_file(write(text)).run()
    part = rb.SimpleSimulator.from_file(write(text + "every: 8\n")).run()
    assert torch.equal(part.traces["voltage"], whole.traces["voltage"][7::8])
    assert torch.equal(part.spikes.times, whole.spikes.times)
    assert rb.Recording.load(tmp_path / "run.npz").times.tolist() == part.times.tolist()


def test_sweeps_are_those_of_create(differences, write):
    path = write(
        "model: toy-leaky\nunits: 4\nstimulus: 500\nduration: 5\nrecord: voltage\n"
        "params: {tau_mem: {grid: [5, 10]}, resistance: {grid: [0.04, 0.08]}}\n"
    )
    neuron = rb.create(Leaky, 4, tau_mem=rb.Sweep.grid([5, 10]), resistance=rb.Sweep.grid([0.04, 0.08]))
    truth = rb.simulate(neuron, 500.0, 5.0, record="voltage")
    assert not differences(rb.SimpleSimulator.from_file(path).run(), truth, but=NAMED)


START = "model: toy-leaky\nstimulus: 1.0\nduration: 1\n"
BAD = {
    "unknown key": (START + "durations: 5\n", r"unknown key 'durations'; did you mean 'duration'"),
    "no model": ("stimulus: 1.0\nduration: 1\n", r"the key 'model' is missing"),
    "no stimulus": ("model: toy-leaky\nduration: 1\n", r"the key 'stimulus' is missing"),
    "preset without": ("model: toy-leaky\npreset: quiet\nduration: 1\n", r"the key 'stimulus' is missing"),
    "no yaml": ("model: [1, 2\n", r"cannot be read as YAML"),
    "no mapping": ("- 1\n- 2\n", r"holds list; give a mapping"),
    "nothing": ("", r"holds nothing"),
    "twice": ("model: a\nunits: 1\nmodel: b\n", r"line 3: the key 'model' comes twice"),
    "object": ("model: !!python/object/apply:os.getcwd []\n", r"cannot be read as YAML"),
    "stimulus type": (START.replace("1.0", "{type: stepp}"), r"type 'stepp'; did you mean 'step'"),
    "stimulus key": (
        START.replace("1.0", "{type: step, amplitud: 1}"),
        r"'amplitud'; did you mean 'amplitude'",
    ),
    "stimulus missing": (
        START.replace("1.0", "{type: ramp, start: 1}"),
        r"stimulus: ramp: slope must be given",
    ),
    "no seed": (
        START.replace("1.0", "{type: ornstein_uhlenbeck, mean: 1, std: 1, tau: 1}"),
        r"seed must be given",
    ),
    "no type": (START.replace("1.0", "{amplitude: 1}"), r"give a number, a file, a mapping with a type"),
    "text for current": (START.replace("1.0", "{type: constant, amplitude: [a]}"), r"give a list of numbers"),
    "bad value": (START.replace("1.0", "{type: step, amplitude: .nan}"), r"amplitude=nan"),
    "missing file": (START.replace("1.0", "nowhere.csv"), r"nowhere\.csv does not exist"),
    "unknown parameter": (START + "params: {tau_men: 1}\n", r"'tau_men'; did you mean 'tau_mem'"),
    "bad parameter": (START + "params: {tau_mem: -1}\n", r"'tau_mem'.* -1"),
    "params list": (START + "params: [1]\n", r"give a mapping of name: value"),
    "setting as parameter": (
        START + "params: {dt: 1}\n",
        r"'dt' is no parameter of a model; set it beside params",
    ),
    "bad sweep": (START + "params: {tau_mem: {grid: [1], fixed: 2}}\n", r"is no sweep; give one of fixed"),
    "unseeded sweep": (START + "params: {tau_mem: {random: [1, 2]}}\n", r"random: \[low, high\] and a seed"),
    "unknown model": (
        START.replace("leaky", "leakie"),
        r"'toy-leakie' is installed; did you mean 'toy-leaky'",
    ),
    "units": (START + "units: 0\n", r"num_units"),
    "dt": (START + "dt: -0.1\n", r"dt=-0\.1"),
    "dtype": (START + "dtype: float12\n", r"dtype: 'float12' is no type of torch"),
    "duration": (START.replace("duration: 1", "duration: 0.05"), r"the nearest is 0\.1 ms"),
    "record": (START + "record: [voltag]\n", r"'voltag'; did you mean 'voltage'"),
    "record type": (START + "record: {a: 1}\n", r"cannot record 'a'"),
    "every": (START + "every: 0\n", r"every=0 cannot be used; give an integer from 1 up"),
    "every part": (START + "every: 2.5\n", r"every=2\.5 cannot be used"),
    "every truth": (START + "every: true\n", r"every=True cannot be used"),
    "seed": (START + "seed: x\n", r"seed: 'x' cannot be used"),
    "out": (START + "out: nowhere/run.npz\n", r"nowhere does not exist"),
    "plot": (START + "plot: run.xyz\n", r"ending 'xyz' is of no kind of picture"),
    "integrator": (START + "integrator: {order: 2}\n", r"has no type; give a name"),
    "integrator name": (START + "integrator: rk5\n", r"'rk5'"),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_wrong_file_is_refused_by_its_name_before_anything_runs(write, monkeypatch, fault):
    text, says = BAD[fault]
    path = write(text)
    started = []
    monkeypatch.setattr("rheobase.pipeline.eager.run", lambda *args, **more: started.append(args))
    with pytest.raises(errors.RheobaseError, match=says) as caught:
        rb.SimpleSimulator.from_file(path).run()
    assert str(caught.value).startswith(str(path))
    assert str(caught.value).count(str(path)) == 1
    assert started == []


def test_unknown_keys_are_refused_when_they_are_configured(write):
    with pytest.raises(
        errors.ConfigurationError, match=r"SimpleSimulator: unknown key 'modle'; did you mean 'model'"
    ):
        rb.SimpleSimulator({"modle": "lif"})
    with pytest.raises(errors.ConfigurationError, match="unknown key"):
        rb.SimpleSimulator.from_file(write("modle: lif\n"))
    with pytest.raises(errors.ConfigurationError, match=r"missing\.yaml: cannot be read"):
        rb.SimpleSimulator.from_file("missing.yaml")


def test_ctrl_c_leaves_what_was_recorded_in_the_file_marked_incomplete(write, tmp_path, monkeypatch):
    class Interrupting(stimulus.Stimulus):
        def rows(self, first, count, dt, num_units, *, dtype=torch.float32, device=None):
            if first + count > 1500:
                signal.raise_signal(signal.SIGINT)
            return torch.full((count, 1), 700.0, dtype=dtype)

    monkeypatch.setattr(simulator_module, "stimuli_from", lambda *given: Interrupting())
    path = write("model: toy-leaky\nstimulus: 700\nduration: 300\nrecord: [spikes, voltage]\nout: run.npz\n")
    path.write_text(path.read_text() + "backend: eager\n")  # which hears between two steps, others after more
    with pytest.raises(rb.SimulationInterrupted):
        rb.SimpleSimulator.from_file(path).run()
    saved = rb.Recording.load(tmp_path / "run.npz")
    assert not saved.complete
    assert saved.traces["voltage"].shape == (1024, 1)
    assert len(saved.spikes) == len(rb.simulate(rb.create(Leaky), 700.0, 102.4).spikes) > 0


def test_a_plot_records_the_voltage_too_and_is_drawn(write, tmp_path):
    pytest.importorskip("matplotlib")
    recording = rb.SimpleSimulator.from_file(write(START + "plot: run.png\n")).run()
    assert list(recording.traces) == ["voltage"]
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")


def test_an_analog_model_is_recorded_by_its_voltage_unless_told_otherwise(write):
    recording = rb.SimpleSimulator.from_file(write("model: analog\nstimulus: 2.5\nduration: 0.2\n")).run()
    assert np.array_equal(recording.traces["voltage"].numpy(), [[2.5], [2.5]])
    assert math.isclose(recording.duration, 0.2)
