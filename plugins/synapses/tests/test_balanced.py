"""Networks of thousands: the rates that theory gives, and that others found."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import rheobase as rb
import torch
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import erfcx

pytest.importorskip("rheobase_lif", reason="rheobase-lif is not installed")

TAU, THRESHOLD, RESET, REFRACTORY, DELAY = 20.0, 20.0, 10.0, 2.0, 1.5
"""Of Brunel (2000), J. Comput. Neurosci. 8, 183: ms, mV, mV, ms, ms."""


def siegert(mean: float, deviation: float) -> float:
    """The rate of a neuron in white noise, per ms (Siegert 1951)."""
    low, high = (RESET - mean) / deviation, (THRESHOLD - mean) / deviation
    integral = quad(lambda u: erfcx(-u), low, high, epsabs=1e-12)[0]
    return 1.0 / (REFRACTORY + TAU * math.sqrt(math.pi) * integral)


def self_consistent(c_e: int, c_i: int, j: float, g: float, eta: float) -> float:
    """The rate at which all neurons fire if all do so, per s."""
    outside = eta * THRESHOLD / (j * TAU)

    def excess(rate: float) -> float:
        mean = TAU * j * (outside + (c_e - g * c_i) * rate)
        variance = TAU * j**2 * (outside + (c_e + g**2 * c_i) * rate)
        return siegert(mean, math.sqrt(variance)) - rate

    return 1e3 * float(brentq(excess, 1e-6, 0.4, xtol=1e-14))


def brunel(scale: float) -> tuple[rb.Network, float]:
    """The network of that paper with g = 5 and eta = 2, or a part with weights as much larger; its rate."""
    sizes = {"E": round(10_000 * scale), "I": round(2_500 * scale)}
    inputs = {"E": round(1_000 * scale), "I": round(250 * scale)}
    j = 0.1 / scale
    weight, parts = {"E": j, "I": -5.0 * j}, 8  # on the grid a source has one spike in a step at most
    outside = 2.0 * THRESHOLD / (j * TAU) * 1e3
    net = rb.Network(seed=1)
    cell: dict[str, Any] = {"tau_mem": TAU, "volt_rest": 0.0, "volt_thresh": THRESHOLD, "volt_reset": RESET}
    for name, units in sizes.items():
        start = rb.Uniform(0.0, THRESHOLD)
        net.add(
            name, rb.create("lif", units, voltage=start, tau_ref=REFRACTORY, event="step", dt=0.1, **cell)
        )
        net.add(f"to {name}", rb.create("poisson", parts * units, rate=outside / parts, dt=0.1))
        pairs = torch.arange(parts * units), torch.arange(parts * units) // parts
        net.connect(f"to {name}", name, pairs, rb.synapse("delta"), weight=j, delay=DELAY)
    for source in sizes:
        rule = rb.rule("fixed-indegree", degree=inputs[source], autapses=False, multapses=False)
        for target in sizes:
            net.connect(source, target, rule, rb.synapse("delta"), weight=weight[source], delay=DELAY)
    return net, self_consistent(inputs["E"], inputs["I"], j, 5.0, 2.0)


def rate_of(net: rb.Network, start: float, stop: float) -> dict[str, float]:
    """The rates of the populations in an interval, per s."""
    rec = rb.simulate(net, duration=stop, record={"E": "spikes", "I": "spikes"})
    found = {}
    for name in ("E", "I"):
        count = int((rec[name].spikes.times > start).sum())
        found[name] = count / net[name].num_units / (stop - start) * 1e3
    return found


def test_the_theory_of_brunel_has_the_figure_that_is_known() -> None:
    assert self_consistent(1000, 250, 0.1, 5.0, 2.0) == pytest.approx(37.95, abs=0.005)


@pytest.mark.by_hand
def test_a_fifth_of_the_network_of_brunel_fires_as_theory_says() -> None:
    net, theory = brunel(0.2)
    # Of weights of half a mV the theory, of weights without end small and many, is a tenth away.
    assert rate_of(net, 50.0, 150.0) == pytest.approx({"E": theory, "I": theory}, rel=0.1)


@pytest.mark.by_hand
def test_the_network_of_brunel_fires_as_theory_says() -> None:
    net, theory = brunel(1.0)
    assert rate_of(net, 100.0, 300.0) == pytest.approx({"E": theory, "I": theory}, rel=0.05)


def vogels_abbott(kind: str) -> rb.Network:
    """CUBA and COBA of Brette et al. (2007), J. Comput. Neurosci. 23, 349, after Vogels and Abbott (2005)."""
    cell: dict[str, Any] = {
        "tau_mem": 20.0,
        "leak_gl": 10.0,
        "volt_thresh": -50.0,
        "volt_reset": -60.0,
        "tau_ref": 5.0,
    }
    cell |= {"event": "step", "dt": 0.1, "volt_rest": -49.0 if kind == "cuba" else -60.0}
    net = rb.Network(seed=1)
    start = rb.Uniform(-60.0, -50.0) if kind == "cuba" else rb.Normal(-65.0, 5.0)
    for name, units in (("E", 3200), ("I", 800)):
        net.add(name, rb.create("lif", units, voltage=start, **cell))
    if kind == "cuba":
        # 1.62 and -9 mV, of a leak of 10 nS.
        kinds = {"E": ("exponential", {"tau": 5.0}, 16.2), "I": ("exponential", {"tau": 10.0}, -90.0)}
    else:
        name = "conductance-exponential"
        kinds = {
            "E": (name, {"tau": 5.0, "reversal": 0.0}, 6.0),
            "I": (name, {"tau": 10.0, "reversal": -80.0}, 67.0),
        }
    few, generator = rb.rule("bernoulli", p=0.02), torch.Generator().manual_seed(1)
    for source, (name, given, weight) in kinds.items():
        for target in ("E", "I"):
            made = net.connect(source, target, few, rb.synapse(name, **given), weight=weight, delay=0.1)
            if kind == "coba":
                # What is there at the start sets it going.
                mean, deviation = {"E": (40.0, 15.0), "I": (200.0, 120.0)}[source]
                drawn = torch.randn(net[target].num_units, generator=generator)
                made.conductance = (mean + deviation * drawn).clamp(min=0.0)
    return net


def statistics(net: rb.Network, start: float, stop: float, least: int = 2) -> tuple[dict[str, float], float]:
    """The rates of the populations in an interval, per s, and the mean CV of the intervals of units.

    Of units with so many intervals, at least: of few the CV comes out too small.
    """
    rec = rb.simulate(net, duration=stop)
    rates, variations = {}, []
    for name in ("E", "I"):
        times, units = rec[name].spikes.times.numpy(), rec[name].spikes.units.numpy()
        units, times = units[times > start], times[times > start]
        rates[name] = len(times) / net[name].num_units / (stop - start) * 1e3
        for unit in np.unique(units):
            gaps = np.diff(times[units == unit])
            if len(gaps) >= least:
                variations.append(gaps.std() / gaps.mean())
    return rates, float(np.mean(variations))


def test_cuba_is_alive_and_irregular() -> None:
    rates, _ = statistics(vogels_abbott("cuba"), 50.0, 150.0)
    # A tenth of a second has the rates to a fifth.
    assert 4.5 < rates["E"] < 6.9
    assert 4.5 < rates["I"] < 6.9


@pytest.mark.by_hand
def test_cuba_has_the_rates_that_others_found() -> None:
    rates, variation = statistics(vogels_abbott("cuba"), 200.0, 1000.0)
    assert 5.2 <= rates["E"] <= 5.8
    assert 5.5 <= rates["I"] <= 5.7
    assert 0.48 <= variation <= 0.50


@pytest.mark.by_hand
def test_coba_has_the_rates_that_others_found() -> None:
    rates, variation = statistics(vogels_abbott("coba"), 200.0, 1000.0, 5)
    # On five draws, this one among them, Brian2 has E 18.0 to 19.3 and I 18.3 to 19.2 per s, and a CV of
    # 1.56 to 1.64; its trains are compared one by one in tests/peers.
    assert all(17.5 <= rate <= 20.0 for rate in rates.values())
    assert 1.5 <= variation <= 1.7
