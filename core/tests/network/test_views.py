"""Views: some units of a population, which connect, are recorded and take stimuli by a name of their own."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
import rheobase as rb
import torch

from .models import Exponential, Pulse, leaky
from .test_jumps import synaptic


def all_of(first: int, last: int, sources: int, targets: int, key: int, *, same: bool, positions: Any) -> Any:
    """Everybody hears everybody."""
    return torch.arange(0, sources * (last - first) + 1, sources), torch.arange(sources).repeat(last - first)


def two(event: str = "crossing", **given: Any) -> rb.Network:
    net = rb.Network(seed=4)
    net.add("E", leaky(6, event=event, **given))
    net.add("I", leaky(4, event=event, **given))
    net.view("early", "E", 1, 4)
    net.view("late", "I", 2, 4)
    return net


def test_a_view_connects_its_own_units_and_no_others() -> None:
    net = two()
    made = net.connect(
        "early", "late", rb.rule(all_of), rb.synapse(Pulse), weight=torch.arange(6.0) + 1.0, delay=0.5
    )
    assert made.identifier == "early->late"
    assert (made.sender, made.receiver) == ("E", "I")
    assert made.source.tolist() == [1, 1, 2, 2, 3, 3]
    assert made.target.tolist() == [2, 3, 2, 3, 2, 3]
    pairs = net.connect("early", "I", ([2, 0], [3, 1]), rb.synapse(Pulse), weight=[5.0, 7.0])
    assert (pairs.source.tolist(), pairs.target.tolist(), pairs.weight.tolist()) == (
        [1, 3],
        [1, 3],
        [7.0, 5.0],
    )
    back = net.connect("I", "early", ([0, 3], [0, 2]), rb.synapse(Pulse))
    assert (back.source.tolist(), back.target.tolist()) == ([0, 3], [1, 3])
    with pytest.raises(rb.errors.ArgumentError, match="3 of synapse 0 is no unit; there are 3"):
        net.connect("early", "I", ([3], [0]), rb.synapse(Pulse), identifier="over")


@pytest.mark.parametrize("event", ["crossing", "located"])
def test_views_of_a_population_are_as_populations_of_their_own(event: str) -> None:
    def run(net: rb.Network, source: str, target: str) -> Any:
        net.connect(
            source, target, rb.rule(all_of), rb.synapse(Exponential), weight=300.0, delay=1.0, identifier="p"
        )
        drive = {source: torch.tensor([500.0, 600.0, 700.0]).double(), target: 380.0}
        rec = rb.simulate(
            net,
            drive,
            duration=30.0,
            record={source: "spikes", target: ("spikes", "voltage", "input")},
            every=2,
        )
        return rec[source], rec[target]

    parts = rb.Network(seed=4)
    parts.add("early", leaky(3, event=event))
    parts.add("late", leaky(2, event=event))
    one, other = run(parts, "early", "late"), run(two(event), "early", "late")
    for alone, view in zip(one, other, strict=True):
        assert len(alone.spikes.times) >= 2
        assert torch.equal(alone.spikes.times, view.spikes.times)
        assert torch.equal(alone.spikes.units, view.spikes.units)
    for name in ("voltage", "input"):
        assert torch.equal(one[1].traces[name], other[1].traces[name])
    assert other[1].num_units == 2


def test_what_a_view_is_given_is_added_to_what_its_population_is() -> None:
    net = two()
    row = net({"E": 10.0, "early": torch.tensor([1.0, 2.0, 3.0]).double()})["E"]["input"]
    assert row.tolist() == [10.0, 11.0, 12.0, 13.0, 10.0, 10.0]
    net.view("first", "E", 0, 2)
    row = net({"first": 5.0, "early": rb.Signal.levels([0.0], [1.0])})["E"]["input"]
    assert row.tolist() == [5.0, 6.0, 1.0, 1.0, 0.0, 0.0]
    rec = rb.simulate(
        net,
        {"early": torch.arange(6.0).view(2, 3).double()},
        duration=0.2,
        record={"E": "input", "early": "input"},
    )
    assert rec["E"].traces["input"].tolist() == [
        [0.0, 0.0, 1.0, 2.0, 0.0, 0.0],
        [0.0, 3.0, 4.0, 5.0, 0.0, 0.0],
    ]
    assert rec["early"].traces["input"].tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]


def test_a_view_of_a_model_with_several_inputs_is_given_them_by_name() -> None:
    net = rb.Network()
    net.add("cells", synaptic(3))
    net.view("some", "cells", 2, 3)
    out = net({"cells": {"drive": 4.0}, "some": {"arrivals": 7.0, "drive": 1.0}})["cells"]
    assert out["drive"].tolist() == [4.0, 4.0, 5.0]
    assert out["current"].tolist() == [0.0, 0.0, 7.0]


def test_a_batch_may_come_by_a_view() -> None:
    net = two()
    rows = torch.tensor([[[1.0, 2.0, 3.0]], [[4.0, 5.0, 6.0]]]).double().view(2, 3)
    out = net({"early": rows})
    assert out["E"]["input"].tolist() == [[0.0, 1.0, 2.0, 3.0, 0.0, 0.0], [0.0, 4.0, 5.0, 6.0, 0.0, 0.0]]
    assert out["I"]["voltage"].shape == (2, 4)


def test_distances_are_those_of_the_units_of_a_view() -> None:
    seen = []

    def look(
        first: int, last: int, sources: int, targets: int, key: int, *, same: bool, positions: Any
    ) -> Any:
        seen.append((sources, targets, same, [each.tolist() for each in positions]))
        return torch.zeros(last - first + 1, dtype=torch.int64), torch.zeros(0, dtype=torch.int64)

    net = rb.Network()
    net.add("cells", leaky(4), positions=torch.arange(4.0).view(4, 1))
    net.view("some", "cells", 1, 3)
    net.connect("some", "cells", rb.rule(look), rb.synapse(Pulse))
    net.connect("some", "some", rb.rule(look), rb.synapse(Pulse))
    assert seen[0] == (2, 4, False, [[[1.0], [2.0]], [[0.0], [1.0], [2.0], [3.0]]])
    assert seen[1] == (2, 2, True, [[[1.0], [2.0]], [[1.0], [2.0]]])


def test_a_network_with_views_is_copied_pickled_and_saved() -> None:
    net = two()
    net.connect("early", "late", rb.rule(all_of), rb.synapse(Pulse), weight=2.0, delay=0.5)
    for _ in range(40):
        net({"early": 1000.0})
    twins = [copy.deepcopy(net)]
    twins.append(two())
    twins[1].connect("early", "late", rb.rule(all_of), rb.synapse(Pulse), weight=2.0, delay=0.5)
    twins[1].load_state_dict(net.state_dict())
    assert repr(pickle.loads(pickle.dumps(net["early"]))) == "View(early: E[1:4])"
    for each in (net, *twins):
        for _ in range(20):
            each({"early": 1000.0})
    assert float(net["I"].voltage.max()) > 0
    assert all(torch.equal(net["I"].voltage, twin["I"].voltage) for twin in twins)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("E", "I", 0, 1), "there is a 'E' already"),
        (("early", "I", 0, 1), "there is a 'early' already"),
        (("v", "J", 0, 1), "no population 'J'"),
        (("v", "early", 0, 1), "no population 'early'"),
        (("v", "I", 2, 2), "0 <= first < last <= 4"),
        (("v", "I", -1, 2), "0 <= first < last <= 4"),
        (("v", "I", 0, 5), "0 <= first < last <= 4"),
        (("v", "I", 0.0, 2), "give the number of a unit"),
    ],
)
def test_a_view_that_cannot_be_is_refused(given: Any, told: str) -> None:
    with pytest.raises(rb.errors.ArgumentError, match=told):
        two().view(*given)


def test_what_does_not_fit_a_view_is_refused_by_name() -> None:
    net = two()
    with pytest.raises(rb.errors.InputError, match=r"view 'early' of 'E' was given \[2\]; give one number"):
        net({"early": torch.zeros(2).double()})
    with pytest.raises(rb.errors.InputError, match="early"):
        net({"earl": 1.0})
    with pytest.raises(rb.errors.ArgumentError, match="there is a 'early' already"):
        net.add("early", leaky())

    def alone(
        first: int,
        last: int,
        sources: int,
        targets: int,
        key: int,
        *,
        same: bool,
        positions: Any,
        autapses: bool = True,
    ) -> Any:
        return torch.zeros(last - first + 1, dtype=torch.int64), torch.zeros(0, dtype=torch.int64)

    with pytest.raises(rb.errors.ArgumentError, match="ranges of one population that overlap"):
        net.connect("early", "E", rb.rule(alone, autapses=False), rb.synapse(Pulse))
    net.connect("early", "early", rb.rule(alone, autapses=False), rb.synapse(Pulse))
    net.connect("early", "I", rb.rule(alone, autapses=False), rb.synapse(Pulse))


def test_a_file_has_views(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(
        """
