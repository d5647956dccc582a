"""What the tests of the exact propagator share."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import rheobase as rb
import torch
from rheobase_exact import ExactPropagator
from torch import Tensor

Trains = list[list[tuple[int, float]]]


def _train(
    field: Callable[[object, Tensor], Tensor],
    y: Tensor,
    threshold: float,
    reset: float,
    steps: int,
    dt: float,
) -> Trains:
    """Spikes of units whose first variable is reset, as (step, time in it); no refractory period."""
    method, carry = ExactPropagator(), None
    trains: Trains = [[] for _ in range(y.shape[-1])]
    end = torch.full(y.shape[1:], dt, dtype=y.dtype)

    def gap(y: Tensor) -> Tensor:
        return y[0] - threshold

    for step in range(steps):
        t = torch.zeros_like(end)
        while bool((t < end).any()):
            event = rb.Event(gap, gap(y) < 0)
            result = method.advance(field, y, t, end, event=event, carry=carry)
            assert result.crossed is not None
            assert result.t is not None
            y, carry, t = result.y.clone(), result.carry, result.t
            for unit in torch.nonzero(result.crossed)[:, 0].tolist():
                trains[unit].append((step, float(t[unit])))
                y[0, unit] = reset
    return trains


@pytest.fixture
def train() -> Callable[..., Trains]:
    """Chains calls of the integrator with a reset at each crossing."""
    return _train
