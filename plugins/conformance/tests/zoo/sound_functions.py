"""Sound models whose functions have kinks, steps, cancellations or resets that could be taken for faults."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch

SOUND = [
    "MarkedPlateau",
    "SaturatingMark",
    "SteepUpstroke",
    "FastAndExact",
    "BurstingReset",
    "Interpolated",
    "PiecewiseLinear",
    "FixedPoint",
    "SlowlyBack",
    "CancelsInDouble",
    "SmallForLong",
]

DEAR = ["BurstingReset"]
HARDEST = {
    "MarkedPlateau": [
        "reset-rearms",
        "bears-moderate-drive",
        "threshold-is-continuous",
        "reset-holds-at-the-crossing",
    ],
    "SaturatingMark": ["many-resets-keep-the-domains", "states-stay-in-their-domains"],
    "SteepUpstroke": [
        "functions-have-their-gradients",
        "functions-are-precise",
        "reset-rearms",
        "bears-moderate-drive",
        "threshold-is-continuous",
        "reset-holds-at-the-crossing",
        "steps-of-dt-max-serve",
    ],
    "FastAndExact": ["functions-have-their-gradients", "functions-are-precise", "update-follows-derivatives"],
    "BurstingReset": [
        "functions-have-their-gradients",
        "functions-are-precise",
        "reset-rearms",
        "bears-moderate-drive",
        "threshold-is-continuous",
        "reset-holds-at-the-crossing",
    ],
    "Interpolated": ["functions-have-their-gradients", "functions-are-precise"],
    "PiecewiseLinear": ["functions-have-their-gradients", "functions-are-precise"],
    "FixedPoint": ["functions-have-their-gradients", "functions-are-precise"],
    "SlowlyBack": ["spikes-again-after-a-rest", "own-steps-keep-the-graph", "own-steps-are-precise"],
    "CancelsInDouble": [
        "functions-are-precise",
        "update-follows-derivatives",
        "layer-learns-the-same-in-each-backend",
    ],
    "SmallForLong": [
        "float32-close-to-float64",
        "update-follows-derivatives",
        "functions-have-their-gradients",
    ],
}
"""Name -> the properties that it is hardest for; they are tried in the standard profile in the usual run."""


class _Leaky(rb.SpikingNeuron):
    """tau dV/dt = -V + I, a threshold at 15 and a reset to 0."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential, above rest")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 15.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}


class MarkedPlateau(_Leaky):
    """A detector of rising voltages: it tells each by a spike, and resets nothing but the mark of it."""

    mark = rb.State(0.0, unit="1", at_rest=True, doc="what spikes leave behind")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau, "mark": -state.mark / 50.0}

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"mark": state.mark + 1.0}


class SaturatingMark(MarkedPlateau):
    """The mark lies between 0 and 1, and each spike adds a third of what is left."""

    mark = rb.State(0.0, unit="1", at_rest=True, at_least=0, at_most=1, doc="what spikes leave behind")

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage), "mark": state.mark + 0.3 * (1.0 - state.mark)}


class SteepUpstroke(rb.SpikingNeuron):
    """An exponential neuron whose upstroke begins within a fifth of a millivolt, in volts and amperes."""

    dt_max = 0.02

    capacitance = rb.Parameter(2e-10, unit="F", above=0, doc="membrane capacitance")
    leak = rb.Parameter(1e-8, unit="S", above=0, doc="leak conductance")
    width = rb.Parameter(2e-4, unit="V", above=0, doc="how sharp the upstroke is")
    voltage = rb.State(-0.07, unit="V", doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        upstroke = params.width * torch.exp(((state.voltage + 0.05) / params.width).clamp(max=40.0))
        current = params.leak * (-0.07 - state.voltage + upstroke) + data
        return {"voltage": 1e-3 * current / params.capacitance}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage + 0.03

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": -0.07 + 0.0 * state.voltage}


class FastAndExact(_Leaky):
    """A synapse of 10 microseconds before the membrane: equations, and a step that solves each by itself."""

    tau_syn = rb.Parameter(0.01, unit="ms", above=0, doc="time constant of the synapse")
    synapse = rb.State(0.0, unit="mV", at_rest=True, doc="synaptic drive")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {
            "voltage": (state.synapse - state.voltage) / params.tau,
            "synapse": (data - state.synapse) / params.tau_syn,
        }

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> Any:
        synapse = data + (state.synapse - data) * torch.exp(-dt / params.tau_syn)
        return {
            "voltage": synapse + (state.voltage - synapse) * torch.exp(-dt / params.tau),
            "synapse": synapse,
        }


class BurstingReset(_Leaky):
    """Spikes of a burst are reset high, and the last one low: the reset looks at another state."""

    tau_ref = rb.Parameter(1.0, unit="ms", at_least=0, doc="refractory period")
    tired = rb.State(0.0, unit="1", at_rest=True, doc="what the spikes of a burst leave behind")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / params.tau, "tired": -state.tired / 30.0}

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        ends = state.tired > 2.5
        return {
            "voltage": torch.where(ends, -10.0, 12.0).to(state.voltage.dtype),
            "tired": torch.where(ends, 0.0, state.tired + 1.0),
        }


