"""Weights that change: when, by which spikes, and what of it is kept."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import errors

from .models import Exponential, Leaky, Pair, Pulse, leaky

STRONG = 60.0
"""A pulse, mV, by which a target spikes at once."""


def driven(
    pre: list[float],
    post: list[float],
    *,
    event: str = "located",
    dt: float = 0.5,
    delay: float = 1.0,
    plasticity: Any = None,
    weight: float = 2.0,
    synapse: Any = None,
    **given: Any,
) -> rb.Network:
    """A synapse whose source and target spike at given times; those of the target come by pulses."""
    plasticity = rb.synapse(Pair) if plasticity is None else plasticity
    net = rb.Network()
    located = "located" if event == "located" else "step"
    clock = {"dtype": torch.float64, "dt": dt, "event": located}
    net.add("pre", rb.create("spike-times", times=[pre], **clock))
    net.add("teacher", rb.create("spike-times", times=[[each - dt for each in post]], **clock))
    net.add("post", rb.create(Leaky, 1, dtype=torch.float64, dt=dt, event=event, tau_ref=0.0))
    pair = ([0], [0])
    net.connect("teacher", "post", pair, rb.synapse(Pulse), weight=STRONG, identifier="teach")
    kind = rb.synapse(Exponential) if synapse is None else synapse
    net.connect(
        "pre", "post", pair, kind, weight=weight, delay=delay, plasticity=plasticity, identifier="p", **given
    )
    return net


def change(net: rb.Network) -> float:
    """How much the weight of the one synapse changes."""
    before = net["p"].weight
    last = float(torch.cat([*net["pre"].times, *net["teacher"].times]).max())
    rb.simulate(net, duration=4.0 * math.ceil((last + 12.0) / 4.0))
    return float(net["p"].weight - before)


def by_hand(
    pre: list[float], post: list[float], weight: float, a_plus: float = 0.3, a_minus: float = 0.4
) -> float:
    """The weight after these spikes at the synapse, each pair by itself; those of one time: source first."""
    events = sorted([(time, 0) for time in pre] + [(time, 1) for time in post])
    for place, (time, kind) in enumerate(events):
        others = [other for other, side in events[:place] if side != kind]
        tau, size = (25.0, -a_minus) if kind == 0 else (20.0, a_plus)
        weight += size * sum(math.exp(-(time - other) / tau) for other in others)
    return weight


@pytest.mark.parametrize("event", ["step", "crossing", "located"])
@pytest.mark.parametrize("apart", [0.5, 10.0, 40.0])
def test_a_pair_changes_the_weight_by_the_exponential_of_its_distance(event: str, apart: float) -> None:
    # The spike of the source is at the synapse 1 ms after it was sent.
    grows = driven([29.0], [30.0 + apart], event=event)
    shrinks = driven([29.0 + apart], [30.0], event=event)
    assert change(grows) == pytest.approx(0.3 * math.exp(-apart / 20.0), rel=1e-12)
    assert change(shrinks) == pytest.approx(-0.4 * math.exp(-apart / 25.0), rel=1e-12)


def test_spikes_alone_change_nothing() -> None:
    assert change(driven([10.0, 20.0, 33.0], [])) == 0.0
    assert change(driven([], [10.0, 20.0, 33.0])) == 0.0


@pytest.mark.parametrize("event", ["step", "located"])
def test_of_spikes_at_one_time_that_of_the_source_is_first(event: str) -> None:
    assert change(driven([29.0], [30.0], event=event)) == pytest.approx(0.3, rel=1e-12)


@pytest.mark.parametrize("dt", [0.1, 1.0, 4.0])
def test_times_within_a_step_count_to_the_last_digit(dt: float) -> None:
    """Several spikes of both sides fall into a step, and the weight is that of their times."""
    pre, post = [13.271, 14.003, 30.1717, 31.9], [13.75, 14.2500001, 31.0, 33.3333]
    net = driven(pre, post, dt=dt, delay=4.25)
    assert change(net) + 2.0 == pytest.approx(by_hand([each + 4.25 for each in pre], post, 2.0), abs=1e-11)


@pytest.mark.parametrize("dt", [0.25, 1.0, 5.0])
def test_a_spike_brings_the_weight_that_earlier_spikes_of_its_step_left(dt: float) -> None:
    """The target spikes, which moves the weight, and then the source's spike arrives, maybe in one step."""
    # A current that does not decay is the sum of what arrived.
    lasting = rb.synapse(Exponential, tau=1e12)
    net = driven([13.0, 16.0], [15.5], dt=dt, delay=5.0, synapse=lasting, weight=100.0)
    pulse = rb.synapse(Pulse)
    net.connect("teacher", "post", ([0], [0]), pulse, weight=STRONG, delay=dt + 5.125, identifier="second")
    rb.simulate(net, duration=25.0)
    # At the synapse: the source at 18 and 21, the target at 15.5 and 20.625.
    first = 100.0 - 0.4 * math.exp(-2.5 / 25)
    second = first + 0.3 * math.exp(-2.625 / 20)
    second -= 0.4 * (math.exp(-5.5 / 25) + math.exp(-0.375 / 25))
    assert float(net["p"].weight) == pytest.approx(second, abs=1e-11)
    assert float(net["p"].current) == pytest.approx(first + second, rel=1e-10)


