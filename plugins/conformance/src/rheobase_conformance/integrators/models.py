"""Small spiking models whose spike times are known: every integrator takes them, since they are linear."""

from __future__ import annotations

from typing import Any

import torch
from rheobase import Parameter, SpikingNeuron, State
from torch import Tensor

TAU = 5.0
"""The time constant of the kit's models, ms."""
TAU_S = 2.0
"""That of the filter before one of them, ms."""


class Leak(SpikingNeuron):
    """tau dV/dt = I - V, with a spike where V reaches 1, from which it goes back to 0."""

    tau_ref = Parameter(0.75, unit="ms", at_least=0, doc="refractory period")
    voltage = State(0.0, unit="1", at_rest=True, doc="potential, in thresholds")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        """The leak and the current."""
        return {"voltage": (data - state.voltage) / TAU}

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        """Zero at the threshold."""
        above: Tensor = state.voltage - 1.0
        return above

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        """Back to zero."""
        return {"voltage": 0.0 * state.voltage}


class Filter(SpikingNeuron):
    """A leak behind a filter, tau_s ds/dt = I - s and tau dV/dt = s - V, with a spike where V reaches 1."""

    current = State(0.0, unit="1", at_rest=True, doc="filtered current s")
    voltage = State(0.0, unit="1", at_rest=True, doc="potential, in thresholds")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Tensor) -> dict[str, Tensor]:
        """The filter, and the leak."""
        return {
            "current": (data - state.current) / TAU_S,
            "voltage": (state.current - state.voltage) / TAU,
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Tensor:
        """Zero at the threshold."""
        above: Tensor = state.voltage - 1.0
        return above

    @staticmethod
    def reset(state: Any, params: Any) -> dict[str, Any]:
        """Back to zero."""
        return {"voltage": 0.0 * state.voltage}


def periods(current: Tensor) -> Tensor:
    """From one spike of :class:`Leak` to the next, without the refractory period, ms."""
    return TAU * torch.log(current / (current - 1.0))


def first_spike(current: Tensor) -> Tensor:
    """When :class:`Filter` fires first, ms, by halving the time in which it must be."""
    low, high = torch.zeros_like(current), torch.full_like(current, 100.0)
    for _ in range(70):
        middle = 0.5 * (low + high)
        slow, fast = TAU * torch.exp(-middle / TAU), TAU_S * torch.exp(-middle / TAU_S)
        above = current * (1.0 - (slow - fast) / (TAU - TAU_S)) >= 1.0
        low, high = torch.where(above, low, middle), torch.where(above, middle, high)
    return high
