"""Projections into one population that share the states of one synapse."""

from __future__ import annotations

from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import errors

from .models import Conductance, Exponential, leaky


def net(receptor: str | None, event: str = "crossing", other: Any = None, **more: Any) -> rb.Network:
    network = rb.Network(seed=2)
    for name in ("a", "b", "target"):
        network.add(name, leaky(3, event=event))
    pairs = ([0, 1, 2, 2], [0, 1, 2, 0])
    first = rb.synapse(Exponential, tau=3.0)
    network.connect("a", "target", pairs, first, weight=500.0, delay=0.4, receptor=receptor)
    second = first if other is None else other
    network.connect("b", "target", pairs, second, weight=300.0, delay=1.2, receptor=receptor, **more)
    return network


DRIVE = {
    "a": torch.tensor([900.0, 700.0, 800.0], dtype=torch.float64),
    "b": torch.tensor([600.0, 950.0, 800.0], dtype=torch.float64),
}


@pytest.mark.parametrize("event", ["step", "crossing", "located"])
def test_what_is_shared_is_the_sum_of_what_was_apart(event: str) -> None:
    record = {"target": ("spikes", "voltage")}
    apart = rb.simulate(net(None, event), DRIVE, duration=36.0, record=record)["target"]
    shared = rb.simulate(net("ampa", event), DRIVE, duration=36.0, record=record)["target"]
    assert len(apart.spikes) >= 2
    assert apart.spikes.units.tolist() == shared.spikes.units.tolist()
    torch.testing.assert_close(apart.spikes.times, shared.spikes.times, rtol=1e-9, atol=0.0)
    torch.testing.assert_close(apart.traces["voltage"], shared.traces["voltage"], rtol=1e-9, atol=1e-9)


def test_both_projections_show_the_shared_state() -> None:
    network = net("ampa")
    rb.simulate(network, DRIVE, duration=10.0)
    assert float(network["a->target"].current.sum()) > 0
    assert torch.equal(network["a->target"].current, network["b->target"].current)
    other = net("ampa")
    other.load_state_dict(network.state_dict())
    assert torch.equal(network(DRIVE)["target"]["voltage"], other(DRIVE)["target"]["voltage"])


def test_the_aggregator_knows_a_receptor_by_its_name() -> None:
    seen: list[list[str] | None] = []

    def rule(inputs: list[torch.Tensor], identifiers: list[str] | None) -> torch.Tensor:
        seen.append(identifiers)
        return torch.stack(torch.broadcast_tensors(*inputs)).sum(0)

    network = rb.Network()
    network.add("a", leaky(1))
    network.add("target", leaky(1, aggregator=rule))
    for place, receptor in enumerate(("nmda", "ampa", "ampa", None)):
        network.connect(
            "a", "target", ([0], [0]), rb.synapse(Exponential), receptor=receptor, identifier=f"p{place}"
        )
    network()
    assert seen[-1] == ["external", "ampa", "nmda", "p3"]


@pytest.mark.parametrize(
    ("other", "more", "says"),
    [
        (rb.synapse(Exponential, tau=4.0), {}, "this projection has another tau"),
        (rb.synapse(Conductance), {}, "this projection has the synapse"),
    ],
)
def test_a_receptor_with_two_kinetics_is_refused(other: Any, more: Any, says: str) -> None:
    with pytest.raises(errors.ArgumentError, match=f"b->target: the receptor 'ampa' .* {says}"):
        net("ampa", other=other, **more)


def test_a_receptor_that_is_named_like_a_projection_is_refused() -> None:
    network = net(None)
    with pytest.raises(errors.ArgumentError, match="'a->target' has the name of a projection"):
        network.connect(
            "b", "target", ([0], [0]), rb.synapse(Exponential), receptor="a->target", identifier="c"
        )


def test_what_is_assigned_to_one_of_them_holds_for_all() -> None:
    network, other = net("ampa"), net("ampa")
    network["b->target"].tau = 7.0
    other["a->target"].tau = 7.0
    assert float(network["a->target"].tau) == 7.0
    network["b->target"].current = 3.0
    other["a->target"].current = 3.0
    for _ in range(5):
        one, two = network(DRIVE), other(DRIVE)
    assert torch.equal(one["target"]["voltage"], two["target"]["voltage"])
    assert float(one["b->target"]["current"][0]) > 0