@pytest.mark.parametrize("dt", [0.5, 4.0])
def test_a_spike_that_lets_the_target_spike_is_before_it(dt: float) -> None:
    """Both are at the synapse at one time, several times in one step."""
    times = [13.1, 13.7, 14.9, 15.3, 21.0]
    net = driven(
        [each - 5.0 for each in times], [40.0], dt=dt, delay=5.0, synapse=rb.synapse(Pulse), weight=40.0
    )
    rec = rb.simulate(net, duration=24.0)
    assert rec["post"].spikes.times.tolist() == pytest.approx(times, abs=1e-12)
    assert float(net["p"].weight) == pytest.approx(by_hand(times, times, 40.0), abs=1e-11)


def test_a_spike_brings_the_weight_that_it_leaves() -> None:
    """It lowers the weight where the target has just spiked, and arrives with that."""
    net = driven([29.0], [29.5])
    weights, currents = [], []
    for _ in range(64):
        out = net()["p"]
        weights.append(float(out["weight"]))
        currents.append(float(out["current"]))
    arrived = 2.0 - 0.4 * math.exp(-0.5 / 25)
    assert weights[-1] == pytest.approx(arrived, abs=1e-12)
    assert max(currents) == pytest.approx(arrived, abs=1e-12)


def test_a_spike_of_the_target_takes_its_back_delay_to_the_synapse() -> None:
    for back in (0.05, 2.0, 6.77):
        net = driven([29.0], [31.5], plasticity=rb.synapse(Pair, back_delay=back))
        assert change(net) == pytest.approx(0.3 * math.exp(-(1.5 + back) / 20), rel=1e-12)
        # Before the source's arrives, when sent, and after it, when there.
        net = driven([29.0], [30.0 - back / 2], plasticity=rb.synapse(Pair, back_delay=back))
        assert change(net) == pytest.approx(0.3 * math.exp(-back / 2 / 20), rel=1e-12)


def busy(event: str = "crossing", **given: Any) -> rb.Network:
    """Twelve units on either side, delays that differ, and a plasticity that moves every weight."""
    net = rb.Network(seed=5)
    for name in ("E", "I"):
        net.add(name, leaky(12, event=event, voltage=rb.Uniform(0.0, 14.0)))
    source = torch.arange(12).repeat_interleave(3)
    pairs = source, (source * 7 + torch.arange(36) * 5 + 1) % 12
    delays = 0.1 * (1 + torch.arange(36, dtype=torch.float64) % 20)
    changing = rb.synapse(Pair, a_plus=3.0, a_minus=4.0, back_delay=1.7)
    net.connect("E", "I", pairs, rb.synapse(Exponential), weight=60.0, delay=delays, plasticity=changing)
    net.connect("I", "E", pairs, rb.synapse(Pulse), weight=-0.7, delay=0.8, **given)
    return net


DRIVE = {"E": torch.linspace(350.0, 800.0, 12, dtype=torch.float64), "I": 450.0}


def go(net: rb.Network, steps: int) -> list[torch.Tensor]:
    """The voltages and weights after each step."""
    outputs = (net(DRIVE) for _ in range(steps))
    return [torch.cat([o["E"]["voltage"], o["I"]["voltage"], o["E->I"]["weight"]]) for o in outputs]


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return len(one) == len(other) and all(map(torch.equal, one, other))


@pytest.mark.parametrize("event", ["crossing", "located"])
def test_saving_and_copying_in_the_middle_change_no_bit(event: str) -> None:
    whole = go(busy(event), 170)
    assert int((whole[-1][24:] != 60.0).sum()) > 24
    net, steps = busy(event), 110
    go(net, steps)
    while not net["E->I"].plasticity.changing.under_way:
        go(net, 1)
        steps += 1
    saved = net.state_dict()
    copied, pickled, loaded = copy.deepcopy(net), pickle.loads(pickle.dumps(net)), busy(event)
    loaded.load_state_dict(saved)
    for each in (copied, pickled, loaded, net):
        assert same(go(each, 40), whole[steps : steps + 40])
    # What was saved is as it was, though the network went on.
    net.load_state_dict(saved)
    assert same(go(net, 40), whole[steps : steps + 40])


