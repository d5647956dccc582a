"""Spikes at their own times within a step: the kernel gives what eager gives."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase import Parameter, SpikingNeuron, State
from rheobase.errors import EventModeError, NonFiniteStateError, ZenoError
from rheobase_fused import kernels
from torch import Tensor

Both = Callable[..., Any]
Model = tuple[Any, float, float]


class Swing(SpikingNeuron):
    r"""x = sin(omega t + phase), which crosses its level and comes back, and is not reset."""

    omega = Parameter(1.0, unit="1/ms", doc="angular frequency")
    level = Parameter(0.9, unit="1", doc="threshold")
    x = State(0.0, unit="1", doc="position")
    v = State(1.0, unit="1", doc="velocity, in units of omega")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        return {"x": params.omega * state.v, "v": -params.omega * state.x + 0.0 * data}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        gap: Tensor = state.x - params.level
        return gap


class Product(Swing):
    r"""The same with a threshold that is no state less a level: g = x |x| - level."""

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        gap: Tensor = state.x * state.x.abs() - params.level
        return gap


class MovingThreshold(SpikingNeuron):
    r"""tau dV/dt = I - V, 20 dT/dt = 1 - T, g = V - T; a spike takes V to 0 and T up by 0.3."""

    voltage = State(0.0, unit="mV", doc="membrane potential")
    limit = State(1.0, unit="mV", doc="threshold")
    tau = Parameter(4.0, unit="ms", above=0, doc="time constant")
    tau_ref = Parameter(0.77, unit="ms", at_least=0, doc="refractory period")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        return {"voltage": (data - state.voltage) / params.tau, "limit": (1.0 - state.limit) / 20.0}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        gap: Tensor = state.voltage - state.limit
        return gap

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"voltage": 0.0, "limit": state.limit + 0.3}


class Endless(SpikingNeuron):
    r"""dV/dt = I, with a reset that stops just short of the threshold."""

    voltage = State(0.0, unit="mV", doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        return {"voltage": data + 0.0 * state.voltage}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        gap: Tensor = state.voltage - 1.0
        return gap

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"voltage": 0.99998}


class Bursting(SpikingNeuron):
    r"""dV/dt = V^2 I: it goes to infinity, and its threshold lies beyond."""

    voltage = State(-1.0, unit="mV", doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        return {"voltage": state.voltage**2 * data}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        gap: Tensor = 0.0 * state.voltage - 1.0
        return gap


class Poisoned(SpikingNeuron):
    r"""dV/dt = I, dw/dt = sqrt(0.5 - V): no number beyond V = 0.5, and a reset that would hide it."""

    voltage = State(0.0, unit="mV", doc="membrane potential")
    w = State(0.0, unit="1", doc="what has no value")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        return {"voltage": data + 0.0 * state.voltage, "w": torch.sqrt(0.5 - state.voltage)}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        gap: Tensor = state.voltage - 1.0
        return gap

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        return {"voltage": 0.0, "w": 0.0}


@pytest.fixture(autouse=True)
def as_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums are not written anew: then all that is not exp and its like agrees to the bit."""
    monkeypatch.setattr(kernels, "short_usual", lambda usual, step, constant: usual)
    monkeypatch.setattr(kernels, "_LOADED", {})


def _require_alike(results: Any, *, relative: float, spikes: int) -> None:
    (eager, one), (fused, other) = results
    assert len(one.spikes) >= spikes
    assert torch.equal(one.spikes.units, other.spikes.units)
    assert torch.equal(one.spikes.batch, other.spikes.batch)
    # Two units that spike at one time but for the rounding would come in either order; here none do.
    assert torch.allclose(one.spikes.times, other.spikes.times, rtol=0.0, atol=relative * one.dt)
    assert one.traces.keys() == other.traces.keys()
    for name, trace in one.traces.items():
        assert other.traces[name].dtype == trace.dtype
        torch.testing.assert_close(other.traces[name], trace, rtol=relative, atol=100 * relative, msg=name)
    left, there = eager.state_dict(), fused.state_dict()
    assert left.keys() == there.keys()
    for name, value in left.items():
        assert there[name].dtype == value.dtype, name
        assert there[name].shape == value.shape, name
        torch.testing.assert_close(
            there[name], value, rtol=relative, atol=100 * relative, equal_nan=True, msg=name
        )


