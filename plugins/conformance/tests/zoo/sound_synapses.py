"""Synapses with nothing wrong, each unusual in a way that a hasty property takes for a fault."""

from __future__ import annotations

import rheobase as rb
import torch
from ground import Conductance, Exponential, ShortTerm
from rheobase import SynapseSpec

SOUND = [
    "Plain",
    "Pulse",
    "Calcium",
    "Alpha",
    "DoubleExponential",
    "Shunting",
    "MagnesiumBlock",
    "Saturating",
    "Recovering",
    "Quantal",
    "BiasedReversal",
    "SlowAndFast",
    "ThirdFactor",
    "Depressing",
    "GatedBySource",
]
DEAR = [
    "SlowAndFast",
    "BiasedReversal",
    "DoubleExponential",
    "Shunting",
    "GatedBySource",
    "MagnesiumBlock",
    "Recovering",
    "ThirdFactor",
]


class Plain(Exponential):
    """An exponential current, with a summary and nothing else."""


class Pulse(rb.Synapse):
    """A spike of weight w:  V -> V + w."""

    weight_unit, into = "mV", "voltage"


class Calcium(rb.Synapse):
    """A spike of weight w adds to another state of its target than the potential."""

    weight_unit, into = "uM", "calcium"


class Alpha(rb.Synapse):
    """I = w e t / tau exp(-t / tau), as two equations of one time constant."""

    tau = rb.Parameter(2.0, unit="ms", above=0)
    current = rb.State(0.0, unit="pA", at_rest=True)
    rise = rb.State(0.0, unit="pA", at_rest=True)

    @staticmethod
    def derivatives(state, params):
        return {
            "current": (2.718281828459045 * state.rise - state.current) / params.tau,
            "rise": -state.rise / params.tau,
        }

    @staticmethod
    def arrive(state, params, weight):
        return {"rise": state.rise + weight}

    @staticmethod
    def output(state, params, post):
        return state.current


class DoubleExponential(rb.Synapse):
    """A gate that opens with one time constant and closes with another; they may be equal."""

    weight_unit = "nS"
    tau_rise = rb.Parameter(0.5, unit="ms", above=0)
    tau_decay = rb.Parameter(3.0, unit="ms", above=0)
    rise = rb.State(0.0, unit="nS", at_rest=True)
    open = rb.State(0.0, unit="nS", at_rest=True)

    @staticmethod
    def derivatives(state, params):
        return {
            "rise": -state.rise / params.tau_rise,
            "open": state.rise / params.tau_rise - state.open / params.tau_decay,
        }

    @staticmethod
    def arrive(state, params, weight):
        return {"rise": state.rise + weight}

    @staticmethod
    def output(state, params, post):
        return -state.open * post.voltage


class Shunting(Conductance):
    """A conductance whose reversal is where the target rests: it sends nothing there."""

    reversal = rb.Parameter(-65.0, unit="mV")


class MagnesiumBlock(Conductance):
    """A conductance that the target's own potential opens (Jahr and Stevens 1990)."""

    magnesium = rb.Parameter(1.0, unit="mM", at_least=0)

    @staticmethod
    def output(state, params, post):
        block = 1.0 + params.magnesium * torch.exp(-0.062 * post.voltage) / 3.57
        return state.conductance * (params.reversal - post.voltage) / block


class Saturating(rb.Synapse):
    """A gate from 0 to 1: a spike opens a part of what is closed; neither additive nor linear, and says "
    "so."""

    weight_unit = "1"
    tau = rb.Parameter(80.0, unit="ms", above=0)
    largest = rb.Parameter(2.0, unit="nS", at_least=0)
    open = rb.State(0.0, unit="1", at_rest=True)

    @staticmethod
    def derivatives(state, params):
        return {"open": -state.open / params.tau}

    @staticmethod
    def arrive(state, params, weight):
        return {"open": state.open + (1.0 - state.open) * (1.0 - torch.exp(-weight))}

    @staticmethod
    def output(state, params, post):
        return -params.largest * state.open * post.voltage


