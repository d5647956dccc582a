"""Stimuli of run files, against the same given in Python."""

from __future__ import annotations

import sys
import types

import pytest
import rheobase as rb
import torch
import yaml
from rheobase import errors, stimulus
from rheobase.pipeline.again import again as again_of


class Leaky(rb.SpikingNeuron):
    """tau dV/dt = -V + R I, a spike at 15 mV, then back to 0 mV."""

    tau = rb.Parameter(10.0, unit="ms", above=0)
    resistance = rb.Parameter(0.05, unit="GOhm")
    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": (params.resistance * data - state.voltage) / params.tau}

    @staticmethod
    def threshold(state, params):
        return state.voltage - 15.0

    @staticmethod
    def reset(state, params):
        return {"voltage": 0.0}


class TwoInputs(rb.AnalogNeuron):
    """dV/dt = excitation - inhibition; sources of inhibition are multiplied."""

    excitation = rb.Input(unit="mV/ms")
    inhibition = rb.Input(unit="mV/ms", aggregator="product")
    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": data.excitation - data.inhibition + 0 * state.voltage}


class Kicked(rb.SpikingNeuron):
    """dV/dt = -V / 10 ms; what arrives is added to V."""

    current = rb.Input(unit="mV")
    kick = rb.Input(unit="mV", arrives="jump", into="voltage")
    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state, params, data):
        return {"voltage": (data.current - state.voltage) / 10.0}

    @staticmethod
    def threshold(state, params):
        return state.voltage - 15.0

    @staticmethod
    def reset(state, params):
        return {"voltage": 0.0}


@pytest.fixture(autouse=True)
def offered(monkeypatch):
    module = types.ModuleType("of_stimuli")
    module.Leaky, module.TwoInputs, module.Kicked = Leaky, TwoInputs, Kicked
    monkeypatch.setitem(sys.modules, "of_stimuli", module)

    class Offers:
        @rb.hookimpl
        def rheobase_neurons(self):
            return [
                rb.NeuronSpec("leaky", "of_stimuli:Leaky"),
                rb.NeuronSpec("two", "of_stimuli:TwoInputs"),
                rb.NeuronSpec("kicked", "of_stimuli:Kicked"),
            ]

    with rb.register(Offers()):
        yield


class Plain(yaml.SafeDumper):
    """Writes what comes twice twice, as run files have no aliases."""

    def ignore_aliases(self, data):
        return True


def run(path, **settings):
    """The recording of a file with these settings; of a network that of its only population."""
    settings = {"dt": 0.1, "duration": 30.0, "record": ["spikes", "voltage", "input"], "seed": 4, **settings}
    path.write_text(yaml.dump(settings, Dumper=Plain, sort_keys=False), encoding="utf-8")
    return rb.SimpleSimulator.from_file(path).run()


def in_network(path, given, **population):
    """The recording of a population that is given this."""
    record = {"only": ["spikes", "voltage", "input"]}
    model = {"populations": {"only": {"model": "leaky", **population}}}
    return run(path, model=model, stimulus={"only": given}, record=record)["only"]


def of_one(path, given, **more):
    return run(path, model="leaky", stimulus=given, **more)


NOISE = {"type": "ornstein_uhlenbeck", "mean": 900.0, "std": 100.0, "tau": 5.0}
STEP = {"type": "step", "amplitude": 0.5, "start": 10.0}
FORMS = {"list": [NOISE, 0.9, STEP], "mapping": {"soma": NOISE, "tip": 0.9, "shunt:axon": STEP}}
PYTHON = (
    # The first of them, so that it has the seed of the run.
    stimulus.OrnsteinUhlenbeck(900.0, 100.0, 5.0, seed=4),
    stimulus.Constant(0.9),
    stimulus.Step(0.5, start=10.0),
)


@pytest.mark.parametrize("made", [of_one, in_network])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("aggregator", [None, "sum", "product", "shunting", {"s*": "product"}])
def test_sources_in_a_file_are_those_of_python_to_the_last_bit(tmp_path, made, form, aggregator):
    given = {} if aggregator is None else {"aggregator": aggregator}
    sources = list(PYTHON) if form == "list" else dict(zip(FORMS["mapping"], PYTHON, strict=True))
    neuron = rb.create("leaky", dt=0.1, seed=4, **given)
    if form == "list" and aggregator not in (None, "sum", "product"):
        with pytest.raises(errors.InputError, match="was given no identifiers") as truth:
            rb.simulate(neuron, sources, 30.0)
        with pytest.raises(errors.InputError) as caught:
            made(tmp_path / "run.yaml", FORMS[form], **given)
        assert str(caught.value).endswith(str(truth.value))
        return
    truth = rb.simulate(neuron, sources, 30.0, record=("spikes", "voltage", "input"))
    found = made(tmp_path / "run.yaml", FORMS[form], **given)
    for name in ("voltage", "input"):
        assert torch.equal(found.traces[name], truth.traces[name])
    assert torch.equal(found.spikes.times, truth.spikes.times)
    # The product switches on at 10 ms, the others drive from the beginning.
    assert len(found.spikes.times) > 0
    assert (found.traces["input"][:99] == 0).all() == (aggregator == "product")


def test_a_list_without_an_aggregator_is_the_sum_that_it_was(tmp_path):
    found = of_one(tmp_path / "run.yaml", FORMS["list"])
    one, two, three = PYTHON
    truth = rb.simulate(rb.create("leaky", dt=0.1, seed=4), one + two + three, 30.0, record="voltage")
    assert torch.equal(found.traces["voltage"], truth.traces["voltage"])


