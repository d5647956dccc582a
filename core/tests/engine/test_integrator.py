"""Runge-Kutta methods: their order on coupled problems, and the call of the reference API."""

from __future__ import annotations

import math

import pytest
import rheobase as rb
import torch
from rheobase.errors import ArgumentError


@pytest.mark.parametrize("order", [0, 5, 17, -1, "4", None, True, 2.5])
def test_an_order_that_is_not_implemented_is_a_value_error(order):
    with pytest.raises(ValueError, match=r"order.*1, 2, 3, 4") as caught:
        rb.RungeKutta(order=order)
    assert isinstance(caught.value, ArgumentError)


def test_the_default_order_is_4_for_both():
    assert rb.RungeKutta().order == 4
    assert rb.Neuron().integrator.order == 4


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_one_step_of_exponential_decay_is_the_taylor_polynomial_of_its_order(order):
    # For y' = -y / tau every method of s stages and order s <= 4 gives the polynomial itself.
    x = torch.tensor([2.0], dtype=torch.float64)
    y = rb.RungeKutta(order=order)(x, lambda x, tau: -x / tau, dt=0.5, tau=2.0)
    exact = 2 * sum((-0.25) ** k / math.factorial(k) for k in range(order + 1))
    torch.testing.assert_close(y, torch.tensor([exact], dtype=torch.float64), rtol=1e-14, atol=0)


def test_dt_defaults_to_DT():
    x = torch.ones(1, dtype=torch.float64)
    assert torch.equal(rb.RungeKutta()(x, lambda x: -x), rb.RungeKutta()(x, lambda x: -x, dt=0.1))
    assert float(rb.RungeKutta(1)(x, lambda x: 1.0 + 0 * x)) == pytest.approx(1.1, abs=1e-15)


def test_the_given_state_is_not_changed():
    x = (torch.ones(3), torch.zeros(3))
    rb.RungeKutta()(x, lambda s: (s[1], -s[0]), dt=0.5)
    assert x[0].tolist() == [1.0] * 3
    assert x[1].tolist() == [0.0] * 3


def _oscillator_error(order, steps, equation):
    x = (torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64))
    for _ in range(steps):
        x = rb.RungeKutta(order)(x, equation, dt=2.0 / steps)
    return math.hypot(float(x[0]) - math.cos(2.0), float(x[1]) + math.sin(2.0))


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "equation", [lambda s: (s[1], -s[0]), (lambda s: s[1], lambda s: -s[0])], ids=["one", "tuple"]
)
def test_coupled_equations_converge_at_the_claimed_order(order, equation):
    # x' = y, y' = -x. Solved one after the other, with the other frozen, the order would be 1.
    errors = [_oscillator_error(order, steps, equation) for steps in (40, 80)]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.2)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_the_nodes_of_an_explicitly_timed_field_are_right(order):
    # y' = t^(order-1) depends on time alone: a quadrature of that degree, exact.
    field = lambda t, y: torch.full_like(y, t ** (order - 1))  # noqa: E731
    y = rb.RungeKutta(order).advance(field, torch.zeros(1, 1, dtype=torch.float64), 1.0, 3.0).y
    assert float(y) == pytest.approx((3.0**order - 1) / order, rel=1e-14)


def test_the_step_may_differ_between_units():
    steps = torch.tensor([0.1, 0.5], dtype=torch.float64)
    x = torch.ones(2, dtype=torch.float64)
    together = rb.RungeKutta()(x, lambda x: -x, dt=steps)
    for unit, dt in enumerate((0.1, 0.5)):
        alone = rb.RungeKutta()(x[:1], lambda x: -x, dt=dt)
        # A step as a number and as a tensor may differ by one rounding.
        torch.testing.assert_close(together[unit : unit + 1], alone, rtol=1e-15, atol=0)


def test_what_the_equation_depends_on_is_given_by_keyword():
    def equation(x, *, gain, bias):
        return gain * 0 * x + bias

    y = rb.RungeKutta(1)(torch.zeros(2), equation, dt=1.0, gain=2.0, bias=torch.tensor([1.0, 2.0]))
    assert y.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("x", "equation", "words"),
    [
        (torch.zeros(1), (lambda x: x, lambda x: x), "2 equations.*one tensor"),
        (torch.zeros(1), lambda x: (x, x), "tuple.*must give a tensor"),
        ((torch.zeros(1), torch.zeros(1)), lambda s: (s[0],), "1 derivatives for 2 states"),
        ((torch.zeros(1), torch.zeros(1)), (lambda s: s[0],), "1 derivatives for 2 states"),
    ],
)
def test_equations_that_do_not_fit_the_state_are_refused(x, equation, words):
    with pytest.raises(ArgumentError, match=words):
        rb.RungeKutta()(x, equation)


@pytest.mark.parametrize(("order", "least"), [(4, 3.7), (3, 2.7), (2, 1.8), (1, 0.8)])
def test_a_coupled_model_converges_at_the_order_of_its_integrator(coupled, order, least):
    # A spike-free stretch. Against RK4 at a step 16 times finer than the finest.
    def final(dt, order=order):
        neuron = rb.create(
            coupled,
            dt=dt,
            integrator=rb.RungeKutta(order),
            dtype=torch.float64,
            voltage=-60.0,
            recovery=-10.0,
        )
        for _ in range(round(4.0 / dt)):
            assert not neuron(3.0)["spiked"]
        return torch.cat([neuron.voltage, neuron.recovery])

    truth = final(1 / 256, order=4)
    errors = [float((final(dt) - truth).norm()) for dt in (1 / 8, 1 / 16)]
    assert math.log2(errors[0] / errors[1]) >= least


def test_an_integrator_of_ones_own_drives_a_declared_model(ramp):
    class Heun(rb.Integrator):
        order = 2

        def advance(self, field, y, t0, t1, *, carry=None):
            h = t1 - t0
            k1 = field(t0, y)
            return rb.Advance(y + h / 2 * (k1 + field(t1, y + h * k1)))

    neuron = rb.create(ramp, dt=0.5, integrator=Heun())
    neuron(4.0)
    assert (neuron.voltage.tolist(), neuron.trace.tolist()) == ([2.0], [0.5])


def test_the_integrator_is_told_the_neurons_dt(ramp):
    seen = []

    class Spy(rb.RungeKutta):
        def advance(self, field, y, t0, t1, *, carry=None):
            seen.append(t1 - t0)
            return super().advance(field, y, t0, t1, carry=carry)

    neuron = rb.create(ramp, dt=0.25, integrator=Spy())
    neuron(1.0)
    rb.AnalogNeuron(equation=lambda x, data: data - x, integrator=Spy(), dt=0.75)(1.0)
    assert seen == [0.25, 0.75]


def test_an_integrator_that_is_none_is_refused(lif):
    with pytest.raises(ArgumentError, match=r"integrator=3.*rheobase\.Integrator"):
        rb.create(lif, integrator=3)
    with pytest.raises(ArgumentError, match=r"integrator=.*RungeKutta"):
        rb.create(lif, integrator=rb.RungeKutta)  # the class, not an object of it


def test_the_former_name_of_advancing_through_segments_serves():
    assert rb.Integrator.through is rb.Integrator.advance_segments