class Interpolated(_Leaky):
    """A leak from a table of one value for each millivolt, with straight lines between them."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        low = torch.floor(state.voltage).detach()
        part = state.voltage - low
        leak = (1.0 - part) * torch.sinh(low / 10.0) + part * torch.sinh((low + 1.0) / 10.0)
        return {"voltage": (data - 10.0 * leak) / params.tau}


class PiecewiseLinear(_Leaky):
    """A leak in three pieces (McKean 1970), with kinks at rest and at a third of the way."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        v = state.voltage
        leak = torch.where(v < 0.0, 2.0 * v, torch.where(v < 5.0, v, 0.5 * v + 2.5))
        return {"voltage": (data - leak) / params.tau}


class FixedPoint(rb.SpikingNeuron):
    """A neuron of a chip: a map whose voltage is a whole number of 1/256, cut off in each step."""

    discrete = True
    differentiable = False

    decay = rb.Parameter(0.9, unit="1", above=0, below=1, doc="what a step leaves of the voltage")
    voltage = rb.State(0.0, unit="1", at_rest=True, doc="membrane potential")

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> Any:
        return {"voltage": torch.trunc(256.0 * (params.decay * state.voltage + data)) / 256.0}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": state.voltage - 1.0}


class SlowlyBack(_Leaky):
    """A forward of its own with a fatigue of a second, which is kept in a buffer and lowers the input."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.register_buffer("fatigue", self._none())

    def _none(self) -> Any:
        return torch.zeros(self.num_units, dtype=self.dtype, device=self.device)

    def reset_state(self) -> None:
        super().reset_state()
        self.fatigue = self._none()

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers) - self.fatigue
        moved = current + (self.voltage - current) * torch.exp(-self.dt / self.tau)
        fired = (moved >= 15.0) & (self.voltage < 15.0)
        voltage = torch.where(fired, 0.0, moved)
        self.fatigue = self.fatigue * (1.0 - self.dt / 1000.0) + 10.0 * fired.to(self.dtype)
        outputs = {"input": current.expand(voltage.shape), "voltage": voltage, "spiked": fired.to(torch.int8)}
        self.commit({"voltage": voltage, "armed": voltage < 15.0, "carry": None}, outputs)
        return {name: value.clone() for name, value in outputs.items()}


class CancelsInDouble(_Leaky):
    """An exact step by two numbers that are a million times as large as what is left of them."""

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> Any:
        far = 1e6
        keep = torch.exp(-dt / params.tau)
        return {"voltage": (far + data) - far + (state.voltage + far - data) * keep - far * keep}


class SmallForLong(_Leaky):
    """Three filters in a row, exactly: each state is the input less what is left, and rounded as that."""

    first = rb.State(0.0, unit="mV", at_rest=True, doc="tau dq/dt = I - q")
    second = rb.State(0.0, unit="mV", at_rest=True, doc="tau di/dt = q - i")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {
            "voltage": (state.second - state.voltage) / params.tau,
            "first": (data - state.first) / params.tau,
            "second": (state.first - state.second) / params.tau,
        }

    @staticmethod
    def update(state: Any, params: Any, data: Any, dt: Any) -> Any:
        x = dt / params.tau
        left = torch.exp(-x)
        q, i, v = state.first - data, state.second - data, state.voltage - data
        return {
            "voltage": data + left * (v + x * i + 0.5 * x * x * q),
            "first": data + left * q,
            "second": data + left * (i + x * q),
        }
