"""Spikes that arrive at inputs that are jumps: sums in steps, in total the same at any time step."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rheobase as rb
import torch
from rheobase.errors import RheobaseError, StimulusError
from rheobase.pipeline.again import again
from rheobase.stimulus import Constant, Events
from torch import Tensor


class Delta(rb.SpikingNeuron):
    """tau dV/dt = -V + I; what arrives is a step of V."""

    tau = rb.Parameter(10.0, unit="ms", above=0)
    limit = rb.Parameter(1e3, unit="mV")
    tau_ref = rb.Parameter(0.0, unit="ms", at_least=0)
    current = rb.Input(unit="mV")
    arrivals = rb.Input(unit="mV", arrives="jump", into="voltage")
    voltage = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
        return {"voltage": (data.current - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        return state.voltage - params.limit

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"voltage": 0.0}


class Exponential(Delta):
    """tau dV/dt = -V + I_s, 2 ms dI_s/dt = -I_s; what arrives is a step of I_s."""

    arrivals = rb.Input(unit="mV", arrives="jump", into="synaptic")
    synaptic = rb.State(0.0, unit="mV")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> dict[str, Tensor]:
        return {
            "voltage": (state.synaptic - state.voltage) / params.tau,
            "synaptic": -state.synaptic / 2.0,
        }


def cell(kind: Any = Delta, units: int = 1, **given: Any) -> Any:
    return rb.create(kind, units, **{"dtype": torch.float64, "integrator": "rk4", **given})


def rows(events: Events, dt: float, count: int, units: int = 1, first: int = 0) -> list[Any]:
    return events.rows(first, count, dt, units, dtype=torch.float64).squeeze(-1).tolist()


TIMES = [0.0, 7.3, 0.3, 1.0, 0.05, 9.999999, 5.5, 3.0000001, 0.3]


def test_a_step_has_what_arrives_after_its_start_and_up_to_its_end() -> None:
    # 3 * 0.1 is above 0.3, which is meant to be the end of step 2.
    assert rows(Events([0.1, 0.3, 0.31, 0.4], [1.0, 2.0, 4.0, 8.0]), 0.1, 5) == [1.0, 0.0, 2.0, 12.0, 0.0]
    assert rows(Events([0.0], 3.0), 0.1, 2) == [3.0, 0.0]


@pytest.mark.parametrize("dt", [0.01, 0.05, 0.1, 0.25, 1.0, 10.0])
def test_in_total_all_arrives_whatever_dt_is(dt: float) -> None:
    events = Events(TIMES, [2.0**k for k in range(len(TIMES))])
    count = round(10.0 / dt)
    assert sum(rows(events, dt, count)) == 2.0 ** len(TIMES) - 1.0


@pytest.mark.parametrize("dt", [0.1, 0.3, 1.0])
def test_rows_do_not_depend_on_how_a_run_is_cut(dt: float) -> None:
    events = Events(TIMES, [2.0**k for k in range(len(TIMES))])
    cut = [row for first in range(0, 30, 3) for row in rows(events, dt, 3, first=first)]
    assert cut == rows(events, dt, 30)


@pytest.mark.parametrize("first", [0, 1_000_000, 777_777])
def test_every_time_on_the_grid_is_at_the_end_of_its_step(first: int) -> None:
    times = np.arange(first + 1, first + 20_001) * 0.1  # as rounded products are
    assert rows(Events(times, 1.0), 0.1, 20_000, first=first) == [1.0] * 20_000


def test_the_order_in_which_times_are_given_makes_no_difference() -> None:
    weights = [2.0**k for k in range(len(TIMES))]
    order = np.argsort(TIMES)
    other = Events([TIMES[k] for k in order], [weights[k] for k in order])
    assert rows(other, 0.1, 100) == rows(Events(TIMES, weights), 0.1, 100)


def test_each_unit_may_have_its_own_train_and_weights() -> None:
    for times in ([[0.2, 1.5], [], [1.0]], (np.array([1.5, 0.2]), torch.tensor([]), [1.0])):
        assert rows(Events(times, 2.0), 1.0, 2, 3) == [[2.0, 0.0, 2.0], [2.0, 0.0, 0.0]]
        assert Events(times, 2.0).width == 3
    each = Events([[0.2, 1.5], [], [1.0]], [[3.0, 4.0], 9.0, 5.0])
    assert rows(each, 1.0, 2, 3) == [[3.0, 0.0, 5.0], [4.0, 0.0, 0.0]]
    assert rows(Events(torch.tensor([[0.5], [1.5]]), [1.0, 2.0]), 1.0, 2, 2) == [[1.0, 0.0], [0.0, 2.0]]
    for weights in (torch.tensor([1.0, 2.0]), np.array([1.0, 2.0]), [torch.tensor(1.0), torch.tensor([2.0])]):
        assert rows(Events([[0.5], [1.5]], weights), 1.0, 2, 2) == [[1.0, 0.0], [0.0, 2.0]]
    for weight in (2, np.float32(2.0), torch.tensor(2.0)):
        assert rows(Events([0.5, 0.6], weight), 1.0, 1) == [4.0]
    assert Events([[0.5]], 1.0).width == Events([], 1.0).width == 1


def test_a_train_of_its_own_per_unit_needs_as_many_units() -> None:
    with pytest.raises(StimulusError, match="made for 3 units, the neuron has 2"):
        rb.simulate(cell(units=2), {"arrivals": Events([[0.2], [], [1.0]], 2.0)}, 1.0)


@pytest.mark.parametrize("dt", [0.1, 0.05, 0.5])
def test_the_voltage_after_arrivals_is_the_sum_of_what_is_left_of_each(dt: float) -> None:
    times, weights = [0.5, 2.0, 2.0, 7.5], [3.0, -1.0, 4.0, 0.25]
    run = rb.simulate(cell(dt=dt), {"arrivals": Events(times, weights)}, 10.0, record="voltage")
    t = run.times
    expected = sum(
        w * torch.exp(-(t - at) / 10.0) * (t > at - 1e-9) for at, w in zip(times, weights, strict=True)
    )
    torch.testing.assert_close(run.traces["voltage"][:, 0], expected, rtol=1e-7, atol=0.0)


def test_the_voltage_of_a_current_that_decays_has_its_peak_in_time_and_height() -> None:
    run = rb.simulate(cell(Exponential, dt=0.01), {"arrivals": Events([3.0], 500.0)}, 15.0, record="voltage")
    v = run.traces["voltage"][:, 0]
    # V = w / 4 (exp(-t / 10) - exp(-t / 2)), whose derivative is zero at t = ln(5) / (1 / 2 - 1 / 10).
    top = math.log(5.0) / 0.4
    assert float(run.times[v.argmax()]) == pytest.approx(3.0 + top, abs=0.01)
    assert float(v.max()) == pytest.approx(125.0 * (math.exp(-top / 10) - math.exp(-top / 2)), rel=1e-5)


def test_events_and_what_else_arrives_add_up_on_the_grid() -> None:
    given = Events([0.5], 2.0) + Events([0.5, 1.0], 3.0) + Constant(1.0)
    run = rb.simulate(cell(dt=0.5), {"arrivals": given}, 1.5, record="arrivals")
    assert run.traces["arrivals"][:, 0].tolist() == [6.0, 4.0, 1.0]


def test_weights_have_derivatives() -> None:
    weights = torch.tensor([3.0, 5.0], dtype=torch.float64, requires_grad=True)
    given = {"arrivals": Events([1.0, 2.0], weights)}
    run = rb.simulate(cell(dt=0.5), given, 4.0, record="voltage", grad=True)
    (slope,) = torch.autograd.grad(run.traces["voltage"][-1, 0], weights)
    assert slope.tolist() == pytest.approx([math.exp(-0.3), math.exp(-0.2)], rel=1e-6)


@pytest.mark.parametrize("part", [lambda each: each, lambda each: each + 1.0, lambda each: [each, each]])
@pytest.mark.parametrize("kind", [Delta, "lif"])
def test_a_current_takes_no_events(kind: Any, part: Any) -> None:
    given = part(Events([1.0], 2.0))
    said = (
        "the input 'current' of .* is a current .*; its jumps are: arrivals" if kind is Delta else "current"
    )
    with pytest.raises(StimulusError, match=said):
        rb.simulate(rb.create(kind), {"current": given} if kind is Delta else given, 2.0)


@pytest.mark.parametrize(
    ("times", "weights", "said"),
    [
        ([1.0, math.nan], 1.0, r"times\[1\] is nan"),
        ([1.0, math.inf], 1.0, r"times\[1\] is inf"),
        ([1.0, -0.5], 1.0, r"times\[1\] is -0.5 ms, before"),
        ([[1.0], [2.0, -1.0]], 1.0, r"times\[1\] of train 1 is -1 ms"),
        ([1.0, 2.0], [1.0], "2 times and 1 weights"),
        ([[1.0], [2.0]], [1.0], "2 trains and 1 weights"),
        ([[1.0], [2.0]], [[1.0], [2.0, 3.0]], "1 times of train 1 and 2 weights"),
        ([1.0], math.nan, r"weights\[0\] is nan"),
        ([1.0, 2.0], [1.0, math.inf], r"weights\[1\] is inf"),
        ([1.0], "1.0", "weights"),
        ("1.0", 1.0, "times"),
        (1.0, 1.0, "times"),
        ([True], 1.0, "times"),
        ([1.0, [2.0]], 1.0, "times"),
        (torch.ones(1, 1, 1), 1.0, "times"),
        ([1.0], None, "weights"),
        (torch.ones(2, device="meta"), 1.0, "the times are on meta, without values"),
        (torch.ones(2).to_sparse(), 1.0, "the times are a tensor of layout torch.sparse_coo"),
        ([1.0, 2.0], torch.ones(2).to_sparse(), "the weights are a tensor of layout"),
        (torch.ones(0, 3), 1.0, "times=.* has no trains; give one for each unit"),
        (np.ones((0, 3)), [], "times=.* has no trains"),
    ],
)
def test_what_is_no_train_is_refused(times: Any, weights: Any, said: str) -> None:
    with pytest.raises(StimulusError, match=said):
        Events(times, weights)


def test_it_has_no_signal() -> None:
    with pytest.raises(StimulusError, match="arrive at their times"):
        Events([1.0], 2.0).signal()


def test_it_stays_what_it_was_made_of() -> None:
    times, weights = torch.tensor([1.0], dtype=torch.float64), torch.tensor([2.0], dtype=torch.float64)
    events = Events(times, weights)
    times.fill_(5.0), weights.fill_(7.0)
    assert rows(events, 1.0, 2) == [2.0, 0.0]
    assert repr(events) == "Events(times=[1.0], weights=[2.0])"


@pytest.mark.parametrize("several", [False, True])
def test_a_deep_copy_has_the_same_without_the_graph(several: bool) -> None:
    leaf = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    events = Events([leaf, [0.5]], [3.0 * leaf, 4.0]) if several else Events(leaf, 3.0 * leaf)
    twin = copy.deepcopy([events])[0]
    assert repr(twin) == repr(events)
    units = 2 if several else 1
    made, same = (each.rows(0, 4, 0.5, units, dtype=torch.float64) for each in (events, twin))
    assert made.requires_grad
    assert not same.requires_grad
    assert torch.equal(made, same)


def test_python_adds_up_what_is_added_by_hand() -> None:
    parts = [Events([0.3], 2.0), Events([0.8], 3.0)]
    assert all(isinstance(part, Events) for part in sum(parts).parts)  # type: ignore[union-attr]
    for event in ("crossing", "located"):
        one, other = (
            rb.simulate(cell(event=event), {"arrivals": each}, 2.0, record="voltage").traces["voltage"]
            for each in (sum(parts), parts[0] + parts[1])
        )
        assert torch.equal(one, other)
        assert one[-1].item() > 3.0
    # A number that is no zero is a constant, also on the left.
    assert (1.0 + Constant(2.0)).rows(0, 1, 0.1, 1).item() == 3.0


def test_its_repr_is_short() -> None:
    assert repr(Events(np.arange(1000.0), 2.5)) == "Events(times=[0.0, 1.0, 2.0, ...: 1000], weights=2.5)"
    assert len(repr(Events([[1.0]] * 1000, [[2.0]] * 1000))) < 200


YAML = """
model: lif-delta
dt: 0.5
duration: 3.0
record: voltage
stimulus:
  arrivals: {type: events, times: %s, weights: %s}
