"""The neuron of the book against scipy's DOP853 at 1e-10, and against another program's spikes."""

from __future__ import annotations

from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase_izhikevich import Izhikevich2007

CELLS = ["RS", "IB", "CH", "LTS", "FS", "TC"]


def solved(cell: Any, current: float, duration: float) -> list[float]:
    """The spikes of the equations, written anew."""
    solve_ivp = pytest.importorskip("scipy.integrate").solve_ivp
    p = {name: getattr(cell, name) for name in (*cell.schema.parameters, "follows")}
    p = {name: value if isinstance(value, str) else float(value) for name, value in p.items()}

    def follow(v: float) -> float:
        if p["follows"] == "cubic":
            return p["b"] * (v - p["v_b"]) ** 3 if v > p["v_b"] else 0.0
        return 0.0 if p["follows"] == "below" and v > p["v_b"] else p["b"] * (v - p["v_r"])

    def slope(t: float, y: Any) -> list[float]:
        v, u = y
        return [
            (p["k"] * (v - p["v_r"]) * (v - p["v_t"]) - u + current) / p["c_m"],
            p["a"] * (follow(v) - u),
        ]

    def peak(t: float, y: Any) -> float:
        return float(y[0] - p["v_peak"] - p["p"] * y[1])

    peak.terminal, peak.direction = True, 1.0  # type: ignore[attr-defined]
    t, y, spikes = 0.0, [p["v_r"], 0.0], []
    while t < duration:
        run = solve_ivp(slope, (t, duration), y, "DOP853", events=peak, rtol=1e-10, atol=1e-10)
        t, (_, u) = run.t[-1], run.y[:, -1]
        if run.status == 1:
            spikes.append(float(t))
            y = [p["c"] + p["q"] * u, min(u + p["d"], p["u_max"])]
    return spikes


@pytest.mark.parametrize("name", CELLS)
def test_the_figures_of_a_cell_are_those_of_dop853(name: str) -> None:
    cell: Any = rb.create("izhikevich-2007", preset=name, dtype=torch.float64)
    claims = cell.preset.expect.claims
    spikes = solved(cell, cell.preset.stimulus.amplitude, cell.preset.duration)
    assert len(spikes) == claims["spikes"][0]
    assert spikes[: len(claims["first"])] == pytest.approx(claims["first"], abs=1e-4)


def test_regular_spiking_fires_as_often_as_dop853_says_at_each_current_of_the_figure() -> None:
    currents = torch.tensor([60.0, 70.0, 85.0, 100.0], dtype=torch.float64)
    cell = rb.create("izhikevich-2007", 4, dtype=torch.float64)
    assert rb.simulate(cell, currents, 1000.0).counts().tolist() == [4, 7, 10, 13]


def test_the_voltage_passes_zero_when_another_program_says_so() -> None:
    # OpenSourceBrain/IzhikevichModel, MATLAB/results/.test.2007.mep: RS at 100 pA by Euler's method at
    # 0.0025 ms, where a spike is v rising through 0; from spike to spike that step's error adds up.
    published = [47.03, 120.495, 196.615, 272.65, 348.685, 424.72, 500.7575]
    cell = rb.create("izhikevich-2007", dt=0.05, event="located", dtype=torch.float64)
    v = rb.simulate(cell, 100.0, 520.0, record="voltage").traces["voltage"][:, 0]
    row = ((v[:-1] < 0) & (v[1:] >= 0)).nonzero()[:, 0]
    times = 0.05 * (row + 1 + v[row] / (v[row] - v[row + 1]))
    assert times.tolist() == pytest.approx(published, abs=0.02)


def test_a_peak_that_follows_the_recovery_is_where_the_spike_is() -> None:
    cell = rb.create("izhikevich-2007", preset="LTS", event="located", integrator="rk45", dtype=torch.float64)
    run = rb.simulate(cell, 200.0, 17.0, record=("spikes", "voltage", "recovery"))
    (time,) = run.spikes.times.tolist()
    v, u = (run.traces[name][:, 0] for name in ("voltage", "recovery"))
    before = int(time / run.dt) - 1
    # The last rows before the spike lie below the peak that u has lowered, and the first after it is reset.
    assert float(v[before]) < 40.0 - 0.1 * float(u[before]) < 40.0
    assert float(v[before + 2]) < -30.0


def test_the_recovery_of_a_low_threshold_cell_is_never_above_its_most() -> None:
    cell = rb.create("izhikevich-2007", preset="LTS", u_max=100.0, dtype=torch.float64)
    run = rb.simulate(cell, 300.0, 200.0, record=("spikes", "recovery"))
    assert len(run.spikes) > 10
    # Between spikes it follows the voltage; what a spike leaves is cut off.
    rows = (run.spikes.times / run.dt).round().long() - 1
    assert float(run.traces["recovery"][rows, 0].max()) == 100.0


def test_there_are_the_cells_of_the_book() -> None:
    assert [*Izhikevich2007.schema.presets] == CELLS


def test_the_fast_cell_has_its_figures() -> None:
    # Of the others the ledger says so, by hand.
    cell: Any = rb.create("izhikevich-2007", preset="FS", event="located", dtype=torch.float64)
    times = rb.simulate(cell, cell.preset.stimulus, cell.preset.duration).spikes.times.tolist()
    spikes, first = (cell.preset.expect.claims[name] for name in ("spikes", "first"))
    assert len(times) == spikes[0]
    assert times[: len(first)] == pytest.approx(first, abs=0.01)
