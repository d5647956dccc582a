"""The kernel gives what eager gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import rheobase as rb
import torch
from torch import Tensor

Both = Callable[..., Any]
Model = tuple[Any, float, float]


def _require_alike(both: Any, *, relative: float) -> None:
    (eager, one), (fused, other) = both
    assert torch.equal(one.spikes.units, other.spikes.units)
    assert torch.equal(one.spikes.times, other.spikes.times)
    assert torch.equal(one.spikes.batch, other.spikes.batch)
    assert one.traces.keys() == other.traces.keys()
    for name, trace in one.traces.items():
        assert other.traces[name].dtype == trace.dtype
        assert other.traces[name].shape == trace.shape
        size = trace.double().abs().amax(dim=0)
        apart = (other.traces[name].double() - trace.double()).abs().amax(dim=0)
        assert bool((apart <= relative * size).all()), name
    left, there = eager.state_dict(), fused.state_dict()
    assert left.keys() == there.keys()
    for name, value in left.items():
        assert there[name].dtype == value.dtype, name
        assert there[name].shape == value.shape, name
        torch.testing.assert_close(there[name], value, rtol=10 * relative, atol=10 * relative, msg=name)


NEAR = 1e-12
"""How near the states of a leaky integrator are, relative to their size, in float64."""

_STEEP = {"lif": NEAR, "izhikevich": 1e-10}
"""How near those of others are: an upswing to a spike makes much of what rounding differs by."""


def _close(kind: Any) -> float:
    return _STEEP[kind] if isinstance(kind, str) else 1e-8


_RUNS: dict[Model, Any] = {}


@pytest.fixture
def steady(model: Model, both: Both) -> Any:
    """A model under constant currents, with the traces of all its states; each runs once."""
    if model not in _RUNS:
        kind, low, high = model

        def make() -> Any:
            return rb.create(kind, 101, dtype=torch.float64, dt=0.025)

        names = [*make().schema.states, "spiked", "spikes"]
        current = torch.linspace(low, high, 101, dtype=torch.float64)
        _RUNS[model] = both(make, current, 25.0, record=names)
    return _RUNS[model]


def test_constant_currents_give_the_same_spikes_and_states(model: Model, steady: Any) -> None:
    assert len(steady[0][1].spikes) > 50
    _require_alike(steady, relative=_close(model[0]))


def test_until_the_upswing_to_a_spike_states_are_those_of_eager_to_12_digits(steady: Any) -> None:
    (_, one), (_, other) = steady
    before = one.traces["voltage"].cummax(dim=0).values < -50.0
    assert int(before.sum()) > 10_000
    size = one.traces["voltage"].abs().amax(dim=0)
    apart = (other.traces["voltage"] - one.traces["voltage"]).abs() / size
    assert apart[before].max() < 1e-12


@pytest.mark.parametrize(("kind", "high"), [("lif", 140.0), ("izhikevich", 15.0)])
def test_the_rule_at_the_end_of_a_step_gives_the_same(kind: str, high: float, both: Both) -> None:
    current = torch.linspace(0.0, high, 101)
    results = both(
        lambda: rb.create(kind, 101, event="step", dtype=torch.float64),
        current,
        100.0,
        record=("spikes", "voltage"),
    )
    assert len(results[0][1].spikes) > 50
    _require_alike(results, relative=_close(kind))


@pytest.mark.parametrize(
    "model",
    [
        "izhikevich",
        "hodgkin-huxley",
        pytest.param("lif", marks=pytest.mark.by_hand),
        pytest.param("adex", marks=pytest.mark.by_hand),
    ],
    indirect=True,
)
def test_float32_gives_the_same_spikes(model: Model, both: Both) -> None:
    kind, low, high = model
    current = torch.linspace(low, high, 101)
    results = both(lambda: rb.create(kind, 101, dt=0.025), current, 25.0)
    (_, one), (_, other) = results
    assert len(one.spikes) > 50
    assert torch.equal(one.counts(), other.counts())


def _inputs(steps: int, units: int, low: float, high: float) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(3)
    full = low + (high - low) * torch.rand(steps, units, generator=generator, dtype=torch.float64)
    return {
        "a number": high,
        "per unit": full[0],
        "per step": full[:, :1],
        "full": full,
        "not contiguous": full.t().contiguous().t(),
        "a batch": full[:, None, :].expand(steps, 3, units) + torch.arange(3.0)[:, None],
        "a batch of one row": full[:, None, :1].expand(steps, 3, 1) + torch.arange(3.0)[:, None],
        "step": rb.stimulus.Step(high, start=2.0),
        "sine": rb.stimulus.Sine(high, frequency=50.0),
        "noise": rb.stimulus.OrnsteinUhlenbeck(mean=high, std=low, tau=5.0, seed=1),
    }


@pytest.mark.parametrize("kind", list(_inputs(1, 1, 0.0, 1.0)))
def test_every_kind_of_input_gives_the_same(kind: str, both: Both) -> None:
    stimulus = _inputs(300, 21, 60.0, 300.0)[kind]
    results = both(
        lambda: rb.create("lif", 21, dtype=torch.float64),
        stimulus,
        30.0,
        record=("spikes", "voltage", "input", "spiked"),
    )
    assert len(results[0][1].spikes) > 20
    _require_alike(results, relative=NEAR)


def test_parameters_of_each_unit_give_the_same(both: Both) -> None:
    def make() -> Any:
        return rb.create(
            "lif",
            37,
            dtype=torch.float64,
            tau_mem=torch.linspace(5.0, 30.0, 37),
            tau_ref=torch.linspace(0.0, 3.0, 37),
            leak_gl=torch.linspace(3.0, 6.0, 37),
        )

    results = both(make, 300.0, 100.0, record=("spikes", "voltage"))
    assert len(results[0][1].spikes) > 100
    _require_alike(results, relative=NEAR)


def test_parameters_of_each_unit_and_a_batch_give_the_same(both: Both) -> None:
    rows = torch.linspace(100.0, 400.0, 40 * 4 * 19).reshape(40, 4, 19)

    def make() -> Any:
        return rb.create("lif", 19, dtype=torch.float64, tau_mem=torch.linspace(2.0, 9.0, 19), dt=0.5)

    results = both(make, rows, record=("spikes", "voltage"))
    assert len(results[0][1].spikes) > 50
    _require_alike(results, relative=NEAR)


def test_a_run_goes_on_from_where_another_ended(both: Both) -> None:
    def make() -> Any:
        neuron = rb.create("lif", 9, dtype=torch.float64)
        rb.simulate(neuron, torch.linspace(90.0, 300.0, 9), 7.3, backend="eager")
        neuron.inject(torch.linspace(0.0, 40.0, 9))
        return neuron

    results = both(make, torch.linspace(90.0, 300.0, 9), 30.0, record=("spikes", "voltage"))
    assert results[0][1].first_step == 73
    _require_alike(results, relative=NEAR)


def test_two_runs_of_half_the_time_are_one(both: Both) -> None:
    current = torch.linspace(60.0, 200.0, 50)
    _, (whole_neuron, whole) = both(lambda: rb.create("lif", 50, dtype=torch.float64), current, 40.0)
    neuron = rb.create("lif", 50, dtype=torch.float64)
    first = rb.simulate(neuron, current, 20.0, backend="fused")
    second = rb.simulate(neuron, current, 20.0, backend="fused")
    assert torch.equal(torch.cat([first.spikes.times, second.spikes.times]), whole.spikes.times)
    assert torch.equal(torch.cat([first.spikes.units, second.spikes.units]), whole.spikes.units)
    assert torch.equal(neuron.voltage, whole_neuron.voltage)


def test_named_inputs_and_their_defaults_give_the_same(two_inputs: Any, both: Both) -> None:
    rows = torch.rand(200, 5, generator=torch.Generator().manual_seed(1)) * 4.0
    for stimulus in ({"excitation": rows}, {"excitation": 3.0, "inhibition": rows}):
        results = both(
            lambda: rb.create(two_inputs, 5, dtype=torch.float64),
            stimulus,
            20.0,
            record=("spikes", "excitation", "inhibition"),
        )
        assert len(results[0][1].spikes) > 5
        _require_alike(results, relative=NEAR)


def test_one_unit_and_one_step_give_the_same(both: Both) -> None:
    results = both(
        lambda: rb.create("lif", dtype=torch.float64),
        300.0,
        0.1,
        record=("voltage", "spiked", "spikes"),
    )
    assert len(results[1][1].traces["voltage"]) == 1
    _require_alike(results, relative=NEAR)


@pytest.mark.parametrize("units", [1, 2, 63, 64, 65, 5000])
def test_any_number_of_units_gives_the_same(units: int, both: Both) -> None:
    current = torch.linspace(90.0, 300.0, units)
    _require_alike(
        both(
            lambda: rb.create("lif", units, dtype=torch.float64), current, 20.0, record=("spikes", "voltage")
        ),
        relative=NEAR,
    )


@pytest.mark.parametrize("order", [1, 2, 3])  # 4 is that of all other tests
def test_every_order_of_runge_kutta_gives_the_same(order: int, both: Both) -> None:
    current = torch.linspace(0.0, 15.0, 20)
    method = rb.RungeKutta(order=order)
    results = both(
        lambda: rb.create("izhikevich", 20, dtype=torch.float64, integrator=method, dt=0.05),
        current,
        100.0,
        record=("spikes", "recovery"),
    )
    assert len(results[0][1].spikes) > 20
    _require_alike(results, relative=_close("izhikevich"))


@pytest.mark.parametrize("integrator", ["expeuler", "strang"])
def test_exponential_integrators_give_the_same(integrator: str, both: Both, squid: Any) -> None:
    pytest.importorskip("rheobase_exponential", reason="rheobase-exponential is not installed")
    current = torch.linspace(0.0, 40.0, 11, dtype=torch.float64)
    results = both(
        lambda: rb.create(squid, 11, dtype=torch.float64, dt=0.025, integrator=integrator),
        current,
        25.0,
        record=("spikes", "voltage"),
    )
    assert len(results[0][1].spikes) > 20
    _require_alike(results, relative=1e-8)


def test_a_strangers_integrator_gives_the_same(both: Both) -> None:
    class Heun(rb.Integrator):
        order = 2

        def advance(self, field: Any, y: Tensor, t0: Any, t1: Any, *, carry: Any = None) -> Any:
            h = t1 - t0
            k1 = field(t0, y)
            return rb.Advance(y + h / 2 * (k1 + field(t1, y + h * k1)))

    current = torch.linspace(60.0, 300.0, 20)
    results = both(
        lambda: rb.create("lif", 20, dtype=torch.float64, integrator=Heun()),
        current,
        50.0,
        record=("spikes", "voltage"),
    )
    assert len(results[0][1].spikes) > 20
    _require_alike(results, relative=NEAR)


def test_a_model_that_explodes_past_its_threshold_is_reset_where_it_crossed(adex: Any, both: Both) -> None:
    results = both(
        lambda: rb.create(adex, 8, dtype=torch.float64, dt=0.1),
        torch.linspace(600.0, 2000.0, 8, dtype=torch.float64),
        100.0,
        record=("spikes", "voltage", "adaptation"),
    )
    assert len(results[0][1].spikes) > 40
    _require_alike(results, relative=1e-8)


@pytest.mark.parametrize("every", [1, 3, 7])
def test_traces_with_a_stride_give_the_same(every: int, both: Both) -> None:
    rows = torch.linspace(60.0, 300.0, 100 * 6).reshape(100, 6)
    results = both(
        lambda: rb.create("lif", 6, dtype=torch.float64),
        rows,
        record=("spikes", "voltage", "input", "spiked"),
        every=every,
    )
    assert results[1][1].traces["voltage"].shape == (100 // every, 6)
    _require_alike(results, relative=NEAR)


def test_learnable_parameters_are_read_and_not_changed(both: Both) -> None:
    def make() -> Any:
        neuron = rb.create("lif", 3, dtype=torch.float64)
        neuron.tau_mem = torch.nn.Parameter(torch.tensor([4.0, 5.0, 6.0], dtype=torch.float64))
        return neuron

    results = both(make, 200.0, 10.0, record=("spikes", "voltage"))
    assert isinstance(results[1][0].tau_mem, torch.nn.Parameter)
    _require_alike(results, relative=NEAR)


class Rates(rb.AnalogNeuron):
    """Two populations in one unit, excited and inhibited (Wilson and Cowan 1972): no spikes."""

    excited = rb.State(0.1, unit="1")
    inhibited = rb.State(0.05, unit="1")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        e, i = state.excited, state.inhibited
        return {
            "excited": torch.sigmoid(16.0 * e - 12.0 * i + data - 4.0) - e,
            "inhibited": torch.sigmoid(2.0 * (15.0 * e - 3.0 * i - 3.7)) - i,
        }


@pytest.mark.parametrize("kind", [Rates, "leaky-integrator", "oscillator"])
def test_units_that_emit_no_spikes_are_taken_too(kind: Any) -> None:
    found = []
    for backend in ("eager", "fused"):
        cell = rb.create(kind, 11, dtype=torch.float64)
        currents = torch.linspace(0.0, 3.0, 11, dtype=torch.float64)
        names = list(cell.schema.states)
        found.append((cell, rb.simulate(cell, currents, 20.0, record=names, backend=backend, progress=False)))
    (eager, one), (fused, other) = found
    assert one.provenance["backend"].name == "eager"
    assert other.provenance["backend"].name == "fused"
    assert one.traces[next(iter(one.traces))].std() > 0
    for name, trace in one.traces.items():
        torch.testing.assert_close(other.traces[name], trace, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(getattr(fused, name), getattr(eager, name), rtol=1e-12, atol=1e-12)
    assert fused.time == eager.time > 0
