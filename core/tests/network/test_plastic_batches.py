"""Weights that change in a batch: each of its networks has its own."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import errors

from .models import Exponential, Pair, Pulse, leaky
from .test_plasticity import STRONG, Chain, busy, driven

ROWS = torch.stack(
    [torch.linspace(350.0, 800.0, 12), torch.linspace(900.0, 300.0, 12), torch.full((12,), 550.0)]
).double()
NAMES = ("x", "y", "last_event")


def state(net: rb.Network, row: int | None = None) -> list[torch.Tensor]:
    """All that a network with one plasticity has, or one of a batch."""
    rule = net["E->I"].plasticity
    every = [net["E"].voltage, net["I"].voltage, net["E->I"].weight, *(getattr(rule, name) for name in NAMES)]
    return [each if row is None else each[row] for each in every]


def drive(rows: torch.Tensor) -> dict[str, torch.Tensor]:
    return {"E": rows, "I": 0.5 * rows + 200.0}


def equal(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return len(one) == len(other) and all(map(torch.equal, one, other))


@pytest.mark.parametrize("event", ["step", "crossing", "located"])
def test_each_network_of_a_batch_has_the_weights_of_that_network_alone(event: str) -> None:
    batch, alone = busy(event), [busy(event) for _ in ROWS]
    for _ in range(200):
        batch(drive(ROWS))
        for row, net in zip(ROWS, alone, strict=True):
            net(drive(row))
    for place, net in enumerate(alone):
        assert equal(state(batch, place), state(net))
    weights = batch["E->I"].weight
    assert weights.shape == (3, 36)
    assert all(int((row != 60.0).sum()) > 12 for row in weights)
    assert not torch.equal(weights[0], weights[1])


def test_a_spike_within_a_step_changes_its_own_network_alone() -> None:
    """Both sides spike in one step, at times that differ from network to network."""

    def net() -> rb.Network:
        made = rb.Network()
        for name in ("pre", "post"):
            made.add(name, leaky(2, dt=2.0, event="located"))
        given = {"delay": 2.0, "plasticity": rb.synapse(Pair, a_plus=9.0, a_minus=11.0)}
        made.connect("pre", "post", ([0, 1, 1], [0, 0, 1]), rb.synapse(Pulse), weight=STRONG, **given)
        return made

    rows = torch.tensor([[900.0, 1500.0], [1200.0, 700.0]]).double()
    record = {"pre->post": "weight"}
    batch = rb.simulate(net(), {"pre": rb.stimulus.Constant(rows)}, duration=60.0, record=record)
    for place, row in enumerate(rows):
        alone = rb.simulate(net(), {"pre": row}, duration=60.0, record=record)
        trace = alone["pre->post"].traces["weight"]
        assert float((trace[-1] - STRONG).abs().max()) > 1.0
        assert batch["pre->post"].traces["weight"][:, place].equal(trace)


def test_two_dimensions_of_a_batch_and_states_that_drive_each_other() -> None:
    def net() -> rb.Network:
        made = driven([29.0], [50.0], plasticity=rb.synapse(Chain))
        made.add("own", leaky(1, dt=0.5, event="located"))
        return made

    batch, alone = net(), net()
    for _ in range(120):
        batch({"own": torch.zeros(2, 3, 1).double()})
        alone()
    assert float(alone["p"].weight) != 2.0
    assert batch["p"].weight.shape == batch["p"].plasticity.z.shape == (2, 3, 1)
    # Exponentials of matrices are worked out for many at once, and rounded otherwise than for one.
    for of in ("weight", "z"):
        many, one = (net["p"].recorded(of) for net in (batch, alone))
        torch.testing.assert_close(many, one.expand(2, 3, 1), rtol=1e-14, atol=0.0)


def test_a_batch_is_saved_copied_and_goes_on_with_every_bit() -> None:
    net, steps = busy(), 150
    for _ in range(steps):
        net(drive(ROWS))
    while not net["E->I"].plasticity.changing.under_way:
        net(drive(ROWS))
    loaded, other = busy(), busy()
    # What it is loaded into may have another batch.
    for _ in range(5):
        other(drive(ROWS[:2]))
    saved = net.state_dict()
    loaded.load_state_dict(saved)
    other.load_state_dict(saved)
    copied = copy.deepcopy(net)
    for _ in range(40):
        for each in (net, loaded, other, copied):
            each(drive(ROWS))
    for each in (loaded, other, copied):
        assert equal(state(net), state(each))


def test_a_step_of_a_batch_that_fails_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*given: Any) -> Any:
        raise errors.InputError("no")

    def failed(net: rb.Network) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(net["I"], "advance", failing)
            with pytest.raises(errors.InputError, match="no"):
                net(drive(ROWS))

    net, plain = busy(), busy()
    # Spikes of the first step are at the synapses in it: a batch is known there, and taken back.
    for each in (net, plain):
        pair = {"plasticity": rb.synapse(Pair), "identifier": "now"}
        each.connect("E", "I", ([0], [0]), rb.synapse(Exponential), delay=0.0, **pair)
        each["E"].voltage = 14.99
    failed(net)
    assert net["now"].weight.shape == (1,)
    assert net["now"].plasticity.x.shape == (1,)
    for step in range(120):
        plain(drive(ROWS))
        net(drive(ROWS))
        if step > 100:
            failed(net)
            assert equal(state(net), state(plain))
    assert bool((net["E->I"].weight != 60.0).any())


def test_weights_of_each_network_can_be_given_and_stay_when_a_run_begins_anew() -> None:
    given = 50.0 + torch.arange(108.0, dtype=torch.float64).view(3, 36)
    batch = busy()
    batch["E->I"].weight = given.t().contiguous().t()
    alone = busy()
    alone["E->I"].weight = given[1]
    for _ in range(120):
        batch(drive(ROWS))
        alone(drive(ROWS[1]))
    assert equal(state(batch, 1), state(alone))
    assert float(given[0, 0]) == 50.0
    left = batch["E->I"].weight
    batch.reset_state()
    assert batch["E->I"].weight.equal(left)
    assert batch["E->I"].plasticity.x.shape == (36,)
    told = r"E->I, plasticity 'Pair': spikes come in the batch \[2\], and there are weights for \[3\]"
    with pytest.raises(errors.InputError, match=told):
        batch(drive(ROWS[:2]))
    with pytest.raises(errors.InputError, match=told.replace("2", "")):
        batch(drive(ROWS[0]))
    assert batch.simulation_step == 0
    # The same batch goes on with them, and one weight for each synapse serves any.
    batch(drive(ROWS))
    batch.reset_state()
    batch["E->I"].weight = 60.0
    batch(drive(ROWS[:2]))
    assert batch["E->I"].weight.shape == (2, 36)
    batch["E->I"].weight = given[0]
    assert batch["E->I"].weight.equal(given[0].expand(2, 36))


def test_values_of_another_batch_are_refused() -> None:
    net = busy()
    net(drive(ROWS))
    with pytest.raises(errors.ParameterError, match=r"72 weights in shape \[2, 36\] were given for 36"):
        net["E->I"].weight = torch.full((2, 36), 60.0)
    with pytest.raises(errors.ParameterError, match=r"x has shape \[2, 3, 36\]; give a number, or \[3, 36\]"):
        net["E->I"].plasticity.x = torch.zeros(2, 3, 36)
    with pytest.raises(errors.ParameterError, match="weight of synapse 5 is 5000, and low=-1000, high=1000"):
        net["E->I"].weight = torch.full((3, 36), 60.0).index_fill(1, torch.tensor([5]), 5e3)
    with pytest.raises(errors.ParameterError, match="weight of synapse 7 is nan"):
        net["E->I"].weight = torch.full((3, 36), 60.0).index_fill(1, torch.tensor([7]), float("nan"))
    plain = busy()
    plain(drive(ROWS[0]))
    with pytest.raises(errors.ParameterError, match=r"108 weights in shape \[3, 36\] were given for 36"):
        plain["E->I"].weight = torch.full((3, 36), 60.0)
    net["E->I"].plasticity.x = 0.5
    assert net["E->I"].plasticity.x.shape == (3, 36)


def test_a_recording_has_the_weights_of_each_network() -> None:
    net = busy()
    batch = {name: rb.stimulus.Constant(rows) for name, rows in drive(ROWS).items()}
    rec = rb.simulate(net, batch, duration=25.0, record={"E->I": ("weight", "x", "current")}, every=50)
    traces = rec["E->I"].traces
    assert traces["weight"].shape == traces["x"].shape == (5, 3, 36)
    assert traces["current"].shape == (5, 3, 12)
    assert traces["weight"][-1].equal(net["E->I"].weight)
    figure = rb.plots.plot_weights(net["E->I"])
    (bars,) = figure.axes[0].patches
    assert int(bars.get_data().values.sum()) == 108


@pytest.mark.parametrize("name", ["E->I.weight", "E->I.plasticity.x", "E->I.plasticity.last_event"])
def test_a_state_dict_with_one_synapse_less_is_refused_and_changes_nothing(name: str) -> None:
    net = busy()
    for _ in range(60):
        net(drive(ROWS))
    saved, before = net.state_dict(), [each.clone() for each in state(net)]
    (key,) = (each for each in saved if each.endswith(name))
    with pytest.raises(errors.ArgumentError, match=f"size mismatch for .*{name}"):
        net.load_state_dict({**saved, key: saved[key][..., :-1]})
    assert equal(state(net), before)


def test_weights_of_another_batch_are_told_that_of_the_run() -> None:
    net = busy()
    net(drive(ROWS))
    with pytest.raises(errors.ParameterError, match=r"in shape \[2, 36\] were given.*or \[3, 36\]"):
        net["E->I"].weight = torch.full((2, 36), 60.0)


def test_bounds_in_the_wrong_order_are_told() -> None:
    net = rb.Network()
    net.add("n", leaky(2))
    with pytest.raises(errors.ParameterError, match="low=5 is above high=1"):
        net.connect(
            "n",
            "n",
            rb.rule("all-to-all"),
            rb.synapse(Pulse),
            delay=1.0,
            plasticity=rb.synapse(Pair, low=5.0, high=1.0),
        )
