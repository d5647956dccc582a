"""The leaky integrate-and-fire neuron against its closed form, and by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import rheobase as rb
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

# Binary fractions of a second are not meant: times are multiples of dt rounded to float64.
ROUNDING = 1e-9


def spike_times(recording: rb.Recording, unit: int = 0) -> np.ndarray:
    return recording.spikes.times[recording.spikes.units == unit].numpy()


@pytest.mark.parametrize(("dt", "duration"), [(0.1, 300.0), (0.5, 1000.0), (1.0, 1000.0)])
def test_intervals_are_those_of_the_closed_form_to_one_step(shared: Path, dt: float, duration: float) -> None:
    reference = json.loads((shared / "reference" / "lif_closed_form.json").read_text())
    rows = reference["rows"]
    current = torch.tensor([row["I_pA"] for row in rows], dtype=torch.float64)
    # The file's R of 0.04 GOhm is 25 nS.
    lif = rb.create(
        "lif",
        len(rows),
        tau_mem=10.0,
        leak_gl=25.0,
        volt_rest=-70.0,
        volt_thresh=-55.0,
        tau_ref=2.0,
        dt=dt,
        dtype=torch.float64,
    )
    recording = rb.simulate(lif, current, duration)
    for unit, row in enumerate(rows):
        times = spike_times(recording, unit)
        if row["isi_ms"] is None:
            assert len(times) == 0
            continue
        # A spike is reported at the end of its step: on a grid it is late, by less than dt.
        first = times[0] - row["first_spike_ms"]
        late = np.diff(times) - row["isi_ms"]
        assert -ROUNDING <= first <= dt
        assert np.all(late >= -ROUNDING)
        assert np.all(late <= dt)
        assert len(times) >= math.floor(duration / (row["isi_ms"] + dt))


def test_one_step_is_that_of_runge_kutta_worked_out_by_hand() -> None:
    lif = rb.create("lif", dt=0.5, dtype=torch.float64)
    lif(torch.tensor([300.0], dtype=torch.float64))
    # x = dt / tau = 0.1; 1 - x + x^2/2 - x^3/6 + x^4/24 = 0.9048375; -75 + 60 (1 - 0.9048375) = -69.29025
    assert lif.voltage.item() == pytest.approx(-69.29025, abs=1e-12)


def test_reset_is_at_rest_unless_it_is_given() -> None:
    assert rb.create("lif", volt_rest=-60.0).volt_reset.item() == -60.0
    assert rb.create("lif", volt_rest=-60.0, volt_reset=-70.0).volt_reset.item() == -70.0


@pytest.mark.parametrize(("dt", "tau_ref"), [(0.1, 0.0), (0.1, 0.3), (0.1, 2.0), (0.25, 2.0), (0.5, 1.5)])
def test_refractory_period_lasts_exactly_tau_ref(dt: float, tau_ref: float) -> None:
    trains = []
    for pause in (0.0, tau_ref):
        lif = rb.create("lif", tau_ref=pause, dt=dt, dtype=torch.float64)
        trains.append(spike_times(rb.simulate(lif, rb.stimulus.Constant(400.0), 40.0)))
    free, held = trains
    # From the same reset the path to the threshold takes as many steps; only the pause is added.
    assert len(held) > 3
    np.testing.assert_allclose(np.diff(held), free[0] + tau_ref, atol=ROUNDING)


def test_voltage_stays_at_reset_during_the_refractory_period() -> None:
    lif = rb.create("lif", tau_ref=1.0, volt_reset=-80.0, dt=0.25, dtype=torch.float64)
    recording = rb.simulate(lif, rb.stimulus.Constant(400.0), 20.0, record=("spikes", "voltage"))
    voltage = recording.traces["voltage"][:, 0]
    for time in spike_times(recording)[:-1]:
        step = round(time / 0.25)  # the first row after the step of the spike
        assert voltage[step - 1 : step + 4].tolist() == [-80.0] * 5
        assert voltage[step + 4] > -80.0


def test_a_kick_above_threshold_gives_one_spike_and_does_not_silence() -> None:
    lif = rb.create("lif")
    lif.inject(torch.tensor([50.0]))
    quiet = rb.simulate(lif, rb.stimulus.Constant(0.0), 20.0)
    np.testing.assert_allclose(quiet.spikes.times.numpy(), [0.1], atol=ROUNDING)
    driven = rb.simulate(lif, rb.stimulus.Constant(300.0), 20.0)
    # Every 3.03 ms in closed form, 3.1 ms on the grid; from 20 ms on.
    np.testing.assert_allclose(driven.spikes.times.numpy(), 22.1 + 3.1 * np.arange(6), atol=ROUNDING)


@pytest.mark.parametrize("dt", [0.05, 0.2, 1.0])
def test_dt_reaches_the_integrator(dt: float) -> None:
    lif = rb.create("lif", dt=dt, dtype=torch.float64)
    rb.simulate(lif, rb.stimulus.Constant(90.0), 6.0)
    exact = -75.0 + 18.0 * (1.0 - math.exp(-6.0 / 5.0))
    # The error of the classical method on exp(-t / 5) over 6 ms: below t/tau (dt/tau)^4 / 120 of 18 mV.
    assert abs(lif.voltage.item() - exact) < 18.0 * 1.2 * (dt / 5.0) ** 4 / 120 + 1e-12


def test_parameters_may_differ_by_unit() -> None:
    lif = rb.create("lif", 2, tau_mem=torch.tensor([5.0, 20.0]), dtype=torch.float64)
    rb.simulate(lif, rb.stimulus.Constant(90.0), 4.0)
    exact = [-75.0 + 18.0 * (1.0 - math.exp(-4.0 / tau)) for tau in (5.0, 20.0)]
    # float32 of the tensor given does not matter: 5 and 20 are exact. 1e-6 mV is above the error of RK4.
    np.testing.assert_allclose(lif.voltage.numpy(), exact, atol=1e-6)


@pytest.mark.parametrize(("name", "value"), [("tau_mem", 0.0), ("leak_gl", -1.0), ("tau_ref", -0.1)])
def test_values_outside_the_domain_are_refused(name: str, value: float) -> None:
    with pytest.raises(rb.errors.ParameterError, match=name):
        rb.create("lif", **{name: value})


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.sampled_from([0.1, 0.5, 1.0]))
def test_no_input_leaves_the_voltage_above_threshold(currents: list[float], dt: float) -> None:
    lif = rb.create("lif", dt=dt)
    for current in currents:
        out = lif(torch.tensor([current]))
        assert out["voltage"].item() < -55.0
        if out["spiked"].item():
            assert out["voltage"].item() == -75.0


@pytest.mark.slow
@pytest.mark.parametrize(("dt", "duration"), [(0.25, 5000.0), (0.05, 1000.0)])
def test_recorded_current_gives_the_spikes_of_the_reference(shared: Path, dt: float, duration: float) -> None:
    reference = json.loads((shared / "reference" / "lif_on_recorded_current.json").read_text())["spikes_ms"]
    lif = rb.create(
        "lif",
        tau_mem=20.0,
        leak_gl=10.0,
        volt_rest=-70.0,
        volt_thresh=-50.0,
        volt_reset=-60.0,
        tau_ref=2.0,
        dt=dt,
    )
    current = rb.stimulus.File(shared / "data" / "l5pc_noise_current.npz", scale=1000.0)
    times = rb.simulate(lif, current, duration).spikes.times.numpy()
    grid = np.array([time for time in reference[f"grid_h{dt}"] if time <= duration])
    assert len(times) == len(grid) > 15
    # One spike may be a step off: where g is zero to rounding at the end of a step.
    off = np.abs(times - grid)
    assert (off > ROUNDING).sum() <= 1
    assert off.max() <= dt + ROUNDING
    if dt == 0.05:
        # Against the times that lie on no grid: late by up to one step at each spike of a train.
        exact = np.array([time for time in reference["exact_ps"] if time <= duration])
        assert np.abs(times - exact).max() < 0.6