def test_a_run_that_is_split_has_the_same_bits() -> None:
    def run(parts: list[float]) -> tuple[torch.Tensor, torch.Tensor]:
        net, weights = busy(), []
        for part in parts:
            rec = rb.simulate(net, DRIVE, duration=part, record={"E->I": ("weight", "x"), "I": "spikes"})
            weights.append(rec["E->I"].traces["weight"])
        return torch.cat(weights), net["E->I"].plasticity.x

    whole, split = run([28.0]), run([0.7] * 40)
    assert torch.equal(whole[0], split[0])
    assert torch.equal(whole[1], split[1])


def test_without_learning_no_bit_is_other_than_with_fixed_weights() -> None:
    off, fixed = busy(), busy()
    off["E->I"].plasticity.learning = False
    other = rb.Network(seed=5)
    for name, each in fixed.populations.items():
        other.add(name, copy.deepcopy(each))
    for name in ("E->I", "I->E"):
        each = fixed[name]
        pairs = each.source, each.target
        other.connect(each.sender, each.receiver, pairs, each.recipe, weight=each.weight, delay=each.delay)
    for _ in range(200):
        one, two = off(DRIVE), other(DRIVE)
        for name in ("E", "I"):
            assert torch.equal(one[name]["voltage"], two[name]["voltage"])
    # What happened is known all the same.
    assert bool((off["E->I"].plasticity.y > 0).any())


def test_a_step_that_fails_changes_no_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    net, plain = busy("located"), busy("located")
    expected = go(plain, 160)
    assert same(go(net, 145), expected[:145])
    for _ in range(12):
        # The last population fails, after weights have been changed.
        with monkeypatch.context() as patch:
            patch.setattr(net["I"], "advance", _failing)
            with pytest.raises(errors.InputError):
                net(DRIVE)
        assert same(go(net, 1), [expected[net.simulation_step - 1]])


def _failing(*given: Any) -> Any:
    raise errors.InputError("no")


def test_the_states_are_those_of_the_present_time() -> None:
    net = driven([10.0], [])
    rb.simulate(net, duration=15.0)
    rule = net["p"].plasticity
    assert float(rule.x) == pytest.approx(math.exp(-4.0 / 20), rel=1e-12)
    rule.x = 3.0
    rb.simulate(net, duration=8.0)
    assert float(rule.x) == pytest.approx(3.0 * math.exp(-8.0 / 20), rel=1e-12)


def test_a_new_beginning_forgets_spikes_and_keeps_weights() -> None:
    net = driven([20.0], [25.0], plasticity=rb.synapse(Pair, back_delay=9.0))
    rb.simulate(net, duration=30.0)
    net.reset_state()
    assert float(net["p"].plasticity.x) == 0.0
    assert float(net["p"].weight) == 2.0
    assert change(net) == pytest.approx(0.3 * math.exp(-13.0 / 20), rel=1e-12)


def test_weights_that_are_given_hold_at_once_and_are_not_written_to() -> None:
    net, mine = driven([29.0], [31.0]), torch.tensor([5.0], dtype=torch.float64)
    net["p"].weight = mine
    before = net["p"].weight
    rb.simulate(net, duration=40.0)
    assert float(mine) == float(before) == 5.0
    assert float(net["p"].weight) == pytest.approx(5.0 + 0.3 * math.exp(-1.0 / 20), rel=1e-12)


class Chain(rb.Plasticity):
    """A trace of a trace, which goes to a level: z' = (x - z) / 7, x' = (0.25 - x) / 20."""

    x = rb.State(0.25, unit="1", per="synapse")
    z = rb.State(0.0, unit="1", per="synapse")

    @staticmethod
    def derivatives(state: Any, params: Any) -> dict[str, Any]:
        return {"z": (state.x - state.z) / 7.0, "x": (0.25 - state.x) / 20.0}

    @staticmethod
    def on_pre(state: Any, params: Any) -> dict[str, Any]:
        return {"x": state.x + 1.0}

    @staticmethod
    def on_post(state: Any, params: Any) -> dict[str, Any]:
        return {"weight": state.weight + state.z}


def test_states_that_drive_each_other_follow_their_exact_solution() -> None:
    net = driven([29.0], [50.0], plasticity=rb.synapse(Chain))
    level = 0.25 * (1 - math.exp(-50.0 / 7))
    jump = 20.0 / 13.0 * (math.exp(-20.0 / 20) - math.exp(-20.0 / 7))
    assert change(net) == pytest.approx(level + jump, rel=1e-11)


def refused(match: str, **given: Any) -> Any:
    """A plasticity with these in its body cannot be defined."""
    with pytest.raises(errors.DeclarationError, match=match):
        type("Broken", (rb.Plasticity,), {"x": rb.State(0.0, unit="1", per="synapse"), **given})


