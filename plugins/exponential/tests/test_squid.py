"""Hodgkin-Huxley at large steps: 10 uA/cm2 for 50 ms, four spikes."""

from __future__ import annotations

from collections.abc import Callable

import rheobase as rb
import torch
from rheobase_exponential import ExponentialEuler, Strang
from scipy.integrate import solve_ivp
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

Squid = Callable[[float], Callable[[object, Tensor], Tensor]]


def spikes(method: rb.Integrator, field, y: Tensor, dt: float) -> list[float]:  # type: ignore[no-untyped-def]
    """Upward crossings of 0 mV, on the straight line between steps: right to some 1e-3 ms."""
    times = []
    for step in range(round(50.0 / dt)):
        after = method.advance(field, y, 0.0, dt).y
        low, high = y[0].item(), after[0].item()
        if low < 0.0 <= high:
            times.append((step - low / (high - low)) * dt)
        y = after
    return times


def reference(field, y: Tensor, duration: float = 50.0) -> list[float]:  # type: ignore[no-untyped-def]
    def upwards(t, y):  # type: ignore[no-untyped-def]
        return y[0]

    upwards.direction = 1.0  # type: ignore[attr-defined]
    path = solve_ivp(
        lambda t, y: field(t, torch.from_numpy(y)[:, None])[:, 0].numpy(),
        (0.0, duration),
        y[:, 0].numpy(),
        "DOP853",
        rtol=1e-8,
        atol=1e-10,
        events=upwards,
    )
    return [float(time) for time in path.t_events[0]]


def test_strang_is_eight_times_closer_than_exponential_euler_where_rk4_fails(
    squid: Squid, rest: Tensor
) -> None:
    field = squid(10.0)
    exact = reference(field, rest)
    assert len(exact) == 4
    errors = {}
    for method in (ExponentialEuler(), Strang()):
        times = spikes(method, field, rest, 0.1)
        assert len(times) == 4
        errors[method.order] = abs(times[-1] - exact[-1])
    assert errors[2] < 0.3
    assert errors[1] > 8.0 * errors[2]

    y, rk4 = rest, rb.integrator("rk4")
    for _ in range(500):
        y = rk4.advance(field, y, 0.0, 0.1).y
    assert not y.isfinite().all()


class Work(TorchDispatchMode):
    """Counts the elements that operations write."""

    def __init__(self) -> None:
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        result = func(*args, **(kwargs or {}))
        views = ("expand", "view", "unbind", "select", "unsqueeze", "detach", "slice", "_unsafe_view")
        if isinstance(result, Tensor) and func.overloadpacket.__name__ not in views:
            self.elements += result.numel()
        return result


def test_strang_does_at_most_half_as_much_again_as_exponential_euler(squid: Squid, rest: Tensor) -> None:
    y = rest.expand(4, 1000)
    work = {}
    for method in (ExponentialEuler(), Strang()):
        with Work() as counted:
            method.advance(squid(10.0), y, 0.0, 0.1)
        work[method.order] = counted.elements
    assert work[1] > 50_000  # it counts
    assert work[2] <= 1.5 * work[1]
