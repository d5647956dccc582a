"""Sound models, some of them awkward: nothing may be said against them."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch

SOUND = ["NoisyThreshold"]


class NoisyThreshold(rb.SpikingNeuron):
    """tau dV/dt = -V + I + noise: a stochastic model, which draws from its own generator."""

    stochastic = True

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    sigma = rb.Parameter(0.1, unit="mV", at_least=0, doc="standard deviation of the input's noise")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": 0.0 * state.voltage}

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        noise = torch.randn(self.num_units, generator=self.generator, dtype=torch.float64)
        return super().forward(data + self.sigma * noise.to(self.dtype), identifiers)