"""


@pytest.mark.parametrize(("times", "weights"), [("[1.0, 2.0]", "[3.0, 4.0]"), ("[[1.0, 2.0]]", "[3.0]")])
def test_a_file_of_settings_may_have_them_and_its_run_is_run_again(
    tmp_path: Path, times: str, weights: str
) -> None:
    pytest.importorskip("rheobase_zoo")
    path = tmp_path / "run.yaml"
    path.write_text(YAML % (times, weights))
    run = rb.SimpleSimulator.from_file(path).run()
    second = 4.0 if times == "[1.0, 2.0]" else 3.0
    expected = 3.0 * math.exp(-0.2) + second * math.exp(-0.1)
    assert float(run.traces["voltage"][-1, 0]) + 70.0 == pytest.approx(expected, rel=1e-4)
    run.save(tmp_path / "run.npz")
    other = again(rb.Recording.load(tmp_path / "run.npz")).take()
    assert torch.equal(other.traces["voltage"], run.traces["voltage"])


def test_a_run_that_goes_on_is_one_long_run() -> None:
    events = Events(TIMES, 2.0)
    one, two = cell(dt=0.1), cell(dt=0.1)
    whole = rb.simulate(one, {"arrivals": events}, 8.0, record="voltage").traces["voltage"]
    parts = [
        rb.simulate(two, {"arrivals": events}, 4.0, record="voltage").traces["voltage"] for _ in range(2)
    ]
    assert torch.equal(torch.cat(parts), whole)


@pytest.mark.parametrize(
    "given", ["{type: events, times: [1.0], weights: 2.0}", "{arrivals: {arrivals: {arrivals: 2.0}}}"]
)
def test_in_a_file_a_model_with_a_jump_is_told_what_it_lacks(tmp_path: Path, given: str) -> None:
    pytest.importorskip("rheobase_zoo")
    path = tmp_path / "run.yaml"
    path.write_text(f"model: lif-delta\nduration: 3.0\nstimulus: {given}\n")
    with pytest.raises(RheobaseError, match=r"its jumps are: arrivals|a mapping with a type"):
        rb.SimpleSimulator.from_file(path).run()


NETWORK = """
model: {populations: {a: {model: lif-delta, units: 2}}}
dt: 0.5
duration: 3.0
record: {a: voltage}
stimulus:
  a: {arrivals: {type: events, times: [[1.0], [2.0]], weights: 3.0}}
