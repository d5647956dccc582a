"""Sound stochastic models whose random numbers look as if they were not independent, or not of one law."""

from __future__ import annotations

import math
from typing import Any

import rheobase as rb
import torch

SOUND = ["NearlyTogether", "ColouredNoise", "Rare", "EscapeNoise", "NoisyInput"]

DEAR = ["ByTheClock", "EscapeNoise", "NoisyInput"]
HARDEST = {
    "NearlyTogether": ["rows-draw-apart", "noise-of-lanes-independent"],
    "ColouredNoise": [
        "noise-of-steps-independent", "noise-of-lanes-independent", "noise-settles-as-dt-falls"
    ],
    "DrawnWhenMade": [
        "noise-of-steps-independent", "noise-of-lanes-independent", "noise-settles-as-dt-falls"
    ],
    "ByTheClock": ["noise-of-steps-independent", "noise-of-lanes-independent", "noise-settles-as-dt-falls"],
    "Rare": ["noise-of-steps-independent", "noise-of-lanes-independent", "noise-settles-as-dt-falls"],
    "HeavyTails": ["noise-of-steps-independent", "noise-of-lanes-independent", "noise-settles-as-dt-falls"],
    "EscapeNoise": ["noise-of-steps-independent", "noise-of-lanes-independent", "noise-settles-as-dt-falls"],
    "NoisyInput": ["noise-of-steps-independent", "noise-of-lanes-independent", "noise-settles-as-dt-falls"],
}  # fmt: skip
"""Name -> the properties of noise that could most easily accuse it; others may have more to say of some."""


class _Leaky(rb.SpikingNeuron):
    """tau dV/dt = -V + I, a threshold at 15 and a reset to 0."""

    stochastic = True

    tau = rb.Parameter(20.0, unit="ms", above=0, doc="membrane time constant")
    voltage = rb.State(0.0, unit="mV", doc="membrane potential, above rest")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 15.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}

    def normal(self, current: Any) -> Any:
        """A number for each unit and row."""
        shape = (*current.shape[:-1], self.num_units)
        return torch.randn(shape, generator=self.generator, dtype=torch.float64).to(self.dtype)


class NearlyTogether(rb.SpikingNeuron):
    """tau dV/dt = -V + I and a little noise: many units spike in one step, and are all at 0 after it."""

    tau = rb.Parameter(16.0, unit="ms", above=0, doc="membrane time constant")
    sigma = rb.Parameter(0.6, unit="mV", at_least=0, doc="standard deviation of the noise")
    number = rb.Draw("normal", doc="white noise of a step")
    voltage = rb.State(0.0, unit="mV", doc="membrane potential, above rest")

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> Any:
        keep = torch.exp(-dt / params.tau)
        noise = params.sigma * torch.sqrt(1.0 - keep**2) * params.number
        return {"voltage": data + (state.voltage - data) * keep + noise}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 15.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}


class ColouredNoise(rb.AnalogNeuron):
    """An Ornstein-Uhlenbeck input of 50 ms: what lasts from step to step is a declared state."""

    tau = rb.Parameter(20.0, unit="ms", above=0, doc="membrane time constant")
    tau_noise = rb.Parameter(50.0, unit="ms", above=0, doc="correlation time of the noise")
    sigma = rb.Parameter(2.0, unit="mV", at_least=0, doc="standard deviation of the noise")
    number = rb.Draw("normal", doc="innovation of a step")
    voltage = rb.State(0.0, unit="mV", doc="membrane potential, above rest")
    noise = rb.State(0.0, unit="mV", doc="the input's noise")

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> Any:
        keep, kept = torch.exp(-dt / params.tau), torch.exp(-dt / params.tau_noise)
        total = data + state.noise
        return {
            "voltage": total + (state.voltage - total) * keep,
            "noise": state.noise * kept + params.sigma * torch.sqrt(1.0 - kept**2) * params.number,
        }


class DrawnWhenMade(_Leaky):
    """Time constants differ from unit to unit, drawn when the neuron is made; nothing is drawn later."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        spread = torch.rand(self.num_units, generator=self.generator, dtype=torch.float64)
        self.tau = 20.0 + 5.0 * spread.to(self.dtype)


class ByTheClock(_Leaky):
    """Poisson input, whose rate follows the clock: all units have more of it in the same steps."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        shape = (*current.shape[:-1], self.num_units)
        rate = 2.0 + 2.0 * math.sin(float(self.simulation_step) * self.dt)
        chance = 1.0 - math.exp(-rate * self.dt)
        jumps = torch.rand(shape, generator=self.generator, dtype=torch.float64) < chance
        return super().forward(current + jumps.to(self.dtype) * 20.0 / self.dt)


class Rare(rb.SpikingNeuron):
    """Two spikes a second: in most runs there is none, and two that coincide prove nothing."""

    stochastic = True

    rate = rb.Parameter(2.0, unit="Hz", at_least=0, doc="mean number of spikes per second")
    voltage = rb.State(0.0, unit="mV", doc="1 in the step of a spike")

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        shape = (*current.shape[:-1], self.num_units)
        chance = torch.rand(shape, generator=self.generator, dtype=torch.float64)
        self.spiked = chance < -math.expm1(-float(self.rate.detach().mean()) * self.dt / 1000.0)
        self.input = current.expand(shape)
        self.voltage = self.spiked.to(self.dtype)
        return self.loggable_state()


class HeavyTails(_Leaky):
    """Noise of a Cauchy distribution, scaled by dt: it has no variance, and a few numbers are all of it."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        noise = self.normal(current) / self.normal(current).abs().clamp(min=1e-4)
        return super().forward(current + 0.5 * noise)


class EscapeNoise(_Leaky):
    """The threshold is soft: a spike with the chance 1 - exp(-hazard dt) in a step (Gerstner 2000)."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        shape = (*current.shape[:-1], self.num_units)
        v = current + (self.voltage - current) * torch.exp(-self.dt / self.tau)
        hazard = torch.exp(((v - 15.0) / 2.0).clamp(max=5.0)) / 5.0
        chance = torch.rand(shape, generator=self.generator, dtype=torch.float64)
        self.spiked = chance < -torch.expm1(-hazard.double() * self.dt)
        self.voltage = torch.where(self.spiked.bool(), torch.zeros_like(v), v).expand(shape)
        self.input = current.expand(shape)
        return self.loggable_state()


class NoisyInput(_Leaky):
    """The input has a measurement's error in each step: it averages out where there are more of them."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        return super().forward(current + 3.0 * self.normal(current))
