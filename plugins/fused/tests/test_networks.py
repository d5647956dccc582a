"""Many steps of a network in one call, beside the same steps one by one: the same bits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import SpikingNeuron, State, errors
from rheobase_fused.backend import Fused
from rheobase_fused.network import NetworkSteps
from rheobase_fused.population_step import PopulationStep
from rheobase_fused.refusal import Refusal

UNITS = 12
SOURCE = torch.arange(UNITS).repeat_interleave(3)
TARGET = (SOURCE * 7 + torch.arange(3 * UNITS) * 5 + 1) % UNITS
DELAYS = 0.1 * (1 + torch.arange(3 * UNITS, dtype=torch.float64) % 20)
WEIGHTS = 0.5 + torch.arange(3 * UNITS, dtype=torch.float64) / 40.0


class Growing(SpikingNeuron):
    """dV/dt = V^2 + I, which is infinite soon, and no spike before."""

    voltage = State(0.0, unit="1")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": state.voltage * state.voltage + data}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1e300


def network(dtype: torch.dtype = torch.float64, **given: Any) -> rb.Network:
    """Two populations, joined by several projections: of one delay and of many, one weight and many."""
    net = rb.Network(seed=3)
    cell = {"tau_mem": 10.0, "leak_gl": 10.0, "volt_rest": 0.0, "volt_thresh": 15.0, "tau_ref": 1.0}
    for name in "EI":
        net.add(name, rb.create("lif", UNITS, dtype=dtype, voltage=rb.Uniform(0.0, 14.0), **cell, **given))
    net.view("some", "E", 2, 9)
    slow = rb.synapse("alpha", tau=torch.linspace(1.0, 3.0, UNITS, dtype=dtype))
    net.connect("E", "E", (SOURCE, TARGET), slow, weight=60.0, delay=1.5)
    net.connect("E", "I", (SOURCE, TARGET), slow, weight=60.0 * WEIGHTS.to(dtype), delay=DELAYS)
    net.connect("I", "E", (SOURCE, TARGET), slow, weight=-12.0, delay=0.8)
    # Three that share a receptor, whose sums are added in their order.
    fast = rb.synapse("exponential", tau=2.0)
    for name, weight, delay in (("a", 40.0, 0.3), ("b", WEIGHTS.to(dtype), 0.1), ("c", -30.0, 2.0)):
        shared = {"receptor": "fast", "identifier": name}
        net.connect("E", "I", (SOURCE, TARGET), fast, weight=weight, delay=delay, **shared)
    # A spike that arrives in the step in which it is sent.
    net.connect("E", "I", (SOURCE, TARGET), rb.synapse("delta"), weight=0.5, delay=0.0, identifier="now")
    return net


DRIVE = {"E": 210.0 + 9.0 * torch.arange(UNITS, dtype=torch.float64), "I": 160.0}
RECORD: dict[str, Any] = {
    "E": ("spikes", "voltage", "spiked", "input"),
    "I": {"spikes": [1, 4, 5], "voltage": [7, 2]},
    "some": ("spikes", "voltage", "spiked"),
    "E->I": ("current", "weight"),
    "b": {"current": True, "weight": [3, 1]},
    "I->E": "weight",
}


def gone(net: rb.Network, steps: int, **given: Any) -> dict[str, Any]:
    drive = {
        name: value if isinstance(value, float) else value.to(net["E"].dtype) for name, value in DRIVE.items()
    }
    options = {"record": RECORD, "backend": "fused", **given}
    return dict(rb.simulate(net, drive, duration=steps * net.dt, **options))


def one_by_one(self: Any, steppers: Any) -> Any:
    raise Refusal("each step by itself")


def require_alike(one: Any, other: Any) -> None:
    """All that both recorded is the same, to the bit."""
    assert one.keys() == other.keys()
    for name, mine in one.items():
        theirs = other[name]
        assert (mine.steps, mine.complete, mine.first_step) == (
            theirs.steps,
            theirs.complete,
            theirs.first_step,
        )
        assert mine.traces.keys() == theirs.traces.keys()
        for each, trace in mine.traces.items():
            assert trace.dtype == theirs.traces[each].dtype
            assert torch.equal(trace, theirs.traces[each]), (name, each)
        if mine.spikes.recorded:
            for column in ("times", "units", "batch"):
                assert torch.equal(getattr(mine.spikes, column), getattr(theirs.spikes, column)), name


def flat(state: Any) -> Iterator[Any]:
    """The tensors and values of a state, in order."""
    if isinstance(state, dict):
        for name in sorted(state):
            yield name
            yield from flat(state[name])
    elif isinstance(state, (list, tuple)):
        yield len(state)
        for each in state:
            yield from flat(each)
    else:
        yield state


def require_same_state(one: rb.Network, other: rb.Network) -> None:
    """Both stand at one point, also with what is under way."""
    for mine, theirs in zip(flat(dict(one.state_dict())), flat(dict(other.state_dict())), strict=True):
        if isinstance(mine, torch.Tensor):
            assert mine.dtype == theirs.dtype
            assert torch.equal(mine, theirs)
        else:
            assert mine == theirs


@pytest.mark.parametrize(
    ("integrator", "event", "dtype", "every"),
    [
        ("rk4", "step", torch.float64, 1),
        ("rk4", "crossing", torch.float32, 7),
        ("expeuler", "step", torch.float32, 3),
        ("exact", "crossing", torch.float64, 10),
    ],
)
def test_many_steps_at_once_are_those_steps(
    integrator: str, event: str, dtype: torch.dtype, every: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (network(dtype, integrator=integrator, event=event) for _ in range(2))
    parts = [gone(one, steps, every=every) for steps in (103, 298)]
    with monkeypatch.context() as patch:
        patch.setattr(Fused, "network", one_by_one)
        apart = [gone(other, steps, every=every) for steps in (103, 298)]
    assert len(parts[1]["E"].spikes) > 50
    assert len(parts[1]["I"].spikes) > 10
    for mine, theirs in zip(parts, apart, strict=True):
        require_alike(mine, theirs)
    require_same_state(one, other)
    # And in eager they go on alike.
    require_alike(*(gone(net, 30, backend="eager") for net in (one, other)))


def test_all_steps_but_the_first_are_taken_in_few_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = {"one": 0, "many": 0}

    def counted(kind: Any, name: str) -> None:
        usual = kind.__call__

        def call(self: Any, *given: Any, **options: Any) -> Any:
            calls[name] += 1
            return usual(self, *given, **options)

        monkeypatch.setattr(kind, "__call__", call)

    counted(PopulationStep, "one")
    counted(NetworkSteps, "many")
    recording = gone(network(), 600)
    assert calls["one"] == 2
    assert 1 <= calls["many"] <= 20
    assert recording["E"].provenance["backend"].name == "fused"


def test_a_step_of_a_block_that_fails_is_eagers_error_and_the_steps_before_it_stay() -> None:
    told = []
    for backend in ("fused", "eager"):
        net = rb.Network()
        for name in "ab":
            net.add(name, rb.create(Growing, 3, dt=0.1, dtype=torch.float64))
        net.connect("a", "b", ([0, 1, 2], [0, 1, 2]), rb.synapse("exponential"), delay=0.3)
        drive = {"a": torch.tensor([0.0, 0.1, 1.0], dtype=torch.float64)}
        with pytest.raises(errors.IntegrationError) as raised:
            rb.simulate(net, drive, duration=20.0, record={"a": "voltage"}, backend=backend)
        told.append((str(raised.value), net.simulation_step, net["a"].voltage))
    assert told[0][:2] == told[1][:2]
    assert told[0][1] > 5
    torch.testing.assert_close(told[0][2], told[1][2], rtol=1e-11, atol=0)


def test_ctrl_c_between_two_blocks_leaves_the_recording_where_the_network_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usual, calls = NetworkSteps.__call__, 0

    def interrupted(self: Any, *given: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return usual(self, *given, **options)

    monkeypatch.setattr(NetworkSteps, "__call__", interrupted)
    net = network()
    with pytest.raises(rb.SimulationInterrupted) as caught:
        gone(net, 10_000)
    done = net.simulation_step
    assert 1 < done < 10_000
    other = network()
    whole = gone(other, done)
    for name, part in caught.value.recording.items():
        assert part.steps == done
        assert not part.complete
        if part.spikes.recorded:
            assert torch.equal(part.spikes.times, whole[name].spikes.times)
        for each, trace in part.traces.items():
            assert torch.equal(trace, whole[name].traces[each])
    require_same_state(net, other)
