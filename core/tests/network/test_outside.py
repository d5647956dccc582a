"""Several sources from outside that a population's aggregator takes together with what projections bring."""

from __future__ import annotations

import copy
import math
from functools import reduce
from typing import Any

import pytest
import rheobase as rb
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

from .models import Exponential, leaky

DT, TAU, CAPACITY, AT = 0.1, 10.0, 250.0, 15.0
DRIVE = {"p": torch.tensor([700.0]).double(), "q": torch.tensor([500.0]).double()}


def largest(inputs: list[Tensor], identifiers: list[str] | None = None) -> Tensor:
    """The largest of them."""
    return reduce(torch.maximum, inputs)


def weighted(inputs: list[Tensor], identifiers: list[str] | None = None) -> Tensor:
    """A sum in which each counts by its name."""
    factors = {"a": 0.5, "b": -1.0, "p->T": 1.0, "q->T": 2.0, "external": 3.0}
    return reduce(torch.add, [factors[n] * x for n, x in zip(identifiers or (), inputs, strict=True)])


def net(aggregator: Any, event: str = "crossing", units: int = 1, identifier: str = "q->T") -> rb.Network:
    """Two that spike at their own pace, and one that both reach."""
    made = rb.Network()
    for name in ("p", "q"):
        made.add(name, leaky(1, event=event))
    made.add("T", leaky(units, event=event, aggregator=aggregator))
    who = ([0] * units, list(range(units)))
    made.connect("p", "T", who, rb.synapse(Exponential, tau=5.0), weight=900.0, delay=1.0)
    shunt = {"weight": 2.0 if identifier.startswith("shunt") else 250.0}
    made.connect("q", "T", who, rb.synapse(Exponential, tau=8.0), delay=1.5, identifier=identifier, **shunt)
    return made


def by_hand(steps: int, arriving: list[dict[int, float]], rate: Any) -> tuple[list[float], list[int]]:
    """V of the target at the ends of steps by Runge-Kutta's method, and the steps at whose ends it spikes.

    ``rate(step, t, first, second)`` is the aggregated current at t, of the two synaptic currents.
    """

    def slope(n: int, t: float, y: list[float], held: bool) -> list[float]:
        v, first, second = y
        rise = 0.0 if held else -v / TAU + rate(n, t, first, second) / CAPACITY
        return [rise, -first / 5.0, -second / 8.0]

    def moved(y: list[float], k: list[float], h: float) -> list[float]:
        return [a + h * b for a, b in zip(y, k, strict=True)]

    y, rest, armed, seen, spikes = [0.0, 0.0, 0.0], 0, True, [], []
    for n in range(steps):
        t, held = n * DT, rest > 0
        k1 = slope(n, t, y, held)
        k2 = slope(n, t + DT / 2, moved(y, k1, DT / 2), held)
        k3 = slope(n, t + DT / 2, moved(y, k2, DT / 2), held)
        k4 = slope(n, t + DT, moved(y, k3, DT), held)
        y = [a + DT / 6 * (b + 2 * c + 2 * d + e) for a, b, c, d, e in zip(y, k1, k2, k3, k4, strict=True)]
        y = [y[0], y[1] + arriving[0].get(n + 1, 0.0), y[2] + arriving[1].get(n + 1, 0.0)]
        rest = max(0, rest - 1)
        if armed and not rest and y[0] >= AT:
            spikes.append(n + 1)
            y[0], rest = 0.0, round(2.0 / DT)
        armed = y[0] < AT
        seen.append(y[0])
    return seen, spikes


def steps_of(rec: Any) -> list[int]:
    return [round(float(t) / DT) for t in rec.spikes.times]


def test_shunts_from_outside_divide_what_projections_bring_as_by_hand() -> None:
    """One of the sources changes within steps, the other from step to step; so do both synapses."""
    steps = 600
    gate = torch.linspace(0.0, 1.5, steps).double().view(-1, 1)
    wave = rb.Signal(lambda t: 1200.0 + 400.0 * torch.sin(t))
    one = net("shunting", "step", identifier="shunt:q")
    rec = rb.simulate(
        one,
        {**DRIVE, "T": {"soma": wave, "shunt:gate": gate}},
        duration=steps * DT,
        record={"p": "spikes", "q": "spikes", "T": ("spikes", "voltage")},
    )
    arriving = [
        {n + 10: 900.0 for n in steps_of(rec["p"])},
        {n + 15: 2.0 for n in steps_of(rec["q"])},
    ]

    def rate(step: int, t: float, first: float, second: float) -> float:
        return (1200.0 + 400.0 * math.sin(t) + first) / (1.0 + float(gate[step]) + second)

    volts, spikes = by_hand(steps, arriving, rate)
    assert len(spikes) >= 3
    assert steps_of(rec["T"]) == spikes
    torch.testing.assert_close(
        rec["T"].traces["voltage"].view(-1), torch.tensor(volts, dtype=torch.float64), rtol=0.0, atol=1e-11
    )


