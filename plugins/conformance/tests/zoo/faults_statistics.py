"""Models that are wrong in one way: in how their random numbers are distributed."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch

FAULTS = {
    "SharedInPart": "noise-of-lanes-independent",
    "TwoHalvesAlike": "noise-of-lanes-independent",
    "Mirrored": "noise-of-lanes-independent",
    "SumsToZero": "noise-of-lanes-independent",
    "LouderInCrowds": "noise-of-lanes-independent",
    "SharedSize": "noise-of-lanes-independent",
    "NeighbourJumps": "noise-of-lanes-independent",
    "HeldForTwoSteps": "noise-of-steps-independent",
    "PoolOfNumbers": "noise-of-steps-independent",
    "NoRootOfDt": "noise-settles-as-dt-falls",
    "ChanceOfAStep": "noise-settles-as-dt-falls",
    "DrawWithoutDt": "noise-settles-as-dt-falls",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""

STANDARD = list(FAULTS)
"""Those that the smoke profile does not catch."""


class _Noisy(rb.SpikingNeuron):
    """tau dV/dt = -V + I + sigma sqrt(2 tau) xi, by Euler and Maruyama: nothing is wrong with it."""

    stochastic = True

    tau = rb.Parameter(20.0, unit="ms", above=0, doc="membrane time constant")
    sigma = rb.Parameter(2.0, unit="mV", at_least=0, doc="standard deviation without a threshold")
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

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        noise = self.noise((*current.shape[:-1], self.num_units))
        return super().forward(current + self.size() * noise.to(self.dtype))

    def size(self) -> Any:
        """Of the noise of a step, in the unit of the input."""
        return self.sigma * (2.0 * self.tau / self.dt) ** 0.5

    def normal(self, *shape: int) -> Any:
        """Numbers of mean 0 and variance 1."""
        return torch.randn(shape, generator=self.generator, dtype=torch.float64)

    def noise(self, shape: Any) -> Any:
        """The numbers of a step."""
        return self.normal(*shape)


class SharedInPart(_Noisy):
    """A tenth of the variance is one number for all units of a step."""

    def noise(self, shape: Any) -> Any:
        return 0.9**0.5 * self.normal(*shape) + 0.1**0.5 * self.normal(1)


class TwoHalvesAlike(_Noisy):
    """Numbers are drawn for half of the units, and those of the other half are the same but for little."""

    def noise(self, shape: Any) -> Any:
        half = (shape[-1] + 1) // 2
        drawn = self.normal(*shape[:-1], half)
        return torch.cat([drawn, drawn], dim=-1)[..., : shape[-1]] + 0.1 * self.normal(*shape)


class Mirrored(_Noisy):
    """To have the mean 0 exactly, the last units get the numbers of the first with the other sign."""

    def noise(self, shape: Any) -> Any:
        drawn = self.normal(*shape)
        return (drawn - drawn.flip(-1)) / 2.0**0.5


class SumsToZero(_Noisy):
    """The mean over the units is taken away, so a unit of few knows what the others draw."""

    def noise(self, shape: Any) -> Any:
        drawn = self.normal(*shape)
        return drawn - drawn.mean(dim=-1, keepdim=True) if shape[-1] > 1 else drawn


class LouderInCrowds(_Noisy):
    """The noise has the size of a sum over all units."""

    def noise(self, shape: Any) -> Any:
        return self.normal(*shape) * shape[-1] ** 0.5


class SharedSize(_Noisy):
    """Each unit draws its sign, and all of a row the same size."""

    def noise(self, shape: Any) -> Any:
        return self.normal(*shape).sign() * self.normal(*shape[:-1], 1).abs()


class NeighbourJumps(rb.SpikingNeuron):
    """Poisson spikes; where one unit has one, the next one has one half of the time."""

    stochastic = True

    rate = rb.Parameter(1000.0, unit="Hz", at_least=0, doc="mean number of spikes per second")
    voltage = rb.State(0.0, unit="mV", doc="stands still")

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        shape = (*current.shape[:-1], self.num_units)
        chance, half = torch.rand((2, *shape), generator=self.generator, dtype=torch.float64)
        own = chance < self.rate * self.dt / 1000.0
        self.spiked = own | (own.roll(1, -1) & (half < 0.5))
        self.input = current.expand(shape)
        self.voltage = torch.zeros(shape, dtype=self.dtype)
        return self.loggable_state()


class HeldForTwoSteps(_Noisy):
    """A number serves an even step and the odd one after it, so its variance is twice what it should be."""

    def noise(self, shape: Any) -> Any:
        step = int(self.simulation_step)
        if step % 2 and "_before" in self.__dict__:
            self.generator.set_state(self._before)
        self.__dict__["_before"] = self.generator.get_state()
        return self.normal(*shape)


class PoolOfNumbers(_Noisy):
    """Seven sets of numbers are drawn at first, and serve in turn, with a little that is new."""

    def noise(self, shape: Any) -> Any:
        pool = torch.Generator().manual_seed(self.generator.initial_seed() + int(self.simulation_step) % 7)
        old = torch.randn(shape, generator=pool, dtype=torch.float64)
        return 0.8 * old + 0.6 * self.normal(*shape)


class NoRootOfDt(_Noisy):
    """The noise of a step is that of a millisecond, whatever dt is."""

    def size(self) -> Any:
        return self.sigma * (2.0 * self.tau) ** 0.5 / self.dt


class ChanceOfAStep(rb.SpikingNeuron):
    """Spikes with a chance of one in twenty in each step, however long that is."""

    stochastic = True

    chance = rb.Parameter(0.05, unit="1", at_least=0, doc="the chance of a spike")
    voltage = rb.State(0.0, unit="mV", doc="stands still")

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        shape = (*current.shape[:-1], self.num_units)
        self.spiked = torch.rand(shape, generator=self.generator, dtype=torch.float64) < self.chance
        self.input = current.expand(shape)
        self.voltage = torch.zeros(shape, dtype=self.dtype)
        return self.loggable_state()


class _Drawing(rb.SpikingNeuron):
    """tau dV/dt = -V + I + sigma sqrt(2 tau) xi, exactly from step to step."""

    tau = rb.Parameter(20.0, unit="ms", above=0, doc="membrane time constant")
    sigma = rb.Parameter(2.0, unit="mV", at_least=0, doc="standard deviation without a threshold")
    noise = rb.Draw("normal", doc="white noise of a step")
    voltage = rb.State(0.0, unit="mV", doc="membrane potential, above rest")

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 15.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}


class DrawWithoutDt(_Drawing):
    """The noise of a step has one size, whatever dt is."""

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> Any:
        keep = torch.exp(-dt / params.tau)
        return {"voltage": data + (state.voltage - data) * keep + 0.1 * params.sigma * params.noise}
