"""LIF neurons that take spikes: the closed forms of one arrival, and the numbers of NEST's test."""

from __future__ import annotations

import math
from typing import Any

import pytest
import rheobase as rb
import torch

STEPS = 100


def voltage(name: str, weight: float, dt: float, **given: Any) -> torch.Tensor:
    """V - E_L in mV after one arrival in the first step, row by row, so that the row k is k dt later."""
    cell = rb.create(name, dt=dt, v_th=1e3, dtype=torch.float64, **given)
    arrivals = torch.zeros(STEPS, 1, dtype=torch.float64)
    arrivals[0] = weight
    run = rb.simulate(cell, {"arrivals": arrivals}, STEPS * dt, record="voltage", progress=False)
    return run.traces["voltage"][:, 0] + 70.0


@pytest.mark.parametrize("dt", [0.1, 0.05])
def test_an_arrival_of_each_kind_gives_the_closed_form_whatever_dt(dt: float) -> None:
    t = dt * torch.arange(STEPS, dtype=torch.float64)
    slow, fast = torch.exp(-t / 10.0), torch.exp(-t / 2.0)
    rate = 1.0 / 2.0 - 1.0 / 10.0
    expected = {
        "lif-delta": 3.0 * slow,
        "lif-exp": 500.0 / 250.0 / rate * (slow - fast),
        "lif-alpha": 500.0 / 250.0 * math.e / 2.0 / rate**2 * (slow - fast * (1.0 + rate * t)),
    }
    for name, course in expected.items():
        weight = 3.0 if name == "lif-delta" else 500.0
        torch.testing.assert_close(voltage(name, weight, dt), course, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["lif-exp", "lif-alpha"])
def test_equal_time_constants_are_no_exception(name: str) -> None:
    # By the exact integrator, in which a difference of time constants would be divided by.
    pytest.importorskip("rheobase_exact")
    t = 0.1 * torch.arange(STEPS, dtype=torch.float64)
    course = 2.0 * t if name == "lif-exp" else 2.0 * math.e / 20.0 * t**2
    found = voltage(name, 500.0, 0.1, tau_s=10.0, integrator="exact")
    torch.testing.assert_close(found, course * torch.exp(-t / 10.0), rtol=1e-9, atol=1e-9)


def test_the_voltage_under_a_current_is_that_of_another_program() -> None:
    # NEST, testsuite/unittests/test_iaf_psc_alpha: 1000 pA at h = 0.1 ms, which acts from 0.2 ms on.
    cell = rb.create("lif-alpha", dtype=torch.float64)
    run = rb.simulate(cell, {"current": 1000.0}, 7.0, record=("voltage", "spikes"))
    v = run.traces["voltage"][:, 0]
    for time, value in ((0.3, -69.602), (1.0, -66.9247), (4.9, -55.0001), (5.0, -70.0), (7.1, -69.602)):
        assert float(v[round((time - 0.2) / 0.1) - 1]) == pytest.approx(value, abs=6e-4)
    assert run.spikes.times.tolist() == pytest.approx([4.8])


def test_what_arrives_while_refractory_is_lost_by_the_voltage_and_kept_by_a_current() -> None:
    for name, weight, left in (("lif-delta", 3.0, 0.0), ("lif-exp", 500.0, 500.0)):
        cell = rb.create(name, dt=0.5, dtype=torch.float64)
        cell({"current": 1e5})
        assert int(cell.spiked) == 1
        cell({"arrivals": torch.tensor([weight], dtype=torch.float64)})
        kept = cell.synaptic if name == "lif-exp" else cell.voltage + 70.0
        assert float(kept) == left


@pytest.mark.parametrize("dt", [0.1, 3.0])
@pytest.mark.parametrize("name", ["lif-exp", "lif-alpha"])
def test_an_arrival_at_its_own_time_is_answered_at_that_of_the_closed_form(name: str, dt: float) -> None:
    tight = rb.integrator("rk45", rtol=1e-12, atol=1e-12)
    cell = rb.create(name, dt=dt, event="located", integrator=tight, dtype=torch.float64)
    weight, at = {"lif-exp": 3500.0, "lif-alpha": 1400.0}[name], 5.0437
    run = rb.simulate(cell, {"arrivals": rb.stimulus.Events([at], weight)}, 30.0, progress=False)

    def course(t: float) -> float:
        rate, slow, fast = 1.0 / 2.0 - 1.0 / 10.0, math.exp(-t / 10.0), math.exp(-t / 2.0)
        if name == "lif-exp":
            return weight / 250.0 / rate * (slow - fast)
        return weight / 250.0 * math.e / 2.0 / rate**2 * (slow - fast * (1.0 + rate * t))

    (found,) = run.spikes.times.tolist()
    # V_th - E_L is reached within 1e-9 ms of the spike, on the way up.
    assert course(found - at - 1e-9) < 15.0 < course(found - at + 1e-9)