@pytest.mark.parametrize("event", ["step", "crossing", "located"])
def test_sources_of_which_each_counts_by_its_name_are_as_one_of_what_they_come_to(event: str) -> None:
    """An aggregator that is linear has a network that adds, with one source, to be compared with."""
    a, b = torch.tensor([900.0, 300.0]).double(), rb.Signal(lambda t: 50.0 * torch.sin(2.0 * t))
    record = {"T": ("spikes", "voltage")}
    many = rb.simulate(
        net(weighted, event, 2), {**DRIVE, "T": {"a": a, "b": b}}, duration=30.0, record=record
    )["T"]
    summed = net(None, event, 2)
    summed["q->T"].weight = 500.0
    one = rb.simulate(summed, {**DRIVE, "T": 0.5 * a - b}, duration=30.0, record=record)["T"]
    assert len(one.spikes) >= 3
    assert many.spikes.units.tolist() == one.spikes.units.tolist()
    torch.testing.assert_close(many.spikes.times, one.spikes.times, rtol=0.0, atol=1e-10)
    torch.testing.assert_close(many.traces["voltage"], one.traces["voltage"], rtol=0.0, atol=1e-9)


def test_a_located_spike_lies_where_sources_shunted_by_an_arrival_bring_it() -> None:
    """One arrival, of a current, between steps; the spike by an integrator that knows nothing of networks."""
    one = net("shunting", "located")
    rec = rb.simulate(
        one,
        {"p": DRIVE["p"], "T": {"shunt:gate": 0.25, "soma": 520.0}},
        duration=25.0,
        record={"p": "spikes", "T": "spikes"},
    )
    arrival = float(rec["p"].spikes.times[0]) + 1.0

    def rise(t: float, y: Any) -> list[float]:
        current = 900.0 * math.exp(-(t - arrival) / 5.0) if t > arrival else 0.0
        return [-y[0] / TAU + (520.0 + current) / 1.25 / CAPACITY]

    def there(t: float, y: Any) -> float:
        return float(y[0]) - AT

    before = solve_ivp(rise, (0.0, arrival), [0.0], method="DOP853", rtol=1e-13, atol=1e-13)
    assert max(before.y[0]) < AT
    after = solve_ivp(
        rise, (arrival, 25.0), before.y[:, -1], method="DOP853", rtol=1e-13, atol=1e-13, events=there
    )
    assert float(after.t_events[0][0]) < float(rec["p"].spikes.times[1])
    # Runge-Kutta's method of order 4 at 0.1 ms, and scipy's search for the event.
    assert float(rec["T"].spikes.times[0]) == pytest.approx(float(after.t_events[0][0]), abs=1e-7)


def test_the_aggregator_is_given_the_sources_first_then_receptors_and_projections() -> None:
    seen: list[Any] = []

    def rule(inputs: list[Tensor], identifiers: list[str] | None = None) -> Tensor:
        seen.append((identifiers, [float(each[..., 0]) for each in inputs]))
        return largest(inputs)

    made = net(rule)
    made({"T": {"soma": 3.0, "a": 2.0}})
    # What the population keeps is asked of the sources alone.
    assert seen[0] == (["soma", "a"], [3.0, 2.0])
    assert seen[-1] == (["soma", "a", "p->T", "q->T"], [3.0, 2.0, 0.0, 0.0])
    made({"T": [torch.tensor([5.0]).double(), torch.tensor([6.0]).double()]})
    assert seen[-1] == (["external", "external", "p->T", "q->T"], [5.0, 6.0, 0.0, 0.0])
    made({"T": 7.0})
    assert seen[-1] == (["external", "p->T", "q->T"], [7.0, 0.0, 0.0])
    made()
    assert seen[-1] == (["external", "p->T", "q->T"], [0.0, 0.0, 0.0])


def test_the_input_that_is_kept_is_what_the_aggregator_makes_of_the_sources_alone() -> None:
    made = net("shunting")
    assert made({"T": {"soma": 6.0, "shunt": 2.0}})["T"]["input"].tolist() == [2.0]
    # Where it takes none of them alone, as nothing is there to divide: their sum.
    assert made({"T": {"shunt:a": 0.5, "shunt:b": 2.0}})["T"]["input"].tolist() == [2.5]


def test_a_shunt_alone_divides_what_the_projections_bring() -> None:
    def volts(stimulus: Any) -> Tensor:
        rec = rb.simulate(net("shunting"), {**DRIVE, **stimulus}, duration=15.0, record={"T": "voltage"})
        return rec["T"].traces["voltage"]

    free, shunted = volts({}), volts({"T": {"shunt": 1.0}})
    assert 1.0 < float(free.max()) < AT
    torch.testing.assert_close(shunted, 0.5 * free, rtol=1e-12, atol=1e-12)


def test_steps_one_by_one_are_the_run() -> None:
    drive = {"soma": torch.tensor([900.0]).double(), "a": torch.tensor([400.0]).double()}
    rec = rb.simulate(net(largest), {**DRIVE, "T": drive}, duration=30.0, record={"T": "voltage"})
    by_step, listed = net(largest), net(largest)
    for row in rec["T"].traces["voltage"]:
        assert by_step({**DRIVE, "T": drive})["T"]["voltage"].equal(row)
        assert listed({**DRIVE, "T": list(drive.values())})["T"]["voltage"].equal(row)