def test_a_file_gives_a_model_with_several_inputs_sources_of_each(tmp_path):
    given = {"excitation": {"a": 5.0, "b": 2.0}, "inhibition": [2.0, {"type": "constant", "amplitude": 1.5}]}
    settings = {"model": "two", "stimulus": given, "record": ["voltage"], "dt": 1.0, "duration": 2.0}
    assert run(tmp_path / "run.yaml", **settings).traces["voltage"].flatten().tolist() == [4.0, 8.0]
    settings["stimulus"] = {"excitation": {"a": 5.0, "b": 2.0}, "inhibition": 3.0}
    assert run(tmp_path / "run.yaml", **settings).traces["voltage"].flatten().tolist() == [4.0, 8.0]


def test_located_events_of_several_sources_arrive_at_their_own_times(tmp_path):
    first, second = (
        {"type": "events", "times": [3.03, 9.0], "weights": 16.0},
        {"type": "events", "times": [5.57]},
    )
    both = [first, {**second, "weights": 17.0}]
    found = run(
        tmp_path / "run.yaml", model="kicked", event="located", stimulus={"kick": both}, record="spikes"
    )
    assert found.spikes.times.tolist() == [3.03, 5.57, 9.0]


def test_each_noise_of_a_nested_stimulus_has_a_seed_of_its_own(tmp_path):
    noise = {**NOISE, "mean": 0.0}
    given = {"excitation": [1.0, noise], "inhibition": noise}
    found = run(tmp_path / "run.yaml", model="two", stimulus=given, record=["excitation", "inhibition"])
    one, other = found.traces["excitation"] - 1.0, found.traces["inhibition"]
    assert min(one.std(), other.std()) > 10
    assert not torch.allclose(one, other)


@pytest.mark.parametrize("form", FORMS)
def test_a_run_of_several_sources_from_a_file_runs_again(tmp_path, form):
    out = {"aggregator": "product", "out": str(tmp_path / "out.npz")}
    found = of_one(tmp_path / "run.yaml", FORMS[form], **out)
    again = again_of(rb.Recording.load(tmp_path / "out.npz")).take()
    assert torch.equal(again.traces["voltage"], found.traces["voltage"])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"soma": {"type": "stp"}}, r"soma: unknown type 'stp'; did you mean 'step'"),
        ([1.0, {"type": "stp"}], r"source 1: unknown type 'stp'; did you mean 'step'"),
        (
            {"soma": {"type": "step", "amplitud": 1.0}},
            r"soma: step: unknown key 'amplitud'; did you mean 'ampl",
        ),
        ({"soma": {"type": "step"}}, r"soma: step: amplitude must be given"),
        ({"typ": "step", "amplitude": 300.0}, r"has no type, but 'typ'; did you mean 'type'"),
        ({"soma": {"tpye": "stp"}}, r"soma: \{'tpye': 'stp'\} cannot be used; .* a source holds no sources"),
        (
            {"amplitude": 300.0, "start": 5.0},
            r"has no type; give .* of step or ramp|has no type; give .* of step",
        ),
        ({"soma": {"a": 1.0, "b": {"c": 2.0}}}, r"soma: .* cannot be used; .* a source holds no sources"),
        ({"soma": [1.0, 2.0]}, r"soma: \[1.0, 2.0\] cannot be used; .* a source holds no sources"),
        ([1.0, [2.0]], r"source 1: \[2.0\] cannot be used; .* a source holds no sources"),
        ({"soma": "nowhere.csv"}, r"soma: the stimulus file .*nowhere.csv does not exist"),
        ({"soma": {"type": "step", "amplitude": float("nan")}}, r"soma: .*amplitude=nan"),
        ({3: 1.0}, r"the identifier 3 is no text"),
        ({}, r"\{\} cannot be used"),
    ],
)
def test_what_is_wrong_with_a_source_is_told_with_its_place(tmp_path, given, says):
    with pytest.raises(errors.RheobaseError, match=says):
        of_one(tmp_path / "run.yaml", given)
    with pytest.raises(errors.RheobaseError, match=rf"stimulus( of|:) '?only'?: .*{says}|only: {says}"):
        in_network(tmp_path / "run.yaml", given)


def test_a_misspelt_input_is_told_the_nearest(tmp_path):
    with pytest.raises(errors.InputError, match=r"stimulus: .*input 'excitatoin'.*did you mean 'excitation'"):
        run(tmp_path / "run.yaml", model="two", stimulus={"excitatoin": {"a": 1.0}})


def test_an_unknown_key_beside_a_network_is_told_the_keys_of_a_network(tmp_path):
    model = {"populations": {"only": {"model": "leaky"}}}
    with pytest.raises(errors.ConfigurationError, match="'sed'; did you mean 'seed'") as caught:
        run(tmp_path / "run.yaml", model=model, sed=1)
    listed = str(caught.value).rpartition("known keys are ")[2].split(", ")
    assert {"model", "stimulus", "dt", "aggregator", "seed"} <= {*listed}
    assert not {"units", "params", "preset"} & {*listed}
    with pytest.raises(errors.ConfigurationError, match="SimpleSimulator: unknown key 'sed'") as caught:
        rb.SimpleSimulator({"model": model}).configure({"sed": 1})
    assert "units" not in str(caught.value)
