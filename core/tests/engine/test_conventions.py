"""The conventions of a step: when spikes are, who is armed, how long a unit is refractory."""

from __future__ import annotations

import functools
import math

import pytest
import rheobase as rb
import torch
from rheobase.errors import InputError, NonFiniteStateError


def trains(neuron, inputs):
    """Of every step: who spiked, and the voltage."""
    outputs = [neuron(row) for row in inputs]
    return torch.stack([o["spiked"] for o in outputs]), torch.stack([o["voltage"] for o in outputs])


def state_of(neuron):
    return {name: value.clone() for name, value in neuron.state_dict().items()}


def test_spikes_lie_in_the_step_that_reports_them_with_the_voltage_after_reset(ramp):
    # V = I t reaches 10 mV at t = 2.5: within the step from 2 to 3.
    spiked, voltage = trains(rb.create(ramp, dt=1.0), torch.full((4, 1), 4.0))
    assert spiked.flatten().tolist() == [0, 0, 1, 0]
    assert voltage.flatten().tolist() == [4.0, 8.0, 0.0, 4.0]


def test_a_crossing_at_the_very_end_of_a_step_belongs_to_it(ramp):
    spiked, voltage = trains(rb.create(ramp, dt=1.0), torch.full((3, 1), 5.0))
    assert spiked.flatten().tolist() == [0, 1, 0]
    assert voltage.flatten().tolist() == [5.0, 0.0, 5.0]


