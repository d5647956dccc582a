"""The published scheme against the published trains, and the twenty patterns by what defines them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rheobase as rb
import torch
from rheobase_izhikevich import IzhikevichNeuron

CELLS = ["RS", "IB", "CH", "FS", "TC", "TCb", "RZ", "LTS"]


def run(preset: str, *, scheme: str = "published", dt: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The spike times and the voltage of a preset under its own stimulus."""
    cell = rb.create("izhikevich", preset=preset, scheme=scheme, dt=dt, dtype=torch.float64)
    assert cell.preset is not None
    recording = rb.simulate(
        cell, cell.preset.stimulus, cell.preset.duration, record=("spikes", "voltage"), progress=False
    )
    return recording.spikes.times.numpy(), recording.traces["voltage"][:, 0].numpy()


def row_of(shared: Path, key: str) -> dict[str, object]:
    patterns = json.loads((shared / "reference" / "izhikevich_2003_cells.json").read_text())["patterns"]
    return next(row for row in patterns if row["key"] == key)


@pytest.mark.parametrize("key", CELLS)
def test_published_scheme_gives_the_published_train_exactly(shared: Path, key: str) -> None:
    row = row_of(shared, key)
    times, _ = run(key)
    # The file labels a spike by the start of its step, Rheobase by its end.
    published = [time + row["dt"] for time in row["author_scheme"]["spike_times_ms"]]  # type: ignore[index]
    assert times.tolist() == published


@pytest.mark.parametrize("key", CELLS)
def test_presets_hold_the_parameters_of_the_paper(shared: Path, key: str) -> None:
    row = row_of(shared, key)
    preset = IzhikevichNeuron.schema.presets[key]
    assert dict(preset.params) == {name: row[name] for name in "abcd"}
    assert dict(preset.state) == {"voltage": row["v0"], "recovery": row["u0"]}
    assert (preset.dt, preset.duration) == (row["dt"], row["T"])
    assert "2003" in preset.citation


def test_tonic_spiking_fires_regularly_as_long_as_the_current_lasts() -> None:
    times, _ = run("tonic_spiking")
    assert times.min() > 10.0
    intervals = np.diff(times)
    # After the two spikes of the onset the interval settles.
    assert len(times) >= 5
    assert abs(intervals[-1] - intervals[-2]) < 2.0
    assert 100.0 - times[-1] < 30.0


def test_phasic_spiking_gives_one_spike_then_silence() -> None:
    times, voltage = run("phasic_spiking")
    assert len(times) == 1
    assert np.ptp(voltage[-100:]) < 2.0  # settles, under a current that goes on


def test_tonic_bursting_repeats_its_bursts() -> None:
    times, _ = run("tonic_bursting")
    bursts = np.split(times, np.flatnonzero(np.diff(times) > 20.0) + 1)
    assert len(bursts) == 4
    assert min(len(burst) for burst in bursts) >= 4


def test_phasic_bursting_gives_one_burst_then_silence() -> None:
    times, _ = run("phasic_bursting")
    assert len(times) >= 4
    assert np.diff(times).max() < 15.0
    assert times[-1] < 100.0


def test_mixed_mode_gives_a_burst_and_then_single_spikes() -> None:
    intervals = np.diff(run("mixed_mode")[0])
    assert intervals[:2].max() < 6.0
    assert intervals[2:].min() > 20.0
    assert len(intervals) >= 5


def test_spike_frequency_adaptation_makes_the_intervals_grow() -> None:
    intervals = np.diff(run("spike_frequency_adaptation")[0])
    assert np.all(np.diff(intervals) > 0)
    assert intervals[-1] > 5.0 * intervals[0]


def test_class_1_starts_slowly_and_its_rate_follows_the_current() -> None:
    intervals = np.diff(run("class_1")[0])
    assert np.all(np.diff(intervals) < 0)
    assert intervals[0] > 2.5 * intervals[-1]


