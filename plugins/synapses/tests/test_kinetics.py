"""Synapses follow their equations: closed forms, another solver's solutions, and published figures."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import rheobase as rb
import torch
from rheobase_synapses.kinetics.shapes import rise_of_two
from scipy.integrate import solve_ivp

from .cells import Membrane, Once, pair

NAMES = [
    "exponential",
    "alpha",
    "double-exponential",
    "conductance-exponential",
    "conductance-alpha",
    "conductance-double-exponential",
    "nmda",
]
GIVEN: dict[str, dict[str, float]] = {
    "exponential": {"tau": 2.0},
    "alpha": {"tau": 2.0},
    "double-exponential": {"tau_rise": 0.7, "tau_decay": 3.0},
    "conductance-exponential": {"tau": 2.0, "reversal": 20.0},
    "conductance-alpha": {"tau": 2.0, "reversal": 20.0},
    "conductance-double-exponential": {"tau_rise": 0.7, "tau_decay": 3.0, "reversal": 20.0},
    "nmda": {"tau_rise": 0.7, "tau_decay": 3.0, "reversal": 20.0, "magnesium": 0.8},
}


def shape(name: str, t: float) -> float:
    """What one spike of weight 1 opens after t ms, in its closed form."""
    if name.endswith("double-exponential") or name == "nmda":
        rise, decay = 0.7, 3.0
        peak = rise * decay / (decay - rise) * math.log(decay / rise)
        scale = math.exp(-peak / decay) - math.exp(-peak / rise)
        return (math.exp(-t / decay) - math.exp(-t / rise)) / scale
    return t / 2.0 * math.exp(1.0 - t / 2.0) if name.endswith("alpha") else math.exp(-t / 2.0)


def expected(name: str, weight: float, t: float, cell: str = "leaky") -> float:
    """The voltage t ms after the arrival at a cell at rest, -60 mV, by another solver."""

    def slope(t: float, y: Any) -> Any:
        v, u = y
        current = weight * shape(name, t)
        if "conductance" in name or name == "nmda":
            current *= 20.0 - v
        if name == "nmda":
            # Jahr and Stevens 1990, equation 4a with its published constants.
            current /= 1.0 + math.exp(-0.062 * v) * 0.8 / 3.57
        if cell == "leaky":
            return (-60.0 - v) / 10.0 + current / 250.0, 0.0
        rise = 0.7 * (v + 60.0) * (v + 40.0) - u + current
        return rise / 100.0, 0.03 * (-2.0 * (v + 60.0) - u)

    return float(solve_ivp(slope, (0.0, t), [-60.0, 0.0], "DOP853", rtol=1e-13, atol=1e-13).y[0, -1])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("cell", ["leaky", "quadratic"])
def test_a_spike_moves_the_voltage_as_the_equations_say_at_the_order_of_the_integrator(
    name: str, cell: str
) -> None:
    errors = []
    for dt in (0.5, 0.25):
        net = pair(rb.synapse(name, **GIVEN[name]), weight=10.0, dt=dt, cell=cell)
        for _ in range(round(4.0 / dt)):
            net()
        errors.append(abs(float(net["target"].voltage) - expected(name, 10.0, 4.0, cell)))
    assert errors[1] < 2e-3
    assert 3.6 < math.log2(errors[0] / errors[1]) < 5.0


@pytest.mark.parametrize("name", NAMES)
def test_rk45_meets_them_within_its_tolerance(name: str) -> None:
    pytest.importorskip("rheobase_rk45", reason="rheobase-rk45 is not installed")
    net = pair(rb.synapse(name, **GIVEN[name]), weight=40.0, dt=1.0, integrator="rk45")
    for _ in range(4):
        net()
    assert float(net["target"].voltage) == pytest.approx(expected(name, 40.0, 4.0), abs=1e-3)


@pytest.mark.parametrize("name", NAMES[:3])
@pytest.mark.parametrize("dt", [0.1, 1.0, 4.0])
def test_exact_takes_currents_to_the_last_digits_at_any_step(name: str, dt: float) -> None:
    pytest.importorskip("rheobase_exact", reason="rheobase-exact is not installed")
    net = pair(rb.synapse(name, **GIVEN[name]), weight=40.0, dt=dt, integrator="exact")
    for _ in range(round(4.0 / dt)):
        net()
    assert float(net["target"].voltage) == pytest.approx(expected(name, 40.0, 4.0), abs=2e-12)


def test_the_peak_of_a_postsynaptic_potential_is_where_and_what_it_is() -> None:
    pytest.importorskip("rheobase_exact", reason="rheobase-exact is not installed")
    # Of V = w / C (e^-t/tau - e^-t/tau_s) / (1 / tau_s - 1 / tau), C = 250, tau = 10, tau_s = 2, w = 100.
    rest, peak, at = -60.0, 0.534992243981, 4.023594781085
    net = pair(rb.synapse("exponential", tau=2.0), weight=100.0, dt=at / 32, integrator="exact")
    seen = [float(net()["target"]["voltage"]) - rest for _ in range(64)]
    assert seen[31] == pytest.approx(peak, abs=2e-12 + 1e-14 * abs(rest))
    assert max(seen) == seen[31]


@pytest.mark.parametrize(("rise", "decay"), [(0.5, 5.0), (2.0, 2.0), (2.0, 2.002), (2.0, 2.0021), (5.0, 0.5)])
def test_the_weight_of_a_double_exponential_is_its_peak(rise: float, decay: float) -> None:
    taus = [torch.tensor(tau, dtype=torch.float64, requires_grad=True) for tau in (rise, decay)]
    start = rise_of_two(*taus)
    solved = solve_ivp(
        lambda t, y: [-y[0] / rise, y[0] - y[1] / decay],
        (0.0, 20.0),
        [float(start.detach()), 0.0],
        "DOP853",
        rtol=1e-12,
        atol=1e-12,
        events=lambda t, y: y[0] - y[1] / decay,
    )
    assert max(event[1] for event in solved.y_events[0]) == pytest.approx(1.0, abs=1e-9)
    # Gradients too are those of the formula, where it is 0 / 0 as well.
    eps = 1e-4
    for place, gradient in enumerate(torch.autograd.grad(start, taus)):
        at = [rise, decay]
        ends = []
        for sign in (1, -1):
            at[place] = (rise, decay)[place] + sign * eps
            ends.append(float(rise_of_two(*(torch.tensor(each, dtype=torch.float64) for each in at))))
        assert float(gradient) == pytest.approx((ends[0] - ends[1]) / (2 * eps), rel=1e-4)


def test_a_double_exponential_of_one_time_constant_is_an_alpha() -> None:
    voltages = []
    for synapse in (
        rb.synapse("alpha", tau=2.0),
        rb.synapse("double-exponential", tau_rise=2.0, tau_decay=2.0),
    ):
        net = pair(synapse, weight=40.0, dt=0.25)
        voltages.append([float(net()["target"]["voltage"]) for _ in range(20)])
    assert voltages[0] == pytest.approx(voltages[1], rel=1e-14)


def test_delta_adds_its_weight_to_the_voltage() -> None:
    net = pair(rb.synapse("delta"), weight=3.0, dt=0.5)
    assert float(net["target"].voltage) == -57.0


def test_magnesium_blocks_as_was_measured() -> None:
    """Without magnesium nothing does; at 1 mM half of the current passes at -ln(3.57) / 0.062 = -20.5 mV."""
    nmda = rb.synapse("nmda").kind
    for voltage, magnesium, part in (
        (-70.0, 0.0, 1.0),
        (math.log(1 / 3.57) / 0.062, 1.0, 0.5),
        (1e3, 1.0, 1.0),
    ):
        values = [torch.tensor(each, dtype=torch.float64) for each in (2.0, voltage, 0.0, magnesium)]
        current = nmda.output(
            SimpleNamespace(conductance=values[0]),
            SimpleNamespace(reversal=values[2], magnesium=values[3]),
            SimpleNamespace(voltage=values[1]),
        )
        assert float(current) == pytest.approx(-2.0 * part * voltage, rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_spec_claims_of_arrivals_is_so(name: str) -> None:
    kind = rb.synapse(name, **GIVEN[name]).kind
    params = SimpleNamespace(**{key: torch.tensor(value) for key, value in GIVEN[name].items()})
    state = {each: torch.rand(5, dtype=torch.float64) for each in kind.schema.states}
    first, second = torch.rand(2, 5, dtype=torch.float64)

    def after(state: dict[str, Any], weight: Any) -> dict[str, Any]:
        return {**state, **kind.arrive(SimpleNamespace(**state), params, weight)}

    apart, together = after(after(state, first), second), after(state, first + second)
    twice = after({each: 2 * value for each, value in state.items()}, 2 * first)
    for each in state:
        assert apart[each].numpy() == pytest.approx(together[each].numpy(), rel=1e-14)
        assert twice[each].numpy() == pytest.approx(2 * after(state, first)[each].numpy(), rel=1e-14)


def test_targets_may_have_time_constants_of_their_own() -> None:
    net = rb.Network()
    single = []
    for tau in (1.0, 3.0):
        alone = pair(rb.synapse("exponential", tau=tau), weight=40.0, dt=0.5)
        single.append([float(alone()["target"]["voltage"]) for _ in range(5)])
    given: dict[str, Any] = {"dt": 0.5, "dtype": torch.float64}
    net.add("source", rb.create(Once, 1, at=0.25, **given))
    net.add("target", rb.create(Membrane, 2, **given))
    taus = torch.tensor([1.0, 3.0], dtype=torch.float64)
    synapse = rb.synapse("exponential", tau=taus)
    net.connect("source", "target", rb.rule("all-to-all"), synapse, weight=40.0, delay=0.5)
    for _ in range(2):
        net()
    both = torch.stack([net()["target"]["voltage"] for _ in range(5)])
    assert both.T.tolist() == single
