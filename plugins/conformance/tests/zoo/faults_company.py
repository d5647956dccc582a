"""Models whose units know of each other, where a usual run does not show it."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch
from ground import Leaky

FAULTS = {
    "CoupledWhenAwake": "functions-in-mixed-company",
    "CoupledByTwoZeros": "functions-in-mixed-company",
    "ResetsWithItsNeighbour": "functions-in-mixed-company",
    "NoiseOfTheNeighbours": "functions-in-mixed-company",
    "TimidInCompany": "functions-in-mixed-company",
    "OwnStepsCoupledWhenAwake": "unit-in-mixed-company",
    "FourDimensionsAreOneToo": "batch-of-any-rank",
    "MeanOverTheFourthDimension": "batch-of-any-rank",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""

FULL = {"FourDimensionsAreOneToo": "batch-row", "MeanOverTheFourthDimension": "batch-row"}
"""Those that only the full profile catches, by its wider range -> the property that asks the same in a
narrower one, which they pass."""


class CoupledWhenAwake(Leaky):
    """A coupling to the mean of all units, zero by default."""

    coupling = rb.Parameter(0.0, unit="1", at_least=0, doc="coupling to the other units")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        mean = state.voltage.mean(dim=-1, keepdim=True)
        return {"voltage": (data - state.voltage + params.coupling * (mean - state.voltage)) / params.tau}


class CoupledByTwoZeros(Leaky):
    """The gain of an adaptation and its spread over the units are both zero by default."""

    gain = rb.Parameter(0.0, unit="1", doc="gain of the adaptation")
    spread = rb.Parameter(0.0, unit="1", doc="what neighbours share of it")
    adapt = rb.State(0.0, unit="mV", at_rest=True, doc="adaptation")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        shared = state.adapt + params.spread * state.adapt.sum(dim=-1, keepdim=True)
        return {
            "voltage": (data - params.gain * shared - state.voltage) / params.tau,
            "adapt": (state.voltage - state.adapt) / 50.0,
        }


class ResetsWithItsNeighbour(Leaky):
    """After a spike a unit gets a part of its left neighbour's voltage, which is none by default."""

    part = rb.Parameter(0.0, unit="1", at_least=0, at_most=1, doc="part of it")

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": 0.1 * params.part * state.voltage.roll(1, -1)}


class NoiseOfTheNeighbours(Leaky):
    """Noise whose strength is divided by the largest of all units, which does nothing where it is zero."""

    sigma = rb.Parameter(0.0, unit="mV", at_least=0, doc="strength of the noise")
    noise = rb.Draw("normal", doc="noise of a step")

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> Any:
        keep = torch.exp(-dt / params.tau)
        kick = params.sigma * torch.as_tensor(params.sigma).amax() * params.noise
        return {"voltage": data + (state.voltage - data) * keep + kick}


class TimidInCompany(Leaky):
    """The threshold is another as soon as any unit has left its rest, by nothing where a shift is zero."""

    shift = rb.Parameter(0.0, unit="mV", below=1, doc="shift of the threshold")

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        loudest = state.voltage.amax(dim=-1, keepdim=True)
        return state.voltage - 1.0 - torch.where(loudest > 0.01, params.shift, 0.0)


class OwnStepsCoupledWhenAwake(Leaky):
    """The same in a forward of its own: a field that all units make, zero by default."""

    field = rb.Parameter(0.0, unit="1", doc="strength of the field of all units")

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        around = self.field * self.voltage.mean(dim=-1, keepdim=True)
        return super().forward(current + around)


class FourDimensionsAreOneToo(Leaky):
    """A forward of its own that knows no batch of more than two dimensions, and adds up the first of it."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        if current.ndim > 3:
            current = current.mean(dim=0, keepdim=True).expand(current.shape)
        return super().forward(current)


class MeanOverTheFourthDimension(Leaky):
    """The voltage goes to the mean over the fourth dimension from the end, where there is one."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        v = state.voltage
        more = (v.mean(dim=-4, keepdim=True) - v) if v.ndim > 3 else 0.0
        return {"voltage": (data - v + more) / params.tau}
