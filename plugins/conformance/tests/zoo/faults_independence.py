"""Models that are wrong in one way: in what a run depends on."""

from __future__ import annotations

import random
from typing import Any, ClassVar

import numpy as np
import rheobase as rb
import torch
from ground import Leaky

FAULTS = {
    "GlobalNoise": "global-random-state-untouched",
    "GlobalNoiseDeclared": "global-random-state-untouched",
    "NumpyNoise": "global-random-state-untouched",
    "PythonNoise": "global-random-state-untouched",
    "UnseededGenerator": "same-run-same-result",
    "SeedsTheProcess": "global-random-state-untouched",
    "ReseedsEachStep": "seed-decides",
    "ForeignGenerator": "seed-decides",
    "SharedTrace": "instances-apart",
    "SharedTensor": "instances-apart",
    "MutableDefault": "instances-apart",
    "ParametersByClass": "instances-apart",
    "CoupledByMean": "unit-alone",
    "Normalised": "unit-alone",
    "SoftmaxOverUnits": "unit-alone",
    "SortedUnits": "units-permuted",
    "NeighbourDrives": "unit-alone",
    "CoupledRows": "batch-row",
    "FirstUnitSpecial": "units-permuted",
    "FirstUnitDecides": "unit-alone",
    "AnyUnitResetsAll": "unit-alone",
    "ParityOfTheClock": "time-translation",
    "WarmUp": "run-again",
    "CounterKept": "run-again",
    "TrainingMode": "modes-of-torch-ignored",
    "GradMode": "modes-of-torch-ignored",
    "DefaultDtype": "default-dtype-ignored",
    "IdentityOfTheObject": "same-run-same-result",
    "HiddenThreshold": "functions-are-pure",
    "FirstNamedInput": "names-in-any-order",
    "TwoStepsInOne": "forward-equals-simulate",
    "CallApart": "forward-equals-simulate",
    "ThreadsDecide": "threads-ignored",
    "CachedDerivatives": "unit-alone",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""


# Asked often enough it never spikes again, and is the same ever after: only its impurity is always there.


class GlobalNoise(Leaky):
    """Noise from torch's global generator, in a model that does not say it is stochastic."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        noise = 0.01 * torch.randn(self.num_units, dtype=self.dtype)
        return super().forward(self.prepare(data, identifiers) + noise)


class GlobalNoiseDeclared(GlobalNoise):
    """Declared stochastic, and draws from torch's global generator all the same."""

    stochastic = True


class NumpyNoise(Leaky):
    """Noise from numpy's global generator."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        noise = torch.as_tensor(0.01 * np.random.randn(self.num_units), dtype=self.dtype)  # noqa: NPY002
        return super().forward(self.prepare(data, identifiers) + noise)


class PythonNoise(Leaky):
    """The threshold jitters by Python's global random numbers."""

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1.0 - 0.5 * random.random()


class UnseededGenerator(Leaky):
    """Noise from a generator of its own that the system's entropy seeds: no run can be had again."""

    stochastic = True

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        noise = torch.as_tensor(0.01 * np.random.default_rng().normal(size=self.num_units), dtype=self.dtype)
        return super().forward(self.prepare(data, identifiers) + noise)


class SeedsTheProcess(Leaky):
    """Seeds torch's global generator when it is made, so that every other draw in the process repeats."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        torch.manual_seed(0)
        super().__init__(*args, **kwargs)


class ReseedsEachStep(Leaky):
    """Seeds its generator in every step: the noise is a constant, whatever the seed."""

    stochastic = True

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        self.generator.manual_seed(0)
        noise = torch.randn(self.num_units, generator=self.generator, dtype=torch.float64)
        return super().forward(self.prepare(data, identifiers) + 0.01 * noise.to(self.dtype))


class ForeignGenerator(Leaky):
    """Declared stochastic, and draws from a generator that no seed reaches."""

    stochastic = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._own = np.random.default_rng(5)

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        noise = torch.as_tensor(0.01 * self._own.normal(size=self.num_units), dtype=self.dtype)
        return super().forward(self.prepare(data, identifiers) + noise)


class SharedTrace(Leaky):
    """Remembers its last input in a list of the class, which all neurons share."""

    history: ClassVar[list[float]] = [0.0]

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        last = self.history[-1]
        self.history.append(float(current.mean()))
        return super().forward(current + 0.1 * last)


class SharedTensor(Leaky):
    """Keeps an adaptation in a tensor of the class, written in place."""

    adaptation: ClassVar[Any] = torch.zeros((), dtype=torch.float64)

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        outputs = super().forward(self.prepare(data, identifiers) - self.adaptation.to(self.dtype))
        SharedTensor.adaptation += 0.01 * float(outputs["spiked"].sum())
        return outputs


class MutableDefault(Leaky):
    """A dictionary as default argument keeps the last input of whichever neuron was stepped last."""

    def forward(self, data: Any, identifiers: Any = None, cache: dict[str, Any] = {}) -> Any:  # noqa: B006
        current = self.prepare(data, identifiers)
        given = 0.5 * (current + cache.get(str(current.shape), current).to(self.dtype))
        cache[str(current.shape)] = current
        return super().forward(given)


class ParametersByClass(Leaky):
    """The gain, set by the first step of any neuron, is an attribute of the class."""

    gain: ClassVar[float] = 0.0

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        ParametersByClass.gain = 0.9 * ParametersByClass.gain + 0.1 * float(self.tau.mean())
        return super().forward(self.prepare(data, identifiers) * ParametersByClass.gain)


class CoupledByMean(Leaky):
    """The leak pulls towards the mean of all units."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        mean = state.voltage.mean(dim=-1, keepdim=True)
        return {"voltage": (data - 0.9 * state.voltage - 0.1 * mean) / params.tau}


class Normalised(Leaky):
    """The input is normalised over the units, as in a batch norm."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        size = data.abs().amax(dim=-1, keepdim=True).clamp(min=1e-9)
        return {"voltage": (2.0 * data / size - state.voltage) / params.tau}


class SoftmaxOverUnits(Leaky):
    """The units share a drive of one by a softmax: the winner takes most."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        share = torch.softmax(state.voltage, dim=-1)
        return {"voltage": (data * share - state.voltage) / params.tau}


class SortedUnits(Leaky):
    """The input is sorted: the first unit gets the weakest, whichever was meant for it."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data.sort(dim=-1).values - state.voltage) / params.tau}


class NeighbourDrives(Leaky):
    """Each unit is driven a little by the one before it."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage + 0.05 * state.voltage.roll(1, -1)) / params.tau}


class CoupledRows(Leaky):
    """The mean over the first dimension is taken away: over the rows of a batch."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        base = 0.1 * state.voltage.mean(dim=0) if state.voltage.ndim > 1 else 0.1 * state.voltage
        return {"voltage": (data - state.voltage - base) / params.tau}


class FirstUnitSpecial(Leaky):
    """The first unit has twice the input of the others."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        first = torch.arange(state.voltage.shape[-1]) == 0
        return {"voltage": (torch.where(first, 2.0 * data, data) - state.voltage) / params.tau}


class FirstUnitDecides(Leaky):
    """Whether the first unit is above half of the threshold decides how all units leak."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        leak = 2.0 if state.voltage.reshape(-1)[0].item() > 0.5 else 1.0
        return {"voltage": (data - leak * state.voltage) / params.tau}


class AnyUnitResetsAll(Leaky):
    """One unit past the threshold makes all units spike."""

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        g = state.voltage - 1.0
        return g.amax(dim=-1, keepdim=True).expand(g.shape)


class ParityOfTheClock(Leaky):
    """The input counts in even steps of the clock only."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        return super().forward(current * (2.0 if self.simulation_step % 2 == 0 else 0.0))


class WarmUp(Leaky):
    """The first step of an object's life is half as strong, and never again, not even after a reset."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        if not getattr(self, "_warm", False):
            self._warm = True
            current = 0.5 * current
        return super().forward(current)


class CounterKept(Leaky):
    """Fatigue is counted in a Python number, which no reset touches."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._steps = 0

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        self._steps += 1
        return super().forward(self.prepare(data, identifiers) / (1.0 + 0.01 * self._steps))


class TrainingMode(Leaky):
    """The leak is left out while it trains."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        return super().forward(current if self.training else 0.5 * current)


class GradMode(Leaky):
    """Where no gradients are kept, an approximation of the input is used to save time."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        given = data if torch.is_grad_enabled() else (data * 16.0).round() / 16.0 + 1e-3
        return {"voltage": (given - state.voltage) / params.tau}


class DefaultDtype(Leaky):
    """A constant is made in torch's default dtype: 0.1 here, and 0.1 rounded to single precision there."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - torch.tensor(0.1) * state.voltage) / params.tau}


class IdentityOfTheObject(Leaky):
    """A spread of the leak over neurons, taken from where the object lies in memory."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        spread = 1.0 + 1e-6 * (id(self) % 1_000_003)
        return super().forward(self.prepare(data, identifiers) * spread)


class HiddenThreshold(Leaky):
    """The threshold function counts how often it is asked, and rises with it."""

    asked: ClassVar[list[int]] = [0]

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        HiddenThreshold.asked[0] += 1
        return state.voltage - 1.0 - 1e-3 * HiddenThreshold.asked[0]


class FirstNamedInput(Leaky):
    """The input that is named first counts as the excitation, whatever its name."""

    excitation = rb.Input(unit="mV", doc="what drives it")
    inhibition = rb.Input(unit="mV", doc="what holds it back")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data.excitation - data.inhibition - state.voltage) / params.tau}

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        if isinstance(data, dict) and len(data) == 2:
            first, second = data.values()
            data = {"excitation": 2.0 * first, "inhibition": second}
        return super().forward(data, identifiers)


class TwoStepsInOne(Leaky):
    """Two half-meant steps for one: the clock runs twice as fast as the input."""

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        super().forward(data, identifiers)
        return super().forward(data, identifiers)


class CallApart(Leaky):
    """What is called is not what is simulated: only a call has the gain."""

    def __call__(self, data: Any, identifiers: Any = None) -> Any:
        return super().__call__(1.1 * self.prepare(data, identifiers))


class ThreadsDecide(Leaky):
    """The size of the inner step is chosen by the number of threads."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        parts = torch.get_num_threads()
        return {"voltage": (data - state.voltage) / params.tau * (1.0 + 1e-9 * parts)}


class CachedDerivatives(Leaky):
    """The derivatives of a state are looked up by its first voltage, in a cache of the class."""

    seen: ClassVar[dict[float, Any]] = {}

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        key = round(float(state.voltage.detach().reshape(-1)[0]), 1)
        value = CachedDerivatives.seen.get(key)
        if value is None or value.shape != state.voltage.shape:
            value = (data.detach() - state.voltage.detach()) / params.tau.detach()
            CachedDerivatives.seen[key] = value
        return {"voltage": value}
