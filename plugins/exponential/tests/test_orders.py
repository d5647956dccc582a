"""The order of the methods, and what they keep however long the step."""

from __future__ import annotations

import math

import numpy as np
import pytest
import rheobase as rb
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rheobase.spi import phi1
from rheobase_exponential import ExponentialEuler, Strang
from scipy.integrate import solve_ivp
from torch import Tensor

METHODS = [ExponentialEuler, Strang]
both = pytest.mark.parametrize("method", METHODS)


def column(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)[:, None]


def rotation(t: object, y: Tensor) -> Tensor:
    return torch.stack([-y[1], y[0]])


def predator(t: object, y: Tensor) -> Tensor:
    """Lotka & Volterra: each is linear in itself."""
    return torch.stack([y[0] * (1.0 - y[1]), y[1] * (y[0] - 2.0)])


def driven(t: Tensor, y: Tensor) -> Tensor:
    return torch.stack([-(1.0 + torch.cos(t)) * y[0] + torch.sin(3.0 * t) + 0.0 * y[0]])


def three(t: object, y: Tensor) -> Tensor:
    """No two of these can be solved together."""
    a, b, c = y
    return torch.stack([-a * b + c, torch.cos(c) - a * b, torch.sin(a) - c * b * b])


PROBLEMS = [
    (rotation, column(1.0, 0.5)),
    (predator, column(1.0, 0.5)),
    (driven, column(0.3)),
    (three, column(1.0, 0.4, -0.5)),
]


def solve(method: rb.Integrator, field, y: Tensor, steps: int, span: float) -> Tensor:  # type: ignore[no-untyped-def]
    h = span / steps
    for step in range(steps):
        t0 = torch.tensor(step * h, dtype=torch.float64)
        y = method.advance(field, y, t0, t0 + h).y
    return y


@both
@pytest.mark.parametrize("problem", PROBLEMS, ids=["linear", "nonlinear", "time", "groups of one"])
def test_the_order_is_what_is_claimed(method, problem) -> None:  # type: ignore[no-untyped-def]
    field, start = problem

    def right_hand_side(t: float, y: np.ndarray) -> np.ndarray:
        return field(torch.tensor(t, dtype=torch.float64), torch.from_numpy(y)[:, None])[:, 0].numpy()  # type: ignore[no-any-return]

    path = solve_ivp(right_hand_side, (0.0, 1.5), start[:, 0].numpy(), "DOP853", rtol=1e-12, atol=1e-13)
    exact = torch.from_numpy(path.y[:, -1])[:, None]
    errors = [(solve(method(), field, start, n, 1.5) - exact).abs().max().item() for n in (64, 128)]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(method.order, abs=0.15)


@both
def test_the_order_holds_on_a_spike_of_the_squid_axon(method, squid, rest) -> None:  # type: ignore[no-untyped-def]
    field = squid(10.0)
    end = solve(rb.integrator("rk4"), field, rest, 1024, 2.56)  # error below 1e-8 mV
    assert end[0].item() > 0.0  # in the upstroke
    errors = [(solve(method(), field, rest, n, 2.56) - end)[0].abs().item() for n in (128, 256)]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(method.order, abs=0.15)


@both
@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.floats(-100.0, 60.0), *[st.floats(0.0, 1.0)] * 3),
    st.floats(-20.0, 50.0),
    st.floats(1e-3, 50.0),
)
def test_gates_stay_between_0_and_1_and_the_voltage_between_the_batteries(  # type: ignore[no-untyped-def]
    squid, method, state, current, h
) -> None:
    y = solve(method(), squid(current), column(*state), 5, 5 * h)
    assert (y[1:] >= -1e-15).all()
    assert (y[1:] <= 1.0 + 1e-15).all()
    # Beyond -77 and 50 mV only by what the current drives through the leak: I / 0.3.
    assert y[0] >= min(-77.0, state[0]) - max(0.0, -current) / 0.3 - 1e-9
    assert y[0] <= max(50.0, state[0]) + max(0.0, current) / 0.3 + 1e-9


