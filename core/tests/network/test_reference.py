"""The names of the reference API: ensembles and synapses that are made first, and joined afterwards."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import rheobase as rb
import torch

from .models import Conductance, Leaky, Pair, Pulse, driven, leaky, pair


class Told(rb.SpikingNeuron):
    """dV/dt = 10 I; a spike above 0.95, and back to 0: an input of 1 in a step of 0.1 ms is a spike."""

    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
        return {"voltage": 10.0 * data + 0.0 * state.voltage}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 0.95

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"voltage": torch.zeros_like(state.voltage)}


def told(name: str, units: int, **given: Any) -> Any:
    made = rb.create(Told, units, dtype=torch.float64, **{"event": "step", **given})
    made.identifier = name
    return made


class Sum(rb.AnalogNeuron):
    """tau dV/dt = I - V."""

    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
        return {"voltage": data - state.voltage}


def sums(units: int, **given: Any) -> Any:
    made = rb.create(Sum, units, dtype=torch.float64, **given)
    made.identifier = "B"
    return made


WEIGHTS = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], dtype=torch.float64)


@pytest.mark.parametrize(("delay", "later"), [(0.0, 1), (0.1, 1), (0.3, 3)])
def test_what_arrives_in_a_step_is_held_for_it_and_gone(delay: float, later: int) -> None:
    net = rb.Network()
    net.add_ensembles(told("A", 3), sums(2))
    a, b = net["A"], net["B"]
    net.add_synapses(rb.Projection(a, b, weights=WEIGHTS, delay_ms=delay))
    assert net.roots == ("A",)
    assert isinstance(net["A->B"], rb.Projection)
    raster = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 0.0, 1.0]]).double()
    outputs = [net([raster[step] if step < 3 else torch.zeros(3).double()]) for step in range(8)]
    spiked = torch.stack([each["A"]["spiked"] for each in outputs]).double()
    assert torch.equal(spiked[:3], raster)
    expected = torch.zeros(8, 2).double()
    expected[later:] = (spiked @ WEIGHTS.t())[: 8 - later]
    found = torch.stack([each["A->B"]["output"] for each in outputs])
    assert torch.equal(found, expected)
    # The input of the step, from its beginning on: of a leak of 1 ms over 0.1 ms.
    first = float(outputs[later]["B"]["voltage"][1])
    assert first == pytest.approx(4.0 * (1 - 0.9048374180359595), rel=1e-6)


def test_rb_synapse_of_ensembles_is_a_projection_and_stays_the_base_of_kinetics() -> None:
    a, b = told("A", 3), sums(2)
    made = rb.Synapse(src_ensemble=a, dst_ensemble=b, weights=WEIGHTS, delay_ms=torch.full((2, 3), 0.2))
    assert isinstance(made, rb.Projection)
    assert made.delay.tolist() == pytest.approx([0.2] * 6)
    assert made.weight.tolist() == [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]
    assert issubclass(Conductance, rb.Synapse)
    assert isinstance(pair(rb.synapse(Pulse), weight=1.0)["source->target"], rb.Projection)


def test_connect_says_who() -> None:
    a, c = told("A", 10), told("C", 10)
    made = rb.Projection(a, c, weights=2.0)
    assert made.synapses == 0
    made.connect("all")
    assert made.synapses == 100
    made.connect("one")
    assert torch.equal(made.connections, torch.eye(10, dtype=torch.bool))
    wide = rb.Projection(a, told("D", 20))
    wide.connect("prop", 0.25)
    assert wide.connections.sum(dim=0).tolist() == [5] * 10
    assert len({tuple(column.nonzero().view(-1).tolist()) for column in wide.connections.t()}) > 5
    made.connect("rand", 0.37)
    assert made.synapses == 37
    assert len(set(made.connections.sum(dim=0).tolist())) > 1
    again = rb.Projection(a, c, weights=2.0)
    again.connect("rand", 0.37)
    assert torch.equal(made.connections, again.connections)
    loop = rb.Projection(a, a)
    loop.connect("all")
    assert not loop.connections.diagonal().any()
    assert loop.synapses == 90
    loop.connect("all", autapses=True)
    assert loop.synapses == 100
    given = rb.Projection(a, c, weights=torch.ones(10, 10), connections=torch.eye(10))
    assert given.synapses == 10


@pytest.mark.parametrize(("units", "share"), [(10, 0.5), (10, 0.3), (7, 1.0), (9, 0.0), (2, 1.0)])
def test_shares_within_one_population_are_exact_shares_of_the_pairs_that_are_allowed(
    units: int, share: float
) -> None:
    for seed in range(5):
        loop = rb.Projection(*[told("o", units, seed=seed)] * 2)
        loop.connect("rand", share)
        assert loop.synapses == round(share * units * (units - 1))
        assert not loop.connections.diagonal().any()
        loop.connect("prop", share)
        assert loop.connections.sum(dim=0).tolist() == [round(share * (units - 1))] * units
        assert not loop.connections.diagonal().any()
        loop.connect("rand", share, autapses=True)
        assert loop.synapses == round(share * units * units)
        loop.connect("prop", share, autapses=True)
        assert loop.connections.sum(dim=0).tolist() == [round(share * units)] * units


def test_that_autapses_were_all_there_could_be_is_told() -> None:
    loop = rb.Projection(*[told("o", 10)] * 2)
    with pytest.warns(
        rb.errors.RheobaseWarning, match=r"o->o: connect\('one'\) .*nobody.*autapses=True"
    ) as told_of:
        loop.connect("one")
    assert told_of[0].filename == __file__
    assert loop.synapses == 0
    loop.connect("one", autapses=True)
    assert loop.synapses == 10
    alone = rb.Projection(*[told("o", 1)] * 2)
    with pytest.warns(rb.errors.RheobaseWarning, match="connects nobody"):
        alone.connect("all")


@pytest.mark.parametrize("event", ["step", "located"])
def test_a_held_projection_is_copied_saved_and_batched_beside_others(event: str) -> None:
    def made() -> Any:
        net = rb.Network()
        net.add("A", told("x", 3, event=event))
        net.add("B", leaky(2, event=event, threshold_at=1e9))
        projection = rb.Projection(net["A"], net["B"], weights=500.0 * WEIGHTS, delay_ms=0.4)
        net.add_synapses(projection)
        net.connect(
            "A", "B", ([0, 1], [0, 1]), rb.synapse(Conductance), weight=3.0, delay=0.4, identifier="g"
        )
        return net

    drive = {"A": torch.tensor([0.7, 0.9, 1.0]).double()}
    net = made()
    for _ in range(9):
        net(drive)
    twins = [net, copy.deepcopy(net), pickle.loads(pickle.dumps(net)), made()]
    twins[3].load_state_dict(net.state_dict())
    for each in twins:
        for _ in range(15):
            each(drive)
    assert float(net["B"].voltage.abs().max()) > 1.0
    assert all(torch.equal(net["B"].voltage, each["B"].voltage) for each in twins)
    batch = made()
    rows = {"A": torch.stack([drive["A"], 0.5 * drive["A"]])}
    for _ in range(24):
        out = batch(rows)
    assert torch.equal(out["B"]["voltage"][0], net["B"].voltage)
    assert out["A->B"]["output"].shape == (2, 2)


def test_roots_may_be_set() -> None:
    net = pair(rb.synapse(Pulse), weight=1.0)
    assert net.roots == ("source",)
    out = net([driven()["source"]])
    assert float(out["source"]["input"]) == 1000.0
    net.roots = ["source", "target"]
    out = net([torch.tensor([1.0]).double(), torch.tensor([2.0]).double()])
    assert [float(out[name]["input"]) for name in net.roots] == [1.0, 2.0]
    assert float(net([torch.tensor([3.0]).double()])["target"]["input"]) == 3.0
    with pytest.raises(rb.errors.InputError, match="3 inputs for the roots source, target"):
        net([torch.zeros(1)] * 3)
    with pytest.raises(rb.errors.ArgumentError, match="no population 'nobody'"):
        net.roots = ["nobody"]


def test_what_does_not_fit_is_refused_by_name() -> None:
    a, b = told("A", 3), sums(2)
    net = rb.Network()
    net.add_ensembles(a, b)
    for given, why in (
        ({"weights": WEIGHTS.t()}, r"weights has the shape \[3, 2\]; give \[targets, sources\], \[2, 3\]"),
        ({"connections": torch.ones(3, 3)}, r"connections has the shape \[3, 3\]"),
        ({"delay_ms": 0.25}, "no multiple of dt"),
    ):
        with pytest.raises(rb.errors.ArgumentError, match=why):
            rb.Projection(a, b, **{"weights": WEIGHTS, **given})
    made = rb.Projection(a, b, weights=WEIGHTS)
    with pytest.raises(rb.errors.ArgumentError, match="give one of 'all', 'one', 'prop', 'rand'"):
        made.connect("some")
    with pytest.raises(rb.errors.ArgumentError, match="from 0 to 1"):
        made.connect("rand", 2.0)
    with pytest.raises(rb.errors.ArgumentError, match="of 3 sources and 2 targets"):
        made.connect("one")
    with pytest.raises(rb.errors.ArgumentError, match="is of 'Z', which is not in it"):
        net.add_synapses(rb.Projection(told("Z", 3), b, weights=WEIGHTS))
    with pytest.raises(rb.errors.ArgumentError, match=r"give rheobase\.Projection"):
        net.add_synapses(rb.synapse(Pulse))
    net.add_synapses(made)
    with pytest.raises(rb.errors.ArgumentError, match="there is a 'A->B' already"):
        net.add_synapses(rb.Projection(a, b, weights=WEIGHTS))
    with pytest.raises(rb.errors.ArgumentError, match="src_ensemble='A'"):
        rb.Projection("A", b)  # type: ignore[arg-type]
    assert rb.create(Leaky).schema.inputs == {}


def test_matrices_may_be_lists_and_connections_are_who_is_connected() -> None:
    a, b = told("a", 3), told("b", 2)
    made = rb.Projection(a, b, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[1, 0, 1], [0, 1, 0]], 1.0)
    assert made.weight.tolist() == [1.0, 5.0, 3.0]
    with pytest.raises(rb.errors.ArgumentError, match="connections are 0 and 1"):
        rb.Projection(a, b, connections=2.0 * torch.ones(2, 3))


def test_weights_are_filled_by_an_initializer_within_their_limits() -> None:
    a, b = told("a", 3), sums(2)
    made = rb.Projection(a, b, weight_min=-2.0, weight_max=[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    made.connect("all")
    made.set_weights(torch.nn.init.constant_, 9.0)
    assert made.weight.tolist() == [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]
    made.weight = [-3.0, -1.0, 0.0, 1.0, 7.0, 2.0]
    assert made.weight.tolist() == [-2.0, -1.0, 0.0, 1.0, 3.0, 2.0]
    made.weight = 5.0
    assert made.weight.tolist() == [1.0, 4.0, 2.0, 5.0, 3.0, 5.0]
    made.set_weights(0.5 * WEIGHTS)
    # Who is connected may be said afterwards: weights and their limits are of pairs.
    made.connect("prop", 0.5)
    assert torch.equal(made.weight, 0.5 * WEIGHTS[made.target, made.source])
    free = rb.Projection(a, b, WEIGHTS)
    free.set_weights(torch.nn.init.uniform_, generator=torch.Generator().manual_seed(3))
    again = rb.Projection(a, b, WEIGHTS)
    again.set_weights(torch.nn.init.uniform_, generator=torch.Generator().manual_seed(3))
    assert free.weight.unique().numel() == 6
    assert torch.equal(free.weight, again.weight)
    with pytest.raises(rb.errors.ArgumentError, match=r"weights has the shape \[3, 2\]; give \[targets"):
        free.set_weights(WEIGHTS.t())
    for wrong, why in (
        ({"weight_min": 2.0, "weight_max": 1.0}, "a->B: weight_min is above weight_max"),
        ({"weight_max": "much"}, "weight_max='much'; give a number"),
        ({"weight_min": float("nan")}, "weight_min is nan"),
    ):
        with pytest.raises(rb.errors.ParameterError, match=why):
            rb.Projection(a, b, WEIGHTS, **wrong)


def limited(**given: Any) -> Any:
    return rb.Projection(told("a", 3), sums(2), torch.full((2, 3), 2.0), **given)


def test_a_limit_that_is_set_afterwards_counts() -> None:
    made = limited(weight_max=2.0)
    assert (float(made.weight_max), made.weight_min) == (2.0, None)
    made.weight_max = 1.0
    assert float(made.weight_max) == 1.0
    assert made.weight.tolist() == [1.0] * 6
    made.set_weights(5.0)
    assert made.weight.tolist() == 1.0
    made.weight_max = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    made.weight = 9.0
    assert made.weight.tolist() == [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]
    made.connect("all")
    assert made.weight_max.tolist() == [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    made.weight_max = None
    made.weight = 9.0
    made.weight_min = 10.0
    assert float(made.weight.min()) == float(made.weight.max()) == 10.0
    for name, wrong, why in (
        ("weight_max", 3.0, "weight_min is above weight_max"),
        ("weight_max", "much", "weight_max='much'; give a number"),
        ("weight_min", float("nan"), "weight_min is nan"),
    ):
        with pytest.raises(rb.errors.ParameterError, match=why):
            setattr(made, name, wrong)
    assert (made.weight_max, float(made.weight_min)) == (None, 10.0)
    with pytest.raises(rb.errors.ArgumentError, match=r"weight_min has the shape \[3, 2\]"):
        made.weight_min = torch.zeros(3, 2)
    by_rule = pair(rb.synapse(Pulse), weight=1.0)["source->target"]
    with pytest.raises(rb.errors.ArgumentError, match=r"weight_max is of a Projection.*connected by a rule"):
        by_rule.weight_max = 1.0
    assert not hasattr(by_rule, "weight_max")


@pytest.mark.parametrize("assign", [False, True])
def test_weights_that_are_loaded_beyond_a_limit_are_told_and_kept_within(assign: bool) -> None:
    saved = limited()
    saved.weight = [300.0, 1.0, 2.0, -300.0, 3.0, 4.0]
    made = limited(weight_min=-10.0, weight_max=10.0)
    with pytest.warns(rb.errors.RheobaseWarning, match="a->B: 2 of the weights that were loaded"):
        made.load_state_dict(saved.state_dict(), assign=assign)
    assert made.weight.tolist() == [10.0, 1.0, 2.0, -10.0, 3.0, 4.0]
    again = limited(weight_min=-10.0, weight_max=10.0)
    again.load_state_dict(made.state_dict(), assign=assign)  # without a warning, which would be an error
    assert torch.equal(again.weight, made.weight)


@pytest.mark.parametrize("wrong", ["a", [[1.0], [2.0, 3.0]], object(), None])
def test_weights_that_are_no_numbers_are_refused_by_name(wrong: Any) -> None:
    made = limited()
    with pytest.raises(rb.errors.ParameterError, match=r"a->B: weights=.*give a number, or"):
        made.set_weights(wrong)
    with pytest.raises(rb.errors.ParameterError, match="a->B: delay_ms="):
        limited(delay_ms=wrong)
    assert made.weight.tolist() == [2.0] * 6


def test_numbers_of_python_are_weights_to_their_last_digit() -> None:
    made = limited()
    made.set_weights(0.1)
    assert made.weight.tolist() == 0.1
    made.set_weights([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    assert made.weight.tolist() == [0.1, 0.4, 0.2, 0.5, 0.3, 0.6]
    assert rb.Projection(told("a", 1), sums(1), [[0.1]], delay_ms=[[0.3]]).delay.tolist() == [0.1 * 3]


def test_weights_and_connections_are_recorded_as_matrices() -> None:
    net = rb.Network()
    net.add_ensembles([told("A", 3), sums(2)])
    connections = torch.tensor([[1, 0, 1], [0, 1, 0]])
    net.add_synapses([rb.Projection(net["A"], net["B"], WEIGHTS, connections)])
    names = ("weights", "connections", "output", "weight")
    assert set(net["A->B"].loggable_props) == set(names)
    found = rb.simulate(net, {"A": 1.0}, duration=0.4, record={"A->B": names})["A->B"].traces
    assert torch.equal(found["weights"].view(4, 2, 3), (WEIGHTS * connections).expand(4, 2, 3))
    assert torch.equal(found["connections"].view(4, 2, 3), connections.bool().expand(4, 2, 3))
    assert found["weight"].tolist() == [[1.0, 5.0, 3.0]] * 4
    assert found["output"].tolist() == [[0.0, 0.0], *[[4.0, 5.0]] * 3]


def test_what_is_no_ensemble_is_refused_by_name() -> None:
    net = rb.Network()
    with pytest.raises(rb.errors.ArgumentError, match=r"network: add_ensembles\('cells'\); give what"):
        net.add_ensembles(told("A", 3), "cells")
    assert list(net) == ["A"]


def test_learning_is_set_where_there_is_any() -> None:
    net = pair(rb.synapse(Pulse), weight=1.0)
    with pytest.raises(rb.errors.ArgumentError, match="source->target has no plasticity; give one to"):
        net["source->target"].set_learning(False)
    plastic = rb.synapse(Pair)
    net.connect("target", "source", ([0], [0]), rb.synapse(Pulse), plasticity=plastic, identifier="learns")
    net["learns"].set_learning(False)
    assert not net["learns"].plasticity.learning
