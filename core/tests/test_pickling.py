"""Public objects go through pickle and deepcopy, as processes, caches and copies of neurons need."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import errors
from rheobase.conformance import NeuronCase, check
from rheobase.conformance.violation import Violation
from rheobase.plugins.metadata import UnreadableError
from rheobase.plugins.targets import Missing
from torch import Tensor

COPIES = {
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    **{f"pickle {p}": lambda x, p=p: pickle.loads(pickle.dumps(x, p)) for p in (2, pickle.HIGHEST_PROTOCOL)},
}
LEVELS = rb.Signal.levels([1.0, 2.0], [3.0, 4.0])
TABLE = rb.Signal.levels([1.0], torch.tensor([[1.0, 2.0]]), before=torch.tensor([5.0, 6.0]), until=9.0)


def parabola(t: Tensor) -> Tensor:
    return t * t


SIGNALS = {
    "levels": LEVELS,
    "a table of levels": TABLE,
    "a function": rb.Signal(parabola, [1.0]),
    "a function of torch": rb.Signal(torch.sin),
    "two": LEVELS + rb.Signal(torch.cos, [0.5]),
    "with a number": 2.0 + LEVELS,
    "with a tensor": TABLE + torch.tensor([1.0, -1.0]),
    "of sums": (LEVELS + 1.0) + (TABLE + LEVELS),
    "a difference": 5.0 - TABLE,
    "a product": LEVELS * rb.Signal(parabola) * torch.tensor([1.0, 2.0]),
    "a quotient": 1.0 / (rb.Signal(parabola) + 1.0) / 4.0,
    "the negative": -LEVELS,
    "within a step": LEVELS.in_step(0.5) + 1.0,
    "shifted": (LEVELS + TABLE).shifted(0.25),
    "around": (LEVELS + 1.0).around(1.5),
    "of one unit": (TABLE + 1.0).take(slice(1, 2), torch.Size([2])),
}
STIMULI = {
    "constant": rb.stimulus.Constant(torch.tensor([1.0, 2.0])),
    "step": rb.stimulus.Step(3.0, start=0.5, stop=1.5),
    "pulses": rb.stimulus.Pulses(2.0, ((0.1, 0.2), (0.5, 1.0))),
    "levels": rb.stimulus.Levels(((0.3, 0.9, 4.0), (1.2, 1.5, -3.0)), base=1.0),
    "ramp": rb.stimulus.Ramp(torch.tensor([2.0, -1.0]), start=0.3, stop=1.1, hold=False),
    "sine": rb.stimulus.Sine(2.0, 300.0, phase=0.5, offset=torch.tensor([1.0])),
    "samples": rb.stimulus.Samples(torch.tensor([[1.0, -2.0], [3.0, 4.0]]), sample_dt=1.5),
    "sum": rb.stimulus.Step(3.0, start=0.5) + rb.stimulus.Sine(1.0, 100.0) + 4.0,
}


@pytest.fixture(params=COPIES)
def again(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    return COPIES[request.param]


@pytest.mark.parametrize("name", [*SIGNALS, *(f"stimulus {name}" for name in STIMULI)])
def test_a_signal_is_the_same_signal(name: str, again: Callable[[Any], Any]) -> None:
    signal = SIGNALS[name] if name in SIGNALS else STIMULI[name.removeprefix("stimulus ")].signal()
    other = again(signal)
    assert other.breakpoints == signal.breakpoints
    assert other.piecewise_constant == signal.piecewise_constant
    for t in (0.0, 0.6, 1.0, 2.5):
        assert torch.equal(other(t), signal(t))
    assert repr(other) == repr(signal)


# Those that have no signal.
BY_STEPS = {
    "noise": rb.stimulus.OrnsteinUhlenbeck(mean=1.0, std=2.0, tau=5.0, seed=3),
    "events": rb.stimulus.Events([1.0, 0.3], torch.tensor([2.0, 3.0])),
    "trains": rb.stimulus.Events([[1.0, 0.3], []], [[2.0, 3.0], 4.0]),
}


@pytest.mark.parametrize("name", [*STIMULI, *BY_STEPS])
def test_a_stimulus_gives_the_same_rows(name: str, again: Callable[[Any], Any]) -> None:
    stimulus = {**STIMULI, **BY_STEPS}[name]
    before = stimulus.rows(0, 12, 0.25, 2)
    assert torch.equal(again(stimulus).rows(0, 12, 0.25, 2), before)


KINDS = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type)}
RAISED = {
    **{name: kind("words") for name, kind in KINDS.items() if issubclass(kind, BaseException)},
    "with a detail": errors.PluginWarning("words", "a traceback"),
    "Violation": Violation("words"),
    "UnreadableError": UnreadableError("words"),
    "Missing": Missing("words"),
}


@pytest.mark.parametrize("name", RAISED)
def test_an_error_keeps_its_words_and_what_it_carries(name: str, again: Callable[[Any], Any]) -> None:
    error = RAISED[name]
    error.more = ["carried"]  # type: ignore[attr-defined]
    other = again(error)
    assert type(other) is type(error)
    assert (str(other), vars(other)) == (str(error), vars(error))


def test_an_interrupted_run_keeps_its_recording(again: Callable[[Any], Any]) -> None:
    recording = rb.simulate(rb.create("analog"), 1.0, duration=0.5, record="voltage")
    error = rb.SimulationInterrupted(recording, 400)
    other = again(error)
    assert type(other) is rb.SimulationInterrupted
    assert str(other) == str(error)
    assert torch.equal(other.recording.traces["voltage"], recording.traces["voltage"])
    assert other.recording.provenance == recording.provenance


class Cell(rb.SpikingNeuron):
    tau = rb.Parameter(5.0, unit="ms", above=0)
    limit = rb.Parameter("tau", unit="mV")
    scheme = rb.Option("one", "other")
    drive = rb.Input(unit="mV")
    voltage = rb.State(0.0, unit="mV")
    paper = rb.Preset("of a paper", params={"tau": 2.0}, state={"voltage": 0.5}, stimulus=LEVELS, dt=0.5)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data.drive - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - params.limit


def neuron() -> Any:
    return rb.create(Cell, 2, preset="paper")


def public(name: str) -> Any:
    """An object by name; what it is compared by is its text, or what else says it."""
    made: dict[str, Callable[[], Any]] = {
        "recording": lambda: rb.simulate(neuron(), {"drive": 9.0}, 5.0, record=("spikes", "voltage")),
        "spikes": lambda: rb.simulate(neuron(), {"drive": 9.0}, 5.0).spikes,
        "provenance": lambda: neuron().provenance,
        "neuron": neuron,
        "params": lambda: neuron().params,
        "data": lambda: neuron().prepare({"drive": 2.0}),
        "preset": lambda: neuron().preset,
        "parameter": lambda: vars(Cell)["tau"],
        "state": lambda: vars(Cell)["voltage"],
        "input": lambda: vars(Cell)["drive"],
        "option": lambda: vars(Cell)["scheme"],
        "neuron spec": lambda: rb.NeuronSpec("a", "b:c", "words"),
        "integrator spec": lambda: rb.IntegratorSpec("a", "b:c", order=2),
        "aggregator spec": lambda: rb.AggregatorSpec("a", "b:c", identity=0.0),
        "backend spec": lambda: rb.BackendSpec("a", "b:c"),
        "components": rb.list_components,
        "grid": lambda: rb.Sweep.grid([1.0, 2.0]),
        "zipped": lambda: rb.Sweep.zipped([1.0, 2.0]),
        "random": lambda: rb.Sweep.random(1.0, 2.0, seed=3),
        "integrator": lambda: rb.integrator("rk3", on_failure="mark"),
        "aggregator": lambda: rb.aggregator("shunting"),
        "advance": lambda: rb.Advance(torch.ones(1), {"step": torch.ones(2)}),
        "status": lambda: rb.Status.ZENO,
        "simulator": lambda: rb.SimpleSimulator({"model": "analog", "duration": 1.0}),
        "report": lambda: check("sum", profile="smoke", only=["can-be-called"]),
        "case": lambda: NeuronCase(drive={"drive": (1.0,)}, units=2),
    }
    return made[name]()


NAMES = (
    *(
        "recording",
        "spikes",
        "provenance",
        "neuron",
        "params",
        "data",
        "preset",
        "parameter",
        "state",
        "input",
    ),
    *("option", "neuron spec", "integrator spec", "aggregator spec", "backend spec", "components"),
    *(
        "grid",
        "zipped",
        "random",
        "integrator",
        "aggregator",
        "advance",
        "status",
        "simulator",
        "report",
        "case",
    ),
)


@pytest.mark.parametrize("name", NAMES)
def test_a_public_object_says_the_same(name: str, again: Callable[[Any], Any]) -> None:
    thing = public(name)
    assert told(again(thing)) == told(thing)


def told(thing: Any) -> Any:
    """What an object holds, in plain text and numbers."""
    if isinstance(thing, Tensor):
        return thing.tolist()
    if isinstance(thing, rb.Neuron):
        return {name: told(value) for name, value in thing.state_dict().items()}, thing.dt
    if isinstance(thing, (tuple, list)):
        return type(thing).__name__, [told(each) for each in thing]
    held = getattr(thing, "__dict__", None)
    if not held or callable(thing):
        return repr(thing)
    return type(thing).__name__, {name: told(value) for name, value in held.items()}


def test_named_values_keep_their_names(again: Callable[[Any], Any]) -> None:
    assert again(neuron().params)._fields == ("tau", "limit", "scheme")
    assert again(neuron().params).tau.tolist() == 2.0


def test_a_preset_stays_read_only(again: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError):
        again(neuron().preset).params["tau"] = 3.0


def test_a_compiled_neuron_is_refused_with_what_to_do() -> None:
    compiled = torch.compile(rb.create("analog"), backend="eager")
    with pytest.raises(
        errors.ArgumentError, match=r"compiled form of analog.*neuron itself.*fused"
    ) as refused:
        rb.simulate(compiled, 1.0, duration=1.0)
    assert "OptimizedModule" not in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("way", COPIES)
def test_an_option_of_a_copy_is_not_that_of_the_original(way: str) -> None:
    original = neuron()
    copied = COPIES[way](original)
    copied.scheme = "other"
    assert (original.scheme, copied.scheme) == ("one", "other")