def _close(kind: Any) -> float:
    # What only adds, multiplies and divides agrees to the bit. exp and its like are not rounded alike, and
    # the spikes of the steep models carry on what they differ by.
    return 0.0 if isinstance(kind, str) else 1e-10


def test_constant_currents_give_the_same_spikes_and_states(model: Model, steady: Both) -> None:
    _require_alike(steady(model), relative=_close(model[0]), spikes=30)


@pytest.mark.parametrize(("kind", "high"), [("lif", 300.0), ("izhikevich", 15.0)])
def test_float32_gives_the_same_to_the_bit(kind: str, high: float, both: Both) -> None:
    current = torch.linspace(0.0, high, 41)
    results = both(lambda: rb.create(kind, 41, event="located"), current, 60.0, record=("spikes", "voltage"))
    assert results[1][0].spike_times.dtype == torch.float64
    _require_alike(results, relative=0.0, spikes=30)


def test_lif_spikes_at_the_times_of_its_closed_form() -> None:
    # T = tau ln(R I / (R I - (V_thresh - V_rest))), and tau_ref after each spike.
    drive, tau, ref = torch.linspace(21.0, 60.0, 9, dtype=torch.float64), 5.0, 0.73
    neuron = rb.create("lif", 9, event="located", dtype=torch.float64, tau_mem=tau, tau_ref=ref, dt=0.05)
    recording = rb.simulate(neuron, drive * 5.0, 40.0, backend="fused")
    for unit, size in enumerate(drive.tolist()):
        period = tau * math.log(size / (size - 20.0))
        times = recording.spikes.of(unit)
        expected = period + torch.arange(len(times), dtype=torch.float64) * (period + ref)
        assert len(times) == math.floor((40.0 - period) / (period + ref)) + 1
        # The method's error: (dt / tau)^5 / 120 of the potential in each step, over its slope there.
        torch.testing.assert_close(times, expected, rtol=0.0, atol=2e-8)


@pytest.mark.parametrize("dt", [0.1, 5.0, pytest.param(0.25, marks=pytest.mark.by_hand)])
def test_refractory_periods_that_end_within_a_step_give_the_same(dt: float, both: Both) -> None:
    def make() -> Any:
        return rb.create(
            "lif",
            37,
            event="located",
            dt=dt,
            dtype=torch.float64,
            tau_mem=torch.linspace(5.0, 30.0, 37),
            tau_ref=torch.cat([torch.zeros(2), torch.full((2,), dt), torch.linspace(0.03, 3.0, 33)]),
        )

    results = both(make, 300.0, 30.0, record=("spikes", "voltage", "spiked"))
    _require_alike(results, relative=0.0, spikes=100)


def test_several_spikes_in_one_step_give_the_same(both: Both) -> None:
    current = torch.linspace(100.0, 900.0, 21)
    results = both(
        lambda: rb.create("lif", 21, event="located", tau_ref=0.3, dt=5.0),
        current,
        50.0,
        record=("spikes", "voltage"),
    )
    assert results[0][0].spike_times.shape[-1] > 3
    _require_alike(results, relative=0.0, spikes=100)


def test_kicks_before_the_run_give_the_same(both: Both) -> None:
    def make() -> Any:
        neuron = rb.create("lif", 33, event="located", tau_ref=0.55)
        rb.simulate(neuron, torch.linspace(90.0, 300.0, 33), 7.3, backend="eager")
        neuron.inject(torch.linspace(-30.0, 40.0, 33))
        return neuron

    assert bool((make().armed & (make().voltage > -55.0)).any())
    for steps in (1, 100):
        results = both(
            make, torch.linspace(90.0, 300.0, 33), steps * 0.1, record=("spikes", "voltage", "spiked")
        )
        assert results[1][1].first_step == 73
        assert (results[1][1].spikes.times == 73 * 0.1).sum() > 3
        _require_alike(results, relative=0.0, spikes=5)


