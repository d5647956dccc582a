"""Each spike at its own time. The ramp V = I t to 10 mV gives every number by hand; RK4 is exact on it."""

from __future__ import annotations

import copy
import io
import math

import numpy as np
import pytest
import rheobase as rb
import torch
from rheobase.errors import EventModeError, NonFiniteStateError, ZenoError


def doubles(*values):
    return torch.tensor(values, dtype=torch.float64)


def times_of(neuron, current, steps):
    """The spike times of each unit over so many steps, unit by unit."""
    found = [[] for _ in range(neuron.num_units)]
    for _ in range(steps):
        out = neuron(current)
        for unit, row in enumerate(out["spike_times"].tolist()):
            assert len([t for t in row if not math.isnan(t)]) == int(out["spike_count"][unit])
            found[unit] += [t for t in row if not math.isnan(t)]
    return found


class Parabola(rb.SpikingNeuron):
    """dx/dt = s, ds/dt = -1: x = x0 + s0 t - t^2 / 2. The reset names no state, so x goes on as it was."""

    x = rb.State(-1.0, unit="1")
    s = rb.State(1.0, unit="1/ms")

    @staticmethod
    def derivatives(state, params, data):
        return {"x": state.s, "s": -1.0 + 0.0 * data}

    @staticmethod
    def threshold(state, params):
        return state.x


class Swing(rb.SpikingNeuron):
    """x = sin(omega t + phase): g = x - level, and no reset."""

    omega = rb.Parameter(1.0, unit="1/ms")
    level = rb.Parameter(0.0, unit="1")
    x = rb.State(0.0, unit="1")
    v = rb.State(1.0, unit="1/ms")

    @staticmethod
    def derivatives(state, params, data):
        return {"x": params.omega * state.v, "v": -params.omega * state.x + 0.0 * data}

    @staticmethod
    def threshold(state, params):
        return state.x - params.level


# --- where a spike lies ---------------------------------------------------------------------------


def test_a_spike_has_its_own_time_and_the_rest_of_the_step_starts_there(ramp):
    neuron = rb.create(ramp, dt=1.0, event="located", dtype=torch.float64)
    for _ in range(3):
        out = neuron(4.0)
    # 10 mV at 2.5 ms, and from 0 at 4 mV/ms to the end of the step
    assert out["spike_times"].tolist() == [[2.5]]
    assert (out["spiked"].tolist(), out["spike_count"].tolist()) == ([1], [1])
    assert out["voltage"].tolist() == pytest.approx([2.0], abs=1e-13)
    assert out["trace"].tolist() == pytest.approx([3.0], abs=1e-13)


def test_one_step_holds_any_number_of_spikes(ramp):
    neuron = rb.create(ramp, 3, dt=10.0, event="located", dtype=torch.float64)
    out = neuron(doubles(0.5, 4.0, 7.5))
    assert out["spike_count"].tolist() == [0, 4, 7]
    assert out["spiked"].tolist() == [0, 1, 1]
    assert out["spike_times"].shape == (3, 7)
    assert out["spike_times"][1, :4].tolist() == pytest.approx([2.5, 5.0, 7.5, 10.0], abs=1e-13)
    assert bool(out["spike_times"][1, 4:].isnan().all())
    assert bool(out["spike_times"][0].isnan().all())
    assert out["spike_times"][2].tolist() == pytest.approx([k / 0.75 for k in range(1, 8)], abs=1e-13)


def test_a_step_without_a_spike_has_one_empty_column(ramp):
    out = rb.create(ramp, 2, event="located")(1.0)
    assert out["spike_times"].shape == (2, 1)
    assert out["spike_times"].dtype == torch.float64
    assert bool(out["spike_times"].isnan().all())


def test_the_refractory_period_lasts_exactly_tau_ref_whatever_dt_is(ramp):
    # 2.5 ms to the threshold and 0.37 ms of rest, in steps that divide neither
    expected = [2.5 + k * 2.87 for k in range(8)]
    for dt in (0.1, 0.4, 1.0, 25.0):
        neuron = rb.create(ramp, dt=dt, event="located", tau_ref=0.37, dtype=torch.float64)
        (times,) = times_of(neuron, 4.0, round(24.0 / dt) if dt < 25 else 1)
        assert times == pytest.approx(expected, abs=1e-12)


