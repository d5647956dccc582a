"""What must not change a bit: how a run is split, saved, loaded and copied, and how a network is declared."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import rheobase as rb
import torch

from .models import Conductance, Exponential, Pulse, leaky

UNITS = 12
DELAYS = 0.1 * (1 + torch.arange(3 * UNITS, dtype=torch.float64) % 20)  # ms
Run = list[tuple[torch.Tensor, torch.Tensor]]
"""The voltages of both populations after each step."""


def arithmetic(sources: int, targets: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Three targets for each source, by arithmetic."""
    source = torch.arange(sources).repeat_interleave(3)
    return source, (source * 7 + torch.arange(len(source)) * 5 + 1) % targets


def network(backwards: bool = False, silent: bool = False, event: str = "crossing") -> rb.Network:
    """Two populations with delays that differ, connected by all three kinds of synapse."""
    net = rb.Network(seed=5)
    populations = ["E", "I"]
    connections: list[tuple[str, str, Any, Any, Any]] = [
        ("E", "E", rb.synapse(Exponential, tau=3.0), 60.0, 1.5),
        ("E", "I", rb.synapse(Conductance), 4.0, DELAYS),
        ("I", "E", rb.synapse(Pulse), -0.7, 0.8),
    ]
    if silent:
        populations.append("quiet")
        connections.append(("quiet", "E", rb.synapse(Exponential, tau=0.7), 5.0, 3.0))
        connections.append(("quiet", "I", rb.synapse(Conductance, tau=2.0), 5.0, 0.1))
    for name in reversed(populations) if backwards else populations:
        net.add(name, leaky(UNITS, event=event, voltage=rb.Uniform(0.0, 14.0)))
    for source, target, synapse, weight, delay in reversed(connections) if backwards else connections:
        net.connect(source, target, arithmetic(UNITS, UNITS), synapse, weight=weight, delay=delay)
    return net


DRIVE = {"E": torch.linspace(350.0, 800.0, UNITS, dtype=torch.float64), "I": 450.0}


def go(net: rb.Network, steps: int) -> Run:
    """The voltages of both populations after each step."""
    outputs = (net(DRIVE) for _ in range(steps))
    return [(each["E"]["voltage"], each["I"]["voltage"]) for each in outputs]


def same(one: Run, other: Run) -> bool:
    return len(one) == len(other) and all(
        torch.equal(a, b) for pair in zip(one, other, strict=True) for a, b in zip(*pair, strict=True)
    )


STEPS = 300


@pytest.fixture(scope="module")
def whole() -> Run:
    return go(network(), STEPS)


def test_the_network_is_busy(whole: Run) -> None:
    # A spike takes a voltage down, from near the threshold.
    voltages = torch.stack([torch.cat(each) for each in whole])
    assert int((voltages.diff(dim=0) < -10.0).sum()) > 40
    assert not same(whole[:-1], whole[1:])


def saved(net: rb.Network) -> rb.Network:
    other = network()
    other.load_state_dict(net.state_dict())
    return other


def pickled(net: rb.Network) -> rb.Network:
    return pickle.loads(pickle.dumps(net))  # type: ignore[no-any-return]


@pytest.mark.parametrize("carried", [saved, pickled, copy.deepcopy], ids=["state_dict", "pickle", "deepcopy"])
def test_spikes_under_way_are_carried_over(carried: Callable[[rb.Network], rb.Network], whole: Run) -> None:
    net = network()
    for steps in (97, 150):
        start = net.simulation_step
        assert same(go(net, steps - start), whole[start:steps])
        assert any(each.delivery.sent for each in net.projections.values())
        before, net = net, carried(net)
        # The one that was copied is left as it is.
        assert same(go(before, 20), whole[steps : steps + 20])
    assert same(go(net, STEPS - 150), whole[150:])


def test_the_order_of_declaration_changes_nothing(whole: Run) -> None:
    assert same(go(network(backwards=True), STEPS), whole)


def test_a_projection_that_never_fires_changes_nothing(
    whole: Run,
) -> None:
    assert same(go(network(silent=True), STEPS), whole)


@pytest.mark.parametrize(("delay", "runs"), [(None, 21), (0.1, 1), (0.5, 21), (1.1, 1), (2.0, 21)])
def test_neither_another_least_delay_nor_a_run_in_pieces_changes_anything(
    delay: float | None, runs: int
) -> None:
    """NEST's test_iaf_psc_alpha_mindelay: a projection to nobody of interest; 21 runs of 0.5 ms."""

    def voltages(net: rb.Network, runs: int) -> torch.Tensor:
        steps = torch.arange(105.0).double().view(-1, 1) * 10.0 + 400.0
        parts = [
            rb.simulate(net, {"E": rows}, duration=10.5 / runs, record={"I": "voltage"})["I"]
            for rows in steps.chunk(runs)
        ]
        return torch.cat([part.traces["voltage"] for part in parts])

    net = network()
    if delay is not None:
        net.add("nobody", leaky(2))
        everybody = torch.arange(UNITS), torch.arange(UNITS) % 2
        net.connect("E", "nobody", everybody, rb.synapse(Pulse), weight=0.1, delay=delay)
    found = voltages(net, runs)
    assert found.max() > 1.0
    assert torch.equal(found, voltages(network(), 1))
    if delay is not None:
        assert net["nobody"].voltage.max() > 0


