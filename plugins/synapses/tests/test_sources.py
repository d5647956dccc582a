"""Synapses whose sources have states: published figures, and their equations by another solver."""

from __future__ import annotations

import math
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase_synapses.kinetics.nmda import _opened
from scipy import special
from scipy.integrate import solve_ivp

from .cells import Membrane


def driven(
    synapse: Any, times: list[float], *, dt: float = 1.0, event: str = "step", weight: float = 1.0
) -> rb.Network:
    """A membrane that nothing moves, and one source."""
    given: dict[str, Any] = {"dt": dt, "dtype": torch.float64, "event": event}
    net = rb.Network()
    net.add("source", rb.create("spike-times", times=[times], **given))
    net.add("target", rb.create(Membrane, 1, capacity=1e12, **given))
    net.connect("source", "target", ([0], [0]), synapse, weight=weight, delay=dt)
    return net


def sent(net: rb.Network, steps: int) -> list[float]:
    """The part of the weight that each spike sent."""
    found: list[float] = []
    for _ in range(steps):
        net()
        under_way = net["source->target"].delivery.sent
        if under_way and under_way[-1].label == net.simulation_step:
            found += under_way[-1].factor.tolist()
    return found


def test_depression_is_as_published() -> None:
    """U x of spikes 50 ms apart, U = 0.5, tau_rec = 800 ms; and where it ends."""
    times = [10.0 + 50.0 * spike for spike in range(60)]
    net = driven(rb.synapse("tsodyks-markram", U=0.5, tau_rec=800.0), times, dt=10.0)
    found = sent(net, 300)
    figures = [0.5, 0.265146734297, 0.154834621474, 0.103020301587, 0.078682777116]
    assert found[:5] == pytest.approx(figures, abs=1e-12)
    assert found[-1] == pytest.approx(0.0571258565066, abs=1e-12)


@pytest.mark.parametrize("event", ["step", "located"])
def test_facilitation_and_depression_follow_their_equations(event: str) -> None:
    use, recover, facilitate = 0.15, 120.0, 300.0
    times = [1.0, 9.0, 15.0, 40.0, 41.0, 90.0, 200.0]
    given = {"U": use, "tau_rec": recover, "tau_facil": facilitate}
    found = sent(driven(rb.synapse("tsodyks-markram", **given), times, event=event), 201)
    x, u, last, expected = 1.0, 0.0, 0.0, []
    for time in times:
        solved = solve_ivp(
            lambda t, y: [(1 - y[0]) / recover, -y[1] / facilitate],
            (last, time),
            [x, u],
            "DOP853",
            rtol=1e-12,
            atol=1e-14,
        )
        x, u = (float(row[-1]) for row in solved.y)
        u += use * (1 - u)
        expected.append(u * x)
        x, last = x - u * x, time
    assert found == pytest.approx(expected, rel=1e-9)
    assert max(found) > 1.2 * found[0]


def test_what_is_sent_is_what_arrives() -> None:
    net = driven(rb.synapse("tsodyks-markram", tau=1e12, U=0.4), [1.0, 21.0], weight=50.0)
    first, second = sent(net, 25)
    assert first == pytest.approx(0.4)
    assert float(net["source->target"].current) == pytest.approx(50.0 * (first + second), rel=1e-9)


def test_two_spikes_at_once_use_it_twice() -> None:
    net = driven(rb.synapse("tsodyks-markram", U=0.5), [1.5, 1.5], event="located")
    assert sent(net, 3) == pytest.approx([0.5, 0.25], rel=1e-12)


def gates(times: list[float], at: list[float], rise: float, decay: float, alpha: float) -> list[float]:
    """Wang's gate at some times, its two equations solved from spike to spike."""
    found, y, last = [], [0.0, 0.0], 0.0
    for time, spike in sorted([*((time, True) for time in times), *((time, False) for time in at)]):
        if time > last:
            solved = solve_ivp(
                lambda t, y: [-y[0] / decay + alpha * y[1] * (1 - y[0]), -y[1] / rise],
                (last, time),
                y,
                "DOP853",
                rtol=1e-11,
                atol=1e-13,
            )
            y = [float(row[-1]) for row in solved.y]
        if spike:
            y = [y[0], y[1] + 1.0]
        else:
            found.append(y[0])
        last = time
    return found


@pytest.mark.parametrize(("alpha", "rise"), [(0.5, 2.0), (1.5, 1.0)])
def test_a_saturating_gate_follows_its_equations_once_the_rise_is_over(alpha: float, rise: float) -> None:
    times = [10.0, 40.0, 70.0, 100.0, 130.0, 200.0]
    at = [39.0, 69.0, 129.0, 199.0, 260.0]
    given = {"alpha": alpha, "tau_rise": rise, "tau_decay": 100.0}
    net = driven(rb.synapse("nmda-saturating", **given), times)
    seen = {}
    for step in range(1, 262):
        net()
        # What the source did a step, its delay, before.
        seen[step - 1.0] = float(net["source->target"].conductance)
    found, expected = [seen[time] for time in at], gates(times, at, rise, 100.0, alpha)
    assert found == pytest.approx(expected, rel=2e-5)
    assert max(expected) < 1.0


def test_a_gate_is_near_its_equations_where_spikes_come_before_the_rise_is_over() -> None:
    times = [10.0 + 5.0 * spike for spike in range(10)]
    net = driven(rb.synapse("nmda-saturating"), times)
    for _ in range(96):
        net()
    (expected,) = gates(times, [95.0], 2.0, 100.0, 0.5)
    assert float(net["source->target"].conductance) == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("a", [0.01, 1.0, 30.0, 120.0])
@pytest.mark.parametrize("b", [1e-3, 0.02, 0.5])
def test_what_a_spike_opens_is_an_incomplete_gamma_function(a: float, b: float) -> None:
    expected = a**b * special.gammainc(1 - b, a) * special.gamma(1 - b)
    found = _opened(torch.tensor(a, dtype=torch.float64), torch.tensor(b, dtype=torch.float64))
    assert float(found) == pytest.approx(expected, rel=1e-12)


def test_a_gate_of_many_spikes_does_not_exceed_one() -> None:
    net = driven(rb.synapse("nmda-saturating"), [1.0 + 5.0 * spike for spike in range(100)])
    for _ in range(500):
        net()
    assert 0.9 < float(net["source->target"].gate) < 1.0
    assert math.isfinite(float(net["target"].voltage))
