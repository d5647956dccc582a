"""Models that are wrong in one way: in what they draw, and for whom."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch

FAULTS = {
    "DrawnForTheStep": "rates-agree",
    "SharedByRows": "rows-draw-apart",
    "FirstNoiseShared": "rows-draw-apart",
    "SharedByUnits": "rows-draw-apart",
    "DrawsByTheMean": "draws-counted",
    "NeverRead": "declarations-are-used",
    "LogarithmOfTheRate": "hazard-is-a-rate",
    "RootOfTheVoltage": "hazard-is-a-rate",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""


class _Hazard(rb.SpikingNeuron):
    """A spike where the integral of a constant hazard reaches a level."""

    rate = rb.Parameter(0.05, unit="kHz", at_least=0, doc="hazard")
    total = rb.State(0.0, unit="1", doc="integral of the hazard")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        still = 0.0 * (state.total + data)
        return {name: params.rate + still if name == "total" else still for name in state._fields}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.total - state.level


class DrawnForTheStep(_Hazard):
    """The next level is drawn before each step: a unit with several spikes in it has one level for all."""

    stochastic = True

    level = rb.State(1.0, unit="1", doc="level of the next spike")
    coming = rb.State(1.0, unit="1", doc="level after it")

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"total": 0.0 * state.total, "level": state.coming}

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        shape = (*current.shape[:-1], self.num_units)
        self.coming = torch.empty(shape, dtype=self.dtype).exponential_(generator=self.generator)
        return super().forward(current)


class SharedByRows(DrawnForTheStep):
    """The level is drawn for the units, and all rows of a batch spike together."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        self.coming = torch.empty(self.num_units, dtype=self.dtype).exponential_(generator=self.generator)
        return rb.SpikingNeuron.forward(self, data, identifiers)


class FirstNoiseShared(rb.SpikingNeuron):
    """White noise in the shape of the voltage, which has no rows before the first step."""

    stochastic = True

    tau = rb.Parameter(20.0, unit="ms", above=0, doc="membrane time constant")
    voltage = rb.State(0.0, unit="mV", doc="membrane potential")

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
        noise = torch.empty_like(self.voltage).normal_(generator=self.generator)
        self.inject((self.dt / self.tau) ** 0.5 * noise)
        return super().forward(data, identifiers)


class _Drawing(_Hazard):
    """The level is a declared draw."""

    target = rb.Draw("exponential", doc="level of the next spike")
    level = rb.State(lambda p: p.target, unit="1", doc="level of the next spike")

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"total": 0.0 * state.total, "level": params.target}


class SharedByUnits(_Drawing):
    """The first unit draws for all."""

    level = rb.State(lambda p: p.target[..., :1], unit="1", doc="level of the next spike")

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"total": 0.0 * state.total, "level": params.target[..., :1]}


class DrawsByTheMean(_Drawing):
    """What is drawn is divided by its mean over the units, to have the mean 1 exactly."""

    level = rb.State(lambda p: p.target / p.target.mean(), unit="1", doc="level of the next spike")


class NeverRead(_Drawing):
    """Declares noise that nothing reads."""

    noise = rb.Draw("normal", doc="noise of the membrane")


class _Escaping(rb.SpikingNeuron):
    """A leaky membrane that spikes by chance."""

    rate = rb.Parameter(0.05, unit="1/ms", above=0, below=1, doc="hazard at 0 mV")
    tau = rb.Parameter(20.0, unit="ms", above=0, doc="membrane time constant")
    voltage = rb.State(0.0, unit="mV", doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau}

    @staticmethod
    def hazard(state: Any, params: Any) -> Any:
        return params.rate * torch.exp(state.voltage)

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}


class LogarithmOfTheRate(_Escaping):
    """The exponential is forgotten, and the logarithm of a small rate is below zero."""

    @staticmethod
    def hazard(state: Any, params: Any) -> Any:
        return torch.log(params.rate) + state.voltage.clamp(-1.0, 1.0)


class RootOfTheVoltage(_Escaping):
    """A power of the voltage that has no value below rest."""

    @staticmethod
    def hazard(state: Any, params: Any) -> Any:
        return params.rate * state.voltage**1.5
