"""The model itself: its equations, its reset, and how it converges."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import rheobase as rb
import torch


def end_of(dt: float, integrator: str = "rk4", **options: object) -> np.ndarray:
    """The state after 2 ms of regular spiking under 4 mV/ms, below threshold throughout."""
    cell = rb.create(
        "izhikevich",
        dt=dt,
        integrator=integrator,
        dtype=torch.float64,
        voltage=-60.0,
        recovery=-13.0,
        **options,
    )
    recording = rb.simulate(cell, rb.stimulus.Constant(4.0), 2.0)
    assert len(recording.spikes) == 0
    return np.array([cell.voltage.item(), cell.recovery.item()])


@pytest.mark.parametrize("key", ["RS", "IB", "CH", "FS", "TC"])
def test_converged_scheme_counts_the_spikes_of_the_accurate_solution(shared: Path, key: str) -> None:
    patterns = json.loads((shared / "reference" / "izhikevich_2003_cells.json").read_text())["patterns"]
    accurate = next(row for row in patterns if row["key"] == key)["accurate_ode"]
    cell = rb.create("izhikevich", preset=key, dt=0.1, dtype=torch.float64)
    assert cell.preset is not None
    recording = rb.simulate(cell, cell.preset.stimulus, cell.preset.duration)
    assert len(recording.spikes) == accurate["n"]


def test_coupled_equations_converge_at_order_four() -> None:
    exact = end_of(2.0 / 1024)
    errors = [np.abs(end_of(dt) - exact) for dt in (0.25, 0.125, 0.0625)]
    # An integrator that took one equation after the other would be of order 1.
    orders = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    assert np.all(orders >= 3.7)


def test_published_scheme_is_of_order_one() -> None:
    exact = end_of(2.0 / 1024)
    errors = [np.abs(end_of(dt, scheme="published") - exact)[0] for dt in (0.0625, 0.03125)]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(1.0, abs=0.15)


def test_derivatives_are_those_of_the_paper() -> None:
    cell = rb.create("izhikevich", dtype=torch.float64, voltage=-60.0, recovery=-10.0)
    slopes = type(cell).derivatives(cell, cell.params, torch.tensor(7.0, dtype=torch.float64))
    # 0.04 * 3600 - 300 + 140 + 10 + 7 = 1; 0.02 (0.2 * -60 + 10) = -0.04
    assert slopes["voltage"].item() == pytest.approx(1.0, abs=1e-12)
    assert slopes["recovery"].item() == pytest.approx(-0.04, abs=1e-12)


def test_recovery_of_accommodation_has_no_leak() -> None:
    cell = rb.create("izhikevich", preset="accommodation", dtype=torch.float64, voltage=-50.0, recovery=-16.0)
    slopes = type(cell).derivatives(cell, cell.params, torch.tensor(0.0, dtype=torch.float64))
    # 0.02 * 1 * (-50 + 65) = 0.3, whatever u is
    assert slopes["recovery"].item() == pytest.approx(0.3, abs=1e-12)


def test_published_step_uses_the_new_voltage_for_the_recovery() -> None:
    cell = rb.create(
        "izhikevich", scheme="published", dt=0.5, dtype=torch.float64, voltage=-60.0, recovery=-10.0
    )
    cell(torch.tensor([7.0], dtype=torch.float64))
    # v = -60 + 0.5 * 1 = -59.5; u = -10 + 0.5 * 0.02 * (0.2 * -59.5 + 10) = -10.019
    assert cell.voltage.item() == pytest.approx(-59.5, abs=1e-12)
    assert cell.recovery.item() == pytest.approx(-10.019, abs=1e-12)


def test_a_spike_sets_v_to_c_and_adds_d_to_u() -> None:
    cell = rb.create("izhikevich", scheme="published", c=-50.0, d=2.0, dtype=torch.float64, voltage=29.0)
    before = cell.recovery.item()
    out = cell(torch.tensor([0.0], dtype=torch.float64))
    assert out["spiked"].item() == 1
    assert cell.voltage.item() == -50.0
    v = 29.0 + 0.1 * (0.04 * 29.0**2 + 5.0 * 29.0 + 140.0 - before)
    assert cell.recovery.item() == pytest.approx(before + 0.1 * 0.02 * (0.2 * v - before) + 2.0, abs=1e-12)


def test_defaults_are_regular_spiking() -> None:
    plain, preset = rb.create("izhikevich"), rb.create("izhikevich", preset="RS")
    for name in ("a", "b", "c", "d", "volt_peak"):
        assert getattr(plain, name).item() == getattr(preset, name).item()
    assert plain.voltage.item() == -65.0
    assert plain.recovery.item() == pytest.approx(0.2 * -65.0)
    assert plain.scheme == "converged"


def test_a_preset_gives_dt_and_start_but_what_is_asked_for_goes_first() -> None:
    cell = rb.create("izhikevich", preset="CH", d=3.0, voltage=-61.0)
    assert (cell.dt, cell.c.item(), cell.d.item(), cell.voltage.item()) == (0.25, -50.0, 3.0, -61.0)
    assert rb.create("izhikevich", preset="CH", dt=0.1).dt == 0.1


@pytest.mark.parametrize("scheme", ["converged", "published"])
def test_a_huge_current_neither_explodes_nor_silences(scheme: str) -> None:
    cell = rb.create("izhikevich", 2, scheme=scheme)
    recording = rb.simulate(cell, torch.tensor([500.0, 20_000.0]), 20.0, record=("spikes", "recovery"))
    assert torch.isfinite(recording.traces["recovery"]).all()
    for unit in (0, 1):
        times = recording.spikes.times[recording.spikes.units == unit]
        assert times.max() > 19.0


@pytest.mark.parametrize("wrong", [{"scheme": "publishd"}, {"volt_peek": 30.0}, {"preset": "integrator"}])
def test_a_misspelt_name_is_refused_and_the_nearest_is_named(wrong: dict[str, object]) -> None:
    with pytest.raises(rb.errors.ArgumentError, match=r"published|volt_peak|integration"):
        rb.create("izhikevich", **wrong)  # type: ignore[call-overload]