@both
def test_variables_that_do_not_see_each_other_are_solved_exactly_in_any_step(method) -> None:  # type: ignore[no-untyped-def]
    rates = column(-3.0, 0.0, 0.5, -1e-14)
    y = method().advance(lambda t, y: rates * y + 2.0, torch.zeros(4, 1, dtype=torch.float64), 0.0, 8.0).y
    exact = [-2 / 3 * math.expm1(-24.0), 16.0, 4.0 * math.expm1(4.0), 16.0]
    torch.testing.assert_close(y[:, 0], torch.tensor(exact, dtype=torch.float64), rtol=1e-13, atol=0.0)


@both
def test_units_have_steps_of_their_own_and_stay_where_these_are_zero(method) -> None:  # type: ignore[no-untyped-def]
    start = torch.tensor([[1.0, 1.0, 1.0], [0.5, 0.5, 0.5]], dtype=torch.float64)
    t0 = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    t1 = torch.tensor([0.0, 0.1, 1.3], dtype=torch.float64)
    y = method().advance(predator, start, t0, t1).y
    assert torch.equal(y[:, 0], start[:, 0])
    for unit, h in ((1, 0.1), (2, 0.3)):
        alone = method().advance(predator, start[:, :1], 0.0, h).y
        # h is 0.3 to a rounding, and expm1 differs by one between a vector and a number.
        torch.testing.assert_close(y[:, unit], alone[:, 0], rtol=1e-15, atol=0.0)


@both
def test_batches_and_float32_keep_their_shape_and_dtype(method, squid, rest) -> None:  # type: ignore[no-untyped-def]
    y = rest.float()[:, None].expand(4, 2, 3)
    end = method().advance(squid(10.0), y, 0.0, 0.1).y
    assert (end.shape, end.dtype) == ((4, 2, 3), torch.float32)
    torch.testing.assert_close(end[:, 1, 2:], method().advance(squid(10.0), rest, 0.0, 0.1).y.float())


@both
def test_gradients_flow_through_a_step(method) -> None:  # type: ignore[no-untyped-def]
    def end(start: Tensor, gain: Tensor) -> Tensor:
        def field(t: object, y: Tensor) -> Tensor:
            return torch.stack([y[0] * (gain - y[1]), y[1] * (y[0] - 2.0)])

        return method().advance(field, start, 0.0, 0.3).y  # type: ignore[no-any-return]

    # With rates of zero too: gain - 1 at the second unit.
    start = torch.tensor([[1.0, 2.0], [0.5, 1.0]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(end, (start, torch.ones(2, dtype=torch.float64, requires_grad=True)))


@both
@pytest.mark.parametrize(
    ("field", "reason"),
    [
        (lambda t, y: torch.stack([0.04 * y[0] ** 2 - y[1], y[0] - y[1]]), r"y\[0\] itself: it has a power"),
        (lambda t, y: torch.stack([y[1], torch.tanh(y[1])]), r"y\[1\] itself: it has tanh of y\[1\]"),
    ],
)
def test_what_is_not_conditionally_linear_is_refused_with_the_reason(method, field, reason: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(rb.errors.StructureError, match=reason):
        method().advance(field, column(1.0, 0.5), 0.0, 0.1)


@pytest.mark.parametrize("grad", [False, True])
def test_phi1_is_right_at_zero_beside_it_and_far_away(grad: bool) -> None:
    x = torch.tensor([0.0, 1e-310, -1e-17, 1e-8, -40.0, 5.0], dtype=torch.float64, requires_grad=grad)
    exact = torch.tensor([1.0, 1.0, 1.0, 1.0 + 5e-9, 0.025, math.expm1(5.0) / 5.0], dtype=torch.float64)
    torch.testing.assert_close(phi1(x).detach(), exact, rtol=5e-16, atol=0.0)


def test_the_slope_of_phi1_at_zero_is_a_half() -> None:
    x = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    phi1(x).sum().backward()
    assert x.grad is not None
    assert x.grad.item() == 0.5
