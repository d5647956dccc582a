"""A run from the settings of its recording is that run, to the last bit."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rheobase as rb
import torch
from rheobase import stimulus
from rheobase.errors import ArgumentError, RheobaseWarning
from rheobase.pipeline.again import again

RANDOM = torch.Generator().manual_seed(4)
UNITS = torch.tensor([180.0, 240.0, 300.0])
NOISE = stimulus.OrnsteinUhlenbeck(mean=UNITS, std=50.0, tau=5.0, seed=1)


class Drawn(rb.SpikingNeuron):
    """dV/dt = I, with a target drawn at the start and at each spike, and a choice."""

    scale = rb.Parameter(1.0, unit="1")
    speed = rb.Option("slow", "fast")
    target_draw = rb.Draw("exponential", doc="of the next threshold")
    voltage = rb.State(0.0, unit="mV")
    target = rb.State(lambda p: 1.0 + p.target_draw, unit="mV")

    @staticmethod
    def derivatives(state, params, data):
        rate = 2.0 if params.speed == "fast" else 1.0
        return {"voltage": rate * params.scale * data + 0 * state.voltage, "target": 0 * state.target}

    @staticmethod
    def threshold(state, params):
        return state.voltage - state.target

    @staticmethod
    def reset(state, params):
        return {"voltage": 0.0 * state.voltage, "target": 1.0 + params.target_draw}


class Noisy(rb.AnalogNeuron):
    """Draws from its own generator."""

    stochastic = True

    def forward(self, data, identifiers=None):
        noise = torch.randn(self.num_units, generator=self.generator, dtype=self.dtype)
        return super().forward(data + noise, identifiers)


@pytest.fixture(autouse=True)
def installed(lif, rheobase_registry):
    class Models:
        @rb.hookimpl
        def rheobase_neurons(self):
            return [
                rb.NeuronSpec("leaky", f"{lif.__module__}:{lif.__qualname__}", "leaky"),
                rb.NeuronSpec("drawn", f"{__name__}:Drawn", "drawn"),
                rb.NeuronSpec("noisy", f"{__name__}:Noisy", "noisy"),
            ]

    rb.register(Models())


@pytest.fixture
def from_file(differences, tmp_path):
    """Saves a recording, loads it, and sees that its run taken again is the same; gives what was loaded."""

    def back(recording):
        recording.save(tmp_path / "run.npz")
        loaded = rb.Recording.load(tmp_path / "run.npz")
        assert not differences(recording, again(loaded).take())
        return loaded

    return back


STIMULI = {
    "number": 240.0,
    "units": UNITS.double(),
    "rows": torch.rand(200, 3, generator=RANDOM) * 400.0,
    "large-rows": torch.rand(200, 200, 3, generator=RANDOM) * 400.0,
    "array": np.linspace(100.0, 300.0, 200, dtype=np.float32)[:, None],
    "noise": NOISE,
    "step": stimulus.Step(UNITS, start=2.0),
    "pulses": stimulus.Pulses(300.0, windows=[(1.0, 5.0), (8.0, 9.5)]),
    "levels": stimulus.Levels(((1.0, 5.0, UNITS), (8.0, 9.5, 100.0)), closed="both"),
    "ramp": stimulus.Ramp(30.0, stop=15.0, hold=False),
    "sine": stimulus.Sine(200.0, frequency=UNITS / 10.0, offset=150.0),
    "samples": stimulus.Samples(np.linspace(0.1, 0.4, 30), 0.7, scale=1000.0),
    "sum": stimulus.Constant(100.0) + NOISE + stimulus.Step(50.0, start=3.0),
    "list": [NOISE, torch.full((3,), 30.0), stimulus.Constant(-5.0)],
    "identifiers": {"soma": NOISE, "apical": torch.linspace(0.0, 9.0, 200)[:, None]},
    "signal-of-levels": rb.Signal.levels([1.05, 7.77], [UNITS, 2 * UNITS], before=50.0),
}


@pytest.mark.parametrize("given", STIMULI.values(), ids=STIMULI)
def test_every_stimulus_comes_back_from_the_file(given, from_file):
    neuron = rb.create("leaky", 3)
    first = rb.simulate(neuron, given, 20.0, record=("spikes", "voltage", "input"), backend="eager")
    assert first.traces["input"].std() > 0 or isinstance(given, float)
    from_file(first)


@pytest.mark.parametrize(
    "arguments",
    [
        {"tau_mem": torch.tensor([5.0, 10.0, 20.1]), "volt_rest": rb.Sweep.random(-76.0, -74.0), "seed": 7},
        {"dtype": torch.float64, "dt": 0.05, "event": "located", "integrator": "rk2"},
        {"event": "step", "integrator": "rk3", "voltage": -60.3, "aggregator": "mean"},
        {"aggregator": {"a*": "product"}, "grad": True, "identifier": "mine"},
    ],
    ids=["parameters", "precision", "rule", "groups"],
)
def test_all_that_a_neuron_is_made_with_comes_back(arguments, from_file):
    neuron = rb.create("leaky", 3, **arguments)
    given = {"a": NOISE, "b": stimulus.Constant(2.0)}
    from_file(rb.simulate(neuron, given, 20.0, record=("spikes", "voltage"), every=3))


@pytest.mark.parametrize(("model", "batch"), [("drawn", ()), ("drawn", (2,)), ("noisy", ())], ids=str)
def test_what_was_drawn_is_drawn_again_and_a_run_that_went_on_goes_on(model, batch, from_file):
    options = {"speed": "fast"} if model == "drawn" else {}
    neuron = rb.create(model, 3, seed=5, **options)
    record = ["spikes", "voltage", "target"] if model == "drawn" else ["voltage"]
    current = torch.ones(100, *batch, 3)
    first = rb.simulate(neuron, current, record=record, backend="eager")
    second = rb.simulate(neuron, current, record=record, backend="eager")
    assert not torch.equal(first.traces["voltage"], second.traces["voltage"])
    assert second.first_step == 100
    for recording in (first, second):
        from_file(recording)


def test_a_run_that_others_changed_since_is_still_the_run_that_it_was(from_file):
    neuron = rb.create("leaky", 3)
    first = rb.simulate(neuron, NOISE, 20.0, record=("spikes", "voltage"))
    neuron.tau_mem = 50.0
    with torch.no_grad():
        neuron.voltage.zero_()
    from_file(first)


def test_a_large_tensor_that_was_written_to_since_is_told(tmp_path):
    rows = torch.rand(200, 1000)
    first = rb.simulate(rb.create("leaky", 1000), rows, backend="eager")
    assert first.settings["unrepeatable"] == []
    rows.zero_()
    assert "the stimulus was written to after the run" in first.settings["unrepeatable"][0]
    first.save(tmp_path / "run.npz")
    with pytest.raises(ArgumentError, match="the stimulus was written to"):
        again(rb.Recording.load(tmp_path / "run.npz"))


class Sawtooth(stimulus.Stimulus):
    """Somebody's own."""

    def rows(self, first, count, dt, num_units, *, dtype=torch.float32, device=None):
        return torch.ones(count, 1, dtype=dtype)