def test_what_is_left_of_a_refractory_period_is_counted_in_whole_steps_as_in_eager(both: Both) -> None:
    # After a spike at the start of a step tau_ref - dt is left. Where that is a hair less than whole steps,
    # their number may come out as the next.
    dt = 0.7
    whole = [steps * dt for steps in range(2, 80)]
    periods = [period for time in whole for period in (math.nextafter(time, 0.0), time)]
    left = [(period - dt, math.floor((period - dt) / dt)) for period in periods]
    assert sum(count * dt > time for time, count in left) > 3

    def make() -> Any:
        tau_ref = torch.tensor(periods, dtype=torch.float64)
        neuron = rb.create("lif", len(periods), event="located", dtype=torch.float64, tau_ref=tau_ref, dt=dt)
        neuron.inject(30.0)
        return neuron

    for steps in (1, 2, 81):
        _require_alike(both(make, 0.0, steps * dt), relative=0.0, spikes=len(periods))


def _rows(steps: int, units: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(3)
    full = 60.0 + 500.0 * torch.rand(steps, units, generator=generator, dtype=torch.float64)
    return {
        "per step": full[:, :1],
        "full": full,
        "a batch": full[:, None, :].expand(steps, 3, units) + torch.arange(3.0)[:, None],
        "a batch of one row": full[:, None, :1].expand(steps, 3, 1) + torch.arange(3.0)[:, None],
    }


@pytest.mark.parametrize(
    ("kind", "own"),
    [
        *(("full", True), ("a batch of one row", True), ("per step", False), ("a batch", False)),
        pytest.param("full", False, marks=pytest.mark.by_hand),
        pytest.param("a batch of one row", False, marks=pytest.mark.by_hand),
        pytest.param("per step", True, marks=pytest.mark.by_hand),
        pytest.param("a batch", True, marks=pytest.mark.by_hand),
    ],
)
def test_rows_of_input_give_the_same(kind: str, own: bool, both: Both) -> None:
    def make() -> Any:
        tau = torch.linspace(4.0, 9.0, 21) if own else 5.0
        return rb.create("lif", 21, event="located", dtype=torch.float64, tau_mem=tau, tau_ref=0.63)

    results = both(make, _rows(200, 21)[kind], record=("spikes", "voltage", "input", "spiked"), every=4)
    (_, one), (_, other) = results
    if kind != "full":
        # Units alike spike at one time, so the order of units tells more than the times.
        assert torch.equal(one.spikes.times, other.spikes.times)
    _require_alike(results, relative=0.0, spikes=20)


@pytest.mark.parametrize("kind", [Swing, Product])
def test_crossings_to_and_fro_within_a_step_are_found_as_in_eager(kind: Any, both: Both) -> None:
    def make() -> Any:
        phase = torch.linspace(0.0, 6.2, 40, dtype=torch.float64)
        neuron = rb.create(
            kind,
            40,
            event="located",
            dtype=torch.float64,
            dt=0.7,
            omega=torch.linspace(0.3, 1.2, 40),
            level=torch.cat([torch.linspace(0.8, 1.001, 20), torch.linspace(-0.995, -0.8, 20)]),
            x=torch.sin(phase),
            v=torch.cos(phase),
        )
        # Armed where g < 0 at the start.
        neuron.reset_state()
        return neuron

    results = both(make, 0.0, 70.0, record=("spikes", "x", "v"))
    (_, one), (_, crossing) = (
        results[0],
        (None, rb.simulate(_as_crossing(make()), 0.0, 70.0, backend="eager")),
    )
    # Some lie wholly within a step, so that its ends do not tell of them.
    assert len(one.spikes) > len(crossing.spikes) + 10
    # Eager goes on looking for the tops of all units until each has one.
    _require_alike(results, relative=1e-12, spikes=100)


def _as_crossing(neuron: Any) -> Any:
    params = {name: getattr(neuron, name) for name in ("omega", "level", "x", "v")}
    return rb.create(type(neuron), 40, event="crossing", dtype=torch.float64, dt=neuron.dt, **params)


def test_a_threshold_that_moves_gives_the_same(both: Both) -> None:
    current = torch.linspace(0.5, 8.0, 19, dtype=torch.float64)
    for dtype in (torch.float64, torch.float32):
        results = both(
            lambda dtype=dtype: rb.create(MovingThreshold, 19, event="located", dtype=dtype, dt=0.3),
            current,
            30.0,
            record=("spikes", "voltage", "limit"),
        )
        _require_alike(results, relative=0.0, spikes=100)


def test_a_model_that_explodes_past_its_threshold_gives_the_same(adex: Any, both: Both) -> None:
    results = both(
        lambda: rb.create(adex, 8, event="located", dtype=torch.float64, dt=0.1),
        torch.linspace(600.0, 2000.0, 8, dtype=torch.float64),
        60.0,
        record=("spikes", "voltage", "adaptation"),
    )
    _require_alike(results, relative=1e-9, spikes=30)


def test_two_runs_of_half_the_time_are_one(both: Both, a_few_steps: Any) -> None:
    current = torch.linspace(60.0, 400.0, 50)

    def make() -> Any:
        return rb.create("lif", 50, event="located", tau_ref=0.77)

    (whole_neuron, whole), *_ = both(make, current, 41.3)
    neuron = make()
    first = rb.simulate(neuron, current, 17.7, backend="fused")
    # And the second in many calls of the kernel.
    a_few_steps(1000)
    second = rb.simulate(neuron, current, 23.6, backend="fused")
    assert len(first.spikes) > 50
    assert torch.equal(torch.cat([first.spikes.times, second.spikes.times]), whole.spikes.times)
    assert torch.equal(torch.cat([first.spikes.units, second.spikes.units]), whole.spikes.units)
    for name, value in whole_neuron.state_dict().items():
        torch.testing.assert_close(neuron.state_dict()[name], value, rtol=0, atol=0, equal_nan=True, msg=name)


def test_an_interrupted_run_leaves_what_eager_leaves(
    monkeypatch: pytest.MonkeyPatch, a_few_steps: Any
) -> None:
    from rheobase_fused.call import CompiledKernel as Kernel

    current = torch.linspace(100.0, 900.0, 40)

    def make() -> Any:
        return rb.create("lif", 40, event="located", tau_ref=0.3)

    a_few_steps(4000)
    calls, whole = [], Kernel.__call__

    def interrupted(self: Any, *arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return whole(self, *arguments)

    monkeypatch.setattr(Kernel, "__call__", interrupted)
    neuron, other = make(), make()
    with pytest.raises(rb.SimulationInterrupted) as caught:
        rb.simulate(neuron, current, 50.0, backend="fused")
    expected = rb.simulate(other, current, 20.0, backend="eager")
    assert torch.equal(caught.value.recording.spikes.times, expected.spikes.times)
    assert bool(other.spiked.any())
    for name, value in other.state_dict().items():
        torch.testing.assert_close(neuron.state_dict()[name], value, rtol=0, atol=0, equal_nan=True, msg=name)


@pytest.mark.parametrize("units", [1, 5, 63, 65, 3000])
def test_any_number_of_units_gives_the_same(units: int, both: Both) -> None:
    current = torch.linspace(110.0, 400.0, units)
    results = both(
        lambda: rb.create("lif", units, event="located", tau_ref=0.5),
        current,
        10.0,
        record=("spikes", "voltage"),
    )
    _require_alike(results, relative=0.0, spikes=units // 2)


@pytest.mark.parametrize(
    "order", [2, pytest.param(1, marks=pytest.mark.by_hand), pytest.param(3, marks=pytest.mark.by_hand)]
)
def test_every_order_of_runge_kutta_gives_the_same(order: int, both: Both) -> None:
    results = both(
        lambda: rb.create("izhikevich", 20, event="located", integrator=rb.RungeKutta(order=order), dt=0.05),
        torch.linspace(0.0, 15.0, 20),
        40.0,
        record=("spikes", "recovery"),
    )
    _require_alike(results, relative=0.0, spikes=10)


def _errors(make: Callable[[], Any], current: Any, duration: float, kind: Any) -> list[Any]:
    found = []
    for backend in ("eager", "fused"):
        neuron = make()
        before = {name: value.clone() for name, value in neuron.state_dict().items()}
        with pytest.raises(kind) as caught:
            rb.simulate(neuron, current, duration, backend=backend)
        same = all(
            torch.equal(value.nan_to_num(), before[name].nan_to_num())
            for name, value in neuron.state_dict().items()
        )
        found.append((str(caught.value), neuron.simulation_step, same))
    return found


def test_spikes_without_end_are_the_error_of_eager() -> None:
    one, other = _errors(
        lambda: rb.create(Endless, 3, event="located"), torch.tensor([0.0, 0.4, -1.0]), 30.0, ZenoError
    )
    assert other[0] == one[0]
    assert "unit 1" in other[0]


def test_a_state_that_explodes_is_the_error_of_eager() -> None:
    current = torch.tensor([-1.0, -2.0, -40.0, -3.0])
    one, other = _errors(lambda: rb.create(Bursting, 4, event="located"), current, 50.0, NonFiniteStateError)
    assert other[0] == one[0]
    assert "unit 2" in other[0]


def test_a_state_that_is_no_number_on_the_way_to_a_spike_is_the_error_of_eager() -> None:
    current = torch.tensor([0.0, 0.3, 2.0])
    one, other = _errors(
        lambda: rb.create(Poisoned, 3, event="located", dt=1.0), current, 5.0, NonFiniteStateError
    )
    assert other[0] == one[0]
    assert "unit 2 at t = 1 ms" in other[0]


def test_a_neuron_that_was_made_single_runs_as_one_that_was_made_so() -> None:
    converted = rb.create("lif", 3, event="located", dtype=torch.float64).float()
    made = rb.create("lif", 3, event="located")
    one, other = (rb.simulate(each, 400.0, 20.0, backend="fused") for each in (converted, made))
    assert one.counts().tolist() == [8, 8, 8]  # one each 1 + 5 ln(80 / 60) = 2.438 ms
    assert one.spikes.times.equal(other.spikes.times)


def test_what_cannot_be_located_in_a_kernel_is_refused_with_the_reason() -> None:
    with pytest.raises(NotImplementedError, match="finds crossings by itself"):
        rb.simulate(rb.create("lif", 3, event="located", integrator="exact"), 1.0, 1.0, backend="fused")
    neuron = rb.create("lif", 3, event="located")
    neuron._buffers["hold_time"] = neuron.hold_time.float()
    with pytest.raises(NotImplementedError, match=r"hold_time was made torch\.float32"):
        rb.simulate(neuron, 1.0, 1.0, backend="fused")
    neuron = rb.create("lif", 3, event="located")
    neuron.load_state_dict({"hold_time": torch.tensor([0.0, -1.0, 0.0])}, strict=False)
    with pytest.raises(NotImplementedError, match="negative"):
        rb.simulate(neuron, 1.0, 1.0, backend="fused")
    neuron = rb.create("izhikevich", 3, event="located", scheme="published")
    with pytest.raises(NotImplementedError, match="makes its own step"):
        rb.simulate(neuron, 1.0, 1.0, backend="fused")
    with pytest.raises(EventModeError):
        rb.simulate(neuron, 1.0, 1.0, backend="eager")