def test_what_is_left_of_a_refractory_period_is_counted_and_not_summed(ramp):
    neuron = rb.create(ramp, dt=0.01, event="located", tau_ref=0.1037, voltage=9.99, dtype=torch.float64)
    neuron(4.0)
    # 10 mV at 2.5 us; held to 106.2 us, ten steps of 10 us and 6.2 us more, less the first step
    assert neuron.hold.tolist() == [9]
    part = neuron.hold_time.clone()
    assert part.tolist() == pytest.approx([0.0062], abs=1e-15)
    for left in range(8, -1, -1):
        neuron(4.0)
        # to the bit: a sum of differences would be rounded each time alike
        assert (neuron.hold.tolist(), neuron.hold_time.tolist()) == ([left], part.tolist())
    neuron(4.0)
    assert (neuron.hold.tolist(), neuron.hold_time.tolist()) == ([0], [0.0])
    assert neuron.voltage.tolist() == pytest.approx([4.0 * 0.0038], abs=1e-14)


def test_a_refractory_period_of_whole_steps_ends_with_a_step(ramp):
    # From 2.5 to 3.5 ms, the end of the fifth step. In float32 the 0.7 ms of a step are 1e-8 ms less.
    neuron = rb.create(ramp, dt=0.7, event="located", tau_ref=1.0, dtype=torch.float64)
    (times,) = times_of(neuron, 4.0, 14)
    assert times == pytest.approx([2.5, 6.0, 9.5], abs=2e-14)


def test_each_unit_is_reset_and_held_by_its_own_parameters(lif):
    # The lower of two resets has further to go, and the longer rest more to wait.
    neuron = rb.create(
        lif, 2, dt=50.0, event="located", volt_reset=doubles(-75.0, -65.0), tau_ref=doubles(1.0, 3.0),
        integrator=Fine(), dtype=torch.float64,
    )  # fmt: skip
    times = neuron(150.0)["spike_times"]
    intervals = [5.0 * math.log(30.0 / 10.0) + 1.0, 5.0 * math.log(20.0 / 10.0) + 3.0]
    for unit, interval in enumerate(intervals):
        train = times[unit][~times[unit].isnan()]
        # RK4 in steps of half a time constant
        assert torch.diff(train).tolist() == pytest.approx([interval] * (len(train) - 1), abs=1e-3)


def test_states_that_are_not_held_go_on_during_the_refractory_period(ramp):
    neuron = rb.create(ramp, dt=5.0, event="located", tau_ref=1.5, dtype=torch.float64)
    out = neuron(4.0)
    # at rest from 2.5 to 4.0 ms
    assert out["voltage"].tolist() == pytest.approx([4.0], abs=1e-13)
    assert out["trace"].tolist() == pytest.approx([5.0], abs=1e-13)