@pytest.mark.parametrize(
    ("make", "given", "says"),
    [
        (lambda lif: rb.create("leaky"), rb.Signal(lambda t: 3.0 * t), "stimulus is a Signal of a function"),
        (
            lambda lif: rb.create("leaky"),
            rb.Signal.levels([], []) + 1.0,
            "stimulus is a Signal of a function",
        ),
        (lambda lif: rb.create("leaky"), Sawtooth(), "Sawtooth, a stimulus of somebody's own"),
        (lambda lif: rb.create("leaky"), {"x": 1.0, "y": Sawtooth()}, "the stimulus, y is a Sawtooth"),
        (lambda lif: rb.create("leaky"), stimulus.Constant(1.0) + Sawtooth(), "Sawtooth"),
        (lambda lif: rb.create(lif), 1.0, "given as the class LIFNeuron"),
        (lambda lif: rb.create("leaky", integrator=rb.RungeKutta(2)), 1.0, "RungeKutta.*given as an object"),
        (lambda lif: rb.create("leaky", aggregator=lambda x, names: x[0]), 1.0, "aggregator is <function"),
    ],
    ids=["signal", "made-signal", "stimulus", "source", "sum", "class", "integrator", "aggregator"],
)
def test_what_no_file_keeps_is_told_in_the_settings_and_refused(lif, make, given, says, tmp_path):
    recording = rb.simulate(make(lif), given, 1.0)
    recording.save(tmp_path / "run.npz")
    loaded = rb.Recording.load(tmp_path / "run.npz")
    (reason,) = loaded.settings["unrepeatable"]
    with pytest.raises(ArgumentError, match=f"cannot be run again.*{says}"):
        again(loaded)
    assert loaded.settings["parameters"]["tau_mem"] == 5.0
    assert reason


