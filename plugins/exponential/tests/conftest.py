"""The squid axon of Hodgkin and Huxley, which several tests use."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

REST = (-65.0, 0.0529324852572496, 0.596120753508460, 0.317676914060697)


def _over(x: Tensor, scale: float) -> Tensor:
    """x / (1 - exp(-x / scale)), and its limit at zero."""
    small = x.abs() < 1e-7
    safe = torch.where(small, 1.0, x)
    return torch.where(small, scale + x / 2, safe / -torch.expm1(-safe / scale))


def _squid(current: float | Tensor) -> Callable[[object, Tensor], Tensor]:
    """Hodgkin & Huxley (1952) with rest at -65 mV; the current in uA/cm2."""

    def field(t: object, y: Tensor) -> Tensor:
        v, m, h, n = y
        leak = 0.3 * (v + 54.387)
        return torch.stack(
            [
                current - 120.0 * m**3 * h * (v - 50.0) - 36.0 * n**4 * (v + 77.0) - leak,
                0.1 * _over(v + 40.0, 10.0) * (1.0 - m) - 4.0 * torch.exp(-(v + 65.0) / 18.0) * m,
                0.07 * torch.exp(-(v + 65.0) / 20.0) * (1.0 - h) - h / (1.0 + torch.exp(-(v + 35.0) / 10.0)),
                0.01 * _over(v + 55.0, 10.0) * (1.0 - n) - 0.125 * torch.exp(-(v + 65.0) / 80.0) * n,
            ]
        )

    return field


@pytest.fixture(scope="session")
def squid() -> Callable[[float | Tensor], Callable[[object, Tensor], Tensor]]:
    """Makes the field of the axon under a current."""
    return _squid


@pytest.fixture
def rest() -> Tensor:
    """Its state at rest: voltage, m, h, n."""
    return torch.tensor(REST, dtype=torch.float64)[:, None]
