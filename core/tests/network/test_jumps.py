"""Inputs that arrive as jumps: models with synaptic states of their own, alone and in networks."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import rheobase as rb
import torch

from .models import Exponential, Leaky, leaky


class Synaptic(rb.SpikingNeuron):
    """C dV/dt = -C V / tau + I + drive, tau_s dI/dt = -I;  a spike adds w to I, and a kick to V."""

    tau = rb.Parameter(10.0, unit="ms", above=0)
    tau_s = rb.Parameter(2.0, unit="ms", above=0)
    capacity = rb.Parameter(250.0, unit="pF", above=0)
    threshold_at = rb.Parameter(15.0, unit="mV")
    tau_ref = rb.Parameter(2.0, unit="ms", at_least=0)
    voltage = rb.State(0.0, unit="mV")
    current = rb.State(0.0, unit="pA")
    drive = rb.Input(unit="pA")
    arrivals = rb.Input(unit="pA", arrives="jump", into="current")
    kicks = rb.Input(unit="mV", arrives="jump", into="voltage")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
        voltage = -state.voltage / params.tau + (state.current + data.drive) / params.capacity
        return {"voltage": voltage, "current": -state.current / params.tau_s}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - params.threshold_at

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"voltage": torch.zeros_like(state.voltage)}


def synaptic(units: int = 1, **given: Any) -> Any:
    return rb.create(Synaptic, units, **{"dtype": torch.float64, **given})


def psp(t: float, w: float = 100.0, c: float = 250.0, tau: float = 10.0, tau_s: float = 2.0) -> float:
    """The voltage t ms after a spike's exponential current began, by variation of constants."""
    return w / c * (math.exp(-t / tau) - math.exp(-t / tau_s)) / (1 / tau_s - 1 / tau)


EVENTS = ["step", "crossing", "located"]


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("dt", [0.1, 0.05])
def test_what_arrives_in_a_step_acts_from_its_end_on_whatever_dt_is(event: str, dt: float) -> None:
    neuron = synaptic(event=event, dt=dt)
    per_ms = round(1 / dt)
    for step in range(1, 5 * per_ms + 1):
        neuron({"arrivals": 100.0 if step == per_ms else 0.0})
        if step == per_ms:
            assert (float(neuron.voltage), float(neuron.current)) == (0.0, 100.0)
    assert float(neuron.voltage) == pytest.approx(psp(4.0), abs=1e-6)
    assert float(neuron.current) == pytest.approx(100.0 * math.exp(-2.0), abs=1e-5)


def of_two(event: str, source: str, **given: Any) -> rb.Network:
    """A unit that spikes once, at 0.25 ms or in the step that ends there, and one that receives."""
    net = rb.Network()
    sender = leaky(event=source, threshold_at=1.0, tau_ref=1e6)
    # 4 mV/ms, with a leak so slow that it does not count.
    sender.tau = 1e12
    net.add("source", sender)
    net.add("target", synaptic(event=event))
    net.connect("source", "target", ([0], [0]), **given)
    return net


@pytest.mark.parametrize("source", EVENTS)
@pytest.mark.parametrize("event", EVENTS)
def test_a_spike_in_a_network_is_added_to_the_state_at_its_time(event: str, source: str) -> None:
    net = of_two(event, source, input="arrivals", weight=100.0, delay=1.0)
    for _ in range(50):
        net({"source": 1000.0})
    spiked = 0.25 if source == "located" else 0.3
    arrived = spiked + 1.0
    if event != "located":
        arrived = math.ceil(arrived * 10 - 1e-9) / 10  # the end of the step that contains it
    assert float(net["target"].voltage) == pytest.approx(psp(5.0 - arrived), abs=2e-6)
    assert float(net["target"].current) == pytest.approx(100.0 * math.exp(-(5.0 - arrived) / 2.0), abs=1e-5)


