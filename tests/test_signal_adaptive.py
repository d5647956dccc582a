"""Signals with integrators that choose their own steps, which could step over a pulse."""

from __future__ import annotations

import math

import pytest
import rheobase as rb
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

DOUBLE = {"dtype": torch.float64}
METHODS = ["rk45", "tsit5", "rk23"]


def leak(x, current, tau):
    return (current - x) / tau


def pulse_response(t, start, stop, height, tau):
    """V(t) of a leaky membrane after a pulse, in closed form."""
    return height * -math.expm1(-(stop - start) / tau) * math.exp(-(t - stop) / tau)


@pytest.mark.parametrize("name", METHODS)
def test_a_pulse_of_a_millisecond_in_a_hundred_of_silence_is_never_skipped(name):
    tolerance = 1e-8
    method = rb.integrator(name, rtol=tolerance, atol=tolerance)
    pulse = rb.Signal.levels([60.0, 61.0], [20.0, 0.0])
    x = method(torch.zeros(2, **DOUBLE), leak, dt=100.0, current=pulse, tau=10.0)
    # The tolerance is for each step; between them errors add up, and here decay.
    exact = pulse_response(100.0, 60.0, 61.0, 20.0, 10.0)
    assert x.tolist() == pytest.approx([exact] * 2, abs=10 * tolerance)
    # The same function without its breakpoints is what it would be without the declaration: silence.
    blind = rb.Signal(lambda t: torch.where((t >= 60.0) & (t < 61.0), 20.0, 0.0))
    assert float(method(torch.zeros(1, **DOUBLE), leak, dt=100.0, current=blind, tau=10.0)) == 0.0


@settings(max_examples=40, deadline=None)
@given(
    start=st.floats(0.0, 99.0),
    width=st.floats(-6.0, 1.9).map(lambda exponent: 10.0**exponent),
    tau=st.floats(1.0, 50.0),
    dt=st.sampled_from([100.0, 50.0, 12.5]),
)
def test_any_pulse_from_a_nanosecond_on_is_right_to_the_tolerance(start, width, tau, dt):
    tolerance, stop = 1e-9, min(start + width, 100.0)
    height = tau / (stop - start)  # so that every pulse lifts the membrane by about 1
    method = rb.integrator("rk45", rtol=tolerance, atol=tolerance)
    pulse = rb.Signal.levels([start, stop], [height, 0.0])
    x = torch.zeros(1, **DOUBLE)
    for n in range(round(100.0 / dt)):
        x = method(x, leak, dt=dt, t=n * dt, current=pulse, tau=tau)
    # Beside the tolerance: the edges are rounded to 1.4e-14 ms, of a pulse of 1e-6 ms.
    assert float(x) == pytest.approx(
        pulse_response(100.0, start, stop, height, tau), abs=10 * tolerance + 3e-8
    )


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("event", ["step", "crossing", "located"])
def test_a_neuron_sees_the_pulse_in_one_step_of_a_hundred_milliseconds(name, event):
    method = rb.integrator(name, rtol=1e-9, atol=1e-9)
    neuron = rb.create("lif", 2, dt=100.0, event=event, integrator=method, **DOUBLE)
    pulse = rb.stimulus.Step(200.0, start=60.25, stop=61.25).signal()
    voltage = float(neuron(pulse)["voltage"][0]) - float(neuron.volt_rest)
    tau, height = float(neuron.tau_mem), 200.0 / float(neuron.leak_gl)
    # Ten times the tolerance of a voltage near -75 mV.
    assert voltage == pytest.approx(pulse_response(100.0, 60.25, 61.25, height, tau), abs=10 * 76e-9)


@pytest.mark.parametrize("dt", [0.5, 37.5])
def test_located_spikes_do_not_depend_on_how_steps_and_edges_lie(dt):
    method = rb.integrator("rk45", rtol=1e-9, atol=1e-9)
    neuron = rb.create("lif", 2, dt=dt, event="located", integrator=method, **DOUBLE)
    current = torch.tensor([250.0, 400.0], **DOUBLE)
    spikes = rb.simulate(neuron, rb.Signal.levels([10.37, 27.23], [current, 0.0]), 37.5).spikes
    lift = current / neuron.leak_gl
    gap = float(neuron.volt_thresh) - float(neuron.volt_rest)
    for unit in range(2):
        rise = float(neuron.tau_mem) * math.log(float(lift[unit]) / (float(lift[unit]) - gap))
        expected = [10.37 + rise]
        while expected[-1] + float(neuron.tau_ref) + rise < 27.23:
            expected.append(expected[-1] + float(neuron.tau_ref) + rise)
        # The reset potential of this model is its resting potential: each interval is the first.
        assert float(neuron.volt_reset) == float(neuron.volt_rest)
        assert spikes.times[spikes.units == unit].tolist() == pytest.approx(
            expected, abs=1e-6
        )  # of 75 mV, 1e-9


@pytest.mark.parametrize("event", ["crossing", "located"])
def test_a_unit_with_steps_of_its_own_is_the_same_alone_and_among_others(event):
    phase = torch.tensor([0.0, 1.0, 2.5], **DOUBLE)

    def run(which):
        drive = rb.Signal(lambda t: 250.0 + 200.0 * torch.sin(t / 3.0 + which), [7.3])
        method = rb.integrator("rk45", rtol=1e-7)
        neuron = rb.create("lif", len(which), dt=2.0, event=event, integrator=method, **DOUBLE)
        return rb.simulate(neuron, drive, 14.0, record=("spikes", "voltage"))

    together = run(phase)
    for unit in range(3):
        alone = run(phase[unit : unit + 1])
        # torch's sine differs in the last bit between places in a tensor.
        apart = (together.traces["voltage"][:, unit] - alone.traces["voltage"][:, 0]).abs().max()
        assert float(apart) < 1e-10
        mine = together.spikes.times[together.spikes.units == unit]
        assert torch.allclose(mine, alone.spikes.times, rtol=0, atol=1e-10)
