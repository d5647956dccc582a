"""The leaky integrator and the oscillator against their closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import rheobase as rb
import torch


def test_leaky_integrator_relaxes_exponentially() -> None:
    cell = rb.create("leaky-integrator", tau_mem=4.0, leak_gl=10.0, volt_rest=-70.0, dtype=torch.float64)
    recording = rb.simulate(cell, rb.stimulus.Constant(200.0), 12.0, record="voltage")
    exact = -70.0 + 20.0 * (1.0 - np.exp(-recording.times.numpy() / 4.0))
    # 20 mV x 3 time constants x (dt / tau)^4 / 120: the error of the classical Runge-Kutta method.
    np.testing.assert_allclose(recording.traces["voltage"][:, 0].numpy(), exact, atol=2e-7)


def test_leaky_integrator_does_not_spike() -> None:
    cell = rb.create("leaky-integrator")
    recording = rb.simulate(cell, rb.stimulus.Constant(1e5), 50.0, record="voltage")
    assert recording.traces["voltage"].max() > 1e4
    assert "spiked" not in cell.loggable_props


@pytest.mark.parametrize("phase", [0.0, 1.0, -2.0])
def test_oscillator_keeps_amplitude_frequency_and_phase(phase: float) -> None:
    wave = rb.create("oscillator", frequency=40.0, amplitude=3.0, phase=phase, dtype=torch.float64)
    assert wave.voltage.item() == pytest.approx(3.0 * math.cos(phase), abs=1e-12)
    recording = rb.simulate(wave, rb.stimulus.Constant(0.0), 100.0, record=("voltage", "quadrature"))
    angle = 2.0 * math.pi * 0.040 * recording.times.numpy() + phase
    # Four periods, 25 radians: 3 mV x 25 x (omega dt)^4 / 120 = 2.5e-7 mV.
    np.testing.assert_allclose(recording.traces["voltage"][:, 0].numpy(), 3.0 * np.cos(angle), atol=5e-7)
    np.testing.assert_allclose(recording.traces["quadrature"][:, 0].numpy(), 3.0 * np.sin(angle), atol=5e-7)


def test_a_current_drives_the_oscillator() -> None:
    wave = rb.create("oscillator", frequency=20.0, amplitude=0.0, capacitance=50.0, dtype=torch.float64)
    recording = rb.simulate(wave, rb.stimulus.Constant(10.0), 60.0, record="voltage")
    omega = 2.0 * math.pi * 0.020
    exact = 10.0 / 50.0 / omega * np.sin(omega * recording.times.numpy())
    # 1.6 mV x 7.5 radians x (omega dt)^4 / 120
    np.testing.assert_allclose(recording.traces["voltage"][:, 0].numpy(), exact, atol=1e-8)