@pytest.mark.parametrize("dt", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("current", [376.0, 500.0, 2000.0])
def test_lif_intervals_are_those_of_the_closed_form_within_a_step(lif, dt, current):
    tau, rest, thresh, tau_ref, leak = 10.0, -70.0, -55.0, 2.0, 25.0
    gain = current / leak
    exact = tau_ref + tau * math.log(gain / (gain - (thresh - rest)))
    neuron = rb.create(
        lif, dt=dt, dtype=torch.float64, tau_mem=tau, volt_rest=rest, volt_thresh=thresh,
        tau_ref=tau_ref, leak_gl=leak,
    )  # fmt: skip
    spiked, _ = trains(neuron, [current] * round(4.5 * exact / dt))
    intervals = spiked.flatten().nonzero().flatten().double().diff() * dt
    assert len(intervals) >= 2
    # A reset takes effect at the end of its step, so an interval is late by less than one step.
    assert bool((intervals >= exact - 1e-9).all())
    assert bool((intervals <= exact + dt).all())


def test_dt_reaches_integrator_and_refractoriness(lif):
    # The same neuron at three time steps: as many spikes, but for the rounding to the grid.
    rates = []
    for dt in (0.05, 0.1, 0.5):
        spiked, _ = trains(rb.create(lif, dt=dt), [300.0] * round(50 / dt))
        rates.append(int(spiked.sum()))
    interval = 1 + 5 * math.log(60 / 40)
    for dt, rate in zip((0.05, 0.1, 0.5), rates, strict=True):
        assert 50 / (interval + dt) - 1 <= rate <= 50 / interval + 1


def test_subthreshold_voltage_follows_the_closed_form(lif):
    neuron = rb.create(lif, dt=0.1, dtype=torch.float64)
    _, voltage = trains(neuron, [50.0] * 100)
    t = 0.1 * torch.arange(1, 101, dtype=torch.float64)
    exact = -75 + 10 * (1 - torch.exp(-t / 5))
    # RK4's error per step is (dt / tau)^5 / 120, some 3e-11 of 10 mV.
    torch.testing.assert_close(voltage[:, 0], exact, atol=1e-8, rtol=0)


def test_a_kick_above_threshold_gives_exactly_one_spike_in_the_next_step(ramp):
    neuron = rb.create(ramp, 2, dt=1.0)
    neuron(0.0)
    neuron.inject(torch.tensor([15.0, 9.0]))
    assert neuron.spiked.tolist() == [0, 0]
    spiked, voltage = trains(neuron, [0.0] * 4)
    assert spiked.tolist() == [[1, 0], [0, 0], [0, 0], [0, 0]]
    assert voltage[-1].tolist() == [0.0, 9.0]


def test_a_kick_exactly_to_threshold_counts(ramp):
    neuron = rb.create(ramp, dt=1.0)
    neuron.inject(10.0)
    assert int(neuron(0.0)["spiked"]) == 1


def test_a_kick_counts_even_if_the_voltage_falls_back_within_the_step(lif):
    neuron = rb.create(lif, dt=1.0)
    neuron.inject(20.5)
    assert int(neuron(-500.0)["spiked"]) == 1


def test_inject_adds_to_the_voltage_and_to_nothing_else(ramp):
    neuron = rb.create(ramp, 2)
    neuron(1.0)
    before = state_of(neuron)
    neuron.inject(torch.tensor([1.5, -2.0]))
    after = state_of(neuron)
    torch.testing.assert_close(after.pop("voltage") - before.pop("voltage"), torch.tensor([1.5, -2.0]))
    assert all(torch.equal(after[name], before[name]) for name in before)


@pytest.mark.parametrize(
    ("kick", "words"),
    [
        (math.nan, "kick.*not finite"),
        (math.inf, "kick.*not finite"),
        (torch.ones(3), r"kick.*\[3\].*1 or num_units = 2"),
        (torch.ones(2, dtype=torch.int32), "kick.*int32.*floating"),
        ("much", "kick.*str"),
    ],
)
def test_a_kick_that_cannot_be_used_is_refused_and_changes_nothing(ramp, kick, words):
    neuron = rb.create(ramp, 2)
    with pytest.raises(InputError, match=words):
        neuron.inject(kick)
    assert neuron.voltage.tolist() == [0.0, 0.0]


def test_a_model_without_voltage_cannot_be_kicked():
    class Rate(rb.AnalogNeuron):
        activity = rb.State(0.0, unit="1")

        @staticmethod
        def derivatives(state, params, data):
            return {"activity": data - state.activity}

    with pytest.raises(rb.errors.ArgumentError, match=r"no voltage.*activity"):
        rb.create(Rate).inject(1.0)


@pytest.mark.parametrize("event", ["crossing", "step"])
def test_a_voltage_that_stays_above_threshold_gives_no_second_spike(event):
    class Plateau(rb.SpikingNeuron):
        voltage = rb.State(0.0, unit="mV")

        @staticmethod
        def derivatives(state, params, data):
            return {"voltage": data}

        @staticmethod
        def threshold(state, params):
            return state.voltage - 10.0

    neuron = rb.create(Plateau, dt=1.0, event=event)
    drive = [6.0, 6.0, 6.0, 0.0, -9.0, 0.0, 6.0]
    spiked, voltage = trains(neuron, drive)
    assert voltage.flatten().tolist() == [6.0, 12.0, 18.0, 18.0, 9.0, 9.0, 15.0]
    assert spiked.flatten().tolist() == [0, 1, 0, 0, 0, 0, 1]
    assert neuron.armed.tolist() == [False]


def test_armed_says_that_g_was_below_zero_after_the_reset(ramp):
    class HighReset(ramp):
        @staticmethod
        def reset(state, params):
            return {"voltage": 12.0}

    for model, expected in ((ramp, True), (HighReset, False)):
        neuron = rb.create(model, dt=1.0)
        assert neuron.armed.dtype == torch.bool
        assert neuron.armed.tolist() == [True]
        neuron(11.0)
        assert neuron.armed.tolist() == [expected]


def test_a_unit_that_starts_above_threshold_is_not_armed(ramp):
    neuron = rb.create(ramp, dt=1.0, voltage=20.0)
    spiked, _ = trains(neuron, [0.0, 0.0, -15.0, 8.0])
    assert spiked.flatten().tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize(
    ("tau_ref", "dt", "steps"),
    [
        (1.0, 0.1, 10),
        (2.0, 0.1, 20),
        (1.5, 1.0, 2),
        (0.3, 0.1, 3),
        (0.7, 0.1, 7),
        (0.04, 0.1, 0),
        (0.06, 0.1, 1),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_refractory_hold_lasts_round_tau_ref_by_dt_whole_steps(ramp, tau_ref, dt, steps, dtype):
    neuron = rb.create(ramp, dt=dt, tau_ref=tau_ref, dtype=dtype)
    neuron.inject(11.0)
    spiked, voltage = trains(neuron, [1.0] * (steps + 5))
    assert int(spiked[0]) == 1
    assert int(spiked.sum()) == 1
    # Bit-identical: zero derivative adds nothing at all.
    assert voltage[: steps + 1].flatten().tolist() == [0.0] * (steps + 1)
    assert voltage[steps + 1 :].flatten().tolist() == pytest.approx([dt * n for n in range(1, 5)], rel=1e-6)


def test_inhibition_does_not_move_a_refractory_unit(lif):
    neuron = rb.create(lif, dt=0.1, volt_reset=-71.3)
    neuron.inject(25.0)
    neuron(0.0)
    held = neuron.voltage.clone()
    for _ in range(10):
        assert torch.equal(neuron(-1e5)["voltage"], held)
    assert float(neuron(-1e5)["voltage"]) < -100


def test_the_other_states_go_on_and_see_the_held_one_at_rest(coupled):
    neuron = rb.create(coupled, dt=0.1, tau_ref=1.0, dtype=torch.float64)
    neuron.inject(100.0)
    neuron(10.0)
    v, u0 = neuron.voltage.clone(), neuron.recovery.clone()
    for _ in range(10):
        assert torch.equal(neuron(1e4)["voltage"], v)
    # With v at rest, du/dt = a (b v - u) is linear: u -> b v.
    exact = 0.2 * v + (u0 - 0.2 * v) * math.exp(-0.02 * 1.0)
    torch.testing.assert_close(neuron.recovery, exact, atol=1e-10, rtol=0)


def test_held_names_the_states_that_stand_still(ramp):
    class Both(ramp):
        held = ("voltage", "trace")

    neuron = rb.create(Both, dt=1.0, tau_ref=2.0)
    neuron.inject(11.0)
    neuron(0.0)
    trace = neuron.trace.clone()
    for expected in (0.0, 0.0, 1.0):
        neuron(1.0)
        assert float(neuron.trace - trace) == expected


def test_a_unit_cannot_spike_within_a_hold_but_does_when_it_ends_above_threshold(ramp):
    neuron = rb.create(ramp, dt=1.0, tau_ref=3.0)
    neuron.inject(11.0)
    neuron(0.0)
    neuron.inject(11.0)  # within the hold
    spiked, voltage = trains(neuron, [0.0] * 8)
    assert spiked.flatten().tolist() == [0, 0, 1, 0, 0, 0, 0, 0]
    assert voltage.flatten().tolist() == [11.0, 11.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]


def test_a_reset_above_threshold_spikes_again_whenever_its_hold_ends(ramp):
    class HighReset(ramp):
        @staticmethod
        def reset(state, params):
            return {"voltage": 12.0}

    spiked, _ = trains(rb.create(HighReset, dt=1.0, tau_ref=2.0), [11.0] + [0.0] * 6)
    assert spiked.flatten().tolist() == [1, 0, 1, 0, 1, 0, 1]


def test_refractory_periods_may_differ_between_units(ramp):
    neuron = rb.create(ramp, 3, dt=1.0, tau_ref=torch.tensor([0.0, 1.0, 3.0]))
    spiked, _ = trains(neuron, torch.full((9, 3), 11.0))
    assert spiked.T.tolist() == [[1] * 9, [1, 0] * 4 + [1], [1, 0, 0, 0] * 2 + [1]]


def test_a_new_current_is_cast_to_the_dtype_of_the_state(lif):
    neuron = rb.create(lif, dtype=torch.float64)
    out = neuron(torch.tensor([0.1], dtype=torch.float16))
    assert {out["voltage"].dtype, out["input"].dtype} == {torch.float64}
    neuron = rb.create(lif)
    assert neuron(torch.tensor([0.1], dtype=torch.float64))["voltage"].dtype == torch.float32


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_current_that_is_not_finite_is_refused_with_unit_and_step_and_changes_nothing(lif, bad):
    neuron = rb.create(lif, 3)
    neuron(torch.tensor([1.0, 2.0, 3.0]))
    before = state_of(neuron)
    with pytest.raises(InputError, match=rf"{bad} in unit 1.* at step 1 .*finite"):
        neuron(torch.tensor([1.0, bad, 3.0]))
    after = state_of(neuron)
    assert all(torch.equal(after[name], before[name]) for name in before)
    neuron(torch.tensor([1.0, 2.0, 3.0]))
    assert neuron.simulation_step == 2


def test_a_bad_current_in_a_batch_is_named_with_its_place(lif):
    neuron = rb.create(lif, 3)
    current = torch.zeros(2, 4, 3)
    current[1, 2, 0] = math.nan
    with pytest.raises(InputError, match=r"unit 0, batch \[1, 2\] at step 0"):
        neuron(current)
    assert neuron.batch == torch.Size()


def test_a_bad_current_hidden_by_refractoriness_is_still_refused(lif):
    neuron = rb.create(lif)
    neuron.inject(25.0)
    neuron(0.0)
    with pytest.raises(InputError, match="at step 1"):
        neuron(math.nan)


def test_a_state_that_explodes_is_an_error_with_unit_step_and_state_and_changes_nothing():
    class Explosive(rb.AnalogNeuron):
        voltage = rb.State(0.0, unit="mV")
        calcium = rb.State(0.0, unit="uM")

        @staticmethod
        def derivatives(state, params, data):
            return {"voltage": data, "calcium": torch.exp(state.voltage)}

    neuron = rb.create(Explosive, 3, dt=1.0)
    neuron(torch.tensor([1.0, 1.0, 50.0]))
    before = state_of(neuron)
    with pytest.raises(NonFiniteStateError, match=r"'calcium' \(in uM\) became inf in unit 2 at step 1"):
        neuron(torch.tensor([1.0, 1.0, 50.0]))
    after = state_of(neuron)
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_large_finite_states_are_no_error_though_their_sum_is_infinite():
    class Free(rb.AnalogNeuron):
        voltage = rb.State(0.0, unit="mV")

        @staticmethod
        def derivatives(state, params, data):
            return {"voltage": data}

    neuron = rb.create(Free, 10, dt=1.0)
    assert neuron(torch.full((10,), 5e37))["voltage"].tolist() == pytest.approx([5e37] * 10)


@pytest.mark.parametrize("current", [1e6, 1e9, 1e12, 1e30])
def test_strong_drive_fires_at_every_chance_and_never_silences(lif, current):
    neuron = rb.create(lif, dt=0.1)
    spiked, voltage = trains(neuron, [current] * 45)
    assert spiked.flatten().tolist() == ([1] + [0] * 10) * 4 + [1]
    assert bool(voltage.isfinite().all())


def test_lif_keeps_its_reset_to_the_bit_after_a_huge_overshoot(lif):
    neuron = rb.create(lif, dt=0.1, volt_reset=-71.3)
    assert torch.equal(neuron(1e30)["voltage"], neuron.volt_reset.reshape(1))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_adex_keeps_firing_at_a_rate_within_5_percent_of_a_fine_step(adex, dtype):
    currents = torch.linspace(1000.0, 10000.0, 10, dtype=torch.float64)
    duration = 100.0
    neuron = rb.create(adex, 10, dt=0.1, dtype=dtype)
    drive = currents.to(dtype)
    coarse = sum(neuron(drive)["spiked"].double() for _ in range(round(duration / 0.1)))
    fine = _fine_adex(duration, *currents.tolist())
    # One spike either way where the run's end cuts an interval, or 5%.
    difference = (coarse - fine).abs()
    assert bool((difference <= torch.clamp(0.05 * fine, min=1.0)).all()), (coarse, fine)
    assert float(neuron.adaptation.max()) < 1e5, "the overshoot has poisoned the adaptation"


@functools.cache
def _fine_adex(duration, *currents, dt=0.005):
    """Spike counts by RK4 at a fine step in NumPy; w at a spike is that at the start of its step."""
    import numpy as np

    current = np.array(currents)

    def slope(v, w):
        up = 60 * np.exp(np.minimum((v + 50.4) / 2, 600))
        return (30 * (-70.6 - v) + up - w + current) / 281, (4 * (v + 70.6) - w) / 144

    v, w, counts = np.full_like(current, -70.6), np.zeros_like(current), np.zeros_like(current)
    for _ in range(round(duration / dt)):
        a, p = slope(v, w)
        b, q = slope(v + dt / 2 * a, w + dt / 2 * p)
        c, r = slope(v + dt / 2 * b, w + dt / 2 * q)
        d, s = slope(v + dt * c, w + dt * r)
        v1, w1 = v + dt / 6 * (a + 2 * b + 2 * c + d), w + dt / 6 * (p + 2 * q + 2 * r + s)
        spiked = v1 >= 20
        counts += spiked
        v, w = np.where(spiked, -60.0, v1), np.where(spiked, w + 80.5, w1)
    return torch.from_numpy(counts)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("kick", [91.0, 200.0, 2000.0])
def test_a_kick_far_above_threshold_neither_poisons_nor_silences_adex(adex, dtype, kick):
    neuron = rb.create(adex, dt=0.1, dtype=dtype)
    neuron.inject(kick)
    spiked, voltage = trains(neuron, [0.0] * 20)
    assert int(spiked[0]) == 1
    assert int(spiked.sum()) == 1
    assert -75 < float(voltage[-1]) < -55
    assert float(neuron.adaptation) == pytest.approx(80.5, rel=0.02)  # 2 ms of a decay of 144 ms
    spiked, _ = trains(neuron, [1500.0] * 300)
    assert int(spiked.sum()) >= 3


def test_one_exploding_unit_leaves_the_others_to_the_bit(adex):
    drive = torch.tensor([600.0, 1e4, 700.0])
    together, alone = rb.create(adex, 3, dt=0.5), rb.create(adex, 1, dt=0.5)
    assert int(sum(together(drive)["spiked"][1] for _ in range(100))) > 10
    for _ in range(100):
        alone(drive[:1])
    # exp() may round differently in another lane of a vector register.
    torch.testing.assert_close(together.voltage[:1], alone.voltage, rtol=1e-4, atol=1e-3)


def test_reset_state_returns_to_the_initial_state(lif):
    neuron = rb.create(lif, 2, voltage=torch.tensor([-60.0, -70.0]))
    fresh = state_of(neuron)
    for _ in range(40):
        neuron(torch.full((3, 2), 400.0))
    assert neuron.batch == torch.Size([3])
    neuron.reset_state()
    again = state_of(neuron)
    assert again.keys() == fresh.keys()
    assert all(torch.equal(again[name], fresh[name]) for name in fresh)