def test_settings_are_plain_to_read(tmp_path):
    neuron = rb.create("leaky", 2, tau_mem=7.0, seed=3)
    rb.simulate(neuron, stimulus.Step(3.0, start=0.5), 2.0, record={"voltage": [1]}, every=2).save(
        tmp_path / "r.npz"
    )
    found = rb.Recording.load(tmp_path / "r.npz").settings
    assert found["parameters"]["tau_mem"].item() == 7.0
    step = {
        "type": "Step",
        "amplitude": 3.0,
        "start": 0.5,
        "stop": float("inf"),
        "base": 0.0,
        "closed": "left",
    }
    assert found["stimulus"] == {"": step}
    assert (found["record"], found["every"], found["steps"]) == ({"voltage": [1]}, 2, 20)
    assert (found["event"], found["dtype"], found["seed"], found["duration_ms"]) == (
        "crossing",
        "float32",
        3,
        2.0,
    )
    assert found["integrator"]["name"] == "rheobase:rk4"
    assert found["backend"] == "rheobase:eager"


def test_a_file_without_settings_and_one_of_other_settings_are_refused(tmp_path):
    path = tmp_path / "run.npz"
    rb.simulate(rb.create("leaky", 30), 240.0, 2.0).save(path)
    with np.load(path) as held:
        arrays = {name: held[name] for name in held.files if name != "digest"}
    about = json.loads(str(arrays["about"]))
    del about["digests"]

    def altered(**changes):
        new = {**about, "settings": {**about["settings"], **changes}}
        np.savez(path, **arrays | {"about": np.array(json.dumps(new))})
        return rb.Recording.load(path)

    with pytest.raises(ArgumentError, match="tau_memm"):
        again(altered(parameters={"tau_memm": 3.0}))
    with pytest.raises(ArgumentError, match="make no sense here"):
        again(altered(stimulus={"": {"type": "exec"}}))
    with pytest.raises(ArgumentError, match="make no sense here"):
        again(
            altered(
                state={**about["settings"]["state"], "voltage": {"$tensor": [1.0, 2.0], "type": "float32"}}
            )
        )
    with pytest.raises(ArgumentError, match=r"run\.npz"):
        altered(seed={"$array": "spike_units"})
    with pytest.raises(ArgumentError, match=r"run\.npz"):
        altered(seed={"$tensor": [1], "type": "Tensor"})
    del about["settings"]
    np.savez(path, **arrays | {"about": np.array(json.dumps(about))})
    with pytest.raises(ArgumentError, match="does not say how it was made"):
        again(rb.Recording.load(path))


def test_another_version_of_a_component_is_told(differences, tmp_path):
    first = rb.simulate(rb.create("analog"), 1.0, 1.0, record="voltage")
    first.save(tmp_path / "run.npz")
    loaded = rb.Recording.load(tmp_path / "run.npz")
    old = rb.Provenance("integrator", "rk4", "rheobase", "0.0.1")
    loaded.provenance["integrator"] = old  # type: ignore[index]
    with pytest.warns(RheobaseWarning, match=r"rk4 was of rheobase 0\.0\.1"):
        assert not differences(first, again(loaded).take())
