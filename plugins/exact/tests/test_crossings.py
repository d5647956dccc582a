"""Spike times: in closed form for one variable, none missed for several."""

from __future__ import annotations

import math

import numpy as np
import pytest
import rheobase as rb
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rheobase_exact import ExactPropagator
from scipy.optimize import brentq
from torch import Tensor


def doubles(*values: float) -> Tensor:
    return torch.tensor([values], dtype=torch.float64)


def armed(gap, y: Tensor) -> rb.Event:  # type: ignore[no-untyped-def]
    return rb.Event(gap, gap(y) < 0)


@pytest.mark.parametrize(("dt", "duration"), [(1.0, 1000.0), (0.1, 100.0), (0.01, 8.0)])
def test_spike_times_do_not_depend_on_dt(train, dt: float, duration: float) -> None:  # type: ignore[no-untyped-def]
    source = np.random.default_rng(4)
    tau, drive = source.uniform(5.0, 25.0, 50), source.uniform(18.0, 60.0, 50)
    taus, drives = torch.from_numpy(tau), torch.from_numpy(drive)
    rest = torch.full((1, 50), -70.0, dtype=torch.float64)

    def field(t: object, y: Tensor) -> Tensor:
        return (-70.0 - y + drives) / taus

    trains = train(field, rest, -55.0, -70.0, round(duration / dt), dt)
    # In extended precision: the interval is up to 45 ms, and up to 330 of them must be right to 5e-13 ms.
    wide = np.log(np.longdouble(drive) / (np.longdouble(drive) - 15)) * np.longdouble(tau)
    spikes = 0
    for found, interval in zip(trains, wide, strict=True):
        exact = interval * np.arange(1, len(found) + 1)
        step = np.longdouble(1) / round(1 / dt)
        times = np.array([place for place, _ in found]) * step + np.array([offset for _, offset in found])
        assert abs(len(found) - duration / float(interval)) < 1
        assert np.abs(times - exact).max(initial=0.0) < 5e-13
        spikes += len(found)
    assert spikes > 15


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(st.just(0.0), st.floats(-3.0, 0.5), st.floats(-1e-9, 1e-9)),
    st.floats(0.01, 50.0),
    st.floats(0.001, 20.0),
    st.booleans(),
)
def test_the_crossing_is_the_logarithm_and_lies_above(
    rate: float, slope: float, distance: float, downwards: bool
) -> None:
    sign = -1.0 if downwards else 1.0  # g may fall with the variable

    def gap(y: Tensor) -> Tensor:
        return sign * y[0] - distance

    y = doubles(0.0)
    result = ExactPropagator().advance(
        lambda t, y: rate * y + sign * slope, y, 0.0, 100.0, event=armed(gap, y)
    )
    assert result.crossed is not None
    assert result.t is not None
    wide = np.longdouble(distance) * np.longdouble(rate) / np.longdouble(slope)
    if wide <= -1 + 1e-12:
        assert not result.crossed.item() or wide > -1 - 1e-12
        return
    exact = np.longdouble(distance) / np.longdouble(slope) * (np.log1p(wide) / wide if wide else 1.0)
    assert result.crossed.item() == (exact <= 100.0)
    if exact <= 100.0:
        # Two units in the last place, 4.4e-16 of a number just above a power of 2; more where the path
        # is nearly flat at the threshold.
        flat, few = float(abs(wide / (1 + wide))), max(4e-16 * float(exact), 2.0 * math.ulp(float(exact)))
        assert abs(result.t.item() - float(exact)) <= few * (1 + flat)
        assert gap(result.y).item() >= 0.0
        assert gap(result.y).item() <= 1e-15 * distance
    else:
        assert result.t.item() == 100.0


def test_a_crossing_at_the_very_end_belongs_to_the_step_and_only_once() -> None:
    def gap(y: Tensor) -> Tensor:
        return y[0] - 1.0

    y = doubles(0.0)
    first = ExactPropagator().advance(lambda t, y: 0.0 * y + 0.25, y, 0.0, 4.0, event=armed(gap, y))
    assert first.crossed is not None
    assert first.t is not None
    assert (first.crossed.item(), first.t.item(), first.y.item()) == (True, 4.0, 1.0)
    second = ExactPropagator().advance(
        lambda t, y: 0.0 * y + 0.25, first.y, 0.0, 4.0, event=armed(gap, first.y)
    )
    assert second.crossed is not None
    assert not second.crossed.item()
    assert second.y.item() == 2.0