"""


def test_a_population_of_a_network_receives_them(tmp_path: Path) -> None:
    pytest.importorskip("rheobase_zoo")
    path = tmp_path / "run.yaml"
    path.write_text(NETWORK)
    run = rb.SimpleSimulator.from_file(path).run()
    v = run["a"].traces["voltage"][-1] + 70.0
    assert v.tolist() == pytest.approx([3.0 * math.exp(-0.2), 3.0 * math.exp(-0.1)], rel=1e-4)


def located(kind: Any = Delta, units: int = 1, **given: Any) -> Any:
    return cell(kind, units, **{"event": "located", "integrator": "rk45", **given})


@pytest.mark.parametrize("dt", [0.1, 1.0, 20.0])
def test_located_a_jump_over_the_threshold_is_a_spike_at_its_own_time(dt: float) -> None:
    # After each spike V is 0; two arrivals that are near enough are over 10 mV.
    times = [1.234, 2.3456, 2.5, 13.75, 14.0]
    run = rb.simulate(located(dt=dt, limit=10.0), {"arrivals": Events(times, 6.0)}, 20.0)
    assert run.spikes.times.tolist() == pytest.approx([2.3456, 14.0], abs=1e-9)


@pytest.mark.parametrize("dt", [0.1, 0.7, 7.0])
def test_located_a_current_that_decays_crosses_the_threshold_at_the_time_of_the_closed_form(
    dt: float,
) -> None:
    # tau_s = tau / 2 makes V = w x (1 - x) of x = exp(-t / tau): a root that can be written down.
    weight, limit, at = 80.0, 15.0, 3.21
    x = 0.5 + math.sqrt(0.25 - limit / weight)
    made = located(
        Exponential, dt=dt, tau=4.0, limit=limit, integrator=rb.integrator("rk45", rtol=1e-12, atol=1e-12)
    )
    run = rb.simulate(made, {"arrivals": Events([at], weight)}, 14.0)
    assert run.spikes.times[:1].tolist() == pytest.approx([at - 4.0 * math.log(x)], abs=1e-9)


@pytest.mark.parametrize("dt", [0.5, 10.0])
def test_located_what_arrives_at_0_and_at_ends_of_steps_arrives_then(dt: float) -> None:
    times, weights = [0.0, 0.5, 3.3, 10.0, 20.0], [1.0, 2.0, 4.0, 8.0, 16.0]
    made = located(dt=dt, integrator=rb.integrator("rk45", rtol=1e-10, atol=1e-12))
    run = rb.simulate(made, {"arrivals": Events(times, weights)}, 20.0, record=("voltage", "arrivals"))
    expected = sum(w * math.exp((t - 20.0) / 10.0) for t, w in zip(times, weights, strict=True))
    assert float(run.traces["voltage"][-1, 0]) == pytest.approx(expected, rel=1e-9)
    assert float(run.traces["arrivals"].sum()) == sum(weights)


def test_located_arrivals_of_one_step_do_not_cancel_each_other() -> None:
    # In sum nothing arrives in the step, and the first of them is over the threshold.
    run = rb.simulate(located(dt=1.0, limit=10.0), {"arrivals": Events([0.25, 0.75], [12.0, -12.0])}, 2.0)
    assert run.spikes.times.tolist() == pytest.approx([0.25], abs=1e-9)


def test_located_units_have_their_own_trains_and_batches_the_same() -> None:
    events = Events([[0.25], [], [0.5, 1.75]], 12.0) + Events([1.1], 11.0)
    batch = {"arrivals": events, "current": Constant(torch.zeros(2, 1, dtype=torch.float64))}
    run = rb.simulate(located(units=3, dt=1.0, limit=10.0), batch, 2.0)
    found = sorted(zip(run.spikes.units.tolist(), run.spikes.times.tolist(), strict=True))
    expected = [(0, 0.25), (0, 1.1), (1, 1.1), (2, 0.5), (2, 1.1), (2, 1.75)]
    assert [unit for unit, _ in found[::2]] == [unit for unit, _ in expected]
    assert [time for _, time in found[::2]] == pytest.approx([time for _, time in expected], abs=1e-9)
    assert found[::2] == found[1::2]


def test_located_times_have_derivatives() -> None:
    times = torch.tensor([1.25, 2.5], dtype=torch.float64, requires_grad=True)
    given = {"arrivals": Events(times, [3.0, 5.0])}
    run = rb.simulate(located(dt=1.0), given, 4.0, record="voltage", grad=True)
    (slope,) = torch.autograd.grad(run.traces["voltage"][-1, 0], times)
    # Of w exp(-(4 - t) / 10).
    assert slope.tolist() == pytest.approx([0.3 * math.exp(-0.275), 0.5 * math.exp(-0.15)], rel=1e-6)


def test_located_a_run_that_goes_on_is_one_long_run() -> None:
    events = Events(TIMES, 3.0)
    one, two = located(dt=0.5, limit=4.0), located(dt=0.5, limit=4.0)
    whole = rb.simulate(one, {"arrivals": events}, 8.0).spikes.times
    parts = [rb.simulate(two, {"arrivals": events}, 4.0).spikes.times for _ in range(2)]
    assert len(whole) > 1
    assert torch.equal(torch.cat(parts), whole)


def test_located_events_beside_what_has_no_times_are_refused() -> None:
    with pytest.raises(StimulusError, match="only some of what arrives has times of its own"):
        rb.simulate(located(), {"arrivals": Events([1.0], 2.0) + 1.0}, 2.0)


def test_located_events_are_refused_where_they_would_arrive_at_ends_of_steps() -> None:
    net = rb.Network()
    net.add("a", located())
    with pytest.raises(StimulusError, match="'a': its spikes are located"):
        rb.simulate(net, {"a": {"arrivals": Events([1.0], 2.0)}}, 2.0)

    class Own(Delta):
        def forward(self, data: Any, identifiers: Any = None) -> Any:
            return super().forward(data, identifiers)

    with pytest.raises(StimulusError, match="a forward of its own"):
        rb.simulate(located(Own), {"arrivals": Events([1.0], 2.0)}, 2.0)
