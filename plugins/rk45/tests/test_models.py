"""The integrator in models, by its name."""

from __future__ import annotations

import math

import numpy as np
import pytest
import rheobase as rb
import torch
from rheobase import AnalogNeuron, Parameter, State


class Membrane(AnalogNeuron):
    """tau dV/dt = -V + R I, with R of 1 GOhm."""

    tau = Parameter(5.0, unit="ms", above=0)
    voltage = State(0.0, unit="mV", at_rest=True)

    @staticmethod
    def derivatives(state, params, data):  # type: ignore[no-untyped-def]
        return {"voltage": (data - state.voltage) / params.tau}


def test_a_brief_pulse_in_a_long_silence_is_not_skipped() -> None:
    cell = rb.create(Membrane, integrator=rb.integrator("rk45", rtol=1e-9), dt=1.0, dtype=torch.float64)
    pulse = rb.stimulus.Step(10.0, start=60.0, stop=61.0)
    recording = rb.simulate(cell, pulse, 100.0, record="voltage")
    voltage = recording.traces["voltage"][:, 0].numpy()
    top = 10.0 * (1.0 - math.exp(-0.2))
    after = recording.times.numpy() - 61.0
    exact = np.where(after >= 0.0, top * np.exp(-after / 5.0), 0.0)
    # rtol times the number of steps since the pulse, on 1.8 mV
    np.testing.assert_allclose(voltage, exact, atol=1e-7)


def test_an_ensemble_keeps_a_step_size_for_each_unit() -> None:
    taus = torch.tensor([0.05, 50.0], dtype=torch.float64)
    cell = rb.create(Membrane, 2, tau=taus, integrator="rk45", dt=1.0, dtype=torch.float64)
    recording = rb.simulate(cell, rb.stimulus.Constant(10.0), 20.0, record="voltage")
    exact = 10.0 * (1.0 - torch.exp(-20.0 / taus))
    # rtol is 1e-6, of 10 mV; the fast unit, 20 time constants per dt, is beyond any fixed step of 1 ms.
    assert (recording.traces["voltage"][-1] - exact).abs().max() < 5e-5
    assert "integrator" in recording.provenance


@pytest.mark.parametrize("dt", [0.1, 0.5])
def test_leaky_integrate_and_fire_has_the_intervals_of_the_closed_form(dt: float) -> None:
    pytest.importorskip("rheobase_lif")
    lif = rb.create("lif", integrator="rk45", dt=dt, dtype=torch.float64)
    times = rb.simulate(lif, rb.stimulus.Constant(300.0), 40.0).spikes.times.numpy()
    first = 5.0 * math.log(60.0 / 40.0)
    # On the grid, which reports a spike at the end of its step: late by less than dt.
    assert -1e-9 <= times[0] - first <= dt
    assert np.all(np.diff(times) - (1.0 + first) >= -1e-9)
    assert np.all(np.diff(times) - (1.0 + first) <= dt)
    assert len(times) > 8