def test_who_is_not_armed_not_watched_or_has_no_time_does_not_cross() -> None:
    def gap(y: Tensor) -> Tensor:
        return y[0] - 1.0

    y = doubles(0.0, 0.0, 0.0, 0.0, 2.0)
    ready = torch.tensor([True, False, True, True, True])
    watched = torch.tensor([True, True, False, True, True])
    t1 = torch.tensor([5.0, 5.0, 5.0, 0.0, 5.0], dtype=torch.float64)
    event = rb.Event(gap, ready, watched)
    result = ExactPropagator().advance(lambda t, y: 0.0 * y + 1.0, y, 0.0, t1, event=event)
    assert result.crossed is not None
    assert result.t is not None
    # The last is armed, yet above: it crosses where it stands.
    assert result.crossed.tolist() == [True, False, False, False, True]
    assert result.t.tolist() == [1.0, 5.0, 5.0, 0.0, 0.0]
    assert result.y.tolist() == [[1.0, 5.0, 5.0, 0.0, 2.0]]


def test_gradients_of_a_fifth_spike_are_those_of_the_closed_form() -> None:
    def fifth(current: Tensor, tau: Tensor, threshold: Tensor) -> Tensor:
        y, t = torch.zeros(1, 1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
        for _ in range(5):
            event = rb.Event(lambda y: y[0] - threshold, torch.tensor([True]))
            result = ExactPropagator().advance(lambda t, y: (current - y) / tau, y, t, 500.0, event=event)
            assert result.t is not None
            y, t = torch.zeros_like(y), result.t
        return t

    inputs = [torch.tensor([value], dtype=torch.float64, requires_grad=True) for value in (20.0, 10.0, 15.0)]
    (fifth(*inputs)).backward()
    # t = 5 tau ln(i / (i - th)): by i -5 tau th / (i (i - th)), by tau t / tau, by th 5 tau / (i - th)
    exact = [-5 * 10 * 15 / (20 * 5), 5 * math.log(4.0), 5 * 10 / 5]
    for each, truth in zip(inputs, exact, strict=True):
        assert each.grad is not None
        assert each.grad.item() == pytest.approx(truth, rel=1e-13)


def test_no_gradient_is_nan_for_units_that_do_not_cross() -> None:
    current = torch.tensor([20.0, 10.0, 0.0], dtype=torch.float64, requires_grad=True)
    y = torch.zeros(1, 3, dtype=torch.float64)
    event = armed(lambda y: y[0] - 15.0, y)
    result = ExactPropagator().advance(lambda t, y: (current - y) / 10.0, y, 0.0, 50.0, event=event)
    assert result.t is not None
    (result.t.sum() + result.y.sum()).backward()
    assert current.grad is not None
    assert current.grad.isfinite().all()


def synapse(tau_mem: float, tau_syn: float):  # type: ignore[no-untyped-def]
    """A membrane behind a current that decays: from (0, j) it rises and falls."""

    def field(t: object, y: Tensor) -> Tensor:
        return torch.stack([y[1] - y[0] / tau_mem, -y[1] / tau_syn])

    def voltage(t: float) -> float:
        return (math.exp(-t / tau_mem) - math.exp(-t / tau_syn)) / (1 / tau_syn - 1 / tau_mem)

    return field, voltage


@pytest.mark.parametrize(("tau_mem", "tau_syn"), [(10.0, 2.0), (10.0, 0.1), (1.0, 5.0), (0.5, 0.4)])
def test_a_potential_that_rises_and_falls_within_a_step_crosses(tau_mem: float, tau_syn: float) -> None:
    field, voltage = synapse(tau_mem, tau_syn)
    top = math.log(tau_mem / tau_syn) / (1 / tau_syn - 1 / tau_mem)
    # Thresholds from far below the top of the potential to just above it, as units of one batch.
    parts = np.array([0.01, 0.5, 0.9, 0.99, 0.9999, 1.0 - 1e-6, 1.0 + 1e-6, 1.1])
    thresholds = torch.from_numpy(parts * voltage(top))
    y = torch.tensor([[0.0], [1.0]], dtype=torch.float64).expand(2, len(parts)).contiguous()

    class Gap:
        def __init__(self, level: Tensor) -> None:
            self.level = level

        def __call__(self, y: Tensor) -> Tensor:
            return y[0] - self.level

        def take(self, who: Tensor) -> Gap:
            return Gap(self.level[who])

    h = 20.0 * max(tau_mem, tau_syn)
    result = ExactPropagator().advance(field, y, 0.0, h, event=armed(Gap(thresholds), y))
    assert result.crossed is not None
    assert result.t is not None
    assert result.crossed.tolist() == (parts < 1.0).tolist()
    for part, time in zip(parts, result.t.tolist(), strict=True):
        if part < 1.0:
            level = part * voltage(top)
            exact = brentq(lambda t, level=level: voltage(t) - level, 0.0, top, xtol=1e-16, rtol=1e-15)
            # A rounding of 1e-16 of the potential, over the flatness at the top.
            assert abs(time - exact) < 1e-14 * h / math.sqrt(1 - part)
        else:
            assert time == h


def test_an_oscillation_crosses_at_its_first_top_that_is_high_enough() -> None:
    # A growing wave e^(0.01 t) sin(t), in a step of 30 ms.
    def field(t: object, y: Tensor) -> Tensor:
        return torch.stack([0.01 * y[0] + y[1], 0.01 * y[1] - y[0]])

    y = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    level = 1.1
    result = ExactPropagator().advance(field, y, 0.0, 30.0, event=armed(lambda y: y[0] - level, y))
    assert result.t is not None
    exact = brentq(lambda t: math.exp(0.01 * t) * math.sin(t) - level, 4 * math.pi, 4.5 * math.pi, xtol=1e-15)
    assert abs(result.t.item() - exact) < 1e-12


def test_a_threshold_that_is_not_linear_is_searched_for() -> None:
    y = doubles(-1.0, 0.1)
    event = armed(lambda y: 0.25 - y[0] * y[0], y)  # reached from outside only
    result = ExactPropagator().advance(lambda t, y: -y, y, 0.0, 3.0, event=rb.Event(event.gap, y[0] < 0))
    assert result.crossed is not None
    assert result.t is not None
    assert result.crossed.tolist() == [True, False]
    assert result.t.tolist() == pytest.approx([math.log(2.0), 3.0], abs=1e-14)


@pytest.mark.parametrize("count", [1, 2])
def test_a_failed_unit_does_not_cross_and_the_others_do(count: int) -> None:
    y = torch.zeros(count, 3, dtype=torch.float64)
    y[0, 1] = math.nan
    event = rb.Event(lambda y: y[0] - 0.5, torch.tensor([True, True, True]))
    rate = torch.tensor([1.0, 1.0, math.inf], dtype=torch.float64)

    def field(t: object, y: Tensor) -> Tensor:
        return torch.stack([(1.0 - row) * rate + 0.0 * y[-1] for row in y])

    result = ExactPropagator().advance(field, y, 0.0, 3.0, event=event)
    assert result.crossed is not None
    assert result.status is not None
    assert result.t is not None
    assert result.crossed.tolist() == [True, False, False]
    assert result.status.tolist() == [0, 1, 1]
    assert result.y[:, 1:].isnan().all()
    assert result.t[0].item() == pytest.approx(math.log(2.0), rel=1e-14)


def test_the_state_at_a_crossing_is_above_to_the_last_bit_whatever_the_rounding() -> None:
    source = torch.Generator().manual_seed(8)
    start = torch.rand(1, 1000, generator=source, dtype=torch.float64)
    level = 50.0 + torch.rand(1000, generator=source, dtype=torch.float64)
    gain = 0.5 + torch.rand(1000, generator=source, dtype=torch.float64)
    for sign in (1.0, -1.0):  # upside down: g falls with the voltage

        def gap(y: Tensor, sign: float = sign) -> Tensor:
            return gain * (sign * y[0] - level)

        y = sign * start
        result = ExactPropagator().advance(
            lambda t, y, sign=sign: (sign * 80.0 - y) / 10.0, y, 0.0, 50.0, event=armed(gap, y)
        )
        assert result.crossed is not None
        assert result.crossed.all()
        # The way there and the sum are rounded to an ulp of 51 mV each, 7e-15.
        assert (gap(result.y) >= 0.0).all()
        assert (gap(result.y) <= 3e-14 * gain).all()


def test_the_gradient_by_a_rate_of_zero_is_that_of_the_series() -> None:
    rate = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    y = doubles(0.0)
    event = armed(lambda y: y[0] - 3.0, y)
    result = ExactPropagator().advance(lambda t, y: rate * y + 2.0, y, 0.0, 5.0, event=event)
    assert result.t is not None
    result.t.sum().backward()
    # t = (d / b) (1 - r d / (2 b) + ...) with d = 3, b = 2
    assert rate.grad is not None
    assert rate.grad.item() == pytest.approx(-(1.5**2) / 2, rel=1e-14)
