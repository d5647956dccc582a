"""Which networks ``backend="auto"`` runs in kernels, and what it says where it does not."""

from __future__ import annotations

import re
import warnings
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase.pipeline.backends import WARNED
from rheobase_fused import backend, suitable
from rheobase_fused.refusal import Amiss

LONG = 105.0


def network(**given: Any) -> rb.Network:
    """Two populations, which send to each other."""
    net = rb.Network(seed=1)
    for name in "EI":
        net.add(name, rb.create("lif", 6, dt=0.1, **given))
    for source, target in ("EI", "IE"):
        kind = rb.synapse("exponential")
        net.connect(source, target, rb.rule("all-to-all"), kind, weight=4.0, delay=1.5)
    return net


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> float:
    """However short a run is, kernels are asked for; a duration, in ms."""
    monkeypatch.setattr(backend, "worthwhile_network", lambda *_: True)
    return 5.0


def went(net: rb.Network, duration: float = LONG, drive: Any = 400.0) -> tuple[dict[str, Any], Any]:
    recording = rb.simulate(net, {"E": drive}, duration=duration)
    return {name: part.provenance["backend"] for name, part in recording.items()}, recording


def test_a_run_that_is_long_in_eager_takes_kernels() -> None:
    found, recording = went(network())
    assert {each.name for each in found.values()} == {"fused"}
    assert not recording.warnings
    assert {each.note for each in found.values()} == {None}
    other = rb.simulate(network(), {"E": 400.0}, duration=LONG, backend="eager")
    assert len(other["E"].spikes) > 10
    assert torch.equal(other["E"].spikes.times, recording["E"].spikes.times)


def test_a_short_run_stays_in_eager_asks_for_no_kernel_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("a kernel was asked for")

    monkeypatch.setattr(backend, "population", never)
    found, recording = went(network(), 5.0)
    for each in found.values():
        assert each.name == "eager"
        assert each.note == (
            "the backend 'fused' was not asked (the run is too short for it to gain); it went on in 'eager'"
        )
    assert not recording.warnings


def test_the_more_kernels_there_are_to_make_the_longer_a_run_has_to_be() -> None:
    alone = [rb.create("lif", 6, dt=0.1)]
    steps = next(n for n in range(1, 100_000) if suitable.worthwhile_network(alone, 0, n))
    assert suitable.worthwhile(alone[0], steps)
    assert not suitable.worthwhile(alone[0], steps - 1)
    assert suitable.worthwhile_network(alone * 3, 0, steps)
    # Projections cost eager, and no kernel.
    assert suitable.worthwhile_network(alone, 1, steps // 2 + 1)
    large = [rb.create("lif", 100_000, dt=0.1), *alone]
    assert suitable.worthwhile_network(large, 0, steps // 2)
    assert not suitable.worthwhile_network([alone[0], *alone], 0, steps // 2)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"event": "located"}, r"refused this network \(E: .*ends of steps.*; I: .*ends of steps"),
        ({"integrator": "rk45"}, "chooses its own steps"),
    ],
)
def test_a_network_that_no_kernel_takes_says_why(given: dict[str, Any], says: str, asked: float) -> None:
    found, recording = went(network(**given), asked)
    for each in found.values():
        assert each.name == "eager"
        assert re.search(says, each.note)
    assert not recording.warnings


def test_a_batch_stays_in_eager_and_says_so(asked: float) -> None:
    found, recording = went(network(), asked, rb.stimulus.Constant(torch.tensor([[400.0], [300.0]])))
    assert {each.name for each in found.values()} == {"eager"}
    assert "the inputs have a batch" in found["E"].note
    assert not recording.warnings


def test_one_population_that_no_kernel_takes_goes_on_in_eager_beside_others(asked: float) -> None:
    net = network()
    net.add("noise", rb.create("poisson", 6, rate=300.0, dt=0.1))
    net.connect("noise", "E", rb.rule("all-to-all"), rb.synapse("exponential"), weight=1.0, delay=1.0)
    found, recording = went(net, asked)
    assert {name: each.name for name, each in found.items()} == {
        "E": "fused",
        "I": "fused",
        "noise": "eager",
    }
    assert "draws random numbers" in found["noise"].note
    assert found["E"].note is None
    assert not recording.warnings


def test_sources_that_meet_projections_in_an_aggregator_go_on_in_eager() -> None:
    def run(backend: str, **drive: Any) -> Any:
        net = network()
        net.add("T", rb.create("lif", 6, dt=0.1, aggregator="shunting"))
        net.connect("E", "T", rb.rule("all-to-all"), rb.synapse("exponential"), weight=60.0, delay=1.5)
        record = {"E": "spikes", "T": ("spikes", "voltage")}
        return rb.simulate(net, {"E": 400.0, **drive}, duration=LONG, record=record, backend=backend)

    several = {"T": {"soma": 250.0, "shunt": 0.25}}
    eager, fused = run("eager", **several), run("fused", **several)
    assert "several sources together with what projections bring" in fused["T"].provenance["backend"].note
    assert {name: part.provenance["backend"].name for name, part in fused.items()} == {
        "E": "fused",
        "T": "eager",
    }
    assert float(eager["T"].traces["voltage"].std()) > 0.1
    torch.testing.assert_close(fused["T"].traces["voltage"], eager["T"].traces["voltage"])
    # One source is one input of a kernel, whatever the run before it had.
    assert run("fused", T=250.0)["T"].provenance["backend"].name == "fused"


def test_where_a_compiler_is_missing_a_warning_says_so_once(
    monkeypatch: pytest.MonkeyPatch, asked: float
) -> None:
    def without(*_: Any, **__: Any) -> Any:
        raise Amiss("no C++ compiler, as this test has it")

    monkeypatch.setattr(backend, "population", without)
    before = set(WARNED)
    try:
        with pytest.warns(rb.errors.RheobaseWarning, match="no C.. compiler") as told:
            _, recording = went(network(), asked)
        assert told[0].filename == __file__
        assert any("no C++ compiler" in each for each in recording.warnings)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            went(network(), asked)
    finally:
        WARNED.intersection_update(before)


class Fast(rb.SpikingNeuron):
    """A leaky potential whose steps should be of at most 0.05 ms."""

    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": data - state.voltage}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1e3

    @staticmethod
    def dt_max(state: Any, params: Any, data: Any) -> Any:
        return 0.05 + 0.0 * state.voltage


@pytest.mark.parametrize("name", ["auto", "fused", "eager"])
def test_a_step_that_is_too_large_is_told_of_by_every_backend(name: str, asked: float) -> None:
    net = rb.Network()
    net.add("a", rb.create(Fast, 3, dt=0.1))
    net.add("b", rb.create("lif", 3, dt=0.1))
    net.connect("b", "a", rb.rule("all-to-all"), rb.synapse("delta"), delay=1.0)
    with pytest.warns(rb.errors.StepSizeWarning):
        rb.simulate(net, {"a": 1.0}, duration=asked, backend=name)
