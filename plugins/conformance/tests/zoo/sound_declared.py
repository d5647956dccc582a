"""Sound models whose declarations could be taken for idle or too wide: nothing may be said of them."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch
from ground import Leaky

SOUND = [
    "Asleep",
    "ToldOutside",
    "BehindAChoice",
    "CapFarAway",
    "BeginsElsewhere",
    "HeldByHand",
    "GateWithALevel",
    "SharpExponential",
    "LargerOfTwo",
    "GuardedSynapse",
]

HARDEST = {
    "Asleep": ["declarations-have-effect"],
    "ToldOutside": ["declarations-have-effect"],
    "BehindAChoice": ["declarations-have-effect"],
    "CapFarAway": ["declarations-have-effect"],
    "BeginsElsewhere": ["declarations-have-effect"],
    "HeldByHand": ["declarations-have-effect"],
    "GateWithALevel": ["parameters-go-on-counting"],
    "SharpExponential": ["domains-are-finite"],
    "LargerOfTwo": ["parameters-go-on-counting"],
    "GuardedSynapse": ["domains-are-finite"],
}
"""Name -> the properties that it is hardest for."""


class Asleep(Leaky):
    """Adaptation that is off by default: its time constant, and its slope, count once its strength does."""

    strength = rb.Parameter(0.0, unit="1", at_least=0, doc="how strongly the adaptation acts")
    slope = rb.Parameter(0.0, unit="1", doc="how it follows the voltage")
    tau_adapt = rb.Parameter(100.0, unit="ms", above=0, doc="time constant of the adaptation")
    adapt = rb.State(0.0, unit="mV", at_rest=True, doc="adaptation")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {
            "voltage": (data - params.strength * state.adapt - state.voltage) / params.tau,
            "adapt": params.strength * (params.slope * state.voltage - state.adapt) / params.tau_adapt,
        }


class ToldOutside(Leaky):
    """A parameter that serves who asks: an extracellular potential, by the distance of the electrode."""

    distance = rb.Parameter(50.0, unit="um", above=0, doc="distance of the electrode")

    def potential(self) -> Any:
        """The potential at the electrode, uV."""
        return self.voltage / self.distance


class BehindAChoice(Leaky):
    """A parameter that counts for one choice of an option only."""

    leak = rb.Option("linear", "cubic", doc="how the leak grows")
    cubic = rb.Parameter(0.5, unit="1/mV2", at_least=0, doc="coefficient of V^3")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        v = state.voltage
        more = params.cubic * v**3 if params.leak == "cubic" else 0.0 * v
        return {"voltage": (data - v - more) / params.tau}


class CapFarAway(Leaky):
    """A current that is limited far beyond what the model needs to spike."""

    most = rb.Parameter(500.0, unit="mV", above=0, doc="the largest drive")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        drive = torch.minimum(data, params.most)
        return {"voltage": (drive - state.voltage) / params.tau}


class BeginsElsewhere(Leaky):
    """A parameter from which the voltage begins, and nothing else."""

    volt_start = rb.Parameter(-0.2, unit="mV", below=1, doc="voltage at the start")
    voltage = rb.State("volt_start", unit="mV", doc="membrane potential")


class HeldByHand(Leaky):
    """A forward of its own that counts the refractory period itself, in helpers; it spikes seldom."""

    tau_ref = rb.Parameter(5.0, unit="ms", at_least=0, doc="refractory period")

    def rest(self) -> Any:
        """The steps for which a spike holds the voltage."""
        return torch.round(self.tau_ref / self.dt).to(torch.int32)

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.prepare(data, identifiers)
        shape = torch.broadcast_shapes(current.shape, self.voltage.shape)
        current, v, left = (each.expand(shape) for each in (current, self.voltage, self.hold))
        moved = current + (v - current) * torch.exp(-self.dt / self.tau)
        new = torch.where(left > 0, v, moved)
        fired = (new >= 1.0) & (left == 0)
        new = torch.where(fired, 0.0, new)
        hold = torch.where(fired, self.rest(), (left - 1).clamp(min=0)).to(torch.int32)
        outputs = {"input": current, "voltage": new, "spiked": fired.to(torch.int8)}
        self.commit({"voltage": new, "hold": hold, "armed": new < 1.0, "carry": None}, outputs)
        return {name: value.clone() for name, value in outputs.items()}


class GateWithALevel(Leaky):
    """A current from a level of a bounded state on: a level above the bound, whichever, is never reached."""

    level = rb.Parameter(0.5, unit="1", at_least=0, doc="where the current sets in")
    gate = rb.State(0.0, unit="1", at_least=0, at_most=1, at_rest=True, doc="gate")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        more = torch.where(state.gate > params.level, 2.0, 0.0)
        opens = 0.01 * torch.relu(data) * (1.0 - state.gate)
        return {
            "voltage": (data + more - state.voltage) / params.tau,
            "gate": opens - state.gate / 20.0,
        }


class SharpExponential(rb.SpikingNeuron):
    """An exponential neuron, so sharp that it overflows where its onset is moved far below rest."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    volt_rest = rb.Parameter(-70.0, unit="mV", doc="resting potential")
    volt_onset = rb.Parameter(-50.0, unit="mV", doc="where the upstroke sets in")
    slope = rb.Parameter(0.1, unit="mV", above=0, doc="how sharply it does")
    voltage = rb.State("volt_rest", unit="mV", doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        rise = params.slope * torch.exp((state.voltage - params.volt_onset) / params.slope)
        return {"voltage": (params.volt_rest - state.voltage + rise + data) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage + 40.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": params.volt_rest}


class LargerOfTwo(Leaky):
    """A time constant with a floor that is a parameter too."""

    tau_least = rb.Parameter(3.0, unit="ms", above=0, doc="the shortest time constant")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (data - state.voltage) / torch.maximum(params.tau, params.tau_least)}


class GuardedSynapse(Leaky):
    """An amplitude that divides by a difference of time constants, with a value where they are equal."""

    tau_rise = rb.Parameter(1.0, unit="ms", above=0, doc="rise of the synapse")
    tau_decay = rb.Parameter(5.0, unit="ms", above=0, doc="decay of the synapse")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        apart = params.tau_decay - params.tau_rise
        equal = apart.abs() < 1e-9 * params.tau_decay
        size = torch.where(equal, 1.0, params.tau_decay / torch.where(equal, 1.0, apart))
        return {"voltage": (size * data - state.voltage) / params.tau}
