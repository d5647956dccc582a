"""Relays, and spikes that take no time."""

from __future__ import annotations

from typing import Any

import pytest
import rheobase as rb
import torch

from .cells import Membrane

GRID = {"dt": 0.1, "dtype": torch.float64}


def chain(sources: int, relays: int, rule: str, event: str, delays: tuple[float, float] = (1.0, 1.0)) -> Any:
    """Spikes of sources at 0.5 ms, by relays to a last one."""
    net = rb.Network()
    net.add("source", rb.create("spike-times", times=[[0.5]] * sources, event=event, **GRID))
    net.add("relay", rb.create("relay", relays, event=event, **GRID))
    net.add("last", rb.create("relay", relays, event=event, **GRID))
    net.connect("source", "relay", rb.rule(rule), weight=-7.0, delay=delays[0])
    net.connect("relay", "last", rb.rule("one-to-one"), weight=0.0, delay=delays[1])
    return net


@pytest.mark.parametrize("event", ["step", "located"])
@pytest.mark.parametrize(
    ("sources", "relays", "rule"), [(1, 1, "one-to-one"), (1, 4, "all-to-all"), (4, 1, "all-to-all")]
)
def test_a_spike_is_passed_on_after_two_delays_once_to_each(
    sources: int, relays: int, rule: str, event: str
) -> None:
    """NEST's test_spike_transmission: a spike at 0.5 ms, two hops of 1 ms."""
    rec = rb.simulate(chain(sources, relays, rule, event), duration=5.0)
    assert rec["relay"].spikes.times.tolist() == pytest.approx([1.5] * relays, abs=1e-12)
    assert rec["last"].spikes.times.tolist() == pytest.approx([2.5] * relays, abs=1e-12)
    assert rec["last"].spikes.units.tolist() == list(range(relays))


def test_a_relay_keeps_times_within_a_step() -> None:
    net = rb.Network()
    net.add("source", rb.create("spike-times", times=[[0.123456789, 0.17]], event="located", **GRID))
    net.add("relay", rb.create("relay", event="located", **GRID))
    net.connect("source", "relay", rb.rule("one-to-one"), delay=0.7654321)
    times = rb.simulate(net, duration=2.0)["relay"].spikes.times
    assert times.tolist() == pytest.approx([0.888888889, 0.9354321], abs=1e-12)


def test_a_weight_that_is_assigned_is_not_counted_either() -> None:
    net = chain(1, 1, "one-to-one", "step")
    net["source->relay"].weight = 0.25
    assert rb.simulate(net, duration=3.0)["last"].spikes.times.tolist() == [2.5]
    assert float(net["source->relay"].weight) == 1.0


@pytest.mark.parametrize("event", ["step", "crossing", "located"])
@pytest.mark.parametrize("first", ["declared first", "declared last"])
def test_without_a_delay_a_spike_arrives_in_the_step_in_which_it_is_sent(event: str, first: str) -> None:
    net, parts = rb.Network(), ["source", "relay", "cell"]
    for name in parts if first == "declared first" else parts[::-1]:
        made: Any = {"source": "spike-times", "relay": "relay", "cell": Membrane}[name]
        more = {"source": {"times": [[0.52, 1.5]]}, "cell": {"rest": 0.0}}.get(name, {})
        net.add(name, rb.create(made, event=event, **more, **GRID))
    net.connect("source", "relay", rb.rule("one-to-one"), delay=0.0)
    net.connect("relay", "cell", rb.rule("one-to-one"), rb.synapse("delta"), weight=3.0, delay=0.0)
    net.connect(
        "source", "cell", rb.rule("one-to-one"), rb.synapse("delta"), weight=1.0, delay=1.0, identifier="late"
    )
    rec = rb.simulate(net, duration=3.0, record={"relay": "spikes", "cell": "voltage"})
    expected = [0.52, 1.5] if event == "located" else [0.6, 1.5]
    assert rec["relay"].spikes.times.tolist() == pytest.approx(expected, abs=1e-12)
    volts = rec["cell"].traces["voltage"][:, 0]
    assert float(volts[4]) == 0.0
    assert float(volts[5]) == pytest.approx(3.0, rel=0.01)


def test_a_run_without_delays_goes_on_after_it_was_saved_in_its_middle() -> None:
    def made() -> Any:
        net = chain(3, 2, "all-to-all", "step", (0.0, 0.4))
        net.add("cell", rb.create(Membrane, 2, rest=0.0, **GRID))
        net.connect("last", "cell", rb.rule("all-to-all"), rb.synapse("exponential"), weight=100.0, delay=0.0)
        return net

    whole, first, second = made(), made(), made()
    for _ in range(40):
        whole()
    for _ in range(7):
        first()
    second.load_state_dict(first.state_dict())
    for _ in range(33):
        second()
    assert float(whole["cell"].voltage[0]) > 0.01
    assert torch.equal(whole["cell"].voltage, second["cell"].voltage)


def test_a_step_that_fails_leaves_nothing_that_it_sent() -> None:
    net = chain(1, 1, "one-to-one", "step", (0.0, 0.0))
    net.add("cell", rb.create(Membrane, rest=0.0, **GRID))
    net.connect("last", "cell", rb.rule("one-to-one"), rb.synapse("delta"), weight=2.0, delay=0.0)
    for _ in range(4):
        net()
    with pytest.raises(rb.errors.RheobaseError):
        net({"cell": float("nan")})
    out = [net({"cell": 0.0}) for _ in range(2)]
    assert [int(each["last"]["spiked"]) for each in out] == [1, 0]
    assert float(out[0]["cell"]["voltage"]) == 2.0


def test_a_cycle_without_delay_is_refused_by_name() -> None:
    net = rb.Network()
    for name in ("a", "b", "c"):
        net.add(name, rb.create("relay", **GRID))
    one = rb.rule("one-to-one")
    with pytest.raises(rb.errors.ArgumentError, match="a->a: delays of 0 go round in a cycle"):
        net.connect("a", "a", one, delay=0.0)
    net.connect("a", "b", one, delay=0.0)
    net.connect("b", "c", one, delay=0.0)
    with pytest.raises(rb.errors.ArgumentError, match="a->b, b->c, c->a: delays of 0 go round in a cycle"):
        net.connect("c", "a", one, delay=0.0)
    assert "c->a" not in net
    net.connect("c", "a", one, delay=0.1)


@pytest.mark.parametrize("event", ["step", "located"])
@pytest.mark.parametrize("given", [torch.zeros(2), [0.0, 0.0], lambda source, *_: 0.0 * source])
def test_no_delay_of_each_synapse_is_no_delay(event: str, given: Any) -> None:
    net = rb.Network()
    net.add("a", rb.create("spike-times", times=[[0.5], [0.7]], event=event, **GRID))
    net.add("b", rb.create("relay", 2, event=event, **GRID))
    net.connect("a", "b", rb.rule("one-to-one"), delay=given)
    assert net["a->b"].delay.tolist() == [0.0, 0.0]
    assert rb.simulate(net, duration=1.0)["b"].spikes.times.tolist() == pytest.approx([0.5, 0.7], abs=1e-12)
    net = rb.Network()
    net.add("a", rb.create("relay", 2, event=event, **GRID))
    with pytest.raises(rb.errors.ArgumentError, match="a->a: delays of 0 go round in a cycle"):
        net.connect("a", "a", rb.rule("one-to-one"), delay=given)
    with pytest.raises(rb.errors.ArgumentError, match=r"delay of synapse 1 is 0 ms.* or 0\.0 for all"):
        net.connect("a", "a", rb.rule("one-to-one"), delay=torch.tensor([0.1, 0.0]))
