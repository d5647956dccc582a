"""Spike times against the truth: closed forms, an exact simulator's trains, and DOP853 at 1e-12."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rheobase as rb
import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]


def doubles(values: Any) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float64)


# --- a thousand leaky integrate-and-fire units ----------------------------------------------------


class Thousand:
    """Units with random currents and time constants, and their spikes until ``end``, ms, in closed form."""

    def __init__(self, end: float) -> None:
        self.end = end
        random = np.random.default_rng(20)
        units = 1000
        self.current = random.uniform(300.0, 900.0, units)
        self.tau = random.uniform(5.0, 30.0, units)
        self.tau_ref = random.uniform(0.5, 4.0, units)
        # Of 10 nS, from -75 to -55 mV: 20 mV to go, and R I mV of drive. In extended precision, since a
        # hundred periods in float64 are wrong by the bound themselves.
        drive = self.current.astype(np.longdouble) / 10
        first = self.tau * np.log(drive / (drive - 20))
        period = first + self.tau_ref
        counts = np.floor((end - first) / period).astype(int) + 1
        self.trains = [
            first[unit] + np.arange(counts[unit]) * period[unit] if first[unit] < end else np.empty(0)
            for unit in range(units)
        ]

    def run(self, integrator: Any, dt: float) -> rb.Recording:
        neuron = rb.create(
            "lif",
            1000,
            event="located",
            integrator=integrator,
            dt=dt,
            dtype=torch.float64,
            leak_gl=10.0,
            tau_mem=doubles(self.tau),
            tau_ref=doubles(self.tau_ref),
        )
        return rb.simulate(neuron, doubles(self.current), self.end)

    def worst(self, recording: rb.Recording) -> float:
        """The largest error of a spike time, ms; every unit has as many as it should."""
        order = np.lexsort((recording.spikes.times.numpy(), recording.spikes.units.numpy()))
        units, times = recording.spikes.units.numpy()[order], recording.spikes.times.numpy()[order]
        np.testing.assert_array_equal(
            np.bincount(units, minlength=1000), [len(train) for train in self.trains]
        )
        return float(np.abs(times - np.concatenate(self.trains)).max())


@pytest.mark.parametrize("end", [100.0, pytest.param(1000.0, marks=pytest.mark.by_hand)])
def test_every_spike_of_a_thousand_units_is_within_1e_9_ms_of_the_closed_form(end: float) -> None:
    thousand = Thousand(end)
    method = rb.integrator("rk45", rtol=1e-10, atol=1e-10)
    assert thousand.worst(thousand.run(method, end)) < 1e-9


@pytest.mark.parametrize("dt", [10.0, 1.0])
@pytest.mark.parametrize("end", [200.0, pytest.param(1000.0, marks=pytest.mark.by_hand)])
def test_exact_propagation_gives_the_closed_form_to_rounding_whatever_dt_is(end: float, dt: float) -> None:
    thousand = Thousand(end)
    assert thousand.worst(thousand.run("exact", dt)) < 5e-13


# --- a recorded current ---------------------------------------------------------------------------


def shared(*parts: str) -> Path:
    for folder in (ROOT / "shared", ROOT.parent / "shared"):
        if folder.joinpath(*parts).exists():
            return folder.joinpath(*parts)
    pytest.skip(f"{'/'.join(parts)} is not here")


# The beginning of the current; all of it by hand.
@pytest.mark.parametrize(
    ("integrator", "duration", "count"),
    [
        ("rk45", 400.0, 12),
        ("exact", 400.0, 12),
        pytest.param("rk45", 5000.0, 83, marks=pytest.mark.by_hand),
        pytest.param("exact", 5000.0, 83, marks=pytest.mark.by_hand),
    ],
)
def test_a_recorded_current_gives_the_spikes_of_an_exact_simulator(
    integrator: str, duration: float, count: int, warm: Any
) -> None:
    current = shared("data", "l5pc_noise_current.npz")
    exact = json.loads(shared("reference", "lif_on_recorded_current.json").read_text())["spikes_ms"][
        "exact_ps"
    ]
    exact = [time for time in exact if time <= duration]
    # The file has float32, and the scale is applied in it, as for the reference.
    command = [
        *("-m", "rheobase", "run", "lif", "--stimulus", str(current), "--duration", duration),
        *("--stimulus-scale", "1000", "--dt", "0.25", "--event", "located", "--integrator", integrator),
        *("--dtype", "float64", "--json", "--set", "tau_mem=20", "--set", "leak_gl=10"),
        *("--set", "volt_rest=-70", "--set", "volt_thresh=-50", "--set", "volt_reset=-60"),
        *("--set", "tau_ref=2"),
    ]
    done = warm.run(*command)
    assert done.returncode == 0, done.stderr
    times = json.loads(done.stdout)["spikes"]["times_ms"]
    assert len(times) == len(exact) == count
    # Nine decimals in the reference; rk45 at its default tolerance of 1e-6 is one of the two.
    assert np.abs(np.array(times) - np.array(exact)).max() < 1e-6


# --- Izhikevich's cells ---------------------------------------------------------------------------

CURRENT = 10.0
CELLS = {
    "RS": (0.02, 0.2, -65.0, 8.0),
    "FS": (0.1, 0.2, -65.0, 2.0),
    "IB": (0.02, 0.2, -55.0, 4.0),
    "CH": (0.02, 0.2, -50.0, 2.0),
    "LTS": (0.02, 0.25, -65.0, 2.0),
}


@cache
def reference_spikes(shape: tuple[float, ...], end: float, rtol: float) -> list[float]:
    """The spikes of one cell, by DOP853; Newton's method on the solver itself finds each."""
    integrate = pytest.importorskip("scipy.integrate", reason="scipy is not installed (extra 'dev')")
    a, b, c, d = shape

    def field(t: float, y: Any) -> list[float]:
        v, u = y
        return [0.04 * v * v + 5.0 * v + 140.0 - u + CURRENT, a * (b * v - u)]

    def peak(t: float, y: Any) -> float:
        return float(y[0] - 30.0)

    peak.terminal, peak.direction = True, 1.0  # type: ignore[attr-defined]
    settings = {"method": "DOP853", "rtol": rtol, "atol": rtol}
    time, state, spikes = 0.0, np.array([c, b * c]), []
    while True:
        found = integrate.solve_ivp(field, (time, end), state, events=peak, **settings)
        if found.status != 1:
            return spikes
        at = float(found.t_events[0][0])
        # The solver's own interpolant gives it to some 1e-9 ms, and one step squares that.
        there = integrate.solve_ivp(field, (time, at), state, **settings).y[:, -1]
        at -= (there[0] - 30.0) / field(at, there)[0]
        there = integrate.solve_ivp(field, (time, at), state, **settings).y[:, -1]
        spikes.append(at)
        time, state = at, np.array([c, there[1] + d])