def test_reset_state_begins_again(whole: Run) -> None:
    net = network()
    go(net, 77)
    net.reset_state()
    assert net.simulation_step == 0
    assert same(go(net, 100), whole[:100])


def test_a_weight_that_is_assigned_holds_for_spikes_under_way() -> None:
    for assign in (
        lambda net: setattr(net["source->target"], "weight", 4.0),
        lambda net: net["source->target"].weight.fill_(4.0),
    ):
        net = rb.Network()
        net.add("source", leaky(threshold_at=1.0, tau_ref=1e6))
        net.add("target", leaky())
        net.connect("source", "target", ([0], [0]), rb.synapse(Pulse), weight=1.0, delay=1.0)
        for _ in range(6):
            out = net({"source": 1000.0})
        assert float(out["target"]["voltage"]) == 0.0
        assign(net)
        voltages = [float(net()["target"]["voltage"]) for _ in range(8)]
        assert max(voltages) == 4.0


def test_a_step_that_fails_leaves_the_network_as_it_was() -> None:
    net, other = network(), network()
    go(net, 50), go(other, 50)
    with pytest.raises(rb.RheobaseError):
        net({**DRIVE, "I": float("nan")})
    assert same(go(net, 60), go(other, 60))


def test_a_state_of_other_synapses_is_refused() -> None:
    net = network()
    other = rb.Network(seed=5)
    for name in ("E", "I"):
        other.add(name, leaky(UNITS))
    pairs = arithmetic(UNITS, UNITS)
    for source, target, synapse in (("E", "E", Exponential), ("E", "I", Conductance), ("I", "E", Pulse)):
        delay = None if (source, target) != ("E", "I") else torch.full((3 * UNITS,), 0.1, dtype=torch.float64)
        other.connect(source, target, (pairs[1], pairs[0]), rb.synapse(synapse), delay=delay)
    with pytest.raises(rb.errors.ArgumentError, match="E->E: the state is of other synapses"):
        other.load_state_dict(net.state_dict())


def test_a_batch_is_so_many_networks_at_once() -> None:
    together, alone = network(), network()
    drives = torch.stack([DRIVE["E"], DRIVE["E"] * 1.3])  # type: ignore[operator]
    for step in range(120):
        both = together({**DRIVE, "E": drives})
        one = alone(DRIVE)
        assert torch.equal(both["E"]["voltage"][0], one["E"]["voltage"]), step
        assert torch.equal(both["I"]["voltage"][0], one["I"]["voltage"]), step
    assert not torch.equal(both["E"]["voltage"][0], both["E"]["voltage"][1])


def test_a_state_with_other_delays_is_refused() -> None:
    made = []
    for delay in (1.0, 2.0):
        net = rb.Network()
        net.add("source", leaky())
        net.add("target", leaky())
        net.connect("source", "target", ([0], [0]), rb.synapse(Pulse), delay=delay)
        made.append(net)
    with pytest.raises(rb.errors.ArgumentError, match="or other delays"):
        made[0].load_state_dict(made[1].state_dict())


@pytest.mark.parametrize("event", ["crossing", "located"])
def test_a_source_without_a_batch_sends_to_each_row_of_its_target(event: str) -> None:
    class Once(rb.SpikingNeuron):
        """One spike, in the first step; it knows of no batch."""

        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            self.loggable_props = ("spiked",)

        def forward(self, data: Any, identifiers: Any = None) -> Any:
            return {"spiked": torch.tensor([int(self.simulation_step == 0)], dtype=torch.int8)}

    found = []
    for rows in ((), (3,)):
        net = rb.Network()
        net.add("source", Once(dtype=torch.float64))
        net.add("target", leaky(2, event=event))
        net.connect("source", "target", ([0, 0], [0, 1]), rb.synapse(Pulse), weight=[1.0, 2.0], delay=0.3)
        stimulus = torch.zeros(*rows, 2, dtype=torch.float64)
        for _ in range(8):
            out = net({"target": stimulus} if rows and not net.simulation_step else None)
        found.append(out["target"]["voltage"])
    alone, rows = found
    assert rows.shape == (3, 2)
    assert alone.min() > 0.5
    assert all(torch.equal(row, alone) for row in rows)


def test_inference_mode_changes_nothing(whole: Run) -> None:
    net = network()
    with torch.inference_mode():
        first = go(net, 100)
    assert same(first + go(net, 100), whole[:200])


def put(projection: Any, current: torch.Tensor) -> None:
    projection.current = current


def write(projection: Any, current: torch.Tensor) -> None:
    projection.current.copy_(current)


def exchange(projection: Any, current: torch.Tensor) -> None:
    projection.current.data = current


@pytest.mark.parametrize("change", [put, write, exchange])
def test_a_state_of_a_synapse_counts_however_it_is_put_there(change: Any, whole: Run) -> None:
    net, other = network(), network()
    current = 5.0 + 200.0 * torch.arange(UNITS, dtype=torch.float64)
    go(net, 50)
    change(net["E->E"], current.clone())
    state = net.state_dict()
    state["E->E.current"] = current.clone()
    other.load_state_dict(state)
    gone = go(net, 60)
    assert same(gone, go(other, 60))
    assert not same(gone, whole[50:110])