def test_what_a_view_is_given_is_added_to_the_source_of_its_name() -> None:
    seen: list[Any] = []

    def rule(inputs: list[Tensor], identifiers: list[str] | None = None) -> Tensor:
        seen.append((identifiers, [each.expand(3).tolist() for each in inputs]))
        return largest(inputs)

    made = net(rule, units=3)
    made.view("some", "T", 1, 3)
    nothing = [0.0, 0.0, 0.0]
    made({"T": {"a": 1.0, "b": 2.0}, "some": {"b": 10.0, "c": torch.tensor([5.0, 6.0]).double()}})
    assert seen[-1] == (
        ["a", "b", "c", "p->T", "q->T"],
        [[1.0, 1.0, 1.0], [2.0, 12.0, 12.0], [0.0, 5.0, 6.0], nothing, nothing],
    )
    made({"some": {"a": 4.0}})
    assert seen[-1] == (["external", "a", "p->T", "q->T"], [nothing, [0.0, 4.0, 4.0], nothing, nothing])
    made({"T": {"a": 1.0}, "some": 8.0})
    assert seen[-1] == (["a", "external", "p->T", "q->T"], [[1.0] * 3, [0.0, 8.0, 8.0], nothing, nothing])
    rec = rb.simulate(made, {"T": 1.0, "some": {"a": 4.0, "b": 9.0}}, duration=0.2, record={"some": "input"})
    assert rec["some"].traces["input"].tolist() == [[9.0, 9.0]] * 2


def test_each_row_of_a_batch_is_the_network_alone() -> None:
    rows = torch.tensor([[900.0], [1500.0], [300.0]]).double()
    drive = {"soma": rb.stimulus.Constant(rows), "a": 400.0}
    record = {"T": ("voltage", "input"), "p": "voltage"}
    batch = rb.simulate(net(largest), {**DRIVE, "T": drive}, duration=20.0, record=record)
    assert batch["p"].traces["voltage"].shape == (200, 3, 1)
    for place, row in enumerate(rows):
        alone = rb.simulate(
            net(largest), {**DRIVE, "T": {"soma": row, "a": 400.0}}, duration=20.0, record=record
        )
        assert float(alone["T"].traces["voltage"].max()) > 1.0
        for name in ("voltage", "input"):
            assert batch["T"].traces[name][:, place].equal(alone["T"].traces[name])
    # Brought by another population, the batch is that of this one from the first step on.
    first = net(largest)({"p": rows, "T": {"soma": 1.0, "a": 2.0}})
    assert first["T"]["voltage"].shape == (3, 1)


class Two(rb.AnalogNeuron):
    """dV/dt = -V + drive;  another input is the mean of its sources."""

    drive = rb.Input(unit="pA", aggregator="mean")
    other = rb.Input(unit="pA", aggregator="mean", default=7.0)
    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Any]:
        return {"voltage": -state.voltage + data.drive + 0.0 * data.other}


def test_an_input_with_a_rule_of_its_own_has_the_mean_of_sources_and_projections() -> None:
    made = rb.Network()
    made.add("p", leaky(1))
    made.add("T", rb.create(Two, 1, dtype=torch.float64))
    made.connect("p", "T", ([0], [0]), rb.synapse(Exponential), input="drive", weight=1e-9)
    rec = rb.simulate(
        made,
        {"T": {"drive": {"a": 3.0, "b": 9.0}, "other": {"c": 1.0, "d": 2.0}}},
        duration=30.0,
        record={"T": ("voltage", "drive", "other")},
    )["T"]
    # (3 + 9 + nothing) / 3; of the sources alone it is 6.
    assert float(rec.traces["voltage"][-1]) == pytest.approx(4.0, abs=1e-9)
    assert rec.traces["drive"][-1].tolist() == [6.0]
    assert rec.traces["other"][-1].tolist() == [1.5]
    out = made({"T": {"drive": [torch.ones(1).double(), 2 * torch.ones(1).double()]}})["T"]
    assert (out["drive"].tolist(), out["other"].tolist()) == ([1.5], [7.0])


def test_a_list_of_numbers_is_refused_as_for_one_neuron() -> None:
    with pytest.raises(rb.errors.InputError, match="the input is a list of numbers; a list holds the inputs"):
        net(largest)({"T": [1.0, 2.0]})
    with pytest.raises(rb.errors.InputError, match=r"the source 'a' has shape \[3\]"):
        net(largest)({"T": {"a": torch.zeros(3).double(), "b": 1.0}})


def test_a_copy_with_sources_goes_on_alike() -> None:
    drive = {**DRIVE, "T": {"soma": 900.0, "shunt": 0.5}}
    made = net("shunting")
    for _ in range(120):
        made(drive)
    twin, loaded = copy.deepcopy(made), net("shunting")
    loaded.load_state_dict(made.state_dict())
    for _ in range(120):
        row = made(drive)["T"]["voltage"]
        assert row.equal(twin(drive)["T"]["voltage"])
        assert row.equal(loaded(drive)["T"]["voltage"])