def test_a_state_of_the_model_is_that_of_a_synapse() -> None:
    def voltages(**given: Any) -> torch.Tensor:
        net = rb.Network(seed=2)
        net.add("source", leaky(20, threshold_at=rb.Uniform(2.0, 12.0)))
        # At a crossing the states of a model are taken back to it, and those of synapses are not.
        target = (leaky if "synapse" in given else synaptic)(3, event="step")
        net.add("target", target)
        rule = rb.rule(lambda first, last, sources, *_, **__: all_of(first, last, sources))
        net.connect("source", "target", rule, weight=60.0, delay=2.3, **given)
        return rb.simulate(net, {"source": 1000.0}, duration=30.0, record={"target": "voltage"})[
            "target"
        ].traces["voltage"]

    own, joined = voltages(input="arrivals"), voltages(synapse=rb.synapse(Exponential))
    assert torch.allclose(own, joined, rtol=0, atol=1e-12)
    assert float(own.max()) > 1.0


def all_of(first: int, last: int, sources: int) -> Any:
    return torch.arange(0, sources * (last - first) + 1, sources), torch.arange(sources).repeat(last - first)


@pytest.mark.parametrize("event", EVENTS)
def test_a_kick_over_the_threshold_is_a_spike_and_one_while_refractory_is_lost(event: str) -> None:
    neuron = synaptic(2, event=event)
    trains = []
    for step in range(1, 40):
        kick = torch.tensor([20.0 if step in (5, 10) else 0.0, 20.0 if step in (5, 26) else 0.0])
        out = neuron({"kicks": kick.double(), "arrivals": 7.0 if step == 10 else 0.0})
        trains += [(step, unit) for unit in out["spiked"].nonzero().view(-1).tolist()]
        if step == 10:
            assert out["current"].tolist() == [7.0, 7.0]  # kinetics take theirs
    # 2 ms are 20 steps: the period ends with step 25.
    assert trains == [(5, 0), (5, 1), (26, 1)]


@pytest.mark.parametrize("event", EVENTS)
def test_what_is_given_from_outside_and_what_projections_bring_are_summed(event: str) -> None:
    net = of_two(event, "step", input="kicks", weight=3.0, delay=1.0)
    for step in range(1, 14):
        out = net({"source": 1000.0, "target": {"kicks": 2.0 if step == 13 else 0.0}})
    assert float(out["target"]["voltage"]) == 5.0
    assert float(out["target"]["kicks"]) == 2.0


@pytest.mark.parametrize("event", EVENTS)
def test_the_rows_of_a_batch_receive_what_each_is_given(event: str) -> None:
    neuron = synaptic(2, event=event)
    rows = torch.tensor([[5.0, 0.0], [0.0, 16.0], [1.0, 2.0]]).double()
    out = neuron({"kicks": rows})
    assert out["voltage"].tolist() == [[5.0, 0.0], [0.0, 0.0], [1.0, 2.0]]
    assert out["spiked"].tolist() == [[0, 0], [0, 1], [0, 0]]
    alone = synaptic(2, event=event)
    for step in range(5):
        neuron({"kicks": 0.0})
        alone({"kicks": rows[2] if step == 0 else 0.0})
    alone({"kicks": 0.0})
    assert torch.equal(neuron.voltage[2], alone.voltage)


def test_several_sources_are_summed_whatever_the_aggregator() -> None:
    neuron = synaptic(aggregator="mean")
    out = neuron(
        {"arrivals": [torch.tensor(3.0), torch.tensor(4.0)], "drive": [torch.tensor(3.0), torch.tensor(4.0)]}
    )
    assert float(out["current"]) == 7.0
    assert float(out["drive"]) == 3.5


def test_data_does_not_have_what_arrives() -> None:
    class Asking(Synaptic):
        """Reads its jump as a signal."""

        @staticmethod
        def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
            return {"voltage": data.arrivals, "current": 0.0 * state.current}

    with pytest.raises(rb.errors.DeclarationError, match=r"asks for 'arrivals'.*it has drive"):
        rb.create(Asking)({"arrivals": 1.0})