model:
  populations:
    cells: {model: analog, units: 4}
  views:
    some: {population: cells, first: 1, last: 3}
dt: 1.0
duration: 3.0
stimulus: {some: 2.0}
record: {some: voltage, cells: voltage}
""",
        encoding="utf-8",
    )
    rec = rb.SimpleSimulator.from_file(tmp_path / "net.yaml").run()
    assert rec["some"].traces["voltage"][-1].tolist() == [2.0, 2.0]
    assert rec["cells"].traces["voltage"][-1].tolist() == [0.0, 2.0, 2.0, 0.0]


def test_weights_and_delays_are_functions_of_who_and_how_far() -> None:
    def made(seed: int) -> Any:
        net = rb.Network(seed=seed)
        net.add("E", leaky(4), positions=torch.arange(4.0).view(4, 1))
        net.view("some", "E", 1, 3)
        return net.connect(
            "some",
            "E",
            rb.rule(all_of),
            rb.synapse(Pulse),
            weight=lambda source, target, distance, generator: (
                source + 10.0 * target + torch.rand(len(source), generator=generator)
            ),
            delay=lambda source, target, distance, generator: 0.1 * (1.0 + distance.double()),
        )

    one = made(1)
    assert one.weight.floor().tolist() == [0.0, 10.0, 20.0, 30.0, 1.0, 11.0, 21.0, 31.0]
    assert one.delay.tolist() == pytest.approx([0.2, 0.1, 0.2, 0.3, 0.3, 0.2, 0.1, 0.2])
    assert torch.equal(one.weight, made(1).weight)
    assert not torch.equal(one.weight, made(2).weight)
    net = rb.Network()
    net.add("E", leaky(2))
    with pytest.raises(
        rb.errors.ArgumentError, match=r"E->E: weight: the function gave \[1\]; give a tensor"
    ):
        net.connect("E", "E", rb.rule(all_of), rb.synapse(Pulse), weight=lambda *_: torch.zeros(1))