class Recovering(rb.Synapse):
    """A resource that spikes use up, at rest at 1 and not at 0."""

    weight_unit = "1"
    tau = rb.Parameter(3.0, unit="ms", above=0)
    tau_rec = rb.Parameter(100.0, unit="ms", above=0)
    use = rb.Parameter(0.3, unit="1", above=0, at_most=1)
    current = rb.State(0.0, unit="pA", at_rest=True)
    resource = rb.State(1.0, unit="1", at_rest=True)

    @staticmethod
    def derivatives(state, params):
        return {"current": -state.current / params.tau, "resource": (1.0 - state.resource) / params.tau_rec}

    @staticmethod
    def arrive(state, params, weight):
        released = params.use * state.resource * torch.tanh(weight)
        return {"current": state.current + 100.0 * released, "resource": state.resource - released}

    @staticmethod
    def output(state, params, post):
        return state.current


class Quantal(Exponential):
    """Below a smallest weight a spike does nothing: not additive, and says so."""

    @staticmethod
    def arrive(state, params, weight):
        return {"current": state.current + torch.where(weight > 1e-3, weight, 0.0)}


class BiasedReversal(Conductance):
    """A parameter that has a default by another, and one that may be 0."""

    shift = rb.Parameter(0.0, unit="mV")
    slope = rb.Parameter("tau", unit="ms", above=0)

    @staticmethod
    def output(state, params, post):
        return state.conductance * (params.reversal + params.shift - post.voltage) * params.tau / params.slope


class SlowAndFast(Exponential):
    """Two time constants a thousand times apart."""

    tau = rb.Parameter(0.5, unit="ms", above=0)
    tau_slow = rb.Parameter(500.0, unit="ms", above=0)
    slow = rb.State(0.0, unit="pA", at_rest=True)

    @staticmethod
    def derivatives(state, params):
        return {"current": -state.current / params.tau, "slow": -state.slow / params.tau_slow}

    @staticmethod
    def arrive(state, params, weight):
        return {"current": state.current + weight, "slow": state.slow + 0.01 * weight}

    @staticmethod
    def output(state, params, post):
        return state.current + state.slow


class ThirdFactor(Exponential):
    """Reads another state of its target than the potential, and keeps a count that does not rest."""

    count = rb.State(0.0, unit="pA")

    @staticmethod
    def derivatives(state, params):
        return {"current": -state.current / params.tau, "count": torch.zeros_like(state.count)}

    @staticmethod
    def arrive(state, params, weight):
        return {"current": state.current + weight, "count": state.count + weight}

    @staticmethod
    def output(state, params, post):
        return state.current * post.calcium + 0.0 * state.count


class Depressing(ShortTerm):
    """A resource of each source (Tsodyks and Markram 1997)."""


class GatedBySource(Conductance):
    """A gate of each source that saturates; what it adds is what is transmitted."""

    tau_gate = rb.Parameter(80.0, unit="ms", above=0)
    gate = rb.State(0.0, unit="1", per="source")

    @staticmethod
    def transmit(state, params, elapsed):
        gate = state.gate * torch.exp(-elapsed / params.tau_gate)
        return 0.5 * (1.0 - gate), {"gate": gate + 0.5 * (1.0 - gate)}


_BOTH = {"additive": True, "linear": True}
_OF_SOURCE = ("Depressing", "GatedBySource")
_CLAIMED = {name: _BOTH for name in SOUND if name not in ("Saturating", "Recovering", "Quantal", *_OF_SOURCE)}
_CLAIMED |= {name: {**_BOTH, "per": "source"} for name in _OF_SOURCE}
SPECS = {name: SynapseSpec("zoo", f"sound_synapses:{name}", **_CLAIMED.get(name, {})) for name in SOUND}
"""What is claimed of them."""
