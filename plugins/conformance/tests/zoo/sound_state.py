"""Sound models that keep or take something unusual: nothing may be said against them."""

from __future__ import annotations

import math
from typing import Any

import rheobase as rb
import torch
from torch import nn

SOUND = [
    "OwnEquation",
    "LearnableGain",
    "DoubleConstants",
    "BoundedGates",
    "OwnUpdate",
    "PoissonSource",
    "FollowingDefaults",
    "Accumulator",
    "WeightsBySource",
    "Explosive",
    "LearntTimeConstant",
    "SilentRectifier",
]
DEAR = [
    "LearnableGain",
    "DoubleConstants",
    "BoundedGates",
    "OwnUpdate",
    "FollowingDefaults",
    "WeightsBySource",
    "LearntTimeConstant",
    "SilentRectifier",
]
"""Names of classes."""


def _relaxation(x: Any, data: Any) -> Any:
    return (data - x) / 10.0


class OwnEquation(rb.AnalogNeuron):
    """dV/dt = (I - V) / 10 ms, then rectified: declares nothing, and has a forward of its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("equation", _relaxation)
        super().__init__(*args, **kwargs)

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        out = super().forward(data, identifiers)
        self.voltage = out["voltage"].clamp(min=0.0)
        return self.loggable_state()


class LearnableGain(rb.AnalogNeuron):
    """tau dV/dt = -V + gain I, where the gain is a parameter of torch, which is not declared."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gain = nn.Parameter(torch.full((), 1.5, dtype=self.dtype, device=self.device))

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau}

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        return super().forward(self.prepare(data, identifiers) * self.gain, identifiers)


_SQUARE = torch.tensor(math.sqrt(2.0), dtype=torch.float64)
_RATE = 0.1234567890123456789


class DoubleConstants(rb.SpikingNeuron):
    """dV/dt = rate (I - V): constants in double precision beside states that may be in single."""

    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        nodes = torch.tensor([-0.1, 0.0, 0.1], dtype=torch.float64, device=state.voltage.device)
        mean = (data.unsqueeze(-1) + nodes).mean(dim=-1)
        return {"voltage": _RATE * (mean - state.voltage) / _SQUARE}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - _SQUARE

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": -_RATE}


class BoundedGates(rb.SpikingNeuron):
    """A neuron with an open and a closed gate, at the very bounds of their domains; no tau_ref."""

    tau = rb.Parameter(5.0, unit="ms", above=0, doc="membrane time constant")
    speed = rb.Parameter(1.0, unit="1/ms", above=0, at_most=1, doc="speed of the gates")
    volt_floor = rb.Parameter(-100.0, unit="mV", at_most=-80, doc="lowest voltage of the rectifier")
    voltage = rb.State(-70.0, unit="mV", doc="membrane potential")
    opened = rb.State(1.0, unit="1", at_least=0, at_most=1, doc="a gate that closes with the voltage")
    closed = rb.State(0.0, unit="1", at_least=0, at_most=1, doc="a gate that opens with the voltage")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        v = state.voltage
        aim = torch.sigmoid((v + 50.0) / 5.0)
        return {
            "voltage": (-70.0 - v + data * state.opened - 10.0 * state.closed) / params.tau,
            "opened": params.speed * (1.0 - aim - state.opened),
            "closed": params.speed * (aim - state.closed),
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage + 50.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.maximum(params.volt_floor, state.voltage - 20.0)}


class OwnUpdate(rb.SpikingNeuron):
    """V(t + dt) = leak V + I dt: a step of its own in one of its two schemes, and a spike at 1."""

    scheme = rb.Option("exact", "equation", doc="the recurrence, or the integrator")
    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    voltage = rb.State(0.0, unit="1", at_rest=True, doc="membrane potential")
    trace = rb.State(0.0, unit="1", at_rest=True, at_least=0, doc="count of spikes that fades")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": data - state.voltage / params.tau, "trace": -state.trace / 100.0}

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> Any:
        if params.scheme == "equation":
            return NotImplemented
        keep = torch.exp(-dt / params.tau)
        return {
            "voltage": state.voltage * keep + data * params.tau * (1.0 - keep),
            "trace": state.trace * math.exp(-dt / 100.0),
        }

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": state.voltage - 1.0, "trace": state.trace + 1.0}