def test_a_crossing_on_the_boundary_belongs_to_the_step_that_ends_there_and_counts_once(ramp):
    neuron = rb.create(ramp, dt=0.5, event="located", dtype=torch.float64)
    counts = [int(neuron(4.0)["spike_count"]) for _ in range(10)]
    assert counts == [0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def test_the_recording_has_the_times_in_order(ramp):
    neuron = rb.create(ramp, 2, dt=10.0, event="located", dtype=torch.float64)
    spikes = rb.simulate(neuron, doubles(3.1, 4.0), 20.0).spikes
    expected = sorted(
        [(k * 10 / 3.1, 0) for k in range(1, 7)] + [(k * 2.5, 1) for k in range(1, 9)], key=lambda s: s[0]
    )
    assert spikes.times.tolist() == pytest.approx([t for t, _ in expected], abs=1e-12)
    assert spikes.units.tolist() == [u for _, u in expected]
    assert bool((torch.diff(spikes.times) >= 0).all())


@pytest.mark.parametrize(("name", "order"), [("rk1", 1), ("rk2", 2), ("rk3", 3), ("rk4", 4)])
def test_a_method_keeps_its_order_through_located_spikes(lif, name, order):
    # 120 pA above rest: 5 ms ln(24 / 4) to the threshold, the fourth spike after three periods of 1 ms more
    exact = 4 * 5.0 * math.log(24.0 / 4.0) + 3 * 1.0
    errors = []
    steps = (0.4, 0.2, 0.1) if order < 4 else (1.0, 0.5, 0.25)
    for dt in steps:
        neuron = rb.create(lif, dt=dt, event="located", integrator=name, dtype=torch.float64)
        (times,) = times_of(neuron, 120.0, round(44.0 / dt))
        errors.append(abs(times[3] - exact))
    measured = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    assert measured[-1] == pytest.approx(order, abs=0.15)


def test_a_stranger_s_ten_lines_get_it_all(lif):
    class Heun(rb.Integrator):
        order = 2

        def advance(self, field, y, t0, t1, *, carry=None):
            h = t1 - t0
            k1 = field(t0, y)
            return rb.Advance(y + h / 2 * (k1 + field(t1, y + h * k1)))

    neuron = rb.create(lif, 2, dt=0.01, event="located", integrator=Heun(), dtype=torch.float64)
    first, second = times_of(neuron, doubles(300.0, 150.0), 600)
    period = 5.0 * math.log(60.0 / 40.0) + 1.0
    # dt^2 / 12 of a period of some time constants
    assert first == pytest.approx([period - 1.0, 2 * period - 1.0], abs=1e-5)
    assert second == pytest.approx([5.0 * math.log(30.0 / 10.0)], abs=1e-5)


# --- conventions ----------------------------------------------------------------------------------


def test_identical_units_spike_together_bit_for_bit(lif):
    neuron = rb.create(lif, 1000, dt=2.0, event="located", dtype=torch.float64)
    out = neuron(300.0)
    out = neuron(300.0)
    assert out["spike_count"].tolist() == [1] * 1000
    assert len(out["spike_times"].unique()) == 1
    assert len(out["voltage"].unique()) == 1


def test_a_start_exactly_at_threshold_is_no_crossing(ramp):
    neuron = rb.create(ramp, dt=1.0, event="located", voltage=10.0, dtype=torch.float64)
    assert int(neuron(1.0)["spike_count"]) == 0
    assert int(neuron(-2.0)["spike_count"]) == 0  # down from 11 to 9
    out = neuron(4.0)
    assert out["spike_times"].tolist() == [[2.25]]


def test_a_kick_above_the_threshold_is_a_spike_at_its_own_time(ramp):
    neuron = rb.create(ramp, dt=1.0, event="located", dtype=torch.float64)
    neuron(1.0)
    neuron.inject(20.0)
    out = neuron(1.0)
    assert out["spike_times"].tolist() == [[1.0]]
    assert out["voltage"].tolist() == pytest.approx([1.0], abs=1e-13)


def test_a_reset_above_the_threshold_gives_one_spike_and_no_loop(ramp):
    class Stuck(ramp):
        @staticmethod
        def reset(state, params):
            return {"voltage": 12.0}

    neuron = rb.create(Stuck, dt=1.0, event="located", dtype=torch.float64)
    counts = [int(neuron(6.0)["spike_count"]) for _ in range(4)]
    assert counts == [0, 1, 0, 0]


def test_a_unit_above_the_threshold_when_its_refractory_period_ends_spikes_then():
    class Loud(rb.SpikingNeuron):
        """V rises, and is held after a spike; the threshold falls all the time."""

        tau_ref = rb.Parameter(2.0, unit="ms", at_least=0)
        voltage = rb.State(0.0, unit="mV")
        limit = rb.State(3.0, unit="mV")

        @staticmethod
        def derivatives(state, params, data):
            return {"voltage": data, "limit": -0.5}

        @staticmethod
        def threshold(state, params):
            return state.voltage - state.limit

        @staticmethod
        def reset(state, params):
            return {"voltage": 2.25}

    neuron = rb.create(Loud, dt=0.7, event="located", dtype=torch.float64)
    (times,) = times_of(neuron, 1.0, 10)
    # V = t meets 3 - t / 2 at 2 ms. Then V is 2.25 and the limit 2.0: above already, and again at each end.
    assert times == pytest.approx([2.0, 4.0, 6.0], abs=1e-13)


def test_a_crossing_during_the_refractory_period_is_no_spike(ramp):
    neuron = rb.create(ramp, dt=1.0, event="located", tau_ref=3.0, dtype=torch.float64)
    for _ in range(3):
        neuron(4.0)
    neuron.inject(20.0)
    counts = [int(neuron(0.0)["spike_count"]) for _ in range(4)]
    # at 5.5 ms, when it ends
    assert counts == [0, 0, 1, 0]


# --- crossings that hide within a step ------------------------------------------------------------


def test_a_path_up_and_down_within_one_step_is_found():
    neuron = rb.create(
        Parabola, 3, x=doubles(-0.4, -0.5001, -0.3), s=1.0, dt=3.0, event="located", dtype=torch.float64
    )
    out = neuron(0.0)
    # s0^2 / 2 = 0.5 above the start: two units reach zero, one misses it by 1e-4
    assert out["spike_count"].tolist() == [1, 0, 1]
    first = 1.0 - math.sqrt(1.0 - 2 * 0.4)
    third = 1.0 - math.sqrt(1.0 - 2 * 0.3)
    assert out["spike_times"][0, 0].item() == pytest.approx(first, abs=1e-15)
    assert out["spike_times"][2, 0].item() == pytest.approx(third, abs=1e-15)


def test_ten_thousand_near_misses_and_near_hits_are_told_apart():
    generator = torch.Generator().manual_seed(5)
    n = 10_000
    height = 10.0 ** -(10.0 * torch.rand(n, generator=generator, dtype=torch.float64))
    height = torch.where(torch.arange(n) % 2 == 0, height, -height)
    top_at = 0.1 + 0.8 * torch.rand(n, generator=generator, dtype=torch.float64)
    # x = height - (t - top_at)^2 / 2 on a step of 1 ms, which begins and, if it can, ends below zero
    start = height - top_at**2 / 2
    neuron = rb.create(Parabola, n, x=start, s=top_at, dt=1.0, event="located", dtype=torch.float64)
    out = neuron(0.0)
    expected = (height >= 0) & (start < 0)
    assert torch.equal(out["spike_count"] == 1, expected)
    times = (top_at - torch.sqrt(2.0 * height.clamp(min=0)))[expected]
    # near a tangent, an error of rounding in x is one of its root in t
    wrong = (out["spike_times"][expected, 0] - times).abs() * torch.sqrt(2.0 * height[expected])
    assert wrong.max() < 1e-15


@pytest.mark.parametrize("below_top", [1e-3, 1e-6, -1e-6])
def test_a_top_that_is_flatter_than_the_cubic_through_its_ends_is_found(below_top):
    # cos(t - 0.3) on [0, 1]: the cubic through its ends has its top at 0.9977.
    start = {"x": math.cos(0.3), "v": math.sin(0.3)}
    neuron = rb.create(
        Swing, dt=1.0, level=1.0 - below_top, event="located", dtype=torch.float64, integrator=Fine(), **start
    )
    out = neuron(0.0)
    assert out["spike_count"].tolist() == [int(below_top > 0)]
    if below_top > 0:
        # RK4 at 0.05 ms is right to 1e-8, near a tangent of slope sqrt(2 below_top)
        exact = 0.3 - math.acos(1.0 - below_top)
        assert out["spike_times"].item() == pytest.approx(exact, abs=1e-8 / math.sqrt(2 * below_top))


def test_a_dip_below_the_threshold_and_back_is_a_spike():
    neuron = rb.create(
        Swing,
        2,
        x=0.0,
        v=-1.0,
        level=doubles(-0.5, -1.001),
        dt=math.pi,
        event="located",
        dtype=torch.float64,
        integrator=Fine(),
    )
    # x = -sin t, and both start above their levels; one is below -0.5 from pi / 6 to 5 pi / 6.
    out = neuron(0.0)
    assert out["spike_count"].tolist() == [1, 0]
    # RK4 at pi / 20: 5 pi / 6 (pi / 20)^4 / 120
    assert out["spike_times"][0, 0].item() == pytest.approx(5 * math.pi / 6, abs=3e-5)


class Fine(rb.Integrator):
    """RK4 in twenty equal steps."""

    order = 4

    def advance(self, field, y, t0, t1, *, carry=None):
        h = (t1 - t0) / 20
        for step in range(20):
            y = rb.RungeKutta().advance(field, y, t0 + step * h, t0 + (step + 1) * h).y
        return rb.Advance(y)


def test_a_spike_without_a_reset_is_not_found_again():
    neuron = rb.create(Swing, dt=0.1, event="located", level=0.5, dtype=torch.float64)
    (times,) = times_of(neuron, 0.0, 200)
    exact = [math.pi / 6 + 2 * math.pi * k for k in range(4)]
    # RK4 at 0.1 ms over 20 ms: 20 * 0.1^4 / 120
    assert times == pytest.approx([t for t in exact if t <= 20.0], abs=3e-5)


# --- explosions and failures ----------------------------------------------------------------------


def test_an_explosion_past_the_threshold_is_a_spike_under_a_fixed_step(adex):
    counts = {}
    for dt in (0.1, 0.01):
        neuron = rb.create(adex, 2, dt=dt, event="located", dtype=torch.float64)
        spikes = rb.simulate(neuron, doubles(1500.0, 4000.0), 8.0).spikes
        counts[dt] = [len(spikes.of(0)), len(spikes.of(1))]
        first = spikes.of(1)[0].item()
        assert 2.0 < first < 4.0
    assert counts[0.1] == counts[0.01]


def test_spikes_without_end_are_an_error_that_names_the_unit(ramp):
    class Endless(ramp):
        @staticmethod
        def reset(state, params):
            return {"voltage": 10.0 - 1e-13}

    neuron = rb.create(Endless, 2, dt=1.0, event="located", dtype=torch.float64)
    neuron(doubles(1.0, 8.0))
    with pytest.raises(ZenoError, match=r"unit 1 at t = .*reset"):
        neuron(doubles(1.0, 8.0))
    assert neuron.simulation_step == 1


def test_a_failure_names_unit_time_step_and_cause():
    class Pole(rb.SpikingNeuron):
        voltage = rb.State(-1.0, unit="mV")

        @staticmethod
        def derivatives(state, params, data):
            return {"voltage": data / torch.sqrt(state.voltage + 1.5)}

        @staticmethod
        def threshold(state, params):
            return state.voltage - 10.0

    neuron = rb.create(Pole, 3, dt=1.0, event="located", dtype=torch.float64)
    neuron(doubles(0.0, -0.1, 0.0))
    with pytest.raises(
        NonFiniteStateError, match=r"step 1 \(from t = 1 ms, dt = 1 ms\): .*not finite for unit 1 at t = "
    ):
        neuron(doubles(0.0, -1.0, 0.0))


@pytest.mark.parametrize("event", ["located", "crossing", "step"])
def test_marked_units_are_nan_and_the_others_as_if_alone(event):
    class Root(rb.SpikingNeuron):
        voltage = rb.State(1.0, unit="mV")

        @staticmethod
        def derivatives(state, params, data):
            return {"voltage": data + 0.0 * torch.sqrt(state.voltage)}

        @staticmethod
        def threshold(state, params):
            return state.voltage - 2.0

        @staticmethod
        def reset(state, params):
            return {"voltage": 1.0}

    current = doubles(0.3, -0.8, 0.7)
    marking = rb.create(
        Root, 3, dt=1.0, event=event, dtype=torch.float64, integrator=rb.integrator("rk4", on_failure="mark")
    )
    alone = rb.create(Root, 3, dt=1.0, event=event, dtype=torch.float64)
    for step in range(8):
        out = marking(current)
        healthy = alone(doubles(0.3, 0.0, 0.7))
        for name in out.keys() - {"input"}:
            assert torch.equal(out[name][[0, 2]].nan_to_num(), healthy[name][[0, 2]].nan_to_num()), name
        assert marking.status.tolist() == ([0, 0, 0] if step < 1 else [0, rb.Status.NOT_FINITE, 0])
        assert bool(out["voltage"][1].isnan()) == (step >= 1)
        assert int(out["spiked"][1]) == 0
    marking.reset_state()
    assert marking.status.tolist() == [0, 0, 0]
    assert marking.voltage.tolist() == [1.0, 1.0, 1.0]


def test_another_way_to_fail_is_refused():
    with pytest.raises(rb.errors.ArgumentError, match="'raise' or 'mark'"):
        rb.integrator("rk4", on_failure="ignore")


# --- batches, copies, chunks, gradients -----------------------------------------------------------


def test_a_batch_is_each_of_its_rows(coupled):
    current = 6.0 + 4.0 * torch.rand(3, 2, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    b = torch.linspace(0.2, 0.25, 5, dtype=torch.float64)
    whole = rb.create(coupled, 5, dt=0.5, b=b, tau_ref=1.3, event="located", dtype=torch.float64)
    rows = [
        rb.create(coupled, 5, dt=0.5, b=b, tau_ref=1.3, event="located", dtype=torch.float64)
        for _ in range(6)
    ]
    spikes = 0
    for _ in range(60):
        out = whole(current)
        assert out["spike_times"].shape[:-1] == (3, 2, 5)
        for index, row in enumerate(rows):
            place = (index // 2, index % 2)
            alone = row(current[place])
            assert torch.equal(out["voltage"][place], alone["voltage"])
            assert torch.equal(out["spike_count"][place], alone["spike_count"])
            width = alone["spike_times"].shape[-1]
            assert torch.equal(
                out["spike_times"][place][:, :width].nan_to_num(), alone["spike_times"].nan_to_num()
            )
        spikes += int(out["spike_count"].sum())
    assert spikes > 20


def test_a_unit_s_result_does_not_depend_on_its_place(coupled):
    generator = torch.Generator().manual_seed(2)
    current = 4.0 + 10.0 * torch.rand(500, generator=generator, dtype=torch.float64)
    order = torch.randperm(500, generator=generator)
    crowd = rb.create(coupled, 500, dt=1.0, event="located", dtype=torch.float64)
    mixed = rb.create(coupled, 500, dt=1.0, event="located", dtype=torch.float64)
    alone = rb.create(coupled, 1, dt=1.0, event="located", dtype=torch.float64)
    for _ in range(40):
        first, second, third = crowd(current), mixed(current[order]), alone(current[:1])
        assert torch.equal(first["voltage"][order], second["voltage"])
        assert torch.equal(first["spike_times"][order].nan_to_num(), second["spike_times"].nan_to_num())
        assert torch.equal(first["voltage"][:1], third["voltage"])


def test_state_dict_deepcopy_and_two_runs_go_on_where_they_were(ramp):
    def fresh():
        return rb.create(ramp, 2, dt=0.7, event="located", tau_ref=1.1, dtype=torch.float64)

    current = doubles(4.0, 9.0)
    long = rb.simulate(fresh(), current, 14.0).spikes
    neuron = fresh()
    parts = [rb.simulate(neuron, current, 7.0).spikes]
    file = io.BytesIO()
    torch.save(neuron.state_dict(), file)
    file.seek(0)
    other = fresh()
    other.load_state_dict(torch.load(file))
    twin = copy.deepcopy(neuron)
    parts.append(rb.simulate(neuron, current, 7.0).spikes)
    assert torch.equal(torch.cat([part.times for part in parts]), long.times)
    for copied in (other, twin):
        assert torch.equal(rb.simulate(copied, current, 7.0).spikes.times, parts[1].times)


def test_a_neuron_converted_in_mid_run_goes_on(ramp):
    neuron = rb.create(ramp, dt=1.0, event="located", tau_ref=1.5)
    neuron.double()(4.0)
    (times,) = times_of(neuron.float(), 4.0, 9)
    assert neuron.voltage.dtype == torch.float32
    assert times == pytest.approx([2.5, 6.5], abs=1e-6)


def test_gradients_of_a_spike_time_are_those_of_the_closed_form(lif):
    """T5 = 5 tau ln((R I) / (R I - theta)) + 4 tau_ref, for I, tau, V_thresh and tau_ref."""
    values = {"tau_mem": 5.0, "volt_thresh": -55.0, "tau_ref": 1.0}
    leaves = {
        name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in values.items()
    }
    current = torch.tensor([150.0], dtype=torch.float64, requires_grad=True)
    neuron = rb.create(
        lif, dt=0.5, event="located", grad=True, dtype=torch.float64, integrator=Fine(), **leaves
    )
    times = torch.cat([out[~out.isnan()] for out in (neuron(current)["spike_times"] for _ in range(70))])
    got = torch.autograd.grad(times[4], [current, *leaves.values()])
    drive, theta, tau = 30.0, 20.0, 5.0
    by_drive = 5 * tau * (1 / drive - 1 / (drive - theta))
    exact = [by_drive / 5.0, 5 * math.log(drive / (drive - theta)), 5 * tau / (drive - theta), 4.0]
    assert [float(g.sum()) for g in got] == pytest.approx(exact, abs=1e-8)


def test_gradients_through_spikes_agree_with_finite_differences(coupled):
    def voltage_and_times(current, c, d):
        neuron = rb.create(
            coupled,
            dt=0.25,
            event="located",
            grad=True,
            dtype=torch.float64,
            c=c,
            d=d,
            tau_ref=0.6,
            voltage=-50.0,
        )
        outs = [neuron(current) for _ in range(20)]
        times = torch.cat([out["spike_times"][~out["spike_times"].isnan()] for out in outs])
        assert len(times) == 3
        return torch.cat([times, outs[-1]["voltage"], outs[-1]["recovery"]])

    inputs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in ([60.0], -65.0, 8.0)]
    assert torch.autograd.gradcheck(voltage_and_times, inputs, eps=1e-5, atol=1e-6, rtol=1e-6)


def test_without_grad_nothing_keeps_a_graph(lif):
    neuron = rb.create(lif, dt=2.0, event="located")
    neuron.tau_mem = torch.nn.Parameter(torch.tensor(5.0))
    for _ in range(3):
        neuron(300.0)
    assert not neuron.voltage.requires_grad
    assert not neuron.hold_time.requires_grad
    assert not neuron.spike_times.requires_grad


# --- where it is not to be had --------------------------------------------------------------------


def test_a_step_of_the_model_s_own_has_no_located_spikes():
    class Jump(rb.SpikingNeuron):
        voltage = rb.State(0.0, unit="mV")

        @staticmethod
        def update(state, params, data, dt):
            return {"voltage": state.voltage + dt * data}

        @staticmethod
        def threshold(state, params):
            return state.voltage - 10.0

    with pytest.raises(EventModeError, match=r"own step.*event='step'"):
        rb.create(Jump, event="located")(1.0)


def test_function_transforms_are_told_to_use_another_mode(lif):
    neuron = rb.create(lif, event="located")
    with pytest.raises(EventModeError, match="event='crossing'"):
        torch.func.vmap(lambda x: neuron(x)["voltage"])(torch.ones(2, 1))


def test_an_analog_model_has_nothing_to_locate(two_inputs):
    plain, located = rb.create(two_inputs), rb.create(two_inputs, event="located")
    given = {"excitation": 3.0}
    assert torch.equal(plain(given)["voltage"], located(given)["voltage"])