def test_a_model_of_jumps_alone_takes_plain_rows() -> None:
    class Delta(Leaky):
        """Leaky, with kicks for its only input."""

        kicks = rb.Input(unit="mV", arrives="jump", into="voltage")

        @staticmethod
        def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
            return {"voltage": -state.voltage / params.tau}

    neuron = rb.create(Delta, 2, dtype=torch.float64)
    rows = torch.zeros(20, 2).double()
    rows[4], rows[9] = 10.0, torch.tensor([1.0, 6.5])
    rec = rb.simulate(neuron, rows, duration=2.0, record=("spikes", "voltage"))
    assert rec.spikes.times.tolist() == [1.0]
    assert rec.spikes.units.tolist() == [1]
    assert float(rec.traces["voltage"][9, 0]) == pytest.approx(1.0 + 10.0 * math.exp(-0.05), abs=1e-8)


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("given", [100.0, 0.0])
def test_a_gradient_goes_through_what_arrives(given: float, event: str) -> None:
    neuron = synaptic(grad=True, event=event)
    amount = torch.tensor(given, dtype=torch.float64, requires_grad=True)
    for step in range(10):
        neuron({"arrivals": amount if step == 0 else 0.0})
    neuron.voltage.sum().backward()
    assert amount.grad is not None
    assert float(amount.grad) == pytest.approx(psp(0.9) / 100.0, rel=1e-6)


def test_spikes_under_way_into_a_state_are_saved_and_copied() -> None:
    nets = [of_two("crossing", "step", input="arrivals", weight=100.0, delay=3.0) for _ in range(2)]
    for _ in range(10):
        nets[0]({"source": 1000.0})
    nets[1].load_state_dict(nets[0].state_dict())
    nets.append(copy.deepcopy(nets[0]))
    for net in nets:
        for _ in range(30):
            net({"source": 1000.0})
    assert float(nets[0]["target"].voltage) > 0.1
    assert all(torch.equal(nets[0]["target"].voltage, net["target"].voltage) for net in nets[1:])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"arrives": "jump"}, "into names the state"),
        ({"into": "current"}, "into names the state"),
        ({"arrives": "later", "into": "current"}, "'signal' or 'jump'"),
        ({"arrives": "jump", "into": "current", "aggregator": "mean"}, "is summed"),
        ({"arrives": "jump", "into": "curent"}, "did you mean 'current'"),
        ({"arrives": "jump", "into": "voltage"}, "is in pA and is added to 'voltage', which is in mV"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(given: Any, told: str) -> None:
    with pytest.raises(rb.errors.DeclarationError, match=told):

        class Wrong(Synaptic):
            """Never made."""

            arrivals = rb.Input(unit="pA", **given)


def test_what_does_not_fit_is_refused_by_name() -> None:
    net = rb.Network()
    net.add("source", leaky())
    net.add("target", synaptic())
    net.add("plain", leaky())
    one = ([0], [0])
    for target, given, told in (
        ("plain", {}, "no input that arrives as a jump"),
        ("target", {}, "has arrivals, kicks for that; name one"),
        ("target", {"input": "arrival"}, "did you mean 'arrivals'"),
        ("target", {"input": "drive"}, "has arrivals, kicks for that"),
        ("target", {"input": "arrivals", "synapse": rb.synapse(Exponential)}, "leave synapse out"),
        ("target", {"input": "arrivals", "receptor": "ampa"}, "without a synapse"),
    ):
        with pytest.raises(rb.errors.ArgumentError, match=told):
            net.connect("source", target, one, **given)
    assert net.connect("source", "target", one, rb.synapse(Exponential)).input == "drive"
    with pytest.raises(rb.errors.ArgumentError, match="so several are summed"):
        synaptic(aggregator={"arrivals": "mean"})
    with pytest.raises(rb.errors.InputError, match="was given a signal"):
        synaptic()({"arrivals": rb.Signal.levels([0.03], [1.0])})
