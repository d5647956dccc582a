"""Models whose domains promise more than their equations keep."""

from __future__ import annotations

from typing import Any

import rheobase as rb
import torch

FAULTS = {
    "NoTimeToDecay": "domains-are-finite",
    "SquareRootOfTheRest": "domains-are-finite",
    "TimeConstantOfZero": "domains-are-finite",
    "TimeConstantWithoutDomain": "domains-are-finite",
    "EqualTimeConstants": "domains-are-finite",
    "ReleasesAll": "domains-are-finite",
    "TauOfAtLeastThree": "parameters-go-on-counting",
    "GainOfAtMostFive": "parameters-go-on-counting",
    "OneAtTheEdge": "parameters-go-on-counting",
    "FractionOfTwoZeros": "corners-of-domains-are-finite",
    "RootOfTheFarEnd": "corners-of-domains-are-finite",
    "TauOfAtLeastAHalf": "parameters-count-far-away",
    "GainOfAtMostForty": "parameters-count-far-away",
}
"""Name -> the property that must catch it. Its docstring says what is wrong."""

FULL = {
    "FractionOfTwoZeros": "domains-are-finite",
    "RootOfTheFarEnd": "domains-are-finite",
    "TauOfAtLeastAHalf": "parameters-go-on-counting",
    "GainOfAtMostForty": "parameters-go-on-counting",
}
"""Those that only the full profile catches, by its wider range -> the property that asks the same in a
narrower one, which they pass."""


class _Leaky(rb.SpikingNeuron):
    """tau dV/dt = -V + R I; at 1 mV a spike, and V is 0."""

    tau = rb.Parameter(10.0, unit="ms", above=0, doc="membrane time constant")
    gain = rb.Parameter(2.0, unit="1", at_least=0, doc="gain of the input")
    voltage = rb.State(0.0, unit="mV", at_rest=True, doc="membrane potential")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (params.gain * data - state.voltage) / params.tau}

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - 1.0

    @staticmethod
    def reset(state: Any, params: Any) -> Any:
        return {"voltage": torch.zeros_like(state.voltage)}


class TimeConstantOfZero(_Leaky):
    """Its domain lets zero in, and it divides by it."""

    tau = rb.Parameter(10.0, unit="ms", at_least=0, doc="membrane time constant")


class TimeConstantWithoutDomain(_Leaky):
    """It has no domain."""

    tau = rb.Parameter(10.0, unit="ms", doc="membrane time constant")


class EqualTimeConstants(_Leaky):
    """A synapse of two exponentials, whose amplitude divides by the difference of their time constants."""

    tau_rise = rb.Parameter(1.0, unit="ms", above=0, doc="rise of the synapse")
    tau_decay = rb.Parameter(5.0, unit="ms", above=0, doc="decay of the synapse")
    rise = rb.State(0.0, unit="mV", at_rest=True, doc="rising part")
    decay = rb.State(0.0, unit="mV", at_rest=True, doc="decaying part")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        size = params.tau_decay / (params.tau_decay - params.tau_rise)
        drive = params.gain * size * (state.decay - state.rise)
        return {
            "voltage": (drive - state.voltage) / params.tau,
            "rise": (data - state.rise) / params.tau_rise,
            "decay": (data - state.decay) / params.tau_decay,
        }


class SquareRootOfTheRest(_Leaky):
    """A threshold by a square root, of what a parameter may make negative."""

    spread = rb.Parameter(0.5, unit="mV", at_least=0, doc="softness of the threshold")

    @staticmethod
    def threshold(state: Any, params: Any) -> Any:
        return state.voltage - torch.sqrt(1.25 - params.spread**2)


class ReleasesAll(_Leaky):
    """The recovery divides by what is not released, and all may be."""

    release = rb.Parameter(0.4, unit="1", above=0, at_most=1, doc="part of the resources that is released")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        left = params.release / (1.0 - params.release)
        return {"voltage": (params.gain * data - (0.5 + left) * state.voltage) / params.tau}


class NoTimeToDecay(_Leaky):
    """A forward of its own that divides by the difference of two time constants."""

    tau_syn = rb.Parameter(2.0, unit="ms", above=0, doc="time constant of the synapse")

    def forward(self, data: Any, identifiers: Any = None) -> Any:
        current = self.gain * self.prepare(data, identifiers)
        current = current * self.tau / (self.tau - self.tau_syn)
        new = current + (self.voltage - current) * torch.exp(-self.dt / self.tau)
        fired = (new >= 1.0) & (self.voltage < 1.0)
        new = torch.where(fired, 0.0, new)
        outputs = {"input": current.expand(new.shape), "voltage": new, "spiked": fired.to(torch.int8)}
        self.commit({"voltage": new, "carry": None}, outputs)
        return {name: value.clone() for name, value in outputs.items()}


class TauOfAtLeastThree(_Leaky):
    """A time constant below 3 ms is quietly taken for 3."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (params.gain * data - state.voltage) / params.tau.clamp(min=3.0)}


class GainOfAtMostFive(_Leaky):
    """A gain above 5 is quietly taken for 5."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (params.gain.clamp(max=5.0) * data - state.voltage) / params.tau}


class OneAtTheEdge(_Leaky):
    """A part that may be one, and is quietly kept below 0.9."""

    part = rb.Parameter(0.5, unit="1", at_least=0, at_most=1, doc="part of the leak that is gated")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        part = params.part.clamp(max=0.9)
        return {"voltage": (params.gain * data - state.voltage / (1.0 - part)) / params.tau}


class FractionOfTwoZeros(_Leaky):
    """It divides by the sum of two conductances, each of which may be zero, and both."""

    leak = rb.Parameter(1.0, unit="nS", at_least=0, doc="leak conductance")
    shunt = rb.Parameter(0.5, unit="nS", at_least=0, doc="conductance of the shunt")

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        whole = (params.leak + 2.0 * params.shunt) / (params.leak + params.shunt)
        return {"voltage": (params.gain * data - whole * state.voltage) / params.tau}


class RootOfTheFarEnd(_Leaky):
    """A square root of 1 - tau / 500 ms, of a time constant that may be longer."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        part = torch.sqrt(1.0 - params.tau / 500.0)
        return {"voltage": (params.gain * part * data - state.voltage) / params.tau}


class TauOfAtLeastAHalf(_Leaky):
    """A time constant below 0.5 ms is quietly taken for 0.5."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (params.gain * data - state.voltage) / params.tau.clamp(min=0.5)}


class GainOfAtMostForty(_Leaky):
    """A gain above 40 is quietly taken for 40."""

    @staticmethod
    def derivatives(state: Any, params: Any, data: Any) -> Any:
        return {"voltage": (params.gain.clamp(max=40.0) * data - state.voltage) / params.tau}