def cells(integrator: Any, end: float, dt: float) -> list[np.ndarray]:
    columns = {
        name: doubles(column) for name, column in zip("abcd", zip(*CELLS.values(), strict=True), strict=True)
    }
    neuron = rb.create(
        "izhikevich",
        len(CELLS),
        event="located",
        integrator=integrator,
        dt=dt,
        dtype=torch.float64,
        **columns,
    )
    spikes = rb.simulate(neuron, CURRENT, end).spikes
    return [spikes.of(unit).numpy() for unit in range(len(CELLS))]


@pytest.mark.parametrize(
    ("name", "end"),
    [("rk45", 200.0), ("tsit5", 200.0), pytest.param("rk45", 1000.0, marks=pytest.mark.by_hand)],
)
def test_every_spike_of_five_cells_is_within_a_nanosecond_of_the_reference(name: str, end: float) -> None:
    trains = cells(rb.integrator(name, rtol=1e-10, atol=1e-10), end, 100.0)
    for train, shape in zip(trains, CELLS.values(), strict=True):
        reference = reference_spikes(shape, end, 1e-12)
        assert len(reference) >= 5
        assert len(train) == len(reference)
        assert np.abs(train - reference).max() < 1e-6


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("rk45", 9),
        pytest.param("rk45", 11, marks=pytest.mark.by_hand),
        pytest.param("tsit5", 10, marks=pytest.mark.by_hand),
    ],
)
def test_the_error_of_spike_times_falls_at_least_fivefold_for_each_decade_of_tolerance(
    name: str, last: int
) -> None:
    end = 100.0
    # At 1e-12 the reference would be the worse of the two in the end.
    references = [reference_spikes(shape, end, 3e-14) for shape in CELLS.values()]
    errors = []
    for exponent in range(4, last + 1):
        tolerance = 10.0**-exponent
        trains = cells(rb.integrator(name, rtol=tolerance, atol=tolerance), end, end)
        assert [len(train) for train in trains] == [len(reference) for reference in references]
        errors.append(
            max(np.abs(train - reference).max() for train, reference in zip(trains, references, strict=True))
        )
    falls = np.array(errors[:-1]) / np.array(errors[1:])
    assert np.all(falls >= 5.0), errors
    assert errors[-1] < 1e-8