class PoissonSource(rb.SpikingNeuron):
    """Spikes at random, by a rate: it takes no notice of its input."""

    stochastic = True

    rate = rb.Parameter(500.0, unit="Hz", at_least=0, doc="mean number of spikes per second")
    voltage = rb.State(0.0, unit="mV", doc="stands still")

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        shape = (*current.shape[:-1], self.num_units)
        chance = torch.rand(shape, generator=self.generator, dtype=torch.float64)
        self.spiked = chance < self.rate * self.dt / 1000.0
        self.input = current.expand(shape)
        self.voltage = torch.zeros(shape, dtype=self.dtype)
        return self.loggable_state()


class FollowingDefaults(rb.SpikingNeuron):
    """A quadratic neuron whose defaults follow each other, by names and by functions."""

    volt_low = rb.Parameter(-65.0, unit="mV", doc="stable fixed point")
    gap = rb.Parameter(15.0, unit="mV", above=0, doc="distance of the unstable fixed point")
    volt_high = rb.Parameter(lambda p: p.volt_low + p.gap, unit="mV", doc="unstable fixed point")
    volt_peak = rb.Parameter(lambda p: p.volt_high + 4.0 * p.gap, unit="mV", doc="peak of a spike")
    volt_reset = rb.Parameter("volt_low", unit="mV", doc="voltage after a spike")
    tau = rb.Parameter(lambda p: 0.5 * p.gap, unit="ms", above=0, doc="time constant")
    voltage = rb.State("volt_reset", unit="mV", at_rest=True, doc="membrane potential")
    last = rb.State(lambda p: 0.0 * p.gap, unit="mV", at_rest=True, doc="how far it was at the last spike")

    slow = rb.Preset("a slow one", params={"gap": 20.0}, stimulus=rb.stimulus.Constant(10.0), duration=50.0)
    kicked = rb.Preset("one that starts above its unstable point", state={"voltage": -40.0}, dt=0.05)

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        v = state.voltage
        slope = (v - params.volt_low) * (v - params.volt_high) / params.gap + data
        return {"voltage": slope / params.tau, "last": torch.zeros_like(v)}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - params.volt_peak

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": params.volt_reset, "last": state.voltage}


class Accumulator(rb.AnalogNeuron):
    """Counts in int64 how often its input was above zero, beside a voltage that follows the input."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.register_buffer("count", self._none())

    def _none(self) -> Any:
        return torch.zeros(self.num_units, dtype=torch.int64, device=self.device)

    def reset_state(self) -> None:
        super().reset_state()
        self.count = self._none()

    loggable_props = ("input", "voltage", "count")

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        self.count = self.get_buffer("count") + (current > 0)
        self.input = current.expand(self.get_buffer("count").shape)
        self.voltage = self.input
        return self.loggable_state()


class WeightsBySource(rb.SpikingNeuron):
    """A leaky neuron that combines its inputs by their names, and refuses those it does not know."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential")

    @staticmethod
    def aggregate(inputs: Any, identifiers: Any = None) -> Any:
        names = identifiers or ["drive"] * len(inputs)
        if not set(names) <= {"drive", "brake"}:
            raise rb.errors.InputError(f"sources are drive and brake, not {', '.join(names)}")
        signs = [1.0 if name == "drive" else -1.0 for name in names]
        return sum(sign * each for sign, each in zip(signs, inputs, strict=True))

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": state.voltage - 1.0}


class Explosive(rb.AnalogNeuron):
    """dV/dt = V^2 + I, which leaves for infinity, and says so: there is no reset."""

    voltage = rb.State(-1.0, unit="1", doc="the variable")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": state.voltage**2 + data}


class LearntTimeConstant(rb.SpikingNeuron):
    """A leaky neuron whose declared time constant is learnt from the start; exp and pow of parameters."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    power = rb.Parameter(2.0, unit="1", above=0, doc="exponent of the leak")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tau = nn.Parameter(self.tau.detach().clone())

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        leak = state.voltage.abs() ** params.power * state.voltage.sign()
        return {"voltage": (data - leak) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}


class SilentRectifier(rb.SpikingNeuron):
    """A state with a domain open below, a spike that never comes, and no state named voltage."""

    tau = rb.Parameter(20.0, unit="ms", above=0, doc="time constant")
    excitement = rb.State(1.0, unit="1", above=0, doc="what the input raises, above zero always")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        drive = torch.nn.functional.softplus(data)
        return {"excitement": (drive / (1.0 + drive) - state.excitement) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.excitement - 5.0