def test_class_2_starts_at_a_high_rate() -> None:
    class_1, class_2 = np.diff(run("class_1")[0]), np.diff(run("class_2")[0])
    assert class_2[0] < 25.0 < class_1[0]
    assert class_2[0] < 2.0 * class_2[-1]


def test_spike_latency_puts_the_spike_long_after_the_pulse() -> None:
    times, _ = run("spike_latency")
    assert len(times) == 1
    assert times[0] > 13.0 + 10.0


def test_subthreshold_oscillations_ring_after_the_spike() -> None:
    times, voltage = run("subthreshold_oscillations")
    assert len(times) == 1
    after = voltage[round(60.0 / 0.25) :]
    peaks = np.flatnonzero((after[1:-1] > after[:-2]) & (after[1:-1] > after[2:])) + 1
    assert len(peaks) >= 3
    assert np.all(np.diff(after[peaks]) < 0)  # and dies away
    assert after.max() < -55.0


def test_resonator_answers_to_the_pulses_at_its_own_period_only() -> None:
    times, _ = run("resonator")
    # Two pulses 20 ms apart at 40 and 60 ms, and two 40 ms apart at 280 and 320 ms.
    assert len(times) == 1
    assert times[0] > 320.0


def test_integrator_answers_to_the_near_pulses_only() -> None:
    times, _ = run("integration")
    # Two pulses 5 ms apart at 9.1 and 14.1 ms, and two 10 ms apart at 70 and 80 ms.
    assert len(times) == 1
    assert 14.0 < times[0] < 70.0


def test_rebound_spike_comes_after_the_inhibition() -> None:
    times, _ = run("rebound_spike")
    assert len(times) == 1
    assert times[0] > 25.0


def test_rebound_burst_comes_after_the_inhibition() -> None:
    times, _ = run("rebound_burst")
    assert len(times) >= 4
    assert times[0] > 25.0
    assert np.diff(times).max() < 10.0


def test_threshold_is_lower_after_inhibition() -> None:
    times, _ = run("threshold_variability")
    # The same pulse at 10 ms and, after inhibition at 70 ms, at 80 ms.
    assert len(times) == 1
    assert times[0] > 80.0


def test_bistability_one_pulse_starts_the_firing_and_another_stops_it() -> None:
    times, _ = run("bistability")
    assert len(times) >= 4
    assert times[0] > 37.5
    assert times[-1] < 221.0
    assert np.ptp(np.diff(times)) < 1.0  # firing goes on by itself between the pulses


def test_depolarizing_afterpotential_follows_the_spike() -> None:
    times, voltage = run("depolarizing_afterpotential")
    assert len(times) == 1
    rest = voltage[-1]
    after = voltage[round(times[0] / 0.1) + 5 :][:50]
    assert rest == pytest.approx(-70.0, abs=0.1)
    assert after.max() > rest + 5.0


def test_accommodation_ignores_the_slow_ramp_that_goes_higher() -> None:
    times, _ = run("accommodation")
    # To 8 in 200 ms, then from 300 ms to 4 in 12.5 ms.
    assert len(times) == 1
    assert 300.0 < times[0] <= 315.0


def test_inhibition_induces_spiking() -> None:
    times, _ = run("inhibition_induced_spiking")
    assert len(times) >= 3
    assert times.min() > 50.0
    assert times.max() < 250.0


def test_inhibition_induces_bursting() -> None:
    times, _ = run("inhibition_induced_bursting")
    bursts = np.split(times, np.flatnonzero(np.diff(times) > 20.0) + 1)
    assert len(bursts) == 2
    assert min(len(burst) for burst in bursts) >= 4
    assert times.min() > 50.0
    assert times.max() < 250.0


def test_every_preset_is_complete() -> None:
    presets = IzhikevichNeuron.schema.presets
    assert len(presets) == 8 + 20
    for name, preset in presets.items():
        assert preset.stimulus is not None, name
        assert {"a", "b", "c", "d"} <= set(preset.params), name
        assert set(preset.state) == {"voltage", "recovery"}, name
        assert preset.dt, name
        assert preset.duration, name
        assert preset.doc, name
        assert "doi:10.1109" in preset.citation, name