# --- gradients ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rk45", "exact"])
def test_the_gradient_of_the_fifth_spike_is_that_of_the_closed_form(name: str) -> None:
    """T5 = 5 tau ln(R I / (R I - theta)) + 4 tau_ref, by I, tau, V_thresh and tau_ref."""
    values = {"tau_mem": 10.0, "volt_thresh": -55.0, "tau_ref": 2.0}
    leaves = {
        key: torch.tensor(value, dtype=torch.float64, requires_grad=True) for key, value in values.items()
    }
    current = torch.tensor([150.0], dtype=torch.float64, requires_grad=True)
    method = rb.integrator(name, rtol=1e-11, atol=1e-11) if name == "rk45" else name
    lif = rb.create(
        "lif", event="located", integrator=method, dt=10.0, grad=True, dtype=torch.float64, **leaves
    )
    rows = [lif(current)["spike_times"][0] for _ in range(7)]
    times = torch.cat([row[~row.isnan()] for row in rows])
    drive, theta, tau = 30.0, 20.0, 10.0
    assert times[4].item() == pytest.approx(5 * tau * math.log(drive / (drive - theta)) + 4 * 2.0, abs=1e-8)
    got = torch.autograd.grad(times[4], [current, *leaves.values()])
    by_drive = 5 * tau * (1 / drive - 1 / (drive - theta))
    exact = [by_drive / 5.0, 5 * math.log(drive / (drive - theta)), 5 * tau / (drive - theta), 4.0]
    assert [float(g.sum()) for g in got] == pytest.approx(exact, abs=1e-8)


@pytest.mark.parametrize("name", ["rk4", "rk45"])
def test_gradients_through_the_spikes_of_a_coupled_model_pass_gradcheck(name: str) -> None:
    method = rb.integrator(name, rtol=1e-9, atol=1e-9) if name == "rk45" else name

    def spikes_and_end(current: Tensor, c: Tensor, d: Tensor) -> Tensor:
        cell = rb.create(
            "izhikevich", event="located", integrator=method, dt=1.0, grad=True, dtype=torch.float64,
            c=c, d=d, voltage=-50.0, recovery=-13.0,
        )  # fmt: skip
        outs = [cell(current) for _ in range(3)]
        times = torch.cat([out["spike_times"][~out["spike_times"].isnan()] for out in outs])
        assert len(times) >= 2
        return torch.cat([times, outs[-1]["voltage"], outs[-1]["recovery"]])

    inputs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in ([60.0], -65.0, 8.0)]
    # Steps are chosen anew for each difference: their error, 1e-9 of some mV, over 2e-4.
    assert torch.autograd.gradcheck(spikes_and_end, inputs, eps=1e-4, atol=1e-4, rtol=1e-5)