def test_wrong_plasticities_are_refused_where_they_are_defined() -> None:
    nothing = staticmethod(lambda state, params: {})
    refused("neither on_pre nor on_post")
    refused('give State.*per="synapse"', on_pre=nothing, y=rb.State(0.0, unit="1"))
    refused("by on_pre and on_post", on_pre=nothing, output=staticmethod(lambda s, p, post: 0.0))
    refused("the name is reserved", on_pre=nothing, weight=rb.State(0.0, unit="1", per="synapse"))
    refused("the name is reserved", on_pre=nothing, learning=rb.Parameter(0.0, unit="1"))
    with pytest.raises(errors.DeclarationError, match="is for a plasticity"):
        type("Broken", (rb.Synapse,), {"x": rb.State(0.0, unit="1", per="synapse")})


def test_what_is_not_linear_between_spikes_is_refused() -> None:
    class Curved(Pair):
        @staticmethod
        def derivatives(state: Any, params: Any) -> dict[str, Any]:
            return {"x": -state.x * state.x, "y": -state.y}

    with pytest.raises(errors.DeclarationError, match="derivatives is not linear"):
        rb.simulate(driven([29.0], [], plasticity=rb.synapse(Curved)), duration=40.0)


def test_wrong_uses_are_told() -> None:
    with pytest.raises(errors.ArgumentError, match="give it as plasticity="):
        driven([], [], synapse=rb.synapse(Pair))
    with pytest.raises(errors.ArgumentError, match="with the name of a plasticity"):
        driven([], [], plasticity=rb.synapse(Exponential))
    with pytest.raises(errors.ParameterError, match="one number for all"):
        driven([], [], plasticity=rb.synapse(Pair, tau_plus=[3.0]))
    with pytest.raises(errors.ParameterError, match=r"synapse 0 is 2, and low=-1000, high=1"):
        driven([], [], plasticity=rb.synapse(Pair, high=1.0))
    net = rb.Network()
    net.add("a", rb.create("spike-times", times=[[1.0]]))
    net.add("b", rb.create("relay", 1))
    with pytest.raises(errors.ArgumentError, match="counts arrivals"):
        net.connect("a", "b", ([0], [0]), plasticity=rb.synapse(Pair))
    net = driven([], [])
    with pytest.raises(errors.ParameterError, match="within these bounds"):
        net["p"].weight = 2e3
    with pytest.raises(errors.ParameterError, match="within these bounds"):
        net["p"].plasticity.high = 1.0
    assert float(net["p"].plasticity.high) == 1e3


def test_it_goes_with_views_receptors_and_no_delay() -> None:
    """Two projections share a receptor, one of them from a part of a population; the other has no delay."""
    net = rb.Network(seed=1)
    net.add("a", rb.create("spike-times", times=[[4.0], [7.0], [9.0]], dtype=torch.float64, dt=0.5))
    net.view("last", "a", 1, 3)
    net.add("b", leaky(2, dt=0.5))
    lasting, learns = rb.synapse(Exponential, tau=1e9), rb.synapse(Pair)
    pairs = ([0, 1], [0, 1])
    given = {"weight": 900.0, "receptor": "ampa", "plasticity": learns}
    net.connect("last", "b", pairs, lasting, delay=1.0, **given)
    net.connect("a", "b", ([0], [0]), lasting, delay=0.0, **given)
    rec = rb.simulate(net, duration=20.0)
    unit = [float(time) for time in rec["b"].spikes.of(0)]
    assert unit
    assert float(net["a->b"].weight) == pytest.approx(by_hand([4.0], unit, 900.0), abs=1e-11)
    assert float(net["last->b"].weight[0]) == pytest.approx(by_hand([8.0], unit, 900.0), abs=1e-11)


def test_provenance_and_what_can_be_recorded_name_the_plasticity() -> None:
    net = driven([29.0], [31.0])
    assert net["p"].provenance["plasticity"].name == "Pair"
    assert net["p"].loggable_props == ("current", "weight", "x", "y")
    rec = rb.simulate(net, duration=40.0, record={"p": ("weight", "x")}, every=10)
    assert rec["p"].traces["weight"].shape == (8, 1)
    assert rec["p"].provenance["plasticity"].name == "Pair"


def test_times_stay_double_where_the_network_is_not() -> None:
    net = driven([29.0], [31.0]).to(torch.float32)
    assert net["p"].plasticity.last_event.dtype == torch.float64
    assert net["p"].weight.dtype == torch.float32
    assert change(net) == pytest.approx(0.3 * math.exp(-1.0 / 20), rel=1e-5)
